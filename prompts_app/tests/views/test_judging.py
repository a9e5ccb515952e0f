"""The judge on the pages: chosen when a run starts, and shown beside what it judged."""

from html import unescape
from typing import Any

import pytest

from prompts_app.models import Batch, Endpoint, Result, Run, Version
from prompts_app.tests.factories import (
    CaseFactory,
    EndpointFactory,
    PromptFactory,
    ResultFactory,
    RunFactory,
    VersionFactory,
)
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, client_of

pytestmark = pytest.mark.django_db

POLITE = {"type": "llm-rubric", "value": "Is polite."}
CLOSE = {"type": "similar", "value": ["yes"]}
START = "/studio/prompts/greeting/run/"


def a_version(*assertions: dict[str, Any]) -> Version:
    version: Version = VersionFactory(prompt=PromptFactory(owner=alice(), slug="greeting"))
    CaseFactory(prompt=version.prompt, assertions=list(assertions))
    return version


class TestStart:
    def choices(self, endpoint: Endpoint, **more: Any) -> dict[str, Any]:
        return {
            "versions": ["1"], "endpoint": endpoint.public_id, "repeats": "1", "more_models": "tiny", **more
        }  # fmt: skip

    def test_a_judge_is_asked_for_only_where_something_is_to_be_graded(self) -> None:
        version = a_version({"type": "contains", "value": "yes"})
        assert "Who grades" not in read_page(client_of(alice()).get(START))
        CaseFactory(prompt=version.prompt, assertions=[POLITE])
        page = read_page(client_of(alice()).get(START))
        assert "1 assertion of this suite needs a model to judge" in page
        assert "Judge’s embedding model" not in page
        CaseFactory(prompt=version.prompt, assertions=[CLOSE])
        page = read_page(client_of(alice()).get(START))
        assert "2 assertions of this suite need a model to judge" in page
        assert "Judge’s embedding model" in page

    def test_the_chosen_judge_is_stored(self) -> None:
        a_version(POLITE)
        endpoint = EndpointFactory(owner=alice())
        bench = EndpointFactory(owner=alice(), name="My bench")
        typed = self.choices(endpoint, judge_endpoint=bench.public_id, judge_model="judge-1")
        assert client_of(alice()).post(START, typed).status_code == 302
        assert (Batch.objects.get().judge_endpoint, Batch.objects.get().judge_model) == (bench, "judge-1")
        assert (Run.objects.get().judge_endpoint_name, Run.objects.get().judge_model) == (
            "My bench",
            "judge-1",
        )
        page = read_page(client_of(alice()).get(START))  # what was run last is filled in
        assert 'value="judge-1"' in page
        assert f'value="{bench.public_id}" selected' in page

    def test_what_is_sent_to_the_judge_besides_is_stored_with_batch_and_run(self) -> None:
        a_version(POLITE)
        endpoint = EndpointFactory(owner=alice())
        judge = {"judge_endpoint": endpoint.public_id, "judge_model": "judge-1"}
        typed = self.choices(endpoint, judge_parameters='{"temperature": 0}', **judge)
        assert client_of(alice()).post(START, typed).status_code == 302
        assert Batch.objects.get().judge_parameters == {"temperature": 0}
        assert Run.objects.get().judge_parameters == {"temperature": 0}
        assert "&quot;temperature&quot;: 0" in read_page(client_of(alice()).get(START))

    def test_what_the_judge_would_cost_is_said_before_it_is_asked(self) -> None:
        a_version(POLITE)
        endpoint = EndpointFactory(owner=alice(), base_url="https://api.openai.com/v1")
        looked = self.choices(endpoint, look="1", more_models="gpt-4o-mini")
        page = read_page(client_of(alice()).post(START, looked))
        assert "With a judge, 1 grading more, whose price is not in this." in page
        looked |= {"judge_endpoint": endpoint.public_id, "judge_model": "gpt-4o-mini"}
        page = read_page(client_of(alice()).post(START, looked))
        assert "The judge’s 1 grading comes on top: an estimated $0.00" in page
        looked |= {"judge_model": "my-own"}
        page = read_page(client_of(alice()).post(START, looked))
        assert "The judge’s 1 grading comes on top, at a price that is not known." in page

    def test_nobody_is_a_choice(self) -> None:
        a_version(POLITE)
        assert client_of(alice()).post(START, self.choices(EndpointFactory(owner=alice()))).status_code == 302
        assert not Run.objects.get().has_judge

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ({"judge_model": "judge-1"}, "Choose the judge’s endpoint"),
            ({"judge_endpoint": "nowhere"}, "There is no such endpoint any more"),
            ({"judge_endpoint": "HERE"}, "Name the judge’s model"),
            ({"judge_endpoint": "HERE", "judge_model": "m" * 201}, "200 characters"),
            ({"judge_parameters": "{"}, "This is not valid JSON"),
            ({"judge_parameters": '{"model": "m"}'}, "Take “model” out"),
        ],
    )
    def test_a_choice_that_makes_no_sense_comes_back_with_a_sentence(
        self, typed: dict[str, str], said: str
    ) -> None:
        a_version(POLITE)
        endpoint = EndpointFactory(owner=alice())
        typed = {name: endpoint.public_id if value == "HERE" else value for name, value in typed.items()}
        page = client_of(alice()).post(START, self.choices(endpoint, **typed))
        assert page.status_code == 200
        assert said in read_page(page)
        assert not Batch.objects.exists()


