"""Full-text search over prompts: ``find``, on two databases.

SQLite searches FTS5 tables kept by triggers, Postgres generated tsvectors; the migrations make both over the
table of ``SearchDocument``. A search never widens what its caller may see: it gives numbers of prompts, and
the caller loads them from the queryset of what may be seen. See ADR 0007.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched, chain, islice

import regex
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Exists, OuterRef, Prefetch

from prompts_app.engine.masking import Mask, Span
from prompts_app.models import Profile, Prompt, SearchDocument, Task, Version
from prompts_app.models.reading import reading
from prompts_app.models.texts import texts_in_row

MOST_HITS = 1000
MOST_IN_HEAD = 200  # of more: those with the words in the title, or above the text, that come first
MOST_TERMS = 12
SHORTEST_BEGINNING = 3  # letters: shorter ones begin most of all words
LONGEST_TERM = 80  # characters
LONGEST_BODY = 60_000  # characters: beyond it Postgres refuses the row (a tsvector holds 1 MB)
IN_THE_BODY = {"prompt.situation", "version.messages"}
_MARK = "\ue000"  # a letter to the index, of no script: no text and no search holds it
_PROMPT = (1 << 40) - 1  # the part of a place that is the prompt's number
_NOT_LISTED = 1 << 60
_TASKS = dict(Task.choices)
FIELDS = ("title", "tags", "summary", "author", "body", "place", "of_author")

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
    if text.isascii():  # most are, and have neither such letters nor others of the same form
        return text
    plain = unicodedata.normalize("NFKC", text.replace(_MARK, " "))
    return _RUN.sub(lambda run: f" {' '.join(_pairs(run[0], sought=sought))} ", plain)


def _pairs(run: str, *, sought: bool) -> Iterator[str]:
    last = len(run) - 1 if sought and len(run) > 1 else len(run)
    return (run[at : at + 2] for at in range(last))


@dataclass(frozen=True, slots=True)
class Hits:
    """What a search found: numbers of prompts, best first, and whether more than these hold its words."""

    prompts: list[int]
    more: bool = False


def find(text: str, *, author: int | None = None, database: str = DEFAULT_DB_ALIAS) -> Hits:
    """At most MOST_HITS listed prompts that hold every term of ``text``; or ``author``'s own, listed or not.

    Up to MOST_HITS are ranked by where the words stand: a word in the title weighs more than one in the tags,
    then summary, author, text. To weigh all where more hold the words would cost the more the larger the site
    is: then up to MOST_IN_HEAD that hold all of them in the title come first, then as many that do above the
    text, then the others, and of each the best evidenced. The last word also finds longer ones that begin
    with it, unless more than MOST_HITS hold it as it stands.

    Who may see them is for the caller to say, by the queryset they are loaded with.
    """
    terms = [" ".join(in_words(term, sought=True).split()) for term in search_terms(text)]
    if not terms:
        return Hits([])
    index = (_Postgres if connections[database].vendor == "postgresql" else _Sqlite)(database, terms, author)
    found = index.anywhere()
    if len(found) > MOST_HITS:
        return _best_evidenced(index, found)
    if not _may_begin_longer_words(terms[-1]):
        return Hits(index.ranked())
    index.last_may_go_on = True
    longer = index.anywhere()
    return Hits(index.ranked()) if len(longer) <= MOST_HITS else _best_evidenced(index, longer, first=found)


def _best_evidenced(index: _Index, found: Iterable[int], first: Iterable[int] = ()) -> Hits:
    in_order = dict.fromkeys(chain(first, index.in_title(), index.in_head(), found))
    return Hits(list(islice(in_order, MOST_HITS)), more=True)


def _may_begin_longer_words(term: str) -> bool:
    last = term.rpartition(" ")[2]
    is_half_a_pair = len(last) == 1 and bool(_RUN.match(last))
    return len(last) >= SHORTEST_BEGINNING or is_half_a_pair


@dataclass
class _Index:
    """One search of the database's own index. Each method gives numbers of prompts, at most one more than
    MOST_HITS or MOST_IN_HEAD, and all but ``ranked`` the best evidenced first: the index is read in that
    order, and no further."""

    database: str
    terms: list[str]
    author: int | None
    last_may_go_on: bool = False

    def anywhere(self) -> list[int]:
        raise NotImplementedError

    def in_title(self) -> list[int]:
        raise NotImplementedError

    def in_head(self) -> list[int]:
        """In the title, the tags, the summary and the author's name together."""
        raise NotImplementedError

    def ranked(self) -> list[int]:
        """By where the words stand. For no more than MOST_HITS: all that hold them are looked at."""
        raise NotImplementedError

    def _rows(self, sql: str, params: list[str] | dict[str, str]) -> list[int]:
        with connections[self.database].cursor() as cursor:
            cursor.execute(sql, params)
            return [row[0] for row in cursor.fetchall()]


