"""Whether the tests came first: what the prompt page says of it, and that deleting a run does not help."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from prompts_app.actions.prompts.cases import add_cases, change_case, delete_cases, move_case
from prompts_app.actions.runs import lifecycle as runs
from prompts_app.actions.runs.batches import BatchPlan
from prompts_app.actions.runs.counting import count_run, rebuild_evidence
from prompts_app.engine import types as engine
from prompts_app.evidence.wording import span
from prompts_app.evidence.wording import tests_dated as dated
from prompts_app.models import Prompt, Run, Source, Version
from prompts_app.tests.factories import EndpointFactory, PromptFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, client_of
from prompts_app.tests.views.recorded import public_prompt, recorded_run

pytestmark = pytest.mark.django_db

ASKED = datetime(2026, 11, 10, 12, tzinfo=UTC)


def a_run(fixed: datetime | None, asked: datetime | None = ASKED, source: str = Source.RECORDED) -> Run:
    version: Version = VersionFactory(prompt=public_prompt(), number=3, first_run_at=asked)
    return recorded_run(version, source=source, suite_fixed_at=fixed)


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (timedelta(days=2, hours=5), "fixed 2 days before the first run of v3"),
        (timedelta(0), "fixed less than a minute before the first run of v3"),
        (timedelta(hours=-1), "last changed 1 hour after the first run of v3"),
    ],
)
def test_the_page_says_which_came_first(before: timedelta, said: str) -> None:
    run = a_run(ASKED - before)
    assert dated(run) == said
    page = read_page(client_of(None).get(run.prompt.get_absolute_url()))
    assert f"20 assertions, {said}" in page


@pytest.mark.parametrize(("fixed", "asked"), [(None, ASKED), (ASKED, None)])
def test_nothing_is_said_where_nothing_is_known(fixed: datetime | None, asked: datetime | None) -> None:
    run = a_run(fixed, asked)
    assert dated(run) == ""
    assert "before the first run" not in read_page(client_of(None).get(run.prompt.get_absolute_url()))


@pytest.mark.parametrize("source", [Source.PASTED, Source.IMPORTED])
def test_nothing_is_said_of_what_this_server_did_not_see(source: str) -> None:
    assert dated(a_run(ASKED - timedelta(days=1), source=source)) == ""


@pytest.mark.parametrize(
    ("minutes", "said"), [(0, "less than a minute"), (1, "1 minute"), (59, "59 minutes"), (1440, "1 day")]
)
def test_spans_are_in_their_largest_unit(minutes: int, said: str) -> None:
    assert span(timedelta(minutes=minutes)) == said


class TestKept:
    def a_version(self) -> Version:
        version: Version = VersionFactory(prompt=PromptFactory(owner=alice()))
        add_cases(
            version.prompt,
            [engine.CaseContent("One", {"word": "x"}), engine.CaseContent("Two", {"word": "y"})],
        )
        return version

    def start(self, version: Version, practice: bool = False) -> Run:
        endpoint = runs.practice_endpoint(alice()) if practice else EndpointFactory(owner=alice())
        return runs.start_batch(version.prompt, BatchPlan([version], endpoint, ["practice-1"])).runs.get()

    def changed_at(self, prompt: Prompt) -> datetime | None:
        return Prompt.objects.get(pk=prompt.pk).suite_changed_at

    def test_each_change_of_the_suite_is_dated_and_a_run_keeps_the_last(self) -> None:
        version = self.a_version()
        one, two = version.prompt.cases.in_order()
        moments = [self.changed_at(version.prompt)]
        changes: list[Callable[[], None]] = [
            lambda: change_case(one, engine.CaseContent("New", {"word": "z"}), seen_revision=None),
            lambda: move_case(one, 1),
            lambda: delete_cases(two.prompt, [two]),
        ]
        for change in changes:
            change()
            moments.append(self.changed_at(version.prompt))
        assert None not in moments
        assert sorted(set(moments)) == moments  # type: ignore[type-var]  # none is None
        assert self.start(version).suite_fixed_at == moments[-1]

    def test_saving_a_case_as_it_is_changes_nothing(self) -> None:
        version = self.a_version()
        before, case = self.changed_at(version.prompt), version.prompt.cases.in_order()[0]
        change_case(case, case.as_engine(), seen_revision=None)
        assert self.changed_at(version.prompt) == before

    def test_the_first_run_is_remembered_when_it_is_deleted(self) -> None:
        version = self.a_version()
        first = self.start(version)
        version.refresh_from_db()
        asked = version.first_run_at
        assert asked is not None
        runs.delete_runs(version.prompt, [first])
        self.start(version)
        version.refresh_from_db()
        assert version.first_run_at == asked

    def test_practice_is_no_first_run(self) -> None:
        version = self.a_version()
        self.start(version, practice=True)
        version.refresh_from_db()
        assert version.first_run_at is None

    def test_a_version_is_still_never_changed(self) -> None:
        version = self.a_version()
        digest = version.digest
        self.start(version)
        version.refresh_from_db()
        assert version.content_digest() == digest


def test_cases_that_are_not_judged_are_told_in_the_headline() -> None:
    run = a_run(ASKED)
    run.results.filter(case_index=0).update(passed=None)
    count_run(run)
    rebuild_evidence(run.prompt)
    page = read_page(client_of(None).get(run.prompt.get_absolute_url()))
    assert "one case is not judged" in page
    assert "<b>9 of 9</b>" in page
