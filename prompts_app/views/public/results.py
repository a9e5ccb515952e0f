"""``/@handle/slug/results/id/``: one result for good: what was asked, what came, how it was judged."""

import json
import random as chance
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from prompts_app.access import result_visible_to
from prompts_app.actions.runs.verdict import can_judge
from prompts_app.engine.assertions.stored import calls_in
from prompts_app.engine.case_pictures import CasePicture
from prompts_app.engine.prices import sources_told
from prompts_app.engine.vendors import Claim, claim_of, with_settings
from prompts_app.evidence.case_inputs import pictures_of, pieces_of
from prompts_app.evidence.checks import checks_of
from prompts_app.evidence.steps import split_request
from prompts_app.evidence.summary import summary_of
from prompts_app.evidence.trace import MOST_ITEMS, trace_of
from prompts_app.models import Prompt, Result, Run, Source
from prompts_app.templatetags.text import LONGEST_MARKDOWN
from prompts_app.views.public.public_page import KEPT_BY_NOBODY, is_indexable, part_ld, prompt_page

MOST_SHOWN = 200_000  # characters of an output on the page
MOST_OF_A_VALUE = 20_000  # characters of a message or a case's value


@prompt_page
def result(request: HttpRequest, prompt: Prompt, public_id: str) -> HttpResponse:
    found = result_visible_to(request.user, prompt, public_id)
    return render(request, "public/result.html", _context(request, prompt, found))


@prompt_page
def random(request: HttpRequest, prompt: Prompt) -> HttpResponse:
    """Any one of the results the prompt's figures are made of, drawn anew each time; nobody can pick it."""
    runs = Run.objects.that_count().filter(prompt=prompt)
    if (summary := summary_of(prompt)) is None:
        raise Http404
    shown = runs.filter(public_id__in=[model.run for model in summary.models])
    drawn_from = Result.objects.filter(run__in=shown).order_by("pk").values_list("public_id", flat=True)
    if not (count := drawn_from.count()):
        raise Http404
    public_id = drawn_from[chance.randrange(count)]  # noqa: S311 fair is enough, nothing is kept secret
    found = result_visible_to(request.user, prompt, public_id)
    context = {**_context(request, prompt, found), "drawn_from": count}
    response = render(request, "public/result.html", context)
    response.headers["Cache-Control"] = KEPT_BY_NOBODY
    return response


def _context(request: HttpRequest, prompt: Prompt, found: Result) -> dict[str, Any]:
    checks = checks_of(found.checks)
    case = found.case if found.case_index < len(found.run.suite) else {}
    pictures = pictures_of(case)
    return {
        "prompt": prompt,
        "result": found,
        "run": found.run,
        "named": with_settings(found.who.named, found.run.settings),
        "case": case,
        "variables": _texts_of(case, pictures),
        "pictures": pictures,
        "canned": case.get("tool_results") or (),
        "turns": [_cut(turn) for turn in case.get("turns") or ()],
        "checks": checks,
        "judge": _judge_of(found),
        "wanting": any(check.passed is None and check.counts and not check.unknown for check in checks),
        "unknown": any(check.unknown for check in checks),
        "is_own": request.user.pk == prompt.owner_id and can_judge(found),
        "fault": found.fault,
        "is_part": found.is_error and not found.error_kind.startswith("judge"),
        "judge_cost_told": _judge_cost_told(found),
        "is_practice": found.run.source == Source.PRACTICE,
        "output": found.output[:MOST_SHOWN],
        "is_cut": len(found.output) > MOST_SHOWN,
        "as_markdown": bool(found.output) and len(found.output) <= LONGEST_MARKDOWN,
        "listed": is_indexable(prompt),
        "json_ld": part_ld(prompt, f"One result of {prompt.title}", found.get_absolute_url()),
        **_request_of(found, (*pictures, *found.run.version.pictures)),
        **_neighbours(found),
        "repeats": _repeats_of(found),
    }


def _texts_of(case: dict[str, Any], pictures: Sequence[CasePicture]) -> list[tuple[str, str]]:
    """The case's values, but for those that pictures stand in place of."""
    pictured = {one.variable for one in pictures}
    values = (case.get("variables") or {}).items()
    return [(name, _cut(value)) for name, value in values if value or name not in pictured]


def _judge_of(found: Result) -> Claim:
    """Who judged, and where: of all calls that were made for this answer."""
    calls = calls_in(found.checks)
    origins = dict.fromkeys(call["asked_at"] for call in calls if call.get("asked_at"))
    named = {str(call.get("model") or "") for call in calls}
    model = found.run.judge_model or found.run.judge_embedding_model
    return claim_of(model, list(origins), answered=named.pop() if len(named) == 1 else "")


def _judge_cost_told(found: Result) -> str:
    """Where the cost of its judge's calls is from."""
    calls = calls_in(found.checks)
    return sources_told(Counter(call.get("cost_source", "") for call in calls if call.get("cost")))


def _request_of(found: Result, pictures: Sequence[CasePicture]) -> dict[str, Any]:
    """The request as sent: its messages, those from the first call of a tool apart, and everything else of it
    as JSON."""
    sent = found.request if isinstance(found.request, dict) else {}
    first, steps = split_request(sent)
    messages = [
        (str(message.get("role", "")), _pieces(message.get("content", ""), pictures)) for message in first
    ]
    if isinstance(sent.get("prompt"), str):  # to the images API
        messages.append(("prompt", [_cut(sent["prompt"])]))
    rest = {key: value for key, value in sent.items() if key not in {"messages", "input", "prompt"}}
    return {
        "sent": messages,
        "steps": steps,
        "trace": trace_of(found.trace),
        "trace_left": max(0, len(found.trace) - MOST_ITEMS),
        "settings": _cut(json.dumps(rest, ensure_ascii=False, indent=2)) if rest else "",
    }


def _pieces(content: object, pictures: Sequence[CasePicture]) -> list[str | CasePicture]:
    found = pieces_of(content, pictures)
    return [piece if isinstance(piece, CasePicture) else _cut(piece) for piece in found]


def _repeats_of(found: Result) -> dict[str, Any] | None:
    """How the repeats of the case came out together; None where it was asked once."""
    if found.run.repeats == 1:
        return None
    cells = Result.objects.filter(run=found.run, case_index=found.case_index)
    rows = list(cells.values_list("passed", "latency_ms", "error_kind"))
    times = [latency for _, latency, error in rows if latency is not None and not error]
    return {
        "passing": sum(passed is True for passed, _, _ in rows),
        "distinct": found.run.distinct_of(found.case_index),
        "fastest": min(times, default=None),
        "slowest": max(times, default=None),
    }


def _cut(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    if len(text) <= MOST_OF_A_VALUE:
        return text
    return f"{text[:MOST_OF_A_VALUE]}… ({len(text) - MOST_OF_A_VALUE:,} more characters)"


def _neighbours(found: Result) -> dict[str, Any]:
    """The result before and after it in its run, by case and repeat."""
    cells = list(
        Result.objects.filter(run=found.run).order_by("case_index", "repeat").values_list("pk", "public_id")
    )
    place = [pk for pk, _ in cells].index(found.pk)
    return {
        "previous": cells[place - 1][1] if place else "",
        "next": cells[place + 1][1] if place + 1 < len(cells) else "",
        "place": place + 1,
        "places": len(cells),
    }
