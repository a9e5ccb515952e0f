"""What a list of prompts is asked for, and what there is to choose from: all of them, or one author’s."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from itertools import accumulate
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Exists, OuterRef, QuerySet
from django.http import QueryDict

from prompts_app.evidence.levels import level_name
from prompts_app.models import Level, Run, Tag, Task
from prompts_app.models.prompts import PromptQuerySet
from prompts_app.models.tags import as_tag
from prompts_app.models.text import without_invisible
from prompts_app.search import prompts_that_match, search_prompts, search_terms

LONGEST_VALUE = 200  # characters of one filter
MOST_CHOICES = 40  # models or tags in one list
MOST_SUGGESTED_WORDS = 4

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
class Choice:
    """One line of a filter's list. ``count`` says how many prompts choosing it would leave."""

    value: str
    label: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """A search as asked for, cleaned: what is not a known value is empty."""

    q: str = ""
    task: str = ""
    model: str = ""
    level: str = ""
    tag: str = ""
    sort: str = ""
    author: int | None = None  # whose prompts, listed or not; None: the listed ones of all

    @property
    def order(self) -> str:
        return self.sort or usual_order(self.q)

    @property
    def is_empty(self) -> bool:
        return not any(self.filters())

    def filters(self) -> Iterator[str]:
        """The names of the filters that are set, the words first."""
        return (name for name in _ASKED if name != "sort" and getattr(self, name))

    def without(self, name: str) -> Search:
        empty: dict[str, Any] = {name: ""}
        return replace(self, **empty)

    def query(self) -> str:
        """As a query string, "" for the plain list."""
        return urlencode({name: value for name in _ASKED if (value := getattr(self, name))})


_ASKED = [field.name for field in fields(Search) if field.name != "author"]


def usual_order(q: str) -> str:
    return "relevance" if q else "evidence"


def sorts_for(search: Search) -> list[Choice]:
    """The orders to choose from, the usual one first and without a value."""
    usual = usual_order(search.q)
    others = [name for name in SORTS if name not in {usual, "relevance"}]
    return [Choice("", SORTS[usual]), *(Choice(name, SORTS[name]) for name in others)]


def read_search(get: QueryDict, author: int | None = None) -> tuple[Search, list[str]]:
    """The search, and a sentence for each value that means nothing here and is ignored."""
    typed = {name: _clean(get.get(name, "")) for name in _ASKED}
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
    return Search(**typed, author=author), ignored


def _clean(value: str) -> str:
    """One line of sensible length, without characters nobody can see."""
    return " ".join(without_invisible(value[: LONGEST_VALUE * 2]).split())[:LONGEST_VALUE]


# --- what is found -------------------------------------------------------------------------------------


def narrow(prompts: PromptQuerySet, search: Search) -> PromptQuerySet:
    """Those of ``prompts`` that every filter of ``search`` lets through, in no order."""
    if search.q:
        prompts = prompts_that_match(prompts, search.q, author=search.author)
    if search.task:
        prompts = prompts.filter(task=search.task)
    if search.level:
        prompts = prompts.filter(evidence_level__gte=int(search.level))
    if search.tag:
        prompts = prompts.filter(tags__name=search.tag)
    if search.model:
        prompts = prompts.filter(
            Exists(_runs_that_say_something().filter(prompt=OuterRef("pk"), named=search.model))
        )
    return prompts


def _runs_that_say_something() -> QuerySet[Run]:
    return Run.objects.that_count().filter(answers__gt=0)


def in_order(prompts: PromptQuerySet, search: Search) -> PromptQuerySet:
    if search.order == "relevance" and search.q:
        return search_prompts(prompts, search.q, author=search.author)
    if search.order == "newest":
        return prompts.newest_first()
    if search.order == "tested":
        return prompts.recently_tested_first()
    return prompts.best_first()


# --- what there is to choose from -------------------------------------------------------------------------


def filters_of(search: Search, among: PromptQuerySet) -> list[Filter]:
    """The lists of the form, with what choosing each line would leave of ``among``. Four queries."""
    return [
        Filter("task", "Task", "Any task", search, tasks_left(search, among)),
        Filter("model", "Model", "Any model", search, models_left(search, among)),
        Filter("level", "Evidence, at least", "Any", search, levels_left(search, among)),
        Filter("tag", "Tag", "Any tag", search, tags_left(search, among)),
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
    left: list[Choice]

    @property
    def value(self) -> str:
        return str(getattr(self.search, self.name))

    @property
    def choices(self) -> list[Choice]:
        """What is chosen stays in its list, though nothing is left of it."""
        if not self.value or any(choice.value == self.value for choice in self.left):
            return self.left
        return [Choice(self.value, in_words(self.search)[self.name].removeprefix("tag "), 0), *self.left]


def tasks_left(search: Search, among: PromptQuerySet) -> list[Choice]:
    prompts = narrow(among, search.without("task"))
    counts = dict(prompts.order_by().values_list("task").annotate(n=Count("pk", distinct=True)))
    return [Choice(task.value, task.label, counts[task]) for task in Task if counts.get(task)]


def levels_left(search: Search, among: PromptQuerySet) -> list[Choice]:
    """Each level with how many have it or a better one."""
    prompts = narrow(among, search.without("level"))
    counts = dict(prompts.order_by().values_list("evidence_level").annotate(n=Count("pk", distinct=True)))
    from_best = sorted(Level.values, reverse=True)
    at_least = dict(zip(from_best, accumulate(counts.get(number, 0) for number in from_best), strict=True))
    return [Choice(str(n), level_name(n), at_least[n]) for n in sorted(Level.values) if at_least[n]]


def models_left(search: Search, among: PromptQuerySet) -> list[Choice]:
    prompts = narrow(among, search.without("model"))
    runs = _runs_that_say_something().filter(prompt__in=prompts.order_by().values("pk"))
    counts = runs.order_by().values_list("named").annotate(n=Count("prompt", distinct=True))
    return [Choice(model, model, n) for model, n in counts.order_by("-n", "named")[:MOST_CHOICES]]


def tags_left(search: Search, among: PromptQuerySet) -> list[Choice]:
    prompts = narrow(among, search.without("tag"))
    tags = Tag.objects.filter(prompts__in=prompts.order_by().values("pk"))
    counts = tags.values_list("name").annotate(n=Count("prompts", distinct=True))
    return [Choice(name, name, n) for name, n in counts.order_by("-n", "name")[:MOST_CHOICES]]


# --- when nothing is found ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WayOut:
    """A filter or word to drop, and how many prompts there are without it."""

    label: str
    search: Search
    count: int


def ways_out(search: Search, among: PromptQuerySet) -> list[WayOut]:
    """What leads to results: each filter dropped, each word dropped. Only those that find something."""
    ways = [(_label_without(search, name), search.without(name)) for name in search.filters()]
    words = search_terms(search.q)
    if 1 < len(words) <= MOST_SUGGESTED_WORDS:
        ways += [
            (f"Without “{word}”", replace(search, q=" ".join(w for w in words if w != word)))
            for word in words
        ]
    counted = [WayOut(label, way, narrow(among, way).count()) for label, way in ways]
    return [way for way in counted if way.count]


def _label_without(search: Search, name: str) -> str:
    return {
        "q": "Without the words",
        "task": "Any task",
        "model": "Any model",
        "level": "Any evidence",
        "tag": "Any tag",
    }[name]


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
