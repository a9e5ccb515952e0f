"""The list of one's own prompts: what it is asked for, a page of it, and counts of the whole.

One author's prompts are read by the index of their author and sorted then and there: some thousands. The
next page begins where the last one ended. Words are sought as everywhere (``search.find``), private prompts
too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.core.signing import BadSignature, Signer
from django.db.models import Case, Count, F, FloatField, Q, Value, When
from django.db.models.functions import Coalesce, Lower

from prompts_app.evidence.prompt_filters import cleaned
from prompts_app.models import Draft, Prompt, Task, User, Visibility
from prompts_app.models.prompts import PromptQuerySet
from prompts_app.models.tags import as_tag
from prompts_app.search import Hits, find

A_PAGE = 50
MOST_TAGS_OFFERED = 100
_LONG = ("situation", "constraints", "impact", "limits")  # what no list reads
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SHOWN = {
    "": "All",
    "failing": "Failing now",
    "untested": "Untested",
    "drafts": "With a draft",
    "archived": "Archived",
}


class SortOrder(NamedTuple):
    label: str
    key: Any  # never null
    is_descending: bool = True

    @property
    def said(self) -> str:
        return f"{self.label} first" if self.is_descending else f"by {self.label}"


ORDERS = {
    "": SortOrder("last changed", F("updated_at")),
    "tested": SortOrder("last tested", Coalesce("last_tested_at", Value(_EPOCH))),
    # As PromptQuerySet.best_first, in one number.
    "evidence": SortOrder(
        "strongest evidence",
        Case(When(evidence_judged=True, then=Value(100.0)), default=Value(0.0))
        + Coalesce(F("evidence_level") + 1, Value(0), output_field=FloatField()) * Value(10.0)
        + F("evidence_low"),
    ),
    "title": SortOrder("title", Lower("title"), is_descending=False),
}


# --- what is asked for --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OwnSearch:
    """As asked for, cleaned: what is not a known value is empty."""

    q: str = ""
    state: str = ""
    task: str = ""
    tag: str = ""
    show: str = ""
    order: str = ""

    def query(self, **changed: str) -> str:
        """As a query string, "" for the plain list."""
        asked = replace(self, **changed)
        return urlencode({f.name: value for f in fields(self) if (value := getattr(asked, f.name))})

    def set_filters(self) -> list[tuple[str, str]]:
        """(in words, the query string without it) of each that is set."""
        said = {
            "q": f"“{self.q}”",
            "state": self.state,
            "task": Task(self.task).label if self.task else "",
            "tag": f"tag {self.tag}",
            "show": SHOWN[self.show].lower(),
        }
        return [(words, self.query(**{name: ""})) for name, words in said.items() if getattr(self, name)]


def read_own_search(get: Mapping[str, Any]) -> OwnSearch:
    typed = {f.name: cleaned(get.get(f.name, "")) for f in fields(OwnSearch)}
    known = {"state": Visibility.values, "task": Task.values, "show": SHOWN, "order": ORDERS}
    for name, values in known.items():
        if typed[name] not in values:
            typed[name] = ""
    return OwnSearch(**{**typed, "tag": as_tag(typed["tag"])})


# --- the prompts it is of -----------------------------------------------------------------------------------


class OwnPrompts:
    """One author's prompts as ``search`` asks for them."""

    def __init__(self, owner: User, search: OwnSearch) -> None:
        self.owner, self.search = owner, search
        self.mine = Prompt.objects.unmasked_values().owned_by(owner)
        self.hits = find(search.q, author=owner.pk) if search.q else Hits([])
        self.drafted = _drafted(owner)

    def chosen(self) -> PromptQuerySet:
        """All that are found, on whatever page."""
        return self._found().filter(self._conditions()[self.search.show])

    def all_of_them(self) -> list[Prompt]:
        """The same to be changed, with their tags."""
        return list(self.chosen().defer(*_LONG).prefetch_related("tags"))

    def ticked(self, slugs: Sequence[str]) -> list[Prompt]:
        """Those of a page, whatever is asked for now."""
        rows = self.mine.filter(slug__in=slugs[:A_PAGE]).defer(*_LONG).prefetch_related("tags")
        return list(rows.order_by("title", "pk"))

    def _found(self) -> PromptQuerySet:
        search = self.search
        asked = {"visibility": search.state, "task": search.task, "tags__name": search.tag}
        found = self.mine.filter(**{name: value for name, value in asked.items() if value})
        return found.filter(pk__in=self.hits.prompts) if search.q else found

    def _conditions(self) -> dict[str, Q]:
        here = Q(archived_at=None)
        return {
            "": here,
            "failing": here & Q(evidence_judged=True, evidence_passed__lt=F("evidence_cases")),
            "untested": here & Q(evidence_cases=0),
            "drafts": here & Q(pk__in=self.drafted),
            "archived": Q(archived_at__isnull=False),
        }

    def counts(self) -> dict[str, int]:
        """How many of what else is asked for each of SHOWN has."""
        wanted = self._conditions().items()
        return self._found().aggregate(
            **{name or "all": Count("pk", filter=condition) for name, condition in wanted}
        )

    def facets(self) -> Facets:
        """Of all that are not archived. Two queries."""
        here = self.mine.filter(archived_at=None)
        by_visibility, by_task, tested = Counter[str](), Counter[str](), 0
        tests = Count("pk", filter=Q(evidence_cases__gt=0))
        for visibility, task, n, of_it in here.values_list("visibility", "task").annotate(
            n=Count("pk"), tested=tests
        ):
            by_visibility[visibility] += n
            by_task[task] += n
            tested += of_it
        tags = here.filter(tags__isnull=False).values_list("tags__name").annotate(n=Count("pk"))
        of_tags = list(tags.order_by("-n", "tags__name")[:MOST_TAGS_OFFERED])
        return Facets(by_visibility, by_task, of_tags, tested)

    def page(self, get: Mapping[str, Any]) -> OwnPage:
        """``get`` says after or before which row, as ``OwnPage`` wrote it; else the first page."""
        order = ORDERS[self.search.order]
        after, before = (_read(self.search.order, get.get(name, "")) for name in ("after", "before"))
        rows = self.chosen().annotate(sort_key=order.key)
        is_back = before is not None and after is None
        if place := after or before:
            rows = rows.filter(self._beyond(place, is_descending=order.is_descending != is_back))
        sign = "-" if order.is_descending != is_back else ""
        rows = rows.order_by(f"{sign}sort_key", f"{sign}pk")
        found: list[Any] = list(rows.with_studio_facts().defer(*_LONG).prefetch_related("tags")[: A_PAGE + 1])
        is_more = len(found) > A_PAGE
        found = found[:A_PAGE][:: -1 if is_back else 1]
        return OwnPage(
            found,
            before=self._place(found[0]) if found and (is_more if is_back else after) else "",
            after=self._place(found[-1]) if found and (is_back or is_more) else "",
        )

    def _beyond(self, place: _Place, *, is_descending: bool) -> Q:
        key = Lower(Value(place.key)) if self.search.order == "title" else place.key
        further = "lt" if is_descending else "gt"
        return Q(**{f"sort_key__{further}": key}) | Q(**{"sort_key": key, f"pk__{further}": place.prompt})

    def _place(self, row: Any) -> str:
        """No title in it: addresses stand in logs."""
        key = row.sort_key
        if isinstance(key, datetime):
            key = key.isoformat()
        return _signer.sign_object([self.search.order, None if self.search.order == "title" else key, row.pk])