class _Sqlite(_Index):
    """FTS5 reads its lists of documents in the order of their numbers, which are ``SearchDocument.place``."""

    def anywhere(self) -> list[int]:
        return self._first("prompts_app_search", MOST_HITS + 1)

    def in_title(self) -> list[int]:
        return self._first("prompts_app_search_head", MOST_IN_HEAD, "title")

    def in_head(self) -> list[int]:
        return self._first("prompts_app_search_head", MOST_IN_HEAD)

    def ranked(self) -> list[int]:
        """bm25 is smaller for better matches; its weights follow the columns' order."""
        table = "prompts_app_search"
        return self._first(
            table, MOST_HITS, order=f"bm25({table}, 20.0, 10.0, 6.0, 2.0, 0.7, 0.0), rowid DESC"
        )

    def _first(self, table: str, most: int, column: str = "", order: str = "rowid DESC") -> list[int]:
        words = " ".join(f'"{term}"' for term in self.terms) + "*" * self.last_may_go_on
        sought = f"{column} : ({words})" if column else f"({words})"
        whose = "AND rowid > 0"
        if self.author is not None:
            sought, whose = f'{sought} AND of_author : "{author_key(self.author)}"', ""
        sql = (
            f"SELECT rowid & {_PROMPT} FROM {table} WHERE {table} MATCH %s {whose}"  # noqa: S608 typed: params
            f" ORDER BY {order} LIMIT {most}"
        )
        return self._rows(sql, [sought])


_STEMS = "websearch_to_tsquery('english', %(terms)s)"
_STAND = "websearch_to_tsquery('simple', %(terms)s)"
# All but the last word as they stand, and the last one as a beginning.
_GO_ON = "(websearch_to_tsquery('simple', %(rest)s) && to_tsquery('simple', %(last)s))"
_GOES_ON = "to_tsquery('simple', %(last)s)"


class _Postgres(_Index):
    """The planner reads the documents in the order of their places where many of them match, and else takes
    those that match from the words' index; it knows which words are frequent, and is told by a function what
    a look at the words of one costs."""

    def anywhere(self) -> list[int]:
        return self._select(self._anywhere(), MOST_HITS + 1)

    def in_title(self) -> list[int]:
        return self._select(f"titles @@ ({_STEMS} || {self._words()})", MOST_IN_HEAD)

    def in_head(self) -> list[int]:
        return self._select(f"head @@ ({_STEMS} || {self._words()})", MOST_IN_HEAD)

    def ranked(self) -> list[int]:
        """ts_rank is larger for better matches."""
        head = f"ts_rank('{{0.15,0.3,0.6,1.0}}', head, {_STEMS} || {self._words()})"
        rank = f"10 * {head} + ts_rank(stems, {_STEMS}) DESC,"
        return self._select(self._anywhere(), MOST_HITS, rank)

    def _anywhere(self) -> str:
        return f"(stems @@ {_STEMS} OR words @@ {self._words()})"

    def _select(self, where: str, most: int, order: str = "") -> list[int]:
        of_all = "place > 0 AND prompts_app_words_are_read(place)"
        whose = of_all if self.author is None else "of_author = %(author)s"
        sql = (
            f"SELECT prompt_id FROM prompts_app_searchdocument WHERE {where} AND {whose}"  # noqa: S608 as above
            f" ORDER BY {order} place DESC LIMIT {most}"
        )
        *rest, last = self.terms
        params = {
            "terms": _quoted(self.terms),
            "rest": _quoted(rest),
            "last": "'{}':*".format(last.replace("\\", " ").replace("'", "''")),
            "author": "" if self.author is None else author_key(self.author),
        }
        return self._rows(sql, params)

    def _words(self) -> str:
        if not self.last_may_go_on:
            return _STAND
        return f"({_STAND} || {_GO_ON if self.terms[1:] else _GOES_ON})"


