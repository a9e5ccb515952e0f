"""What a list of prompts is asked for, and what there is to choose from: all of them, or one author’s."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Protocol
from urllib.parse import urlencode

from prompts_app.evidence.levels import level_name
from prompts_app.models import Level, Task
from prompts_app.models.tags import as_tag
from prompts_app.models.text import without_invisible
from prompts_app.search import search_terms

LONGEST_VALUE = 200  # characters of one filter
MOST_CHOICES = 40  # models or tags in one list
MOST_SUGGESTED_WORDS = 4
MOST_COUNTED = 1000  # prompts, where they have to be looked at to be counted
# Of filters: the list's label, its line that filters nothing, and that line where nothing is found.
KINDS = {
    "task": ("Task", "Any task", "Any task"),
    "model": ("Model", "Any model", "Any model"),
    "level": ("Evidence, at least", "Any", "Any evidence"),
    "tag": ("Tag", "Any tag", "Any tag"),
}

# The usual order goes without a value: relevance where there are words, else evidence.
SORTS = {
    "relevance": "Relevance",
    "evidence": "Evidence, low end",
    "newest": "Newest",
    "tested": "Last tested",
}
ORDER_IN_WORDS = {
    "relevance": "Best match first: title, then tags, summary, author, text. Among equals, better evidence.",
    "evidence": "Best evidence first: what was judged, then outputs nothing judged; of each sealed before "
    "recorded before imported before pasted, then the interval’s low end.",
    "newest": "Newest first, by the day of publishing.",
    "tested": "Last tested first.",
}


@dataclass(frozen=True, slots=True)
class Total:
    """How many there are: ``n``; ``more``: as many of the first MOST_COUNTED, and others were not looked at.
    ``beyond``: it is known that there are more than ``n``."""

    n: int
    more: bool = False
    beyond: bool = False

    def __str__(self) -> str:
        if self.beyond:
            return f"more than {self.n:,}"
        if not self.more:
            return f"{self.n:,}"
        return f"at least {self.n:,}" if self.n else f"0 of the first {MOST_COUNTED:,}"


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a filter's list. ``count`` says how many prompts choosing it would leave."""

    value: str
    label: str
    count: Total | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """A search as asked for, cleaned: what is not a known value is empty."""

    q: str = ""
    task: str = ""
    model: str = ""
    level: str = ""
    tag: str = ""
    sort: str = ""

    @property
    def order(self) -> str:
        return self.sort or usual_order(self.q)

    @property
    def is_empty(self) -> bool:
        return not any(self.filters())

    @property
    def terms(self) -> tuple[str, ...]:
        """What a listing has to have, the words apart: see ``Listing.terms``."""
        return tuple(f"{kind}:{value}" for kind in KINDS if (value := getattr(self, kind)))

    def filters(self) -> Iterator[str]:
        """The names of the filters that are set, the words first."""
        return (f.name for f in fields(self) if f.name != "sort" and getattr(self, f.name))

    def without(self, name: str) -> Search:
        return replace(self, **{name: ""})

    def query(self) -> str:
        """As a query string, "" for the plain list."""
        return urlencode({f.name: value for f in fields(self) if (value := getattr(self, f.name))})


def usual_order(q: str) -> str:
    return "relevance" if q else "evidence"


def sorts_for(search: Search) -> list[Choice]:
    """The orders to choose from, the usual one first and without a value."""
    usual = usual_order(search.q)
    others = [name for name in SORTS if name not in {usual, "relevance"}]
    return [Choice("", SORTS[usual]), *(Choice(name, SORTS[name]) for name in others)]


def read_search(get: Mapping[str, str]) -> tuple[Search, list[str]]:
    """The search, and a sentence for each value that means nothing here and is ignored."""
    typed = {f.name: cleaned(get.get(f.name, "")) for f in fields(Search)}
    ignored = []
    for name, known, thing in (
        ("task", set(Task.values), "task"),
        ("level", {str(number) for number in Level.values}, "evidence level"),
        ("sort", set(SORTS), "order"),
    ):
        if typed[name] and typed[name] not in known:
            ignored.append(f"There is no {thing} “{typed[name][:40]}”; it was left out.")
            typed[name] = ""
    if typed["sort"] == usual_order(typed["q"]) or (typed["sort"] == "relevance" and not typed["q"]):
        typed["sort"] = ""
    typed["tag"] = as_tag(typed["tag"])
    return Search(**typed), ignored


