"""The concision curve: tokens × pass rate by version on the main model, and the same figures in a table."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.actions.runs.counting import rebuild_evidence
from prompts_app.evidence.concision import Curve, curve_of, gain_of
from prompts_app.evidence.summary import VersionEvidence
from prompts_app.models import Prompt
from prompts_app.templatetags.concision_curve import axis_end, curve
from prompts_app.tests.evidence.summaries import a_summary, a_version
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.views.recorded import improved_prompt, public_prompt, recorded_run, suite_of


def item(
    version: int, tokens: float | None, passed: int, cases: int = 10, suite: str = "a"
) -> VersionEvidence:
    return a_version(version, tokens_in=tokens, passed=passed, cases=cases, suite_digest=suite)


def drawn(*history: VersionEvidence) -> Curve | None:
    return curve_of(a_summary(*history))


class TestWhenItIsThere:
    def test_two_versions_with_tokens(self) -> None:
        found = drawn(item(1, 200, 5), item(2, 100, 5))
        assert found is not None
        assert [point.version for point in found.newest_first] == [2, 1]

    @pytest.mark.parametrize(("first", "last"), [(None, 100), (100, None), (0, 100)])
    def test_not_where_fewer_have_tokens(self, first: float | None, last: float | None) -> None:
        assert drawn(item(1, first, 5), item(2, last, 5)) is None

    def test_a_version_without_tokens_is_left_out_and_counted(self) -> None:
        found = drawn(item(1, 200, 5), item(2, None, 5), item(3, 100, 5))
        assert found is not None
        assert found.left_out == 1


class TestGain:
    def test_fewer_tokens_at_the_same_rate(self) -> None:
        found = drawn(item(1, 50, 2), item(2, 200, 9), item(3, 108, 9))
        assert found is not None
        assert found.gain is not None
        assert (found.gain.longest.version, found.gain.percent, found.gain.same_rate) == (2, 46, True)

    def test_more_cases_pass(self) -> None:
        found = drawn(item(1, 200, 8), item(2, 100, 9))
        assert found is not None
        assert found.gain is not None
        assert not found.gain.same_rate

    @pytest.mark.parametrize(
        "before",
        [item(1, 200, 10), item(1, 105, 5), item(1, 50, 5), item(1, 200, 5, suite="other")],
        ids=["passes more", "hardly longer", "shorter", "other cases"],
    )
    def test_none_is_claimed(self, before: VersionEvidence) -> None:
        found = drawn(before, item(2, 100, 9))
        assert found is not None
        assert found.gain is None


_ITEMS = st.lists(st.tuples(st.floats(1, 1e7), st.integers(0, 20)), min_size=2, max_size=12)


@given(_ITEMS)
def test_any_history_is_drawn_inside_its_frame(measured: list[tuple[float, int]]) -> None:
    found = drawn(*(item(n, tokens, passed, 20) for n, (tokens, passed) in enumerate(measured, 1)))
    assert found is not None
    svg = str(curve(found.points, found.gain.longest if found.gain else None, 20))
    assert svg.count("<circle") == len(measured)
    for x, y in re.findall(r'(?:cx|x)="([-\d.]+)" (?:cy|y)="([-\d.]+)"', svg):
        assert 0 <= float(x) <= 460
        assert 0 <= float(y) <= 350
    labels = re.findall(r'x="([\d.]+)" y="([\d.]+)" text-anchor="middle">(v\d+)<', svg)
    assert sorted(name for _, _, name in labels) == sorted(f"v{n}" for n in range(1, len(measured) + 1))


@given(st.floats(0.1, 1e9))
def test_the_axis_holds_what_is_on_it_and_is_not_mostly_empty(most: float) -> None:
    assert most <= axis_end(most) <= max(most * 2, 1)


def tokens_section(prompt: Prompt) -> str:
    html = Client().get(prompt.get_absolute_url()).content.decode()
    return html.partition('id="tokens"')[2].partition("</section>")[0]


@pytest.mark.django_db
class TestPage:
    def prompt(self, *tokens: int, **later: Any) -> Prompt:
        prompt = public_prompt()
        for number, count in enumerate(tokens, 1):
            run = recorded_run(
                VersionFactory(prompt=prompt, number=number), fails=[1], **(later if number > 1 else {})
            )
            run.tokens_in_median = count
            run.save()
        rebuild_evidence(prompt)
        return prompt

    def test_drawing_table_and_words_say_the_same(self) -> None:
        html = tokens_section(self.prompt(200, 108))
        assert '<svg class="curve"' in html
        assert "46% fewer tokens</text>" in html
        said = " ".join(re.sub(r"<[^>]+>", " ", html.partition("</svg>")[2]).split())
        assert "v2 108 $0.0011 9/10 60–98% v1 200 $0.0011 9/10 60–98%" in said
        assert "v2 takes 46% fewer tokens than v1 at the same pass rate." in said

    def test_an_unknown_cost_is_unknown(self) -> None:
        html = tokens_section(self.prompt(200, 108, cost=None))
        said = " ".join(re.sub(r"<[^>]+>", " ", html).split())
        assert "v2 108 unknown 9/10" in said
        assert "v1 200 $0.0011 9/10" in said

    def test_no_gain_no_words(self) -> None:
        assert "fewer tokens" not in tokens_section(self.prompt(100, 200))

    def test_other_cases_are_marked(self) -> None:
        html = tokens_section(self.prompt(200, 100, suite=suite_of(10, "New")))
        assert html.count("other cases") == 1
        assert "fewer tokens" not in html

    def test_absent_and_unlinked_without_tokens(self) -> None:
        prompt = improved_prompt()
        for run in prompt.runs.filter(version__number__lt=3):
            run.tokens_in_median = None
            run.save()
        rebuild_evidence(prompt)
        html = Client().get(prompt.get_absolute_url()).content.decode()
        assert 'id="tokens"' not in html
        assert '"#tokens"' not in html


@pytest.mark.parametrize(
    ("before", "now", "told"), [(90, 81, True), (90, 82, False), (30, 27, True), (9, 9, False)]
)
def test_a_tenth_is_a_tenth(before: int, now: int, told: bool) -> None:
    rows = [item(number, tokens, 1, 1) for number, tokens in ((1, before), (2, now))]
    assert bool(gain_of(a_summary(*rows))) == told
