"""The grid of models × versions: the latest run of each counts; newest first, a dash where none is."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from prompts_app.engine.stats import wilson
from prompts_app.evidence.number_format import interval
from prompts_app.evidence.picked import latest_runs
from prompts_app.models import Prompt, Source
from prompts_app.templatetags.evidence_tags import band
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.views.recorded import (
    improved_prompt,
    practice_run,
    public_prompt,
    recorded_prompt,
    recorded_run,
    suite_of,
)

pytestmark = pytest.mark.django_db


def models_section(prompt: Prompt) -> str:
    html = read_page(Client().get(prompt.get_absolute_url()))
    return html.partition('id="models"')[2].partition("</section>")[0]


def grid(prompt: Prompt) -> list[list[str]]:
    """The grid's cells as text, row by row, its head first."""
    table = models_section(prompt).partition('<table class="grid')[2].partition("</table>")[0]
    rows = table.split("<tr>")[1:]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in row] for row in cells]


def test_newest_version_first_main_model_first_and_a_dash_where_not_run() -> None:
    assert grid(improved_prompt()) == [
        ["Model", "v3 , current", "v2", "v1"],
        ["main-model", "9/10 60–98%", "6/10 31–83%", "2/10 6–51%"],
        ["small-model", "7/9 45–94% 1 no answer", "– not run", "– not run"],
    ]


def test_tint_and_disc_follow_the_low_end() -> None:
    html = models_section(improved_prompt())
    for passed, cases in ((9, 10), (6, 10), (2, 10), (7, 9)):
        low, _ = wilson(passed, cases)
        cell = re.search(rf'<td class="b(\d)">(?:(?!</td>).)*{passed}/{cases}', html, re.DOTALL)
        assert cell is not None
        assert int(cell[1]) == band(low)
        assert interval(passed, cases) in html


def test_every_figure_leads_to_its_version() -> None:
    prompt = improved_prompt()
    html = models_section(prompt)
    for number in (1, 2, 3):
        assert f'<a href="{prompt.get_absolute_url()}v{number}/#runs">' in html


def test_the_latest_run_counts_never_the_best_nor_practice() -> None:
    prompt = improved_prompt()
    second = prompt.versions.get(number=2)
    recorded_run(second, "main-model", 10, range(1, 8), days_ago=0)
    recorded_run(second, "main-model", 10, [], days_ago=0, source=Source.PASTED)
    practice_run(second)
    assert grid(prompt)[1][2] == "3/10 11–60%"
    assert "practice" not in models_section(prompt)


def test_it_says_what_the_summary_says() -> None:
    prompt = improved_prompt()
    runs = latest_runs(prompt)
    version = prompt.evidence["version"]
    for model in prompt.evidence["models"]:
        assert runs[version, model["model"]].public_id == model["run"]
    for item in prompt.evidence["history"]:
        assert runs[item["version"], prompt.evidence["main_model"]].public_id == item["run"]


def test_one_tested_version_is_no_grid() -> None:
    html = models_section(recorded_prompt())
    assert 'class="grid' not in html
    assert ">Models</h2>" in html


def test_other_cases_are_said() -> None:
    prompt = improved_prompt()
    assert "The cases changed on the way" not in models_section(prompt)
    recorded_run(VersionFactory(prompt=prompt, number=4), "main-model", suite=suite_of(4, "New"))
    assert "The cases changed on the way" in models_section(prompt)


def test_at_most_twelve_by_twelve_and_the_cut_is_said_in_one_query() -> None:
    prompt = public_prompt()
    for number in range(1, 15):
        version = VersionFactory(prompt=prompt, number=number)
        for model in range(14 if number == 14 else 1):
            recorded_run(version, f"model-{model:02}", cases=2)
    found = grid(prompt)
    assert found[0][1:] == ["v14 , current", *(f"v{number}" for number in range(13, 2, -1))]
    assert len(found) == 13
    assert {len(row) for row in found} == {13}
    said = " ".join(re.sub(r"<[^>]+>", "", models_section(prompt)).split())
    assert "Shown are 12 of 14 tested versions, the newest, and 12 of 14 models." in said
    with CaptureQueriesContext(connection) as asked:
        latest_runs(prompt)
    assert len(asked) == 1


def test_a_models_name_cannot_break_out() -> None:
    prompt = public_prompt()
    for number in (1, 2):
        recorded_run(VersionFactory(prompt=prompt, number=number), "<script>x</script>\u202e")
    html = models_section(prompt)
    assert "<script" not in html
    assert "\u202e" not in html