class TestResultPage:
    def judged(self, **call: Any) -> Result:
        prompt = PromptFactory(owner=alice(), visibility="public")
        version = VersionFactory(prompt=prompt)
        run = RunFactory(
            version=version, judge_model="judge-1", suite=[{"name": "One", "assertions": [POLITE]}]
        )
        kept = {
            "asked": "user: Is it polite? [the output: 3 characters]",
            "answer": '{"pass": true, "reason": "<b>"}',
            "model_asked": "judge-1", "model": "judge-1-2026", "tokens_in": 70, "tokens_out": 9,
            "cost": "0.002", **call,
        }  # fmt: skip
        check = {
            **POLITE, "passed": True, "score": 1.0, "reason": "It is kind.", "threshold": None,
            "judge": {"rubric": "Is polite.", "calls": [kept], "cost": "0.002"},
        }  # fmt: skip
        result: Result = ResultFactory(
            run=run, case_index=0, checks=[check], judge_calls=1, judge_cost=kept["cost"]
        )
        return result

    def page(self, result: Result) -> str:
        return read_page(client_of(None).get(result.get_absolute_url()))

    def test_what_the_judge_was_asked_and_said_is_there_to_unfold(self) -> None:
        page = self.page(self.judged())
        for said in (
            "What the judge was asked and said", "[the output: 3 characters]", "It is kind.",
            "judge-1-2026", "70 tokens in, 9 out; cost $0.0020",
            "&quot;&lt;b&gt;&quot;", "Judged by", "The judge’s cost", "$0.0020, apart from the above",
        ):  # fmt: skip
            assert said in page, said

    def test_what_was_sent_to_the_judge_besides_stands_with_it(self) -> None:
        result = self.judged(parameters={"temperature": 0})
        Run.objects.update(judge_parameters={"temperature": 0})
        page = unescape(self.page(result))
        assert 'judge-1</bdi> with <code>{"temperature": 0}</code>, answered by' in page
        assert 'judge-1</bdi> with <code>{"temperature": 0}</code></dd>' in page

    def test_an_unknown_cost_is_unknown(self) -> None:
        page = self.page(self.judged(cost=None, model=None))
        assert "cost unknown" in page
        assert "unknown, apart from the above" in page
        assert "the answer does not say by which model" in page

    def test_a_judge_that_failed_does_not_hide_the_answer(self) -> None:
        result = self.judged()
        Result.objects.filter(pk=result.pk).update(
            passed=None,
            output="Here I am.",
            error_kind="judge_error",
            error_message="The judge answered nothing.",
        )
        page = self.page(result)
        for said in ("No verdict", "the judge gave no verdict", "The judge answered nothing.", "Here I am."):
            assert said in page, said

    def test_a_verdict_still_wanting_is_said(self) -> None:
        result = self.judged()
        waiting = {
            **POLITE,
            "passed": None,
            "score": None,
            "reason": "Not judged: no judge model was chosen.",
        }
        Result.objects.filter(pk=result.pk).update(passed=None, checks=[waiting])
        page = self.page(result)
        assert "a verdict is still wanting" in page
        assert "no judge model was chosen" in page


class TestCaseForm:
    def test_graded_kinds_are_offered_with_a_sentence_and_room_for_a_rubric(self) -> None:
        version = a_version(POLITE)
        case = version.prompt.cases.get()
        page = read_page(client_of(alice()).get(f"/studio/prompts/greeting/cases/{case.public_id}/"))
        for said in (
            'optgroup label="graded by a model"', "<option selected>llm-rubric</option>",
            "A judge model finds that the output fulfils this rubric.", "Threshold (empty: none)",
            'optgroup label="your own verdict"',
        ):  # fmt: skip
            assert said in page, said

    def test_another_name_for_a_kind_is_not_lost(self) -> None:
        version = a_version({"type": "model-graded-factuality", "value": "x"})
        case = version.prompt.cases.get()
        page = read_page(client_of(alice()).get(f"/studio/prompts/greeting/cases/{case.public_id}/"))
        assert "<option selected>model-graded-factuality</option>" in page
        assert "Not run here" not in page
