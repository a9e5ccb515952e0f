"""A judge asked about pasted outputs: its calls are recorded, the outputs stay level 0."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from prompts_app.actions.runs import judge_pasted as pasted
from prompts_app.actions.runs.judge import JudgeChoice
from prompts_app.actions.runs.judge_pasted import judge_pasted, waiting_for_judge
from prompts_app.actions.runs.paste import paste_output
from prompts_app.engine.errors import Refused
from prompts_app.engine.types import Price
from prompts_app.models import Level, Result, Run
from prompts_app.tests.actions.running import at
from prompts_app.tests.engine.judges import says, vectors
from prompts_app.tests.engine.servers import OddServer, answering
from prompts_app.tests.factories import CaseFactory, EndpointFactory, PromptFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of

pytestmark = pytest.mark.django_db

POLITE = {"type": "llm-rubric", "value": "Is polite to {{name}}.", "threshold": 0.5}
CLOSE = {"type": "similar", "value": ["yes"]}
HAS = {"type": "contains", "value": "Dear"}
YES = {"reason": "It is.", "pass": True, "score": 1}
NO = {"reason": "It is rude.", "pass": False, "score": 0}


def a_run(*assertions: dict[str, Any], outputs: tuple[str, ...] = ("Dear Ada, thank you.",)) -> Run:
    prompt = PromptFactory(owner=alice(), slug="greeting", visibility="public")
    messages = [{"role": "user", "content": "Greet {{name}}."}]
    version = VersionFactory(prompt=prompt, messages=messages)
    common = {"prompt": prompt, "variables": {"name": "Ada"}, "assertions": list(assertions)}
    cases = [CaseFactory(position=place, name=f"Case {place}", **common) for place in range(len(outputs))]
    for case, output in zip(cases, outputs, strict=True):
        paste_output(prompt, version, case, model="some-model", output=output, date=date(2026, 3, 1))
    return Run.objects.get()


def by(judge_server: OddServer, **more: Any) -> JudgeChoice:
    return JudgeChoice(at(judge_server), "judge-1", **more)


def test_the_judge_sees_the_output_and_its_verdict_counts_at_level_0() -> None:
    run = a_run(HAS, POLITE)
    assert (run.frames, [one.result for one in waiting_for_judge(run)]) == ("u", [Result.objects.get()])
    with answering(says(YES)) as judge_server:
        judged = judge_pasted(run, by(judge_server, parameters={"temperature": 0}))
    assert (judged.graded, judged.left) == (1, 0)
    result, run = Result.objects.get(), Run.objects.get()
    assert (result.passed, result.judge_calls, run.frames) == (True, 1, "p")
    call = result.checks[1]["judge"]["calls"][0]
    assert (call["model"], call["parameters"]) == ("judge-1-2026", {"temperature": 0})
    assert "Is polite to Ada." in judge_server.asked[0].json["messages"][1]["content"]
    assert "Dear Ada, thank you." in judge_server.asked[0].json["messages"][1]["content"]
    assert result.checks[1]["threshold"] == 0.5
    assert (run.level, run.source, run.judge_model, run.judge_parameters) == (
        Level.PASTED, "pasted", "judge-1", {"temperature": 0},
    )  # fmt: skip
    assert run.prompt.evidence_level == Level.PASTED
    assert waiting_for_judge(run) == []
    with (
        answering(says(NO)) as judge_server,
        pytest.raises(Refused, match="nothing to grade any more"),
    ):
        judge_pasted(run, by(judge_server))


def test_only_what_waits_is_asked() -> None:
    run = a_run(POLITE, CLOSE, {"type": "human"}, {"type": "select-best", "value": "The shortest."})
    with answering(says(YES), vectors([1, 0], [1, 0])) as judge_server:
        judge_pasted(run, by(judge_server, embedding_model="embed-1"))
        assert len(judge_server.asked) == 2
    assert [check["passed"] for check in Result.objects.get().checks] == [True, True, None, None]
    assert waiting_for_judge(Run.objects.get()) == []


def test_an_output_that_failed_already_is_not_sent_to_a_judge() -> None:
    assert waiting_for_judge(a_run(HAS, POLITE, outputs=("No.",))) == []


def test_a_judge_that_fails_leaves_the_output_unjudged_and_it_can_be_asked_again() -> None:
    run = a_run(POLITE)
    with answering(says("Nice!")) as judge_server:
        judged = judge_pasted(run, by(judge_server))
    assert (judged.graded, judged.left) == (0, 1)
    assert "no verdict in the form asked for" in judged.why
    result = Result.objects.get()
    assert (result.passed, result.error_kind, result.judge_calls) == (None, "", 1)
    assert "no verdict" in result.checks[0]["reason"]
    with answering(says(NO)) as judge_server:
        assert judge_pasted(Run.objects.get(), by(judge_server)).graded == 1
    result = Result.objects.get()
    assert (result.passed, result.judge_calls) == (False, 2)


def test_what_takes_too_long_is_left_and_the_rest_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pasted, "ALTOGETHER_S", 0.4)
    run = a_run(POLITE, outputs=("Dear Ada.", "Dear Bob."))
    with answering(says(YES), [3.0, *says(YES)]) as judge_server:
        judged = judge_pasted(run, by(judge_server))
    assert (judged.graded, judged.left, judged.why) == (1, 1, "")
    assert sorted(str(passed) for passed in Result.objects.values_list("passed", flat=True)) == [
        "None",
        "True",
    ]


def test_a_call_that_was_paid_for_is_kept_though_the_time_was_up_before_the_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pasted, "ALTOGETHER_S", 0.5)
    run = a_run({"type": "g-eval", "value": "Is polite."})
    with answering(
        says({"steps": ["Read it."]}), [3.0, *says({"score": 9, "reason": "Is."})]
    ) as judge_server:
        judged = judge_pasted(run, by(judge_server))
    assert (judged.graded, judged.left, judged.why) == (0, 1, "")
    result = Result.objects.get()
    assert (result.passed, result.judge_calls) == (None, 1)
    assert len(result.checks[0]["judge"]["calls"]) == 1


def test_at_the_cost_cap_nothing_further_is_asked(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.ENDPOINT_CONCURRENCY = 1
    dear = Price(Decimal("0.5"), "table")
    monkeypatch.setattr("prompts_app.engine.prices.price_of", lambda *_, **__: dear)
    run = a_run(POLITE, outputs=("Dear Ada.", "Dear Bob.", "Dear Cleo."))
    with answering(says(YES)) as judge_server:
        judged = judge_pasted(run, by(judge_server), cost_cap=Decimal("0.75"))
        assert len(judge_server.asked) == 2
    assert (judged.graded, judged.left) == (2, 1)
    assert judged.why == "The cost cap of $0.75 was reached."
    assert [one.result.judge_calls for one in waiting_for_judge(Run.objects.get())] == [0]


def test_another_output_pasted_meanwhile_gets_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    run = a_run(POLITE)
    waiting = waiting_for_judge(run)
    Result.objects.update(output="Another.")
    monkeypatch.setattr(pasted, "waiting_for_judge", lambda _: waiting)
    with answering(says(YES)) as judge_server:
        assert judge_pasted(run, by(judge_server)).graded == 0
    assert Result.objects.get().passed is None


@pytest.mark.parametrize(
    ("changed", "why"),
    [({"model": ""}, "Name the judge’s model"), ({"model": "m" * 201}, "at most 200 characters")],
)
def test_a_choice_that_makes_no_sense_is_refused(changed: dict[str, str], why: str) -> None:
    run = a_run(POLITE)
    choice = JudgeChoice(EndpointFactory(owner=alice()), changed["model"])
    with pytest.raises(Refused, match=why):
        judge_pasted(run, choice)


def test_practice_and_somebody_elses_endpoint_judge_nothing() -> None:
    run = a_run(POLITE)
    with pytest.raises(Refused, match="Practice cannot judge"):
        judge_pasted(run, JudgeChoice(EndpointFactory(owner=alice(), kind="practice"), "practice-1"))
    with pytest.raises(Refused, match="do not belong together"):
        judge_pasted(run, JudgeChoice(EndpointFactory(owner=bob()), "judge-1"))


class TestPage:
    def test_it_is_offered_where_something_waits_and_says_what_came_of_it(self) -> None:
        run = a_run(POLITE)
        address = f"/studio/prompts/greeting/paste/{run.public_id}/judge/"
        client = client_of(alice())
        assert address in read_page(client.get("/studio/prompts/greeting/paste/"))
        with answering(says(YES)) as judge_server:
            endpoint = at(judge_server)
            page = read_page(client.get(address))
            assert "1 output waits" in page
            typed = {"judge_endpoint": endpoint.public_id, "judge_model": "judge-1"}
            answer = client.post(address, typed, follow=True)
        assert "1 output graded; they stay level 0." in read_page(answer)
        assert address not in read_page(answer)
        assert client.get(address, follow=True).redirect_chain[-1][0] == "/studio/prompts/greeting/paste/"

    def test_a_wrong_choice_comes_back_with_what_was_typed(self) -> None:
        run = a_run(POLITE)
        endpoint = EndpointFactory(owner=alice())
        address = f"/studio/prompts/greeting/paste/{run.public_id}/judge/"
        typed = {
            "judge_endpoint": endpoint.public_id,
            "judge_model": "",
            "judge_parameters": '{"temperature": 0}',
        }
        page = read_page(client_of(alice()).post(address, typed))
        assert "Name the judge’s model." in page
        assert "&quot;temperature&quot;: 0" in page

    def test_without_an_endpoint_it_says_what_to_do(self) -> None:
        run = a_run(POLITE)
        address = f"/studio/prompts/greeting/paste/{run.public_id}/judge/"
        page = read_page(client_of(alice()).post(address, {"judge_model": "x"}))
        assert "Add an endpoint with a model that can judge" in page
