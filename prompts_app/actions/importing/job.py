"""An import from the author's yes to its end, and back: each step is kept in its row.

Small ones are done at once; large ones by a worker, which may be killed at any moment: another goes on. Why
nothing is lost or doubled: what a chunk made is noted in the same transaction that makes it.
"""

import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.tasks import task
from django.utils import timezone

from portfolio.database import AWAY, is_away
from prompts_app.actions.importing.apply import ImportOptions, import_in_chunks, prompts_in
from prompts_app.actions.importing.made import Made, changed_since, take_back_in_chunks
from prompts_app.actions.importing.plan import BundleRefused
from prompts_app.actions.importing.report import ImportReport
from prompts_app.actions.runs import stopping
from prompts_app.engine.errors import Overrun, RefusedKind
from prompts_app.engine.formats import FormatError, Parsed
from prompts_app.engine.formats.parsed_file import ParsedFile, read_file, unpacked
from prompts_app.engine.formats.variables import STYLES
from prompts_app.engine.limited_process import BUSY, FILE, OURS, apart
from prompts_app.models import Import, ImportPart, Prompt, User

MOST_KEPT = 3  # previews of one author; an older one goes when a new one comes
AT_ONCE_PROMPTS, AT_ONCE_RESULTS = 100, 2_000  # above either, a worker does it
MOST_LISTED = 50  # of each list in a report: the rest is counted

log = logging.getLogger(__name__)


class NotNow(RefusedKind):
    """Why it cannot be done, as a sentence."""

    code = "not_now"


class _Lost(Exception):
    """Another worker has it now, or it was stopped."""


# --- before -----------------------------------------------------------------------------------------------


def keep_file(owner: User, name: str, data: bytes, read: ParsedFile) -> Import:
    """The file and what was read in it, for the pages that follow. Those that nobody came back for go."""
    Import.objects.left_behind().delete()
    older = (
        Import.objects.filter(state=Import.State.PREVIEW, owner=owner)
        .order_by("-pk")
        .values_list("pk", flat=True)
    )
    Import.objects.filter(pk__in=list(older[MOST_KEPT - 1 :])).delete()
    with transaction.atomic():
        row = Import.objects.create(owner=owner, name=name[:200], data=data)
        keep_parts(row, read)
    return row


@transaction.atomic
def keep_parts(row: Import, read: ParsedFile) -> None:
    """Instead of what it was read as before. Where its author has said yes meanwhile, that stays."""
    row.total, row.options = read.prompts, {"read_as": read.format, "recognised": read.recognised}
    waiting = Import.objects.filter(pk=row.pk, state=Import.State.PREVIEW)
    if waiting.update(total=row.total, options=row.options):
        _write_parts(row, read)


def _write_parts(row: Import, read: ParsedFile) -> None:
    row.parts.all().delete()
    for number, data in enumerate(read.parts):
        ImportPart.objects.create(of=row, number=number, data=data)


def parts_of(row: Import) -> Iterator[Parsed]:
    """One in memory at a time."""
    for number in list(row.parts.order_by("number").values_list("number", flat=True)):
        yield unpacked(bytes(row.parts.get(number=number).data))


def start(row: Import, options: ImportOptions) -> None:
    """The author's yes. Said twice, it is heard once. Small ones are there when this returns."""
    first = next(parts_of(row), None)  # None: it was said in another tab
    total = sum(1 for _ in prompts_in(parts_of(row), options)) if options.separate else row.total
    waiting = Import.objects.filter(pk=row.pk, state=Import.State.PREVIEW)
    if first is None or not waiting.update(
        state=Import.State.QUEUED,
        total=total,
        options={"styles": sorted(options.styles), "separate": options.separate},
        report=_added_up({}, ImportReport(unsupported=first.unsupported, skipped=first.skipped)),
        data=b"",
    ):
        return
    if total <= AT_ONCE_PROMPTS and _results_in(list(parts_of(row))) <= AT_ONCE_RESULTS:
        run_import(row.pk)
    else:
        _enqueue(row.pk)


def _results_in(parts: list[Parsed]) -> int:
    runs = [run for part in parts for prompt in part.prompts for run in prompt.runs]
    runs += [run for part in parts for prompt in part.bundled for run in prompt.runs]
    return sum(len(run.results) for run in runs)


def _enqueue(pk: int) -> None:
    transaction.on_commit(lambda: run_import_task.enqueue(pk), robust=True)


@task
def run_import_task(import_id: int) -> None:
    run_import(import_id)


def resume_imports(**of: Any) -> int:
    """Enqueue those under way that no worker holds; how many. Twice does no harm."""
    waiting = Import.objects.filter(**of).next_in_line()
    for pk in waiting:
        run_import_task.enqueue(pk)
    return len(waiting)


# --- at work ----------------------------------------------------------------------------------------------


def run_import(pk: int) -> None:
    """Go on with it, unless somebody else does."""
    worker = str(uuid4())
    if not Import.objects.claim(pk, worker):
        return
    row = Import.objects.select_related("owner").get(pk=pk)
    waits: dict[str, Any] = {}  # their next one waits for this
    try:
        if row.state == Import.State.UNDOING:
            _undo(row, worker)
        else:
            _import(row, worker)
    except _Lost:
        log.info("Import %s goes on elsewhere.", row.public_id)
        waits = {"state": Import.State.UNDOING}  # stopped: what was enqueued for that came while this held it
    finally:
        with suppress(*AWAY):  # else its lease runs out
            Import.objects.give_back(pk, worker)
    resume_imports(owner=row.owner, **waits)


