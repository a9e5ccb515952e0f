"""Where a prompt comes from, as far as it may be told.

An origin is named while it is public, and to its own author always. One that was unpublished or deleted is
not: whoever takes a work back is not to be found by way of its forks. What stays is that there was one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q

from prompts_app.access import Viewer
from prompts_app.models import Licence, Prompt, Version
from prompts_app.models.reading import read_apart


@dataclass(frozen=True, slots=True)
class Origin:
    """The version a prompt was made of, and the licence it was taken under."""

    version: Version  # with its prompt, that with its author
    licence: str  # as it is read: "CC BY 4.0"

    @property
    def prompt(self) -> Prompt:
        return self.version.prompt

    @property
    def address(self) -> str:
        return settings.SITE_URL + self.version.get_absolute_url()

    @property
    def credit(self) -> str:
        """For files: "Invoice reader v3 by Ada Example, CC BY 4.0, https://…"."""
        return (
            f"{self.prompt.title} {self.version} by {self.prompt.owner.display_name}, {self.licence},"
            f" {self.address}"
        )


def origin_of(prompt: Prompt, viewer: Viewer | None = None) -> Origin | None:
    """None where it was not forked, or of what ``viewer`` is not to be told. Nobody in particular: None."""
    return origins_of([prompt], viewer).get(prompt.pk)


def origins_of(prompts: Iterable[Prompt], viewer: Viewer | None = None) -> dict[int, Origin]:
    """Prompt id → its origin, for those whose origin may be named. One query at most."""
    forked = {prompt.pk: prompt for prompt in prompts if prompt.forked_from_id}
    if not forked:
        return {}
    may_be_named = Q(prompt__in=Prompt.objects.public().values("pk"))
    if viewer is not None and viewer.is_authenticated:
        may_be_named |= Q(prompt__owner=viewer, prompt__deleted_at=None)
    rows = Version.objects.filter(may_be_named, pk__in=[prompt.forked_from_id for prompt in forked.values()])
    rows = rows.select_related("prompt__owner__profile")
    with read_apart():
        found = {version.pk: version for version in rows.defer("messages", "variables", "parameters")}
    return {
        # What it was taken under: a later change at the origin does not take that back.
        pk: Origin(version, Licence(prompt.forked_licence or version.prompt.licence).label)
        for pk, prompt in forked.items()
        if prompt.forked_from_id and (version := found.get(prompt.forked_from_id))
    }


def credit_of(prompt: Prompt) -> str:
    """The line of credit in files anybody may have, "" for a work of its own or an origin not to be named."""
    return credits_of([prompt])[prompt.pk]


def credits_of(prompts: Sequence[Prompt]) -> dict[int, str]:
    """The same for several, by prompt id."""
    origins = origins_of(prompts)
    return {
        prompt.pk: origins[prompt.pk].credit if prompt.pk in origins else prompt.forked_credit
        for prompt in prompts
    }
