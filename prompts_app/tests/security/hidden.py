"""The world with one private text in every place where text of a prompt can stand."""

import json
from typing import Any

from django.utils import timezone

from prompts_app.actions.pictures.case_pictures import digest_of, keep_pictures
from prompts_app.actions.prompts.private_parts import add_span
from prompts_app.actions.runs.counting import count_run, rebuild_evidence
from prompts_app.actions.runs.seal import seal_run
from prompts_app.engine.digests import suite_digest
from prompts_app.engine.pictures import keep_to_send
from prompts_app.models import (
    Case,
    KnownFailure,
    PrivateSpan,
    Prompt,
    Result,
    Run,
    ShareLink,
    Source,
    Version,
)
from prompts_app.search import reindex
from prompts_app.tests.engine.files import a_file
from prompts_app.tests.factories import ResultFactory, RunFactory, VersionFactory
from prompts_app.tests.security.world import World

WORDS = (
    "zyxomma quibberish vorpalent grimbulous snarkiform tulgeyan frabjoid mimsicant borogrove outgrabish"
).split()
TEXT = " ".join(WORDS).capitalize()
LABEL = "client rule"
HOST = f"{'-'.join(WORDS).lower()}.example"
SHORT = "Plimsoll Verwimp"  # a name, as a second private part
PICTURE = keep_to_send(a_file())
# Where pages cut outputs: the text stands across each of these places.
CUTS = (60, 130, 160, 1_500, 4_000, 6_000, 40_000, 50_000, 200_000)
SPELLINGS = (TEXT, TEXT.upper(), TEXT.replace(" ", "\n  "), json.dumps({"said": f"“{TEXT}”\n"}))


def hide(w: World) -> PrivateSpan:
    """Put the text everywhere, and set it down as private."""
    _in_the_prompt(w)
    _in_the_cases(w)
    _in_the_runs(w)
    _asked_there(w)
    ShareLink.objects.filter(pk=w.link.pk).update(note=f"For you: {TEXT}")
    span = add_span(w.prompt, LABEL, TEXT)
    add_span(w.prompt, "client", SHORT)
    for run in Run.objects.filter(prompt=w.prompt):
        count_run(run)
        seal_run(run)
    rebuild_evidence(w.prompt)
    reindex([w.prompt])
    w.prompt.refresh_from_db()
    return span


def _in_the_prompt(w: World) -> None:
    said = f"Before. {TEXT}. After: {SHORT}."
    Prompt.objects.filter(pk=w.prompt.pk).update(
        title=f"Quagga {TEXT}"[:120],
        summary=said,
        situation=f"# Why\n\n*{TEXT}*",
        constraints=f"- {TEXT}",
        impact_kind="measured",
        impact=said,
        limits=f"> {TEXT.replace(' ', chr(10) + '> ')}",
        source=said,
        forked_credit=said,
    )
    content: dict[str, Any] = {
        "messages": [
            {"role": "system", "content": f"{'x ' * 19_990}{said} {{{{word}}}}"},
            {"role": "user", "content": f"{said} {{{{word}}}}"},
        ],
        "variables": [{"name": "word", "default": TEXT, "description": said}],
        "parameters": {"stop": [TEXT], TEXT: 1, "tools": [_tool()], "response_format": _asked()},
        "note": said,
    }
    Version.objects.filter(pk=w.version.pk).update(**content)
    VersionFactory(
        prompt=w.prompt,
        number=w.version.number + 1,
        messages=[{"role": "user", "content": f"Shorter: {said} {{{{word}}}}"}],
        note=said,
    )


def _asked() -> dict[str, Any]:
    properties = {
        TEXT: {"description": TEXT},
        "what": {"description": f"As {TEXT} says.", "enum": [TEXT, 1]},
        "which": {"const": TEXT, "pattern": "x"},
    }
    inner = {"name": TEXT, "description": TEXT, "schema": {"type": "object", "properties": properties}}
    return {"type": "json_schema", "json_schema": inner}


def _tool() -> dict[str, Any]:
    properties = {"what": {"type": "string", "description": TEXT}}
    function = {"name": "look_up", "description": TEXT, "parameters": {"properties": properties}}
    return {"type": "function", "function": function}


def _case() -> dict[str, Any]:
    return {
        "name": f"Case {TEXT}"[:120],
        "variables": {"word": f"{'y' * 3_950} {TEXT}", "other": TEXT, "client": SHORT},
        "turns": [f"And {TEXT}?"],
        "system": f"You know: {TEXT}",
        "tool_results": [{"tool": "look_up", "result": f"It is {TEXT}", "arguments": {"what": TEXT}}],
        "pictures": [
            {
                "variable": "seen",
                "sha256": digest_of(PICTURE.data),
                "width": 40,
                "height": 30,
                "alt": f"A page that says {TEXT}, of {SHORT}",
            }
        ],
        "assertions": [
            {"type": "contains", "value": TEXT},
            {"type": "not-contains", "value": SHORT},
            {"type": "not-icontains-any", "value": [TEXT.lower(), "no"]},
            {"type": "llm-rubric", "value": TEXT, "metric": TEXT},
        ],
    }


