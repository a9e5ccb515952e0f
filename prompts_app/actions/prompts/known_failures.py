"""Putting failures on the shelf, and writing down what was wrong and which version mended it.

What the records say of them is ``evidence.known_failures``.
"""

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from prompts_app.actions.prompts.save import StaleEdit
from prompts_app.engine.errors import Refused
from prompts_app.evidence.frames import FrameState
from prompts_app.models import KnownFailure, Prompt, Run, Version

MOST_FAILURES = 12  # on one shelf


def check_can_shelve(run: Run, case_index: int) -> None:
    """Raises Refused for what is no recorded failure, or stands there already."""
    if not Run.objects.that_count().filter(pk=run.pk).exists():
        raise Refused("known_failure", "Only a finished run counts here, and practice never does.")
    if run.frames[case_index : case_index + 1] != FrameState.FAILED:
        raise Refused("known_failure", "This case did not fail in this run, so there is nothing to diagnose.")
    if run.known_failures.filter(case_index=case_index).exists():
        raise Refused(
            "known_failure", "This failure is on the shelf already. Open it there to change what you wrote."
        )
    if run.prompt.known_failures.count() >= MOST_FAILURES:
        raise Refused(
            "known_failure",
            f"The shelf holds {MOST_FAILURES} failures. Take one off before you put another on it.",
        )


@transaction.atomic
def shelve(run: Run, case_index: int, diagnosis: str, fixed_in: Version | None) -> KnownFailure:
    """Put it behind the others. Raises Refused."""
    Prompt.objects.select_for_update().get(pk=run.prompt_id)  # of two at once, the second sees the first's
    check_can_shelve(run, case_index)
    _check_fix(run, fixed_in)
    last = run.prompt.known_failures.aggregate(last=Max("position"))["last"]
    try:
        with transaction.atomic():
            failure = KnownFailure.objects.create(
                prompt=run.prompt,
                run=run,
                case_index=case_index,
                diagnosis=diagnosis,
                fixed_in=fixed_in,
                position=0 if last is None else last + 1,
            )
    except IntegrityError:
        raise Refused("known_failure", "This failure is on the shelf already.") from None
    _touch(run.prompt)
    return failure


@transaction.atomic
def change_failure(
    failure: KnownFailure, diagnosis: str, fixed_in: Version | None, *, seen_revision: int | None
) -> None:
    """Raises StaleEdit where it is not the one the author saw (None does not ask), and Refused."""
    stored = KnownFailure.objects.select_for_update().get(pk=failure.pk)
    if seen_revision is not None and stored.revision != seen_revision:
        raise StaleEdit("This was saved in another tab meanwhile.")
    _check_fix(failure.run, fixed_in)
    stored.diagnosis, stored.fixed_in, stored.revision = diagnosis, fixed_in, stored.revision + 1
    stored.save(update_fields=["diagnosis", "fixed_in", "revision", "updated_at"])
    _touch(failure.prompt)


def _check_fix(run: Run, fixed_in: Version | None) -> None:
    if fixed_in and (fixed_in.prompt_id != run.prompt_id or fixed_in.number <= run.version.number):
        raise Refused(
            "known_failure", f"The fix has to be a version after {run.version}, the one that failed."
        )


@transaction.atomic
def move_failure(failure: KnownFailure, step: int) -> None:
    """One place up (-1) or down (1); at the end it stays where it is."""
    Prompt.objects.select_for_update().get(pk=failure.prompt_id)
    order = list(failure.prompt.known_failures.all())
    place = next(at for at, other in enumerate(order) if other.pk == failure.pk)
    if not 0 <= place + step < len(order):
        return
    order[place], order[place + step] = order[place + step], order[place]
    for position, row in enumerate(order):
        row.position = position
    KnownFailure.objects.bulk_update(order, ["position"])
    _touch(failure.prompt)


def remove_failure(failure: KnownFailure) -> None:
    """Off the shelf; the run keeps its result, and the page its row among the failures."""
    failure.delete()
    _touch(failure.prompt)


def _touch(prompt: Prompt) -> None:
    Prompt.objects.filter(pk=prompt.pk).update(updated_at=timezone.now())