def _quoted(terms: Sequence[str]) -> str:
    return " ".join(f'"{term}"' for term in terms)


# --- keeping ---------------------------------------------------------------------------------------------


@reading(None)  # what is written down is masked here, whoever's request it is
def reindex(prompts: Iterable[Prompt]) -> None:
    """Write down what the search reads of these prompts. Call it after any change of one."""
    for keys in batched([prompt.pk for prompt in prompts], 200):
        # In the index's order, in which it takes many at once.
        documents = sorted(_documents(keys), key=lambda document: document.place)
        SearchDocument.objects.bulk_create(
            documents, update_conflicts=True, unique_fields=["prompt"], update_fields=list(FIELDS)
        )


def put_in_place(keys: Iterable[int]) -> None:
    """Move the documents of these prompts to where they stand now. After a change of their evidence alone: no
    word of them changed."""
    prompts = Prompt.objects.filter(pk__in=list(keys)).with_author().select_related("search_document")
    moved = [
        SearchDocument(pk=prompt.search_document.pk, place=place)
        for prompt in prompts.exclude(search_document=None)
        if (place := place_of(prompt)) != prompt.search_document.place
    ]
    SearchDocument.objects.bulk_update(moved, ["place"])


def place_of(prompt: Prompt) -> int:
    """Where it stands in the index, larger is earlier: what is listed (above 0) before what is not, then what
    was judged, then the level, the low end, the newest."""
    place = evidence_rank(prompt, 10) << 40 | prompt.pk
    author = prompt.owner
    is_listed = author.is_active and author.profile.visibility == Profile.Visibility.PUBLIC
    return place if prompt.is_public and is_listed and prompt.archived_at is None else place - _NOT_LISTED


def evidence_rank(prompt: Prompt, bits: int) -> int:
    """As ``PromptQuerySet.best_first`` has it, in one number, larger is better: what was judged, then the
    level, then the low end of the interval in so many ``bits``."""
    level = 0 if prompt.evidence_level is None else prompt.evidence_level + 1
    return (prompt.evidence_judged << 3 | level) << bits | int(prompt.evidence_low * (2**bits - 1))


def author_key(author: int) -> str:
    """A word that stands in every document of this author, and in no text."""
    return f"{_MARK}{author}"


def _documents(keys: Iterable[int]) -> Iterator[SearchDocument]:
    newer = Version.objects.filter(prompt=OuterRef("prompt"), number__gt=OuterRef("number"))
    newest = Prefetch("versions", Version.objects.filter(~Exists(newer)), to_attr="newest")
    rows = Prompt.objects.filter(pk__in=list(keys)).with_author()
    rows = rows.prefetch_related("tags", newest, "private_spans")
    for prompt in rows:
        spans = [span.as_engine() for span in prompt.private_spans.all()]
        yield document_of(
            prompt, getattr(prompt, "newest", ()), [tag.name for tag in prompt.tags.all()], spans
        )


def document_of(
    prompt: Prompt, newest: Iterable[Version], tags: Iterable[str], private: Iterable[Span]
) -> SearchDocument:
    """What is found of a prompt: of its newest version, without what is private, for its author too."""
    mask = Mask(private)
    texts = [text for row in (prompt, *newest) for text in texts_in_row(row, only=IN_THE_BODY)]
    return SearchDocument(
        prompt=prompt,
        place=place_of(prompt),
        of_author=author_key(prompt.owner_id),
        title=storable(mask.text(prompt.title)),
        tags=storable(" ".join(tags)),
        summary=storable(f"{mask.text(prompt.summary)} {_TASKS.get(prompt.task, prompt.task)}"),
        author=storable(f"{prompt.owner.display_name} {prompt.owner.handle}"),
        body=storable("\n".join(mask.text(string) for text in texts for string in text.strings())),
    )


def storable(text: str) -> str:
    """In words, without what neither database takes, and no longer than both take."""
    return (
        in_words(text[:LONGEST_BODY])[:LONGEST_BODY].replace("\x00", " ").encode("utf-8", "ignore").decode()
    )
