"""The concision curve: tokens × pass rate by version on the main model, and the same figures in a table."""

import re
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.actions.runs.counting import rebuild_evidence
from prompts_app.models import Prompt
from prompts_app.templatetags.concision_curve import axis_end, curve
from prompts_app.tests.evidence.test_concision import drawn, item
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.views.recorded import improved_prompt, public_prompt, recorded_run, suite_of

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
    html = read_page(Client().get(prompt.get_absolute_url()))
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
        html = read_page(Client().get(prompt.get_absolute_url()))
        assert 'id="tokens"' not in html
        assert '"#tokens"' not in html
