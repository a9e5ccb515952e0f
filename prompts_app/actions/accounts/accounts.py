"""What happens to an account as a whole: another name, another handle. Its end is in ``deletion``."""

from django.db import IntegrityError, transaction

from prompts_app.actions.accounts.jobs import begin, does
from prompts_app.engine.errors import Refused
from prompts_app.evidence.listings import hold_work_of, refresh, rename_in_listings
from prompts_app.models import FormerHandle, GoneHandle, Job, Profile, Prompt, User

AT_ONCE = 60  # prompts; of more, a worker writes down anew what is searched
IN_A_STEP = 40
MOST_FORMER_HANDLES = 5  # each is kept from everybody else for as long as the account lives


def save_profile(profile: Profile) -> None:
    """Store it; the author's prompts are listed and found by what it says from now on."""
    shown = {"name": profile.name, "visibility": profile.visibility, "is_sample": profile.is_sample}
    with transaction.atomic():
        is_as_listed = Profile.objects.filter(pk=profile.pk, **shown).exists()
        profile.save()
        if not is_as_listed:
            _write_anew(profile.user)


def _write_anew(user: User) -> None:
    """What lists and the search read of all prompts of ``user``. Of many, lists have the new name and handle
    at once, and the rest follows in the background."""
    prompts = Prompt.objects.owned_by(user)
    if (total := prompts.count()) <= AT_ONCE:
        refresh(prompts)
    else:
        rename_in_listings(User.objects.select_related("profile").get(pk=user.pk))
        begin(user, Job.Kind.REFRESH, total)


@does(Job.Kind.REFRESH)
def refresh_some(job: Job) -> bool:
    """A step of it: the next prompts, by number."""
    after = job.cursor.get("after", 0)
    some = list(Prompt.objects.owned_by(job.owner).filter(pk__gt=after).order_by("pk")[:IN_A_STEP])
    refresh(some)
    if some:
        job.done, job.cursor = job.done + len(some), {"after": some[-1].pk}
    return len(some) == IN_A_STEP


def rename_handle(user: User, handle: str) -> None:
    """Give ``user`` another handle; the old one keeps leading to them. Raises Refused."""
    handle = handle.lower()
    if handle == user.handle:
        raise Refused("handle", "This is your handle already.")
    try:
        with transaction.atomic():
            check_can_take(user, handle)
            hold_work_of(user)
            user.former_handles.filter(handle=handle).delete()  # taking an own one back
            FormerHandle.objects.create(handle=user.handle, user=user)
            User.objects.filter(pk=user.pk).update(username=handle)
            _write_anew(user)
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