def cleaned(value: str) -> str:
    """One line of sensible length, without characters nobody can see."""
    return " ".join(without_invisible(value[: LONGEST_VALUE * 2]).split())[:LONGEST_VALUE]


# --- what there is to choose from -------------------------------------------------------------------------


class Among(Protocol):
    """The prompts that a list is of: all that are listed, those that hold some words, or an author’s."""

    def total(self, terms: Sequence[str]) -> Total:
        """How many have all of ``terms``."""

    def left(self, kind: str, terms: Sequence[str]) -> list[tuple[str, int]]:
        """Values of ``kind`` and how many have each beside all of ``terms``; the most first, at most
        MOST_CHOICES."""


def filters_of(search: Search, among: Among) -> list[Filter]:
    """The lists of the form, with what choosing each line would leave of ``among``."""
    now = among.total(search.terms)
    return [
        Filter(kind, label, none, search, now, _choices(kind, search, among))
        for kind, (label, none, _) in KINDS.items()
    ]


def set_filters(search: Search) -> list[tuple[str, str]]:
    """(in words, the query string without it) of each filter that is set."""
    return [(said, search.without(name).query()) for name, said in in_words(search).items()]


@dataclass(frozen=True, slots=True)
class Filter:
    """One list. ``none`` is the choice that filters nothing, ``left`` what would leave something."""

    name: str
    label: str
    none: str
    search: Search
    now: Total  # how many are found as it is: what choosing the chosen again would leave
    left: list[Choice]

    @property
    def value(self) -> str:
        return str(getattr(self.search, self.name))

    @property
    def choices(self) -> list[Choice]:
        """What is chosen stays in its list, though nothing is left of it, or many others have more."""
        if not self.value or any(choice.value == self.value for choice in self.left):
            return self.left
        said = in_words(self.search)[self.name].removeprefix("tag ")
        return [Choice(self.value, said, self.now), *self.left]


def _choices(kind: str, search: Search, among: Among) -> list[Choice]:
    """Tasks in their order, levels from the least, each with how many have it or a better one."""
    left = among.left(kind, search.without(kind).terms)
    if kind == "task":
        counts = dict(left)
        return [Choice(task.value, task.label, Total(counts[task])) for task in Task if counts.get(task)]
    if kind == "level":
        levels = sorted((int(value), n) for value, n in left)
        return [Choice(str(number), level_name(number), Total(n)) for number, n in levels]
    return [Choice(name, name, Total(n)) for name, n in left]


# --- when nothing is found ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WayOut:
    """A filter or word to drop, and how many prompts there are without it."""

    label: str
    search: Search
    count: Total


def ways_out(search: Search, with_words: Callable[[str], Among]) -> list[WayOut]:
    """What leads to results: each filter dropped, each word dropped. Only those that find something.
    ``with_words`` gives the prompts that hold the words of a search; "": all."""
    ways = [
        (KINDS[name][2] if name in KINDS else "Without the words", search.without(name))
        for name in search.filters()
    ]
    words = search_terms(search.q)
    if 1 < len(words) <= MOST_SUGGESTED_WORDS:
        ways += [
            (f"Without “{word}”", replace(search, q=" ".join(w for w in words if w != word)))
            for word in words
        ]
    counted = [WayOut(label, way, with_words(way.q).total(way.terms)) for label, way in ways]
    return [way for way in counted if way.count.n]


def in_words(search: Search) -> dict[str, str]:
    """Each filter that is set, as it is read: {"level": "recorded or better"}."""
    said = {
        "q": f"“{search.q}”",
        "task": Task(search.task).label if search.task else "",
        "model": search.model,
        "level": f"{level_name(int(search.level))} or better" if search.level else "",
        "tag": f"tag {search.tag}",
    }
    return {name: said[name] for name in search.filters()}
