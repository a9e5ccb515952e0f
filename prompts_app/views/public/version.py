"""What the page of one version shows: its text, what changed, its runs and their results."""

from collections import Counter
from typing import Any

from prompts_app.engine.diffs import MessageDiff, message_diff
from prompts_app.evidence.case_outcomes import cells_in, page_of, rows_of
from prompts_app.evidence.case_study import ShownCases, read_shown
from prompts_app.evidence.frames import FrameState
from prompts_app.evidence.records import Records
from prompts_app.models import Prompt, Run, Version
from prompts_app.models.evidence import RunQuerySet
from prompts_app.views.public.public_page import part_ld

MOST_RUNS = 60  # on one page
LONGEST_COMPARED = 60_000  # characters of both versions together


def version_context(prompt: Prompt, version: Version, shown: ShownCases) -> dict[str, Any]:
    before = prompt.versions.filter(number__lt=version.number).order_by("-number").first()
    after = prompt.versions.filter(number__gt=version.number).order_by("number").defer("messages").first()
    runs = _runs_that_say_something(prompt, version)
    counted = Counter("".join(run.frames for run in runs))
    if not (shown.is_chosen or counted[FrameState.FAILED] or counted[FrameState.PASSED]):
        shown = read_shown({"show": "unjudged"})  # there is nothing else to show
    page = page_of(cells_in(runs, shown.state), shown.page)
    return {
        "prompt": prompt,
        "version": version,
        "json_ld": part_ld(prompt, f"{prompt.title}, {version}", version.get_absolute_url()),
        "before": before,
        "after": after,
        "changes": changes_of(before, version) if before else None,
        "runs": runs,
        "more_runs": _that_count(prompt, version).count() - len(runs),
        "shown": shown,
        "page": page,
        "rows": rows_of(Records(prompt), page, anchors=True),
        "failed": counted[FrameState.FAILED],
        "passed": counted[FrameState.PASSED],
        "errors": counted[FrameState.NO_ANSWER],
        "only_unjudged": not (counted[FrameState.FAILED] or counted[FrameState.PASSED]),
        "unjudged": counted[FrameState.UNJUDGED],
        "waiting": counted[FrameState.WAITING],
    }


def _runs_that_say_something(prompt: Prompt, version: Version) -> list[Run]:
    """Newest first. Deleting is the only way to hide a run, and that is counted."""
    runs = _that_count(prompt, version).defer("suite")
    return list(runs.select_related("version").order_by("-created_at", "-pk")[:MOST_RUNS])


def _that_count(prompt: Prompt, version: Version) -> RunQuerySet:
    return Run.objects.that_count().filter(prompt=prompt, version=version)


def changes_of(before: Version, version: Version) -> tuple[MessageDiff, ...] | None:
    """The word difference; None where the texts are too long to compare on a page."""
    old, new = before.as_engine().messages, version.as_engine().messages
    if sum(len(message.content) for message in (*old, *new)) > LONGEST_COMPARED:
        return None
    return message_diff(old, new)