def _import(row: Import, worker: str) -> None:
    made = Made(**row.made)
    _write(row, worker, state=Import.State.RUNNING)
    try:
        if row.data:  # said yes to in an earlier release, which read it now
            _write_parts(row, apart(FILE, read_file, row.name, bytes(row.data), hint=row.kind))
            _write(row, worker, data=b"")
        chunks = import_in_chunks(
            row.owner, parts_of(row), _options_of(row), made, done=row.done,
            note=lambda report, done: _note(row, worker, made, report, done),
        )  # fmt: skip
        for _ in chunks:
            _check_may_go_on()
    except _Lost:
        raise
    except (FormatError, Overrun, BundleRefused) as error:
        if str(error) in (BUSY, OURS):  # no fault of the file: it is read later
            raise _Lost from None
        _fail(row, worker, made, str(error))
        return
    except Exception as error:
        if is_away(error):  # a database that is away is no fault of the file either
            raise _Lost from None
        log.exception("Import %s failed", row.public_id)
        _fail(row, worker, made, "An error in this site ended it. This is ours to mend: please report it.")
        return
    _end(row, worker, state=Import.State.DONE)


def _fail(row: Import, worker: str, made: Made, why: str) -> None:
    """Nothing of it stays."""
    for _ in take_back_in_chunks(row.owner, made):
        _write(row, worker)
    _end(row, worker, state=Import.State.FAILED, problem=why[:500], made={}, data=b"")


@transaction.atomic
def _end(row: Import, worker: str, **columns: Any) -> None:
    """Raises _Lost."""
    if not Import.objects.give_back(row.pk, worker, finished_at=timezone.now(), **columns):
        raise _Lost
    row.parts.all().delete()


def _note(row: Import, worker: str, made: Made, report: ImportReport | None, done: int) -> None:
    """Within the transaction that makes it: either both are there or neither."""
    row.report = _added_up(row.report, report) if report else row.report
    _write(row, worker, report=row.report, done=max(done, row.done), made=made.as_json())


def _write(row: Import, worker: str, **columns: Any) -> None:
    """And hold it for another while. Raises _Lost."""
    if not Import.objects.renew(row.pk, worker, **columns):
        raise _Lost


def _check_may_go_on() -> None:
    """Raises _Lost where this worker was told to stop."""
    if stopping.is_stopping():
        raise _Lost


def _options_of(row: Import) -> ImportOptions:
    styles = frozenset(style for style in STYLES if style in row.options.get("styles", ()))
    return ImportOptions(styles, separate=bool(row.options.get("separate")))


# --- what came of it --------------------------------------------------------------------------------------


def _added_up(kept: dict[str, Any], report: ImportReport) -> dict[str, Any]:
    """The report as it is kept: whole in its counts, short in its lists of pairs."""
    lists: dict[str, list[list[str]]] = {
        "prompts": [[prompt.title, prompt.slug] for prompt in report.prompts],
        "added_to": [[one.prompt.title, one.prompt.slug, one.what] for one in report.added_to],
        "unsupported": [[problem.what, problem.where] for problem in report.unsupported],
        "skipped": [[skip.what, skip.why] for skip in report.skipped],
    }
    counts = {name: getattr(report, name) for name in ("versions", "cases", "assertions", "results")}
    counts |= {name: len(items) for name, items in lists.items()}
    before = kept.get("counts", {})
    return {
        "counts": {name: count + before.get(name, 0) for name, count in counts.items()},
        **{name: [*kept.get(name, []), *items][:MOST_LISTED] for name, items in lists.items()},
    }


# --- and back ---------------------------------------------------------------------------------------------


def changed_by_author(row: Import) -> list[Prompt]:
    """Its prompts that were worked on since, or that others can see."""
    if row.finished_at is None:
        return []
    return list(changed_since(row.owner, Made(**row.made), row.finished_at))


def undo(row: Import, *, keep_changed: bool) -> None:
    """Delete all that it made; with ``keep_changed`` but for what was worked on since. Raises NotNow."""
    keep = [prompt.pk for prompt in changed_by_author(row)] if keep_changed else []
    ended = Import.objects.filter(pk=row.pk, state=Import.State.DONE)
    if not ended.update(
        state=Import.State.UNDOING, done=0, total=len(row.made.get("prompts", ())), options={"keep": keep}
    ):
        raise NotNow("This import is not there to be undone any more.")
    if len(row.made.get("prompts", ())) <= AT_ONCE_PROMPTS:
        run_import(row.pk)
    else:
        _enqueue(row.pk)


def _undo(row: Import, worker: str) -> None:
    keep = row.options.get("keep", [])
    done = 0
    for count in take_back_in_chunks(row.owner, Made(**row.made), keep):
        _check_may_go_on()
        _write(row, worker, done=(done := done + count))
    _end(row, worker, state=Import.State.UNDONE, made={})


def stop(row: Import) -> None:
    """End it where it is, and take back what it made. Raises NotNow."""
    under_way = Import.objects.filter(pk=row.pk, state__in=[Import.State.QUEUED, Import.State.RUNNING])
    # The claim goes: who works on it finds that with the next chunk, and nothing of that chunk stays.
    if not under_way.update(
        state=Import.State.UNDOING, options={"keep": []}, done=0, claim="", lease_until=None
    ):
        raise NotNow("It has ended meanwhile.")
    _enqueue(row.pk)
