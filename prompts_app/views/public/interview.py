"""``/@handle/slug/interview/``: a printable sheet of questions an interviewer can ask about a prompt."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from prompts_app.engine.diffs import MessageDiff
from prompts_app.evidence.case_outcomes import cells_in
from prompts_app.evidence.concision import curve_of
from prompts_app.evidence.frames import FrameState
from prompts_app.evidence.interview_questions import Broken, Change, ExplainedFailure, FailingCase, questions
from prompts_app.evidence.known_failures import shelf_of
from prompts_app.evidence.records import Records, RunCase
from prompts_app.evidence.same_cases import pairs_of
from prompts_app.evidence.summary import Summary
from prompts_app.models import Prompt, Version
from prompts_app.views.public.prompt import changes_of
from prompts_app.views.public.public_page import is_indexable, part_ld, prompt_page

MOST_VERSIONS = 8  # the newest; each is compared with the one before it


@prompt_page
def interview(request: HttpRequest, prompt: Prompt) -> HttpResponse:
    records = Records(prompt)
    evidence = records.summary
    context = {
        "prompt": prompt,
        "evidence": evidence,
        "questions": questions(
            evidence,
            _changes(prompt),
            _failures(records, evidence) if evidence else [],
            curve_of(evidence) if evidence else None,
            _shelf(records),
            _broken(records),
        ),
        "listed": is_indexable(prompt),
        "json_ld": part_ld(
            prompt, f"Questions about {prompt.title}", f"{prompt.get_absolute_url()}interview/"
        ),
    }
    return render(request, "public/interview.html", context)


def _changes(prompt: Prompt) -> list[Change]:
    versions = list(prompt.versions.order_by("-number")[: MOST_VERSIONS + 1])[::-1]
    return [_change(old, new, found) for old, new in pairwise(versions) if (found := changes_of(old, new))]


def _change(old: Version, new: Version, messages: Sequence[MessageDiff]) -> Change:
    pieces = [piece for message in messages for piece in message.pieces]
    words = Counter[str]()
    for piece in pieces:
        words[piece.change] += len(piece.text.split())
    gone = [piece.text for piece in pieces if piece.change == "removed"]
    return Change(
        before=old.number,
        after=new.number,
        added=words["added"],
        removed=words["removed"],
        gone=max(gone, key=len, default=""),
        examples_before=_examples(old),
        examples_after=_examples(new),
    )


def _examples(version: Version) -> int:
    return sum(message["role"] == "assistant" for message in version.messages)


def _broken(records: Records) -> Broken | None:
    """Of the shown version against the one tested before it, on the cases that both ran."""
    if len(records.on_main) < 2:
        return None
    before, after = records.on_main[-2:]
    pairs = pairs_of(records, before, after)
    cases = tuple((pair.number, pair.name) for pair in pairs if pair.outcome == "broken")
    return Broken(before.version.number, after.version.number, cases) if cases else None


def _failures(records: Records, evidence: Summary) -> list[FailingCase]:
    """The cases of the main run that the shown version fails, on the models that had the same cases."""
    runs = [run for run in records.shown if run.suite_digest == evidence.suite_digest]
    failed = Counter(cell.index for cell in cells_in(runs, FrameState.FAILED))
    return [
        FailingCase(at + 1, str(records.case(RunCase(runs[0], at)).get("name", "")), count)
        for at, count in failed.items()
    ]


def _shelf(records: Records) -> list[ExplainedFailure]:
    return [
        ExplainedFailure(
            item.failure.number,
            item.name,
            str(item.failure.run.version),
            item.failure.run.named,
            str(item.fix.version) if item.fix else "",
            item.fix.state if item.fix else "",
        )
        for item in shelf_of(records)
    ]
