"""Before and after: the baseline and the shown version on one case both ran, chosen by a stated rule."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.actions.runs.counting import rebuild_evidence
from prompts_app.evidence.checks import checks_of, marked
from prompts_app.evidence.records import MOST_SHOWN
from prompts_app.models import Prompt, Result, Run
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.views.recorded import (
    improved_prompt,
    public_prompt,
    recorded_prompt,
    recorded_run,
    suite_of,
)


def html_of(prompt: Prompt, **query: str) -> str:
    response = Client().get(prompt.get_absolute_url(), query)
    assert response.status_code == 200
    return read_page(response)


def before(prompt: Prompt, **query: str) -> str:
    return html_of(prompt, **query).partition('id="before"')[2].partition("</section>")[0]


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", "", html).split())


def two_versions(first: dict[str, Any], second: dict[str, Any], **fields: Any) -> Prompt:
    prompt = public_prompt(**fields)
    for number, run in enumerate((first, second), 1):
        recorded_run(VersionFactory(prompt=prompt, number=number), days_ago=3 - number, **run)
    return prompt


@pytest.mark.django_db
class TestWhichCase:
    def test_the_fixed_case_with_the_most_assertions_changed(self) -> None:
        prompt = two_versions({"fails": [2, 3, 4]}, {"fails": [4]})
        one_holds = [{"type": "contains", "value": "yes", "passed": True},
                     {"type": "not-contains", "value": "PAID", "passed": False}]  # fmt: skip
        Result.objects.filter(run__version__number=1, case_index=1).update(checks=one_holds)
        said = text_of(before(prompt))
        assert "Case 3 on test-model, asked of v1 and of v2." in said
        assert "Of the 2 cases that v1 fails and v2 passes, the one with the most assertions changed." in said
        assert "Of 10 cases both ran, v2 fixed 2 and broke 0." in said

    def test_a_tie_goes_to_the_first(self) -> None:
        assert "Case 5 on" in text_of(before(two_versions({"fails": [5, 7]}, {})))

    def test_an_assertion_without_weight_changes_nothing(self) -> None:
        prompt = two_versions({"fails": [2, 3]}, {})
        checks = [{"type": "contains", "value": str(n), "passed": False, "weight": 0} for n in range(5)]
        Result.objects.filter(run__version__number=1, case_index=2).update(checks=checks)
        assert "Case 2 on" in text_of(before(prompt))

    def test_none_fixed_the_first_that_differs(self) -> None:
        said = text_of(before(two_versions({"fails": [2]}, {"fails": [2, 6]})))
        assert "Case 6 on" in said
        assert "v2 passes no case that v1 fails; this is the first that came out otherwise." in said
        assert "v2 fixed 0 and broke 1." in said

    def test_nothing_differs_the_first(self) -> None:
        said = text_of(before(two_versions({"fails": [2]}, {"fails": [2]})))
        assert "Case 1 on" in said
        assert "Every case came out alike in both; this is the first." in said

    def test_the_visitor_picks_with_a_plain_form(self) -> None:
        prompt = improved_prompt()
        html = before(prompt, case="4")
        assert "Case 4 on main-model" in text_of(html)
        assert "this is the first" not in html
        assert '<option value="4" selected>4 Case 4: fails in both</option>' in html
        assert 'content="noindex"' in html_of(prompt, case="4")
        assert 'content="noindex"' not in html_of(prompt)

    @pytest.mark.parametrize("case", ["0", "11", "-1", "x", "\x00", "９", "9" * 40, ""])
    def test_a_case_that_is_not_there_is_the_usual_one(self, case: str) -> None:
        assert "Case 1 on" in text_of(before(improved_prompt(), case=case))

    def test_the_chosen_baseline_is_compared_to(self) -> None:
        prompt = improved_prompt()
        prompt.baseline = prompt.versions.get(number=2)
        prompt.save()
        rebuild_evidence(prompt)
        assert "asked of v2 and of v3" in text_of(before(prompt))


@pytest.mark.django_db
class TestSides:
    def test_both_outputs_their_assertions_tokens_time_and_cost(self) -> None:
        prompt = two_versions({"fails": [1]}, {"cost": None})
        first, second = before(prompt).split("<article")[1:]
        for said in ("v1, the baseline", "PAID, wrong output of case 1",
                     "100 tokens in", "20 out", "1.9 s", "cost $0.0011", "“yes” is missing",
                     "✗ Fails, 2 of 2 assertions do not hold"):  # fmt: skip
            assert said in text_of(first), said
        assert '<span class="hit">PAID</span>, wrong' in first
        assert first.count('<li class="fail">') == 2
        for said in (
            "v2, current",
            "yes, output of case 1",
            "✓ Passes, 2 of 2 assertions hold",
            "cost unknown",
        ):
            assert said in text_of(second), said
        for number, side in ((1, first), (2, second)):
            result = Result.objects.get(run__version__number=number, case_index=0)
            assert f'href="results/{result.public_id}/"' in side

    def test_of_repeats_the_first_that_failed(self) -> None:
        prompt = two_versions({"fails": [1], "repeats": 3}, {"repeats": 3})
        Result.objects.filter(run__version__number=1, case_index=0, repeat=0).update(passed=True)
        first, second = before(prompt).split("<article")[1:]
        assert "repeat 2 of 3" in first
        assert "repeat 1 of 3" in second

    def test_no_answer_is_no_failure(self) -> None:
        prompt = two_versions({"fails": [1]}, {"errors": [1]})
        second = before(prompt, case="1").split("<article")[2]
        assert "No answer: too many requests" in text_of(second)
        assert "Fails" not in second

    def test_a_long_output_is_cut(self) -> None:
        prompt = two_versions({"fails": [1]}, {})
        Result.objects.filter(case_index=0).update(output="a" * 1_000_000)
        assert len(before(prompt)) < 3 * MOST_SHOWN

    def test_markup_in_outputs_names_and_inputs_is_shown_not_run(self) -> None:
        evil = "</pre><script>alert(1)</script>"
        suite = suite_of(2, evil)
        suite[0]["variables"] = {"word": evil, "other": 7}
        prompt = two_versions({"fails": [1], "suite": suite}, {"suite": suite})
        Result.objects.update(output=evil)
        html = before(prompt)
        assert "<script" not in html
        assert "&lt;script&gt;alert(1)" in html

    def test_the_input_can_be_unfolded(self) -> None:
        assert "value 1" in before(improved_prompt()).partition("<details")[2].partition("</details>")[0]


@pytest.mark.django_db
class TestDifferentSuites:
    def test_only_cases_both_ran_are_compared_wherever_they_stand(self) -> None:
        old, new = suite_of(4), [*suite_of(1, "New"), *suite_of(4)[1:]][::-1]
        prompt = two_versions({"suite": old, "fails": [2]}, {"suite": new})
        html = before(prompt)
        assert "The cases have changed since v1. Of the 3 cases both ran, v2 fixed 1 and broke 0." in text_of(
            html
        )
        assert html.count("<option") == 3
        assert "Case 3 on" in text_of(html)  # it stood second before
        first, second = html.split("<article")[1:]
        assert "wrong output of case 2" in text_of(first)
        assert "yes, output of case 3" in text_of(second)

    def test_no_common_case_is_said(self) -> None:
        prompt = two_versions({}, {"suite": suite_of(3, "New")})
        said = text_of(before(prompt))
        assert "No case was put to both v1 and v2 unchanged" in said
        assert "0 cases both ran" in said

    def test_one_version_has_no_before(self) -> None:
        html = html_of(recorded_prompt())
        assert 'id="before"' not in html
        assert '"#before"' not in html


@pytest.mark.django_db
def test_more_cases_take_no_more_queries() -> None:
    counts = []
    for cases in (5, 150):
        prompt = two_versions({"cases": cases, "fails": range(1, cases)}, {"cases": cases, "repeats": 2})
        with CaptureQueriesContext(connection) as asked:
            html = before(prompt)
        counts.append(len(asked))
    assert counts[1] <= counts[0]
    assert 'type="number"' in html
    assert Run.objects.count() == 4


_TEXT = st.text(st.sampled_from("aAb <\n"), max_size=30)


@given(output=_TEXT, words=st.lists(_TEXT, max_size=4))
def test_marking_never_changes_the_output(output: str, words: list[str]) -> None:
    checks = [
        {"type": kind, "value": words, "passed": False} for kind in ("not-contains-any", "not-icontains")
    ]
    pieces = marked(output, checks_of(checks))
    assert "".join(piece.text for piece in pieces) == output
    lower = [word.lower() for word in words]
    assert all(piece.text.lower() in lower for piece in pieces if piece.hit)
