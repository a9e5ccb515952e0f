"""Lists of prompts: a page of rows, how many there are, and what each filter would leave of them.

A list of the whole site reads as many rows as it shows, whatever the number of prompts: each order and each
term has an index, the next page begins where the last one ended, and how many there are is counted as rows
come and go. Of two filters or more at once only the best MOST_COUNTED are counted, and of words only so many
are found. See ADR 0026.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, combinations
from typing import Any, NamedTuple

from django.core.signing import BadSignature, Signer
from django.db.models import Exists, OuterRef, QuerySet, Sum

from prompts_app.evidence.profile_figures import Line
from prompts_app.evidence.prompt_filters import MOST_CHOICES, MOST_COUNTED, Search, Total
from prompts_app.models import Listing, ListingCount, ListingTerm
from prompts_app.models.listings import ORDERS, Order
from prompts_app.search import find

LAST = "last"  # ?page=last


# --- where in a list --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ListPlace:
    """The page asked for: by its number, by what it comes after or before, or the last one."""

    number: int = 1
    after: tuple[int, int] | None = None  # sort key and prompt of the last row of the page before
    before: tuple[int, int] | None = None  # of the first row of the page after
    is_last: bool = False


class PlaceUnreadable(Exception):
    """Nobody here wrote this place: it was changed or cut off on the way, or is of another order."""


_signer = Signer(salt="place in a list")


def place_of(order: str, key: int, prompt: int) -> str:
    """A row's place, for ``?after=`` and ``?before=``: it stays one, whatever comes and goes."""
    return _signer.sign_object([order, key, prompt])


def asked_for(search: Search, get: Mapping[str, Any]) -> tuple[ListPlace, list[str]]:
    """Where in the list, and a sentence where that cannot be read: then it is the first page."""
    try:
        return read_place(search.order, *(get.get(name, "") for name in ("page", "after", "before"))), []
    except PlaceUnreadable:
        return ListPlace(), ["This address of a page cannot be read, so this is the first page."]


def beyond(place: ListPlace, page: ListPage) -> list[str]:
    """A sentence where there is no page of the number asked for."""
    if place.number in {1, page.number}:
        return []
    return [f"No page has the number {place.number:,}, so this is the last one."]


def numbered(get: Mapping[str, Any]) -> ListPlace:
    """Where in a list that has pages by number alone."""
    return read_place("", get.get("page", ""))


def read_place(order: str, page: str = "", after: str = "", before: str = "") -> ListPlace:
    """Raises PlaceUnreadable. A page's number that is none is the first page."""
    if after or before:
        return ListPlace(after=_read(order, after), before=_read(order, before))
    if page == LAST:
        return ListPlace(is_last=True)
    is_number = page.isascii() and page.isdecimal()
    # As Django's Paginator has it: what is out of range, 0 too, is the last page.
    return (
        ListPlace(number=int(page[:9]))
        if is_number and int(page[:9])
        else ListPlace(is_last=is_number or page[:1] == "-")
    )


def _read(order: str, signed: str) -> tuple[int, int] | None:
    if not signed:
        return None
    try:
        of_order, key, prompt = _signer.unsign_object(signed)
    except (BadSignature, ValueError) as error:
        raise PlaceUnreadable from error
    if of_order != order:
        raise PlaceUnreadable
    return key, prompt


@dataclass(frozen=True, slots=True)
class ListPage:
    """Rows, and the addresses of the pages around as query strings, "" for none. ``start`` counts from 1; 0:
    not known, so far down."""

    rows: Sequence[Listing]
    number: int
    start: int
    previous: str = ""
    next: str = ""
    last: str = ""

    @property
    def end(self) -> int:
        return self.start + len(self.rows) - 1

    @property
    def is_all(self) -> bool:
        return not (self.previous or self.next)


def load(keys: Sequence[int]) -> list[Listing]:
    """The rows of these prompts, in this order; one that is gone meanwhile is left out."""
    found = Listing.objects.in_bulk(keys)
    return [found[key] for key in keys if key in found]


# --- the whole site ---------------------------------------------------------------------------------------


