"""Copies of prompts, with all that belongs to them, by a handful of statements for thousands of them."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import batched
from typing import Any

from django.db import connection, models, transaction
from django.db.models import Sum
from django.utils.text import slugify

from benchmarks.pages_templates import NOW, Template
from benchmarks.pages_words import Words
from prompts_app.models import (
    Case,
    Listing,
    ListingCount,
    ListingTerm,
    Prompt,
    Result,
    Run,
    SearchDocument,
    User,
    Version,
)
from prompts_app.search import author_key, storable

AT_ONCE = 10_000  # clones in one transaction
MOST_TEMPLATES = 300
# The most a template has of each; ids of clones are counted in these steps, so that none meets another.
ROOM: dict[type[models.Model], int] = {Version: 8, Case: 16, Run: 4, Result: 64}

PLAN = (
    "number", "template_id", "template_number", "template_title", "template_summary", "template_text",
    "owner_id", "slug", "title", "summary", "text",
    "found_title", "found_summary", "found_text", "found_author", "author",
    "handle", "published_at", "by_published",
)  # fmt: skip
NUMBERS = {"number", "template_id", "template_number", "owner_id", "by_published"}


def clone_all(
    templates: Sequence[Template],
    owners: Sequence[int],
    words: Words,
    chance: random.Random,
    *,
    with_results: bool,
) -> None:
    with connection.cursor() as cursor:
        kinds = ", ".join(f"{name} {'bigint' if name in NUMBERS else 'text'}" for name in PLAN)
        cursor.execute(f"CREATE TEMPORARY TABLE plan ({kinds})")
        cursor.execute("CREATE TEMPORARY TABLE ranked (kind text, id bigint, prompt_id bigint, rank bigint)")
        cursor.executemany("INSERT INTO ranked VALUES (%s, %s, %s, %s)", list(_ranks(templates)))
        cursor.execute("CREATE INDEX ranked_by_prompt ON ranked (kind, prompt_id)")
        cursor.execute("CREATE INDEX ranked_by_id ON ranked (kind, id)")
        cursor.execute("ANALYZE ranked")
    copies = Counter[int]()  # of each template
    names = dict(User.objects.values_list("pk", "username"))
    numbered = enumerate(owners, len(templates))
    first = max(template.prompt.pk for template in templates) + 1 - len(templates)
    statements = list(_statements(first, len(templates)))
    if not with_results:
        statements = [
            one for one in statements if not one.startswith(f"INSERT INTO {Result._meta.db_table} ")
        ]
    for some in batched(numbered, AT_ONCE):
        rows = [_planned(number, owner, names[owner], templates, words, chance) for number, owner in some]
        copies.update(row[1] for row in rows)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM plan")
            _insert(cursor, rows)
            if connection.vendor == "postgresql":  # nobody counts what is in temporary tables
                cursor.execute("ANALYZE plan")
            for statement in statements:
                cursor.execute(statement)
    with connection.cursor() as cursor:
        _count_terms(templates, copies)
        cursor.execute("DROP TABLE plan")
        cursor.execute("DROP TABLE ranked")
        _go_on_counting(cursor)


def _ranks(templates: Iterable[Template]) -> Iterator[tuple[str, int, int, int]]:
    """Each row of a template with its place among those of its prompt."""
    for template in templates:
        prompt = template.prompt
        rows: dict[type[models.Model], Any] = {
            Version: prompt.versions.order_by("pk"),
            Case: prompt.cases.order_by("pk"),
            Run: prompt.runs.order_by("pk"),
            Result: Result.objects.filter(run__prompt=prompt).order_by("public_id"),
        }
        for model, found in rows.items():
            for rank, key in enumerate(found.values_list("pk", flat=True)):
                yield model.__name__, key, prompt.pk, rank


def _planned(
    number: int, owner: int, handle: str, templates: Sequence[Template], words: Words, chance: random.Random
) -> tuple[Any, ...]:
    template = templates[0] if handle == "author-few" else chance.choice(templates)
    while handle == "author-many" and not template.is_public:
        template = chance.choice(templates)
    title, summary, text = words.title(), words.summary(), words.text()
    was = template.prompt
    when = NOW - timedelta(minutes=chance.randrange(500_000))
    published = when.isoformat(" ") if template.is_public else None
    author = f"Author {handle[7:].title()}"
    return (
        number, was.pk, int(was.slug.split("-")[1]), was.title, was.summary, template.text,
        owner, f"{slugify(title)[:60] or 'prompt'}-{number}", title, summary, text,
        storable(title), storable(f"{summary} {was.get_task_display()}"), storable(text),
        f"{author} {handle}", author, handle, published, int(when.timestamp() * 1_000_000),
    )  # fmt: skip


def _insert(cursor: Any, rows: Sequence[tuple[Any, ...]]) -> None:
    if connection.vendor == "postgresql":
        with cursor.copy(f"COPY plan ({', '.join(PLAN)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    else:
        cursor.executemany(f"INSERT INTO plan VALUES ({', '.join(['%s'] * len(PLAN))})", rows)


def _statements(first: int, templates: int) -> Iterator[str]:
    """The clones of all that are planned. ``first`` + number is the id of a prompt."""
    prompt = f"{first} + plan.number"
    is_fork = "plan.number % 33 = 0 AND plan.number > " + str(templates)
    fork_of = f"CASE WHEN {is_fork} THEN {_new_id(Version, 'plan.number - 1', '0')} END"
    yield _clone(Prompt, "plan.template_id = t.id", {
        "id": prompt, "owner_id": "plan.owner_id", "slug": "plan.slug", "title": "plan.title",
        "summary": "plan.summary", "published_at": _moment("plan.published_at"),
        "baseline_id": "NULL", "forked_from_id": fork_of,
        "forked_licence": f"CASE WHEN {is_fork} THEN t.licence ELSE '' END",
        "evidence": _renumbered("evidence", "r"),
    })  # fmt: skip
    yield (
        "INSERT INTO prompts_app_prompt_tags (prompt_id, tag_id) "
        f"SELECT {prompt}, t.tag_id "
        "FROM plan JOIN prompts_app_prompt_tags t ON t.prompt_id = plan.template_id"
    )
    yield _clone(Version, _of(Version), {
        "id": _new_id(Version), "prompt_id": prompt,
        "messages": _json("messages", "replace({}, plan.template_text, plan.text)"),
    })  # fmt: skip
    yield _clone(Case, _of(Case), {
        "id": _new_id(Case), "prompt_id": prompt, "public_id": _renumbered_text("public_id", "c"),
    })  # fmt: skip
    yield _clone(Run, f"{_of(Run)} JOIN ranked v ON v.kind = 'Version' AND v.id = t.version_id", {
        "id": _new_id(Run), "prompt_id": prompt, "version_id": _new_id(Version, rank="v.rank"),
        "public_id": _renumbered_text("public_id", "r"), "batch_id": "NULL", "endpoint_id": "NULL",
    }, joined=True)  # fmt: skip
    yield _clone(Result, f"{_of(Result)} JOIN ranked v ON v.kind = 'Run' AND v.id = t.run_id", {
        "id": _new_id(Result), "run_id": _new_id(Run, rank="v.rank"),
        "public_id": _renumbered_text("public_id", "o"),
    }, joined=True)  # fmt: skip
    body = "replace(t.body, plan.template_text, plan.found_text)"
    place = f"t.place - t.prompt_id + {prompt}"  # in that order the index takes many at once
    yield _clone(SearchDocument, "plan.template_id = t.prompt_id", {
        "id": prompt, "prompt_id": prompt, "title": "plan.found_title", "summary": "plan.found_summary",
        "author": "plan.found_author", "body": body, "place": place,
        "of_author": f"'{author_key(0)[:-1]}' || plan.owner_id",
    }) + f" ORDER BY {place}"  # fmt: skip
    yield from _lists(prompt)


def _lists(prompt: str) -> Iterator[str]:
    """The narrow rows, and the terms that the triggers write of them."""
    changed = {name: f"plan.{name}" for name in ("owner_id", "handle", "author", "slug", "title", "summary")}
    changed |= {"published_at": _moment("plan.published_at"), "by_published": "plan.by_published"}
    yield _clone(Listing, "plan.template_id = t.prompt_id", {**changed, "prompt_id": prompt})
    term = {"listing_id": prompt, "by_published": "plan.by_published"}
    yield _clone(ListingTerm, "plan.template_id = t.listing_id", term)


def _count_terms(templates: Sequence[Template], copies: Counter[int]) -> None:
    """How many have each pair of terms: what the triggers counted of each template, for each copy."""
    listings = Listing.objects.listed().filter(prompt__in=[template.prompt.pk for template in templates])
    found = {listing.pk: list(_pairs(listing.terms)) for listing in listings}
    before = Counter(pair for pairs in found.values() for pair in pairs)
    counts = ListingCount.objects.values_list("given", "term").annotate(sum=Sum("n"))
    counted = {(given, term): n for given, term, n in counts if n}
    assert before == counted, "the triggers count other pairs than these"
    after = Counter[tuple[str, str]]()
    for key, pairs in found.items():
        for pair in pairs:
            after[pair] += 1 + copies[key]
    ListingCount.objects.all().delete()
    rows = (ListingCount(given=given, term=term, n=n, is_new=False) for (given, term), n in after.items())
    ListingCount.objects.bulk_create(rows, batch_size=1000)


def _pairs(terms: Sequence[str]) -> Iterator[tuple[str, str]]:
    """As the migration ``listing_triggers`` says: a pair counts where both are not of one kind."""
    for given in ("", *terms):
        for term in ("", *terms):
            kind = term.partition(":")[0]
            if not given or (term and given.partition(":")[0] != kind):
                yield f"{kind}|{given}", term


def _of(model: type[models.Model]) -> str:
    return (
        f"JOIN ranked r ON r.kind = '{model.__name__}' AND r.prompt_id = plan.template_id "
        f"JOIN {model._meta.db_table} t ON t.id = r.id"
    )


def _new_id(model: type[models.Model], number: str = "plan.number", rank: str = "r.rank") -> str:
    """Above those of the templates, which are at most so many."""
    room = ROOM[model]
    return f"{MOST_TEMPLATES * room} + ({number}) * {room} + {rank}"


def _clone(model: type[models.Model], source: str, changed: dict[str, str], *, joined: bool = False) -> str:
    table = model._meta.db_table
    fields = [field for field in model._meta.local_concrete_fields if not field.generated]
    columns = [str(field.column) for field in fields if field.column]
    values = ", ".join(changed.get(column, f't."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    join = source if source.startswith("JOIN") or joined else f"JOIN {table} t ON {source}"
    return f"INSERT INTO {table} ({names}) SELECT {values} FROM plan {join}"


def _renumbered(column: str, letter: str) -> str:
    return _json(column, _replaced("{}", letter))


def _renumbered_text(column: str, letter: str) -> str:
    return _replaced(f"t.{column}", letter)


def _replaced(text: str, letter: str) -> str:
    was, now = (f"{_padded(n)} || '{letter}'" for n in ("plan.template_number", "plan.number"))
    return f"replace({text}, {was}, {now})"


def _padded(number: str) -> str:
    if connection.vendor == "postgresql":
        return f"lpad(({number})::text, 8, '0')"
    return f"substr('00000000' || ({number}), -8)"


def _json(column: str, expression: str) -> str:
    if connection.vendor == "postgresql":
        return f"({expression.format(f't.{column}::text')})::jsonb"
    return expression.format(f"t.{column}")


def _moment(column: str) -> str:
    return f"{column}::timestamptz" if connection.vendor == "postgresql" else f"substr({column}, 1, 19)"


def _go_on_counting(cursor: Any) -> None:
    """The next row somebody saves gets an id above all of these."""
    if connection.vendor != "postgresql":
        return
    models_cloned: list[type[models.Model]] = [Prompt, SearchDocument, *ROOM]
    for model in models_cloned:
        table = model._meta.db_table
        newest = f"(SELECT max(id) FROM {table})"
        cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {newest})")
