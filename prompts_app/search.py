"""Full-text search over prompts: one function, two backends.

SQLite searches an FTS5 table kept by triggers, Postgres a generated tsvector; both are made by the
migration ``0002_search`` over the table of ``SearchDocument``. A search never widens what its caller may
see: it only narrows the queryset it is given.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import batched
from typing import Any, cast

import regex
from django.db import connections
from django.db.models import Exists, F, OuterRef, Prefetch, QuerySet
from django.db.models.expressions import RawSQL

from prompts_app.engine.masking import Mask
from prompts_app.models import Prompt, SearchDocument, Version
from prompts_app.models.reading import reading
from prompts_app.models.texts import texts_in_row

MOST_TERMS = 12
LONGEST_TERM = 80  # characters
LONGEST_BODY = 60_000  # characters: beyond it Postgres refuses the row (a tsvector holds 1 MB)
IN_THE_BODY = {"prompt.situation", "version.messages"}
FIELDS = ("title", "tags", "summary", "author", "body")

# Scripts written without spaces, and Korean, whose words take endings: what is sought may stand anywhere in a
# run of them. Half-width and full-width forms are made one before.
_RUN = regex.compile(
    r"""[
        \p{scx=Han} \p{scx=Hira} \p{scx=Kana} \p{scx=Hang} \p{scx=Thai} \p{scx=Laoo} \p{scx=Khmr} \p{scx=Mymr}
        --[\p{P} \p{S} \p{N} \s]
    ]+""".replace(" ", "").replace("\n", ""),
    regex.V1,
)
_TERM = re.compile(r'"([^"]*)"|(\S+)')
# Words that say nothing about what is sought; Postgres' English dictionary drops them by itself.
_STOP = frozenset("a an and are as at be by for from how in is it of on or that the this to with".split())


# --- finding ---------------------------------------------------------------------------------------------


def search_terms(text: str) -> list[str]:
    """The words and "quoted phrases" of a search, at most MOST_TERMS; [] where nothing can be sought."""
    clean = text.replace("\x00", " ").encode("utf-8", "ignore").decode()
    found = [
        (match[1] or match[2] or "").replace('"', " ").strip()[:LONGEST_TERM]
        for match in _TERM.finditer(clean)
    ]
    terms = list(dict.fromkeys(term for term in found if any(letter.isalnum() for letter in term)))[
        :MOST_TERMS
    ]
    return [term for term in terms if term.lower() not in _STOP] or terms


def in_words(text: str, *, sought: bool = False) -> str:
    """``text`` as the index holds it: a run of letters that knows no spaces as its overlapping pairs.

    "天気予報" is kept as "天気 気予 予報 報" and ``sought`` as "天気 気予 予報", so that two letters or more
    are found wherever they stand in a run, by the index of words that both databases have; and one letter as
    the beginning of a pair.
    """
    return _RUN.sub(
        lambda run: f" {' '.join(_pairs(run[0], sought=sought))} ", unicodedata.normalize("NFKC", text)
    )


def _pairs(run: str, *, sought: bool) -> Iterator[str]:
    last = len(run) - 1 if sought and len(run) > 1 else len(run)
    return (run[at : at + 2] for at in range(last))


@dataclass(frozen=True, slots=True)
class _Match:
    """What one search is in SQL, over the tables named in ``tables`` and prompts_app_searchdocument."""

    tables: list[str]
    where: str
    params: list[str]
    relevance: str  # an expression that is smaller for better matches
    relevance_params: list[str]


def prompts_that_match[Q: QuerySet[Any]](prompts: Q, text: str) -> Q:
    """Those of ``prompts`` that hold every term of ``text``, in no order; may be used inside a query."""
    terms = search_terms(text)
    if not terms:
        return prompts.none()
    match = _match(prompts.db, terms)
    tables = ", ".join(["prompts_app_searchdocument", *match.tables])
    found = RawSQL(  # noqa: S611 what was typed is only in params
        f"SELECT prompts_app_searchdocument.prompt_id FROM {tables} WHERE {match.where}",  # noqa: S608
        match.params,
    )
    return prompts.filter(pk__in=found)


def search_prompts[Q: QuerySet[Any]](prompts: Q, text: str) -> Q:
    """Those of ``prompts`` that hold every term of ``text``, most relevant first.

    A word in the title weighs more than one in the tags, then summary, author, text. The last word also
    finds longer words that begin with it. Among equals the better evidenced comes first.
    """
    terms = search_terms(text)
    if not terms:
        return prompts.none()
    match = _match(prompts.db, terms)
    found = prompts.filter(search_document__isnull=False).extra(  # noqa: S610 what was typed is only in params
        tables=match.tables,
        where=[match.where],
        params=match.params,
        select={"relevance": match.relevance},
        select_params=match.relevance_params,
    )
    best = (F("evidence_level").desc(nulls_last=True), F("evidence_low").desc(), "pk")
    return cast("Q", found.order_by("relevance", *best))


def _match(database: str, terms: list[str]) -> _Match:
    words = [" ".join(in_words(term, sought=True).split()) for term in terms]
    return _postgres(words) if connections[database].vendor == "postgresql" else _sqlite(words)


def _sqlite(terms: list[str]) -> _Match:
    """bm25 is smaller for better matches; its weights follow the columns' order."""
    return _Match(
        tables=["prompts_app_search"],
        where="prompts_app_search.rowid = prompts_app_searchdocument.id AND prompts_app_search MATCH %s",
        params=[" ".join(f'"{term}"' for term in terms) + "*"],
        relevance="bm25(prompts_app_search, 20.0, 10.0, 6.0, 2.0, 0.7)",
        relevance_params=[],
    )


