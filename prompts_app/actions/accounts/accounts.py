"""What happens to an account as a whole: a new handle, and its end."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import IntegrityError, transaction

from prompts_app.engine.errors import Refused
from prompts_app.evidence.listings import refresh
from prompts_app.models import (
    Case,
    Endpoint,
    FormerHandle,
    GoneHandle,
    Profile,
    Prompt,
    Result,
    Run,
    ShareLink,
    User,
    Version,
)

MOST_FORMER_HANDLES = 5  # each is kept from everybody else for as long as the account lives


def save_profile(profile: Profile) -> None:
    """Store it; the author's prompts are listed and found by what it says from now on."""
    shown = {"name": profile.name, "visibility": profile.visibility, "is_sample": profile.is_sample}
    with transaction.atomic():
        is_as_listed = Profile.objects.filter(pk=profile.pk, **shown).exists()
        profile.save()
        if not is_as_listed:
            refresh(Prompt.objects.owned_by(profile.user))


def rename_handle(user: User, handle: str) -> None:
    """Give ``user`` another handle; the old one keeps leading to them. Raises Refused."""
    handle = handle.lower()
    if handle == user.handle:
        raise Refused("handle", "This is your handle already.")
    try:
        with transaction.atomic():
            check_can_take(user, handle)
            user.former_handles.filter(handle=handle).delete()  # taking an own one back
            FormerHandle.objects.create(handle=user.handle, user=user)
            User.objects.filter(pk=user.pk).update(username=handle)
            refresh(Prompt.objects.owned_by(user))
    except IntegrityError:
        raise Refused("handle", "Somebody took this handle a moment ago. Choose another.") from None
    user.username = handle


def free_handle(handle: str) -> str:
    """Let anybody take a handle that was given up or whose account is gone; what was done, in words.

    Raises Refused where it is in use, or nobody had it.
    """
    with transaction.atomic():
        if User.objects.filter(username=handle.lower()).exists():
            raise Refused("handle", f"@{handle} is somebody's handle now. Only its owner can give it up.")
        if GoneHandle.objects.of(handle).delete()[0]:
            return f"@{handle} was kept since its account is gone. Anybody may take it now."
        former = FormerHandle.objects.filter(handle=handle.lower()).select_related("user").first()
        if former is None:
            raise Refused("handle", f"Nobody had @{handle} here, so it is free.")
        former.delete()
        return f"@{handle} was kept for @{former.user.handle}. Anybody may take it now; no old link leads on."


def check_can_take(user: User, handle: str) -> None:
    """Raises Refused."""
    if User.objects.has_taken(handle, besides=user):
        raise Refused("handle", "Somebody has this handle, or had it before. Choose another.")
    former = user.former_handles.exclude(handle=handle).count()
    if former >= MOST_FORMER_HANDLES:
        raise Refused(
            "handle",
            f"You have changed your handle {former} times, and every old one is kept for you. "
            "You can go back to one of them, but not take another.",
        )


@dataclass(frozen=True)
class Losses:
    """How much goes with an account, each a number of rows."""

    prompts: int
    versions: int
    cases: int
    runs: int
    results: int
    endpoints: int
    links: int


def losses(user: User) -> Losses:
    """What deleting ``user`` deletes with it."""
    return Losses(
        prompts=Prompt.objects.owned_by(user).count(),
        versions=Version.objects.filter(prompt__owner=user).count(),
        cases=Case.objects.filter(prompt__owner=user).count(),
        runs=Run.objects.filter(prompt__owner=user).count(),
        results=Result.objects.filter(run__prompt__owner=user).count(),
        endpoints=Endpoint.objects.filter(owner=user).count(),
        links=ShareLink.objects.owned_by(user).count(),
    )


def delete_account(user: User) -> None:
    """Everything of this person, at once and for good: no row of theirs is left anywhere. The handle stays
    taken, as a hash."""
    with transaction.atomic():
        Run.objects.filter(prompt__owner=user).hold()
        user.delete()