class Site:
    """All listed prompts."""

    def __init__(self) -> None:
        self._totals = cache(self._count)
        self._some_with = cache(self._best_with)

    def total(self, terms: Sequence[str]) -> Total:
        return self._totals(tuple(terms))

    def left(self, kind: str, terms: Sequence[str]) -> list[tuple[str, int]]:
        if len(terms) > 1:
            return self._some_with(tuple(terms)).left(kind, ())
        counts = _counts(kind, *terms).values_list("term").annotate(total=Sum("n")).filter(total__gt=0)
        return [(_value(term), n) for term, n in counts.order_by("-total", "term")[:MOST_CHOICES]]

    def counts_all(self, search: Search) -> bool:
        """Whether every figure in the lists of its filters is of all prompts."""
        return len(search.terms) < 2 or not self._some_with(search.terms).more

    def page(self, search: Search, place: ListPlace, size: int) -> ListPage:
        """Up to MOST_COUNTED prompts by number, from there on from row to row."""
        rows = _OrderedRows(search.order, self._having(search.terms), "listing" if search.terms else "prompt")
        if place.after or place.before:
            return rows.around(place, size)
        total = self.total(search.terms)
        pages = max(1, -(-min(total.n, MOST_COUNTED) // size))
        is_beyond = place.is_last or place.number > pages
        if is_beyond and (total.more or total.n > MOST_COUNTED):
            return rows.last(size)
        return rows.numbered(pages if is_beyond else place.number, size)

    def _having(self, terms: Sequence[str]) -> QuerySet[Any]:
        """Listed rows with all of ``terms``, looked for among those with the rarest."""
        if not terms:
            return Listing.objects.listed()
        alone, beside = _numbers_of(terms) if terms[1:] else ({}, {})
        if any(not beside.get(pair) for pair in combinations(terms, 2)):
            return ListingTerm.objects.none()  # without reading through the rarest to find none
        rarest, *others = sorted(terms, key=lambda term: alone.get(term, 0))
        found = ListingTerm.objects.filter(term=rarest, is_listed=True)
        for term in others:
            found = found.filter(Exists(ListingTerm.objects.filter(listing=OuterRef("listing"), term=term)))
        return found

    def _count(self, terms: tuple[str, ...]) -> Total:
        if len(terms) > 2:
            return self._some_with(terms).total(())
        n = _number_of(terms)
        return Total(MOST_COUNTED, more=True, beyond=True) if n > MOST_COUNTED else Total(n)

    def _best_with(self, terms: tuple[str, ...]) -> Some:
        rows = self._having(terms).order_by(*ORDERS["evidence"].columns("listing"))
        best = rows.values_list("listing", flat=True)[: MOST_COUNTED + 1]
        found = [Entry(*row) for row in Listing.objects.looked_at(list(best))]
        return Some(found[:MOST_COUNTED], more=len(found) > MOST_COUNTED)


def _number_of(terms: tuple[str, ...]) -> int:
    """How many listed prompts have these terms, two at most."""
    *given, term = terms or ("",)
    return _counts(_kind(term), *given).filter(term=term).aggregate(n=Sum("n"))["n"] or 0


def _numbers_of(terms: Sequence[str]) -> tuple[dict[str, int], dict[tuple[str, str], int]]:
    """How many listed prompts have each of these terms, and how many each two. One query."""
    given = {f"{_kind(term)}|{other}" for term in terms for other in ("", *terms)}
    rows = ListingCount.objects.filter(given__in=given, term__in=terms).values_list("given", "term")
    numbers = {(pair.partition("|")[2], term): n for pair, term, n in rows.annotate(n=Sum("n"))}
    return {term: n for (other, term), n in numbers.items() if not other}, numbers


def _counts(kind: str, given: str = "") -> QuerySet[ListingCount]:
    return ListingCount.objects.filter(given=f"{kind}|{given}")


def _kind(term: str) -> str:
    return term.partition(":")[0]


def _value(term: str) -> str:
    return term.partition(":")[2]


@dataclass(frozen=True, slots=True)
class _OrderedRows:
    """Rows in an order, read by its index. ``prompt`` is the column with the prompt's number."""

    order: str
    rows: QuerySet[Any]
    prompt: str

    def numbered(self, number: int, size: int) -> ListPage:
        start = (number - 1) * size
        found = self._read(ORDERS[self.order], start, size)
        more = len(found) > size
        found = found[:size]
        onwards = f"page={number + 1}" if number * size < MOST_COUNTED else self._link("after", found)
        return ListPage(
            self._load(found),
            number,
            start + 1,
            previous=f"page={number - 1}" if number > 1 else "",
            next=onwards if more else "",
            last=f"page={LAST}" if more else "",
        )

    def last(self, size: int) -> ListPage:
        found = self._read(ORDERS[self.order].reversed(), 0, size)[:size][::-1]
        return ListPage(self._load(found), 0, 0, previous=self._link("before", found))

    def around(self, place: ListPlace, size: int) -> ListPage:
        order = ORDERS[self.order]
        order = order if place.after else order.reversed()
        key, prompt = place.after or place.before or (0, 0)
        rows = _OrderedRows(self.order, self.rows.filter(order.beyond(key, prompt, self.prompt)), self.prompt)
        found = rows._read(order, 0, size)
        more = len(found) > size
        found = found[:size] if place.after else found[:size][::-1]
        return ListPage(
            self._load(found),
            0,
            0,
            previous=self._link("before", found) if place.after or more else "",
            next=self._link("after", found) if place.before or more else "",
        )

    def _read(self, order: Order, start: int, size: int) -> list[tuple[int, int]]:
        """Sort keys and prompts, one more than ``size`` where there are."""
        rows = self.rows.order_by(*order.columns(self.prompt)).values_list(order.column, self.prompt)
        return list(rows[start : start + size + 1])

    def _load(self, found: Iterable[tuple[int, int]]) -> list[Listing]:
        return load([prompt for _, prompt in found])

    def _link(self, where: str, found: Sequence[tuple[int, int]]) -> str:
        if not found:
            return ""
        return f"{where}={place_of(self.order, *found[-1 if where == 'after' else 0])}"


# --- some prompts, all of them looked at --------------------------------------------------------------------


class Entry(NamedTuple):
    """What is looked at of a prompt: columns of Listing. Without the sort keys it can be counted."""

    prompt: int
    terms: Sequence[str]
    by_evidence: int = 0
    by_published: int = 0
    by_tested: int = 0


@dataclass(frozen=True)
class Some:
    """Few enough prompts to look at each: those that hold some words, the most relevant first, or an
    author's. ``more``: there are others that were not looked at."""

    entries: Sequence[Entry]
    more: bool = False
    _counted: dict[tuple[str, ...], Counter[str]] = field(default_factory=dict, repr=False)

    def total(self, terms: Sequence[str]) -> Total:
        return Total(len(self._having(terms)), self.more, beyond=self.more and not terms)

    def left(self, kind: str, terms: Sequence[str]) -> list[tuple[str, int]]:
        counts = self._counts(tuple(terms)).items()
        of_kind = [(_value(term), n) for term, n in counts if _kind(term) == kind]
        return sorted(of_kind, key=lambda item: (-item[1], item[0]))[:MOST_CHOICES]

    def _counts(self, terms: tuple[str, ...]) -> Counter[str]:
        if terms not in self._counted:
            self._counted[terms] = Counter(chain.from_iterable(one.terms for one in self._having(terms)))
        return self._counted[terms]

    def counts_all(self, search: Search) -> bool:
        return not self.more

    def page(self, search: Search, place: ListPlace, size: int) -> ListPage:
        """By number: a place in words or of one author is not asked for."""
        found = self._in_order(search)
        pages = max(1, -(-len(found) // size))
        number = pages if place.is_last else min(place.number, pages)
        start = (number - 1) * size
        return ListPage(
            load([one.prompt for one in found[start : start + size]]),
            number,
            start + 1,
            previous=f"page={number - 1}" if number > 1 else "",
            next=f"page={number + 1}" if number < pages else "",
        )

    def _in_order(self, search: Search) -> Sequence[Entry]:
        """By ``relevance`` they are as they came."""
        found = self._having(search.terms)
        if search.order == "relevance":
            return found
        order = ORDERS[search.order]
        sign = -1 if order.newest_of_equals else 1
        return sorted(found, key=lambda one: (-getattr(one, order.column), sign * one.prompt))

    def _having(self, terms: Sequence[str]) -> Sequence[Entry]:
        return [one for one in self.entries if all(t in one.terms for t in terms)] if terms else self.entries


# --- which prompts a list is of -----------------------------------------------------------------------------


def on_site() -> Callable[[str], Site | Some]:
    """Words → the listed prompts that hold them; "" → all that are listed."""
    return cache(lambda words: _holding(words) if words else Site())


def of_author(owner: int, lines: Iterable[Line]) -> Callable[[str], Some]:
    """The same of one author, whose prompts are ``lines``."""
    all_of_them = [
        Entry(line.prompt, line.terms, line.by_evidence, line.by_published, line.by_tested) for line in lines
    ]

    def holding(words: str) -> Some:
        if not words:
            return Some(all_of_them)
        hits, mine = find(words, author=owner), {one.prompt: one for one in all_of_them}
        return Some([mine[key] for key in hits.prompts if key in mine], hits.more)

    return cache(holding)


def _holding(words: str) -> Some:
    hits = find(words)
    entries = {row[0]: Entry(*row) for row in Listing.objects.looked_at(hits.prompts)}
    return Some([entries[key] for key in hits.prompts if key in entries], hits.more)