_STEMS = "websearch_to_tsquery('english', %s)"
# The words as they stand, or all but the last so and the last one as a beginning.
_WORDS = (
    "(websearch_to_tsquery('simple', %s) || (websearch_to_tsquery('simple', %s) && to_tsquery('simple', %s)))"
)
_ONE_WORD = "(websearch_to_tsquery('simple', %s) || to_tsquery('simple', %s))"


def _postgres(terms: list[str]) -> _Match:
    """ts_rank is larger for better matches, so it is negated."""
    whole, rest = (" ".join(f'"{term}"' for term in some) for some in (terms, terms[:-1]))
    beginning = "'{}':*".format(terms[-1].replace("\\", " ").replace("'", "''"))
    words, of_words = (_WORDS, [whole, rest, beginning]) if rest else (_ONE_WORD, [whole, beginning])
    table = "prompts_app_searchdocument"
    head = f"ts_rank('{{0.15,0.3,0.6,1.0}}', {table}.head, {_STEMS} || {words})"
    return _Match(
        tables=[],
        where=f"({table}.stems @@ {_STEMS} OR {table}.words @@ {words})",
        params=[whole, *of_words],
        relevance=f"-(10 * {head} + ts_rank({table}.stems, {_STEMS}))",
        relevance_params=[whole, *of_words, whole],
    )


# --- keeping ---------------------------------------------------------------------------------------------


@reading(None)  # what is written down is masked here, whoever's request it is
def reindex(prompts: Iterable[Prompt]) -> None:
    """Write down what the search reads of these prompts. Call it after any change of one."""
    for keys in batched([prompt.pk for prompt in prompts], 200):
        SearchDocument.objects.bulk_create(
            _documents(keys), update_conflicts=True, unique_fields=["prompt"], update_fields=list(FIELDS)
        )


def _documents(keys: Iterable[int]) -> Iterator[SearchDocument]:
    newer = Version.objects.filter(prompt=OuterRef("prompt"), number__gt=OuterRef("number"))
    newest = Prefetch("versions", Version.objects.filter(~Exists(newer)), to_attr="newest")
    rows = Prompt.objects.filter(pk__in=list(keys)).with_author()
    rows = rows.prefetch_related("tags", newest, "private_spans")
    return map(_document, rows)


def _document(prompt: Prompt) -> SearchDocument:
    newest: list[Version] = getattr(prompt, "newest", [])
    mask = Mask(span.as_engine() for span in prompt.private_spans.all())  # for everybody, its author too
    texts = [text for row in (prompt, *newest) for text in texts_in_row(row) if text.column in IN_THE_BODY]
    return SearchDocument(
        prompt=prompt,
        title=storable(mask.text(prompt.title)),
        tags=storable(" ".join(tag.name for tag in prompt.tags.all())),
        summary=storable(f"{mask.text(prompt.summary)} {prompt.get_task_display()}"),
        author=storable(f"{prompt.owner.display_name} {prompt.owner.handle}"),
        body=storable("\n".join(mask.text(string) for text in texts for string in text.strings())),
    )


def storable(text: str) -> str:
    """In words, without what neither database takes, and no longer than both take."""
    return (
        in_words(text[:LONGEST_BODY])[:LONGEST_BODY].replace("\x00", " ").encode("utf-8", "ignore").decode()
    )