def _in_the_cases(w: World) -> None:
    keep_pictures(w.prompt, [PICTURE])
    Case.objects.filter(pk=w.case.pk).update(**_case())


def _checks(passed: bool) -> list[dict[str, Any]]:
    judge = {
        "rubric": TEXT,
        "calls": [
            {
                "asked": f"Does it say {TEXT}?", "answer": json.dumps({"reason": TEXT}), "model_asked": "m",
                "model": "m", "tokens_in": 1, "tokens_out": 1, "cost": None, "cost_source": "",
                "asked_at": f"https://{HOST}",
            }
        ],
        "cost": None,
    }  # fmt: skip
    return [
        {
            "type": "contains",
            "value": TEXT,
            "passed": passed,
            "score": 0.0,
            "reason": f"It has “{TEXT[:40]}…”",
        },
        {
            "type": "not-contains",
            "value": TEXT,
            "passed": passed,
            "score": 0.0,
            "reason": f"{'z' * 570}{TEXT}",
        },
        {"type": "llm-rubric", "value": TEXT, "passed": True, "score": 1.0, "reason": TEXT, "judge": judge},
    ]


def _in_the_runs(w: World) -> None:
    """A run of each version on each of two models: outputs that fail, pass, and no answer."""
    suite = [
        _case() | {"name": f"{number}: {TEXT}"[:120]} for number in range(len(CUTS) + len(SPELLINGS) + 2)
    ]
    digest = suite_digest(w.prompt.suite())  # any that is the same for all of them
    told = {
        "source_note": f"From {TEXT}",
        "stop_reason": TEXT,
        "unsealed_why": f"Because: {TEXT}",
        "parameters": {"stop": [TEXT]},
        "endpoint_host": HOST,
        "endpoint_url": f"https://{HOST}/v1",
        "judge_endpoint_url": f"https://{HOST}/v1",
    }
    Run.objects.filter(prompt=w.prompt).update(suite=suite, suite_digest=digest, **told)
    Result.objects.filter(run__prompt=w.prompt).update(
        output=f"So: {TEXT}", checks=_checks(False), passed=False, request=_request(), trace=_trace()
    )
    first = _filled(w.run, 1, CUTS)
    for number, version in enumerate(w.prompt.versions.order_by("number")):
        run = RunFactory(
            version=version, model=f"model-{number}", suite=suite, suite_digest=digest, repeats=1,
            source=Source.RECORDED, finished_at=timezone.now(), **told,
        )  # fmt: skip
        same = RunFactory(
            version=version,
            model=w.run.model,
            suite=suite,
            suite_digest=digest,
            finished_at=timezone.now(),
            **told,
        )
        _filled(run, 0, CUTS[:6])
        _filled(same, 0, CUTS[:6])
    KnownFailure.objects.create(prompt=w.prompt, run=w.run, case_index=first, diagnosis=f"It said {TEXT}")


def _asked_there(w: World) -> None:
    """A host may be a client's name too."""
    Result.objects.filter(run__prompt=w.prompt).update(asked_at=f"https://{HOST}")


def _trace() -> list[dict[str, Any]]:
    summary = [{"type": "summary_text", "text": f"{'w ' * 9_990}{TEXT}, says {SHORT}"}]
    query = {"type": "search", "query": TEXT, TEXT: 1}
    return [{"type": "reasoning", "summary": summary}, {"type": "web_search_call", "action": query}]


def _request() -> dict[str, Any]:
    return {
        "model": "m",
        "messages": [
            {"role": "user", "content": f"Hear: {TEXT}, says {SHORT.upper()}"},
            {"role": "assistant", "content": None, "tool_calls": [_call()]},
            {"role": "tool", "tool_call_id": "1", "content": f"It is {TEXT}"},
        ],
        "stop": [TEXT],
    }


def _call() -> dict[str, Any]:
    function = {"name": "look_up", "arguments": json.dumps({"what": TEXT, TEXT: SHORT})}
    return {"id": "1", "type": "function", "function": function}


def _filled(run: Run, start: int, cuts: tuple[int, ...]) -> int:
    """One result a case; the number of the first. Long outputs take long, so one run has them."""
    outputs = ["a " * ((cut - len(TEXT) // 2) // 2) + TEXT + " and on " * 30 for cut in cuts]
    outputs += [f"Yours, {SHORT}"]
    outputs += [f"It is: {spelling}." for spelling in SPELLINGS]
    for index, output in enumerate(outputs, start):
        ResultFactory(
            run=run, case_index=index, output=output, request=_request(), checks=_checks(bool(index % 3)),
            trace=_trace(), passed=bool(index % 3), model=run.model, response_id="id", fingerprint="f",
        )  # fmt: skip
    if start == 0:
        index = len(outputs)
        ResultFactory(
            run=run, case_index=index, output="", passed=None, error_kind="server_error",
            error_message=f"500: {TEXT}", request=_request(), checks=[],
        )  # fmt: skip
    return start
