"""``/studio/results/id/verdict/``: the author looks and judges."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from prompts_app.actions.runs.run_notices import needs_of
from prompts_app.models import Result, Run
from prompts_app.tests.actions.test_verdict import ASKS, HOLDS, a_result, fresh
from prompts_app.tests.factories import ResultFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of

pytestmark = pytest.mark.django_db


def url(result: Result) -> str:
    return f"/studio/results/{result.public_id}/verdict/"


def post(result: Result, prefix: str = "own", **typed: Any) -> Any:
    data = {"which": prefix, **{f"{prefix}-{name}": value for name, value in typed.items()}}
    if "take_back" in typed:
        data["take-back"] = "1"
    return client_of(alice()).post(url(result), data)


def test_the_output_its_checks_and_what_to_look_at_are_shown() -> None:
    result = a_result(HOLDS, ASKS, passed=None)
    Result.objects.filter(pk=result.pk).update(output="<b>yes</b>")
    page = read_page(client_of(alice()).get(url(result)))
    for said in (
        "Is it kind?", "&lt;b&gt;yes&lt;/b&gt;", "contains yes", "the author’s own verdict: Is it kind?",
        "1 output of this run waits for you",
    ):  # fmt: skip
        assert said in page, said


def test_a_verdict_is_kept_and_the_next_one_waiting_is_shown() -> None:
    result = a_result(HOLDS, ASKS, passed=None, repeats=2)
    second = ResultFactory(run=result.run, case_index=0, repeat=1, checks=[HOLDS, ASKS], passed=None)
    assert post(result, "check-1", place="1", verdict="pass", note="Kind.")["Location"] == url(second)
    assert fresh(result).checks[1]["reason"] == "Kind."
    assert post(second, "check-1", place="1", verdict="fail")["Location"] == url(second)
    assert fresh(second).run.frames == "f"


def test_one_nobody_asked_for_is_labelled_as_the_authors_own_on_the_public_page() -> None:
    result = a_result(HOLDS)
    result.run.prompt.visibility = "public"
    result.run.prompt.save()
    post(result, verdict="fail", note="Too <blunt>.")
    page = read_page(client_of(None).get(result.get_absolute_url()))
    assert "the author’s own verdict" in page
    assert "Too &lt;blunt&gt;." in page
    assert "Give your own verdict" not in page
    assert "Give your own verdict" in read_page(client_of(alice()).get(result.get_absolute_url()))


def test_it_can_be_changed_and_taken_back() -> None:
    result = a_result(HOLDS)
    post(result, verdict="fail", note="No.")
    page = read_page(client_of(alice()).get(url(result)))
    assert "Change your verdict" in page
    assert ">\nNo.</textarea>" in page
    post(result, take_back="1")
    assert fresh(result).checks == [HOLDS]


@pytest.mark.parametrize(
    "typed",
    [
        {"verdict": ""}, {"verdict": "maybe"}, {"verdict": "pass", "place": "x"},
        {"verdict": "pass", "note": "n\x00"}, {"verdict": "pass", "note": "n" * 2001},
        {"place": "x", "take_back": "1"},
    ],
)  # fmt: skip
def test_what_makes_no_sense_comes_back_with_what_was_typed(typed: dict[str, str]) -> None:
    result = a_result(HOLDS)
    answer = post(result, **{"note": "kept words", **typed})
    assert answer.status_code == 200
    assert fresh(result).checks == [HOLDS]
    if "note" not in typed:
        assert "kept words" in read_page(answer)


@pytest.mark.parametrize("place", ["0", "7"])
def test_a_place_that_asks_for_nothing_is_refused(place: str) -> None:
    result = a_result(HOLDS)
    assert post(result, verdict="pass", place=place).status_code == 302
    assert fresh(result).checks == [HOLDS]


def test_where_no_verdict_can_be_given_the_page_says_why() -> None:
    result = a_result(HOLDS, state=Run.State.RUNNING)
    page = read_page(client_of(alice()).get(url(result)))
    assert "still under way" in page
    assert "Keep the verdict" not in page


def test_nobody_else_gets_there() -> None:
    result = a_result(HOLDS)
    assert client_of(bob()).get(url(result)).status_code == 404
    assert client_of(bob()).post(url(result), {"which": "own", "own-verdict": "fail"}).status_code == 404
    assert fresh(result).checks == [HOLDS]


def test_the_page_of_the_run_says_who_waits() -> None:
    result = a_result(HOLDS, ASKS, passed=None)
    [need] = needs_of([result.run], timezone.now() + timedelta(days=1))
    assert (need.what, need.look_at) == ("waiting for your verdict on 1 output", result.public_id)


def test_the_page_of_the_run_says_that_no_judge_was_chosen() -> None:
    graded = {**ASKS, "type": "llm-rubric", "value": "Is polite."}
    [need] = needs_of([a_result(graded, passed=None).run], timezone.now())
    assert "No judge model was chosen" in need.next_step


def test_a_note_that_others_would_read_is_looked_at_for_secrets() -> None:
    result = a_result(HOLDS)
    result.run.prompt.visibility = "public"
    result.run.prompt.save()
    note = "As we said to +49 30 901820"
    page = read_page(post(result, verdict="pass", note=note))
    assert "phone number" in page
    assert note in page  # what was typed stays
    assert fresh(result).checks == [HOLDS]
    token = page.partition('name="harmless" value="')[2].partition('"')[0]
    data = {"which": "own", "own-verdict": "pass", "own-note": note, "harmless": token}
    client_of(alice()).post(url(result), data)
    assert fresh(result).checks[1]["reason"] == note
