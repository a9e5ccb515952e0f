"""What holds of the narrow rows at any moment: asked of them after every kind of change."""

from collections import Counter
from itertools import product

from django.db.models import Sum

from prompts_app.evidence.listings import _runs_of, listing_of
from prompts_app.models import Listing, ListingCount, ListingTerm, Prompt
from prompts_app.models.listings import ORDERS
from prompts_app.models.reading import reading

COLUMNS = [column.attname for column in Listing._meta.concrete_fields]
KEYS = [order.column for order in ORDERS.values()]


def columns_of(row: Listing) -> dict[str, object]:
    return {name: getattr(row, name) for name in COLUMNS if name != "on_models"} | {
        "on_models": [list(one) for one in row.on_models]
    }


@reading(None)
def check_listings() -> None:
    """There is a row of each public prompt and of no other, it says what the prompt says, and the terms and
    counts are those of the rows."""
    public = {prompt.pk: prompt for prompt in Prompt.objects.public().with_author()}
    rows = {row.pk: row for row in Listing.objects.all()}
    assert rows.keys() == public.keys()
    told = _runs_of(list(public.values()))
    for key, row in rows.items():
        assert columns_of(row) == columns_of(listing_of(public[key], told[key]))
    check_terms_and_counts(list(rows.values()))


def check_terms_and_counts(rows: list[Listing]) -> None:
    keys = {row.pk: (row.is_listed, *(getattr(row, key) for key in KEYS)) for row in rows}
    expected = {(row.pk, term): keys[row.pk] for row in rows for term in row.terms}
    columns = ("listing_id", "term", "is_listed", *KEYS)
    assert {tuple(t[:2]): tuple(t[2:]) for t in ListingTerm.objects.values_list(*columns)} == expected
    counted = ListingCount.objects.values_list("given", "term").annotate(total=Sum("n"))
    assert {(given, term): n for given, term, n in counted if n} == counts_of(rows)


def counts_of(rows: list[Listing]) -> Counter[tuple[str, str]]:
    """Counted one by one: each term, and each beside each of another kind."""
    counts = Counter[tuple[str, str]]()
    for row in rows:
        if row.is_listed:
            counts["|", ""] += 1
            counts.update((f"{kind_of(term)}|", term) for term in row.terms)
            counts.update(
                (f"{kind_of(term)}|{given}", term)
                for given, term in product(row.terms, row.terms)
                if kind_of(given) != kind_of(term)
            )
    return counts


def kind_of(term: str) -> str:
    return term.split(":")[0]