@dataclass(frozen=True, slots=True)
class Facets:
    by_visibility: Counter[str]
    by_task: Counter[str]
    tags: list[tuple[str, int]]
    tested: int

    @property
    def total(self) -> int:
        return self.by_visibility.total()


@dataclass(frozen=True, slots=True)
class OwnPage:
    """``rows`` are prompts as ``with_studio_facts`` gives them; ``before`` and ``after`` are for addresses
    of the pages around, "" for none."""

    rows: Sequence[Any]
    before: str
    after: str


def _drafted(owner: User) -> list[int]:
    """Prompts of which a version is being written."""
    keys = Draft.objects.filter(owner=owner, key__startswith="prompt:").values_list("key", flat=True)
    return [int(key) for _, _, key in (one.partition(":") for one in keys) if key.isdecimal()]


# --- where in the list --------------------------------------------------------------------------------------

_signer = Signer(salt="place in one's own prompts")


class _Place(NamedTuple):
    key: Any
    prompt: int


def _read(order: str, signed: str) -> _Place | None:
    """None: the first page, also where the place is of another order, or what it stood at is gone."""
    try:
        of_order, key, prompt = _signer.unsign_object(signed) if signed else ("-", None, 0)
    except (BadSignature, ValueError):
        return None
    if of_order != order:
        return None
    if order == "title":
        row = Prompt.objects.filter(pk=prompt).first()
        return _Place(row.title, prompt) if row else None
    return _Place(key if order == "evidence" else datetime.fromisoformat(str(key)), prompt)
