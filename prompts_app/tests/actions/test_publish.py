"""Publishing: everything others could read is searched for secrets first; the rest is advice."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from prompts_app.actions.prompts.publish import (
    check_can_publish,
    findings_of,
    publish,
    unpublish,
    what_becomes_visible,
)
from prompts_app.actions.prompts.secrets import grouped, unacknowledged
from prompts_app.actions.runs.counting import count_run, rebuild_evidence
from prompts_app.engine.errors import Refused
from prompts_app.models import Prompt, Result, Run, Source, Visibility
from prompts_app.search import find
from prompts_app.tests.factories import (
    CaseFactory,
    PromptFactory,
    ResultFactory,
    RunFactory,
    VersionFactory,
)
from prompts_app.tests.people import alice

pytestmark = pytest.mark.django_db

KEY = "sk-" + "proj-a8Kd03nfLq92mZx71bVt"


@pytest.fixture
def prompt() -> Prompt:
    prompt = PromptFactory(owner=alice(), title="Words", slug="words", summary="Sum.")
    VersionFactory(prompt=prompt)
    return prompt


def run_of(prompt: Prompt, outputs: list[str], **fields: Any) -> Run:
    suite = [{"name": f"Case {n}", "variables": {}} for n in range(len(outputs))]
    run = RunFactory(version=prompt.versions.get(), suite=suite, **fields)
    for n, output in enumerate(outputs):
        ResultFactory(run=run, case_index=n, output=output)
    count_run(run)
    rebuild_evidence(prompt)
    return run


class TestVisibility:
    def test_publishing_and_taking_back_work_at_once(self, prompt: Prompt) -> None:
        publish(prompt, Visibility.PUBLIC)
        assert find("words").prompts == [prompt.pk]
        unpublish(prompt)
        assert not Prompt.objects.public().exists()
        assert find("words").prompts == []
        assert not Prompt.objects.visible_to(PromptFactory().owner).filter(pk=prompt.pk).exists()

    def test_the_first_time_is_remembered(self, prompt: Prompt) -> None:
        publish(prompt, Visibility.UNLISTED)
        assert Prompt.objects.get().published_at is None
        publish(prompt, Visibility.PUBLIC)
        first = Prompt.objects.get().published_at
        assert first is not None
        unpublish(prompt)
        publish(prompt, Visibility.PUBLIC)
        assert Prompt.objects.get().published_at == first

    def test_a_prompt_without_a_version_cannot_be_published(self) -> None:
        with pytest.raises(Refused, match="first version"):
            check_can_publish(PromptFactory(), [], [])


PLACES: dict[str, Callable[[Prompt], Any]] = {
    "v2, message 1": lambda p: VersionFactory(
        prompt=p, number=2, messages=[{"role": "user", "content": KEY}]
    ),
    "v2, variable a": lambda p: VersionFactory(
        prompt=p, number=2, variables=[{"name": "a", "default": KEY, "description": ""}]
    ),
    "v2, parameters": lambda p: VersionFactory(prompt=p, number=2, parameters={"user": KEY}),
    "v2, note": lambda p: VersionFactory(prompt=p, number=2, note=f"Took out {KEY}"),
    "case 1, word": lambda p: CaseFactory(prompt=p, variables={"word": KEY}),
    "case 1, turn 1": lambda p: CaseFactory(prompt=p, turns=[KEY]),
    "case 1, name": lambda p: CaseFactory(prompt=p, name=KEY),
    "case 1, assertion 1": lambda p: CaseFactory(prompt=p, assertions=[{"type": "contains", "value": KEY}]),
    "limits": lambda p: Prompt.objects.filter(pk=p.pk).update(limits=KEY),
    "title": lambda p: Prompt.objects.filter(pk=p.pk).update(title=KEY),
    "output of v1 on test-model, case 2": lambda p: run_of(p, ["fine", f"It is {KEY}."]),
}


class TestSecrets:
    @pytest.mark.parametrize("place", PLACES)
    def test_a_key_is_found_wherever_it_stands(self, prompt: Prompt, place: str) -> None:
        PLACES[place](prompt)
        prompt.refresh_from_db()
        (finding,) = findings_of(prompt)
        assert finding.places == (place,)
        assert KEY not in json.dumps([finding.masked, finding.token])

    def test_a_case_that_is_gone_is_still_in_the_run_that_asked_it(self, prompt: Prompt) -> None:
        run = run_of(prompt, ["fine"])
        Run.objects.filter(pk=run.pk).update(suite=[{"name": "Case", "variables": {"word": KEY}}])
        (finding,) = findings_of(prompt)
        assert finding.places[0].startswith("case 1 as run with v1 on ")

    def test_practice_is_not_looked_at_since_nobody_sees_it(self, prompt: Prompt) -> None:
        run_of(prompt, [KEY], source=Source.PRACTICE)
        assert findings_of(prompt) == []

    def test_each_has_to_be_ticked(self, prompt: Prompt) -> None:
        run_of(prompt, [KEY, "anna@firm.de"])
        findings = findings_of(prompt)
        with pytest.raises(Refused, match="tick that it may be"):
            check_can_publish(prompt, findings, [findings[0].token])
        assert unacknowledged(findings, [findings[0].token]) == [findings[1]]
        with pytest.raises(Refused):
            check_can_publish(prompt, findings, [])
        check_can_publish(prompt, findings, [f.token for f in findings])

    def test_many_of_a_kind_have_one_tick_that_one_more_undoes(self, prompt: Prompt) -> None:
        run_of(prompt, [f"person{n}@firm.de" for n in range(20)])
        (group,) = grouped(findings_of(prompt))
        check_can_publish(prompt, group.findings, [group.token])
        CaseFactory(prompt=prompt, variables={"word": "one.more@firm.de"})
        with pytest.raises(Refused):
            check_can_publish(prompt, findings_of(prompt), [group.token])

    @pytest.mark.slow
    def test_ten_thousand_outputs_are_all_read_in_seconds(self, prompt: Prompt) -> None:
        run = RunFactory(version=prompt.versions.get(), suite=[{"name": "C"}] * 10_000)
        text = "The total of this invoice is 214.30 EUR, due on 2 May. " * 10
        Result.objects.bulk_create(
            Result(run=run, case_index=n, output=f"{n} {text}{KEY if n == 9_999 else ''}")
            for n in range(10_000)
        )
        began = time.monotonic()
        (finding,) = findings_of(prompt)
        assert finding.places == ("output of v1 on test-model, case 10000",)
        assert time.monotonic() - began < 10


def test_what_becomes_visible_counts_everything_but_practice(prompt: Prompt) -> None:
    CaseFactory.create_batch(3, prompt=prompt)
    run_of(prompt, ["a", "b"])
    run_of(prompt, ["c"], source=Source.PRACTICE, model="practice")
    Prompt.objects.update(limits="Short.")
    prompt.refresh_from_db()
    visible = what_becomes_visible(prompt)
    assert (visible.cases, visible.runs, visible.results, visible.practice) == (3, 1, 2, 1)
    assert visible.models == ("test-model",)
    assert visible.sections == ("limits",)
    assert [version.number for version in visible.versions] == [1]
