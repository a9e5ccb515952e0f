"""The addresses worth finding, in parts that stay as they are while the site grows.

A part is a range of numbers of prompts, or of authors: "prompts-0", "prompts-1", "authors-0". So nothing has
to be counted to find where another begins, and a part costs the same wherever it stands.
"""

from django.db.models import CharField, Exists, OuterRef
from django.db.models.functions import Cast, Left
from django.urls import reverse

from prompts_app.models import Listing, User

A_PART = 2000  # numbers
_PAGES = ("home", "browse", "about_evidence", "about_assertions")
_COLUMNS = {"authors": "owner_id", "prompts": "prompt_id"}


def parts() -> list[str]:
    """The names of those that have an address."""
    numbered = ((kind, Listing.objects.parts(column, A_PART)) for kind, column in _COLUMNS.items())
    return ["pages", *(f"{kind}-{number}" for kind, numbers in numbered for number in numbers)]


def addresses_in(part: str) -> list[tuple[str, str]]:
    """(path, day it was last changed, as ISO 8601, or "") of each; none of a part that is not there."""
    if part == "pages":
        return [(reverse(name), "") for name in _PAGES]
    kind, _, digits = part.partition("-")
    if not (digits.isdecimal() and digits.isascii() and str(int(digits)) == digits and len(digits) < 12):
        return []
    number = int(digits)
    first, beyond = number * A_PART, (number + 1) * A_PART
    if kind == "authors":
        return _authors(first, beyond)
    return _prompts(first, beyond) if kind == "prompts" else []


def _authors(first: int, beyond: int) -> list[tuple[str, str]]:
    listed = Exists(Listing.objects.listed().filter(owner=OuterRef("pk")))
    found = User.objects.filter(listed, pk__gte=first, pk__lt=beyond).order_by("pk")
    path = reverse("profile", args=["handle"]).replace("handle", "{}")
    return [(path.format(handle), "") for handle in found.values_list("username", flat=True)]


def _prompts(first: int, beyond: int) -> list[tuple[str, str]]:
    found = Listing.objects.listed().filter(pk__gte=first, pk__lt=beyond).order_by("pk")
    rows = found.values_list("handle", "slug", Left(Cast("updated_at", CharField()), 10))
    path = reverse("prompt", args=["handle", "slug"]).replace("handle", "{}").replace("slug", "{}")
    return [(path.format(handle, slug), day) for handle, slug, day in rows]
