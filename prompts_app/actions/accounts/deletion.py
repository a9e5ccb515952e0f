"""The end of an account: closed to everybody from the press on; its rows go in the background."""

from dataclasses import dataclass

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db import transaction

from prompts_app.actions.accounts.jobs import begin, does
from prompts_app.actions.runs.deleting import delete_results
from prompts_app.evidence.listings import hold_work_of
from prompts_app.models import (
    Case,
    Endpoint,
    Face,
    GoneHandle,
    Job,
    Profile,
    Prompt,
    Result,
    Run,
    ShareLink,
    User,
    Version,
    Visibility,
)
from prompts_app.models.ids import public_id

AT_ONCE_PROMPTS, AT_ONCE_RESULTS = 20, 1_000  # above either, a worker does it
RESULTS_IN_A_STEP = 500


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
        prompts=Prompt.objects.filter(owner=user).count(),
        versions=Version.objects.filter(prompt__owner=user).count(),
        cases=Case.objects.filter(prompt__owner=user).count(),
        runs=Run.objects.filter(prompt__owner=user).count(),
        results=Result.objects.filter(run__prompt__owner=user).count(),
        endpoints=Endpoint.objects.filter(owner=user).exclude(kind=Endpoint.PRACTICE).count(),
        links=ShareLink.objects.owned_by(user).count(),
    )


def delete_account(user: User) -> None:
    """Everything of this person, for good: closed at once, and in the end no row of theirs is left. The
    handle stays taken, as a hash."""
    prompts = Prompt.objects.filter(owner=user).count()
    results = Result.objects.filter(run__prompt__owner=user)[: AT_ONCE_RESULTS + 1].count()
    is_small = prompts <= AT_ONCE_PROMPTS and results <= AT_ONCE_RESULTS
    with transaction.atomic():
        _close(user)
        if not is_small:
            begin(user, Job.Kind.DELETE_ACCOUNT, prompts)
    if is_small:
        begin(user, Job.Kind.DELETE_ACCOUNT, prompts, delete_some)


def _close(user: User) -> None:
    """Nobody signs in, nothing of theirs is shown or asked, and nobody can tell who it was. What is left are
    rows that only ``delete_some`` looks at.
    """
    hold_work_of(user)
    GoneHandle.objects.keep(user.all_handles(), was_seen=user.is_seen)
    user.former_handles.all().delete()
    for model in (EmailAddress, Authenticator, SocialAccount):
        model.objects.filter(user=user).delete()
    user.share_links.all().delete()
    user.imports.all().delete()
    user.endpoints.update(encrypted_key=b"")
    under_way = Run.objects.under_way().filter(prompt__owner=user)
    under_way.filter(state=Run.State.QUEUED).update(state=Run.State.CANCELLED)
    under_way.update(cancel_requested=True)
    Prompt.objects.filter(owner=user).update(visibility=Visibility.PRIVATE)
    Face.objects.filter(profile__user=user).delete()
    Profile.objects.filter(user=user).update(visibility=Visibility.PRIVATE, name="", contact_email="")
    user.username, user.email, user.is_active = f"gone-{public_id()}", "", False
    user.set_unusable_password()
    user.save(update_fields=["username", "email", "is_active", "password"])


@does(Job.Kind.DELETE_ACCOUNT)
def delete_some(job: Job) -> bool:
    """Some results, or a run whose results are gone, or a prompt whose runs are; at last the account."""
    prompt = Prompt.objects.filter(owner=job.owner).order_by("pk").first()
    if prompt is None:
        # Not by its own ``delete``, which keeps its handle: that was done, and this one is nobody's.
        User.objects.filter(pk=job.owner_id).delete()
        return False
    left = RESULTS_IN_A_STEP
    while left > 0 and (run := prompt.runs.order_by("pk").first()):
        some = list(run.results.order_by("pk").values_list("pk", flat=True)[:left])
        delete_results(Result.objects.filter(pk__in=some))
        left -= len(some) + 1
        if left > 0:
            Run.objects.filter(pk=run.pk).hold()
            run.delete()
    if left > 0:
        prompt.delete()
        job.done += 1
    return True
