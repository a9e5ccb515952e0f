"""What is killed for real: workers, and the database's connections, in the middle of each thing they do.

Nothing is lost, nothing doubled, and nothing is billed again but the calls in flight.
"""

import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from prompts_app.actions.importing.apply import ImportOptions
from prompts_app.actions.importing.job import keep_file, start, stop, undo
from prompts_app.actions.prompts.cases import add_cases
from prompts_app.actions.runs import lifecycle as runs
from prompts_app.actions.runs.batches import BatchPlan
from prompts_app.actions.runs.execute import MOST_RESUMES
from prompts_app.actions.runs.judge import JudgeChoice
from prompts_app.actions.runs.seal import sealed_file, verify
from prompts_app.engine.formats.parsed_file import read_file
from prompts_app.engine.tool_types import ToolResult
from prompts_app.engine.types import Assertion, CaseContent
from prompts_app.models import Batch, Endpoint, Import, Prompt, Result, Run, SearchDocument, Version
from prompts_app.models.clock import now_plus
from prompts_app.tests.actions.running import YES, a_run, at, fresh
from prompts_app.tests.engine.judges import says
from prompts_app.tests.engine.servers import OddServer, Step, answering, completion, http, tool_calls
from prompts_app.tests.factories import CaseFactory, PromptFactory, VersionFactory
from prompts_app.tests.people import alice
from prompts_app.tests.workers import database_url, eventually, worker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

CLAIMING = "SELECT id FROM prompts_app_endpoint FOR UPDATE"
WRITING = "LOCK TABLE prompts_app_result IN SHARE MODE"
RENEWING = "SELECT id FROM prompts_app_run FOR NO KEY UPDATE"
SEALING = "SELECT id FROM prompts_app_user FOR NO KEY UPDATE"

END_WHOM_I_BLOCK = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
)


class Log:
    """What a worker says on its standard error."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def troubles(self) -> int:
        return self.path.read_text().count("The database did not do its part") if self.path.exists() else 0


@contextmanager
def database_that_fails(at: str, log: Log) -> Iterator[Callable[[], None]]:
    """While this is open, whoever comes to ``at`` is held up; the call ends its connection there and lets go.

    SQLite has no connection to end: there the whole database stays locked until the worker has given up
    waiting for it. (Not while it claims: Django does not start on a database it cannot write to.)
    """
    if connection.vendor == "postgresql":
        with psycopg.connect(database_url()) as holder:
            holder.execute(at)

            def has_failed() -> bool:
                with connection.cursor() as cursor:
                    cursor.execute(END_WHOM_I_BLOCK, [holder.info.backend_pid])
                    return bool(cursor.fetchall())

            def fail() -> None:
                eventually(has_failed)
                holder.rollback()

            yield fail
    elif at == CLAIMING:
        yield lambda: None
    else:
        holding = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, timeout=10)
        holding.execute("BEGIN EXCLUSIVE")
        before = log.troubles()
        try:
            yield lambda: eventually(lambda: log.troubles() > before)
        finally:
            holding.close()


def test_a_database_connection_that_ends_in_the_middle_costs_nothing(tmp_path: Path) -> None:
    environment = {"RUN_LEASE_S": "6", "ENDPOINT_CONCURRENCY": "2", "SQLITE_TIMEOUT_S": "0.2"}
    with answering([0.15, *YES]) as server:
        run = a_run(server, cases=40)
        log = Log(tmp_path / "log")
        with database_that_fails(CLAIMING, log) as fail, worker(tmp_path, log.path, **environment):
            fail()
            eventually(lambda: run.results.count() >= 3)
            assert fresh(run).state == Run.State.RUNNING
            for phase in (WRITING, RENEWING, SEALING):
                with database_that_fails(phase, log) as fail_now:
                    fail_now()
            eventually(lambda: fresh(run).state == Run.State.FINISHED)
        assert len(server.asked) == 40  # not one cell twice
    assert log.troubles() >= (4 if connection.vendor == "postgresql" else 3)
    assert (fresh(run).frames, fresh(run).resumed) == ("p" * 40, 0)
    file = sealed_file(fresh(run))
    assert file is not None
    assert verify(file).holds


def test_a_run_that_ends_its_worker_each_time_is_left_to_its_author(tmp_path: Path) -> None:
    """Really killed, six times over: each goes on where the one before was, and the seventh asks nothing."""
    environment = {"RUN_LEASE_S": "1", "ENDPOINT_CONCURRENCY": "1"}
    with answering([0.2, *YES]) as server:
        run = a_run(server, cases=60)
        for lost in range(MOST_RESUMES + 1):
            enough = run.results.count() + 2
            with worker(tmp_path, None, **environment) as victim:
                eventually(lambda: run.results.count() >= enough)  # noqa: B023 it is called at once
                assert fresh(run).resumed == lost
                victim.send_signal(signal.SIGKILL)
                victim.wait()
            eventually(lambda: (fresh(run).lease_until or timezone.now()) < timezone.now())
        stored, asked = run.results.count(), len(server.asked)
        with worker(tmp_path, None, **environment):
            eventually(lambda: not fresh(run).is_under_way)
        assert (run.results.count(), len(server.asked)) == (stored, asked)
    assert fresh(run).state == Run.State.STOPPED
    assert "vanished 6 times" in fresh(run).stop_reason
    assert asked <= stored + MOST_RESUMES + 1  # but for the call in flight at each kill


class TestAnImport:
    """Of 2,000 prompts, in chunks, its worker killed where it stands."""

    PROMPTS = 2_000

    def test_goes_on_elsewhere_beside_another_of_the_same_file_and_back(self, tmp_path: Path) -> None:
        row = self.begun(self.PROMPTS)
        for done in (300, 900):
            self.killed_once(tmp_path, row, lambda: self.state_of(row).done >= done)  # noqa: B023 called at once
            assert self.state_of(row).state == Import.State.RUNNING
            assert self.state_of(row).done == Prompt.objects.count() < self.PROMPTS
        both = (row, self.begun(self.PROMPTS))  # whichever of them is claimed first, the other waits
        with worker(tmp_path):
            eventually(lambda: all(self.state_of(one).state == Import.State.DONE for one in both))
        counts = [self.state_of(one).report["counts"] for one in both]
        assert sum(each["prompts"] for each in counts) == self.PROMPTS
        assert sum(each["skipped"] for each in counts) == self.PROMPTS
        assert Prompt.objects.values("title").distinct().count() == self.PROMPTS
        assert {kept.objects.count() for kept in (Prompt, Version, SearchDocument)} == {self.PROMPTS}

        mine = counts[0]["prompts"]
        undo(self.state_of(row), keep_changed=True)
        self.killed_once(tmp_path, row, lambda: self.state_of(row).done >= 200)
        assert self.PROMPTS - mine < Prompt.objects.count() == self.PROMPTS - self.state_of(row).done
        with worker(tmp_path):
            eventually(lambda: self.state_of(row).state == Import.State.UNDONE)
        assert Prompt.objects.count() == SearchDocument.objects.count() == self.PROMPTS - mine

    def test_is_stopped_under_its_workers_hands(self, tmp_path: Path) -> None:
        row = self.begun(5_000)
        with worker(tmp_path):
            eventually(lambda: self.state_of(row).done >= 100)
            stop(row)
            eventually(lambda: self.state_of(row).state == Import.State.UNDONE, within_s=90)
        assert not Prompt.objects.exists()

    def begun(self, prompts: int) -> Import:
        lines = (f"Title {number},Text {number} of {{it}}" for number in range(prompts))
        data = "\n".join(["act,prompt", *lines]).encode()
        row = keep_file(alice(), "prompts.csv", data, read_file("prompts.csv", data))
        start(row, ImportOptions())
        return row

    def state_of(self, row: Import) -> Import:
        return Import.objects.get(pk=row.pk)

    def killed_once(self, directory: Path, row: Import, when: Callable[[], bool]) -> None:
        with worker(directory) as victim:
            eventually(when)
            victim.send_signal(signal.SIGKILL)
            victim.wait()
        held = Import.objects.filter(pk=row.pk).exclude(claim="")
        assert held.update(lease_until=now_plus(-1)) == 1  # two minutes later


class TestTheJudge:
    """Kills while a judge is asked: about one output, and about which of several is the best."""

    POLITE = {"type": "llm-rubric", "value": "Is polite."}
    BEST = {"type": "select-best", "value": "The shortest for {{word}}."}
    VERDICT = says({"reason": "So it is.", "pass": True, "score": 1, "best": 1})
    CASES = 6
    ENVIRONMENT = {"RUN_LEASE_S": "1", "ENDPOINT_CONCURRENCY": "2"}

    def test_is_not_asked_again_for_what_is_stored(self, tmp_path: Path) -> None:
        with answering(YES) as model, answering([0.2, *self.VERDICT]) as bench:
            made = self.a_batch(at(model), JudgeChoice(at(bench), "judge-1"))
            graded = self.killed_once(tmp_path, made, lambda: judged(made, 0) >= 3)
            assert not judged(made, 1)
            compared = self.killed_once(tmp_path, made, lambda: judged(made, 1) >= 2)
            assert judged(made, 1) < 2 * self.CASES
            with worker(tmp_path, None, **self.ENVIRONMENT):
                eventually(lambda: not made.runs.under_way().exists())
            in_flight = 2 * 2  # two kills, two calls at once
            assert len(model.asked) <= 2 * self.CASES + in_flight
            assert len(bench.asked) <= 3 * self.CASES + in_flight
        kept = verdicts(made)
        assert graded.items() <= kept.items()
        assert compared.items() <= kept.items()
        self.check_whole(made)

    def a_batch(self, endpoint: Endpoint, judge: JudgeChoice) -> Batch:
        version = VersionFactory(prompt=PromptFactory(owner=alice()))
        for number in range(self.CASES):
            CaseFactory(
                prompt=version.prompt,
                variables={"word": f"word {number}"},
                assertions=[self.POLITE, self.BEST],
            )
        return runs.start_batch(version.prompt, BatchPlan([version], endpoint, ["a", "b"], judge=judge))

    def killed_once(
        self, directory: Path, batch: Batch, when: Callable[[], bool]
    ) -> dict[tuple[int, int, int], str]:
        """Start a worker, kill it; the verdicts that were stored by then."""
        with worker(directory, None, **self.ENVIRONMENT) as victim:
            eventually(when)
            victim.send_signal(signal.SIGKILL)
            victim.wait()
        late = batch.runs.under_way().filter(lease_until__gte=timezone.now())
        eventually(lambda: not late.filter(lease_until__gte=timezone.now()).exists())
        return verdicts(batch)

    def check_whole(self, batch: Batch) -> None:
        results = Result.objects.filter(run__batch=batch)
        assert results.count() == 2 * self.CASES
        for number in range(self.CASES):
            of_case = [result.checks[1]["passed"] for result in results.filter(case_index=number)]
            assert sorted(of_case) == [False, True]
        assert sum(result.judge_calls for result in results) == 3 * self.CASES
        for run in batch.runs.all():
            assert (run.state, len(run.frames), "u" in run.frames) == (Run.State.FINISHED, self.CASES, False)
            file = sealed_file(run)
            assert file is not None
            assert verify(file).holds


class TestAConversationWithTools:
    """Its worker ended between two steps: the case is asked again whole, with all its canned results."""

    CALL = http(200, tool_calls(("get_weather", '{"city": "Oslo"}')))
    ANSWER = http(200, completion("It is cold."))
    CASE = CaseContent(
        "Oslo",
        {"word": "Oslo"},
        assertions=(Assertion("contains", "cold"), Assertion("trajectory:step-count", {"min": 2, "max": 2})),
        tool_results=(ToolResult("get_weather", "-12 degrees", once=True), ToolResult("get_weather", "-13")),
    )
    WHOLE = (CALL, CALL, ANSWER)  # what one case asks
    ENVIRONMENT = {"RUN_LEASE_S": "1", "ENDPOINT_CONCURRENCY": "1"}

    @pytest.mark.parametrize(
        ("number", "second_case", "in_vain"),
        [
            (signal.SIGKILL, [CALL, [60.0, *CALL]], 2),  # the second call is under way
            (signal.SIGTERM, [[1.5, *CALL]], 1),  # the first is: it is awaited, and no further one is begun
        ],
        ids=["killed", "stopped"],
    )
    def test_is_neither_lost_nor_doubled_nor_half_stored(
        self, tmp_path: Path, number: signal.Signals, second_case: list[list[Step]], in_vain: int
    ) -> None:
        with answering(*self.WHOLE, *second_case, *self.WHOLE, *self.WHOLE) as server:
            run = self.a_run(server)
            with worker(tmp_path, None, **self.ENVIRONMENT) as victim:
                eventually(lambda: len(server.asked) == 3 + in_vain and run.results.count() == 1)
                victim.send_signal(number)
                victim.wait()
            assert run.results.get().case_index == 0
            eventually(lambda: (fresh(run).lease_until or timezone.now()) <= timezone.now())
            with worker(tmp_path, None, **self.ENVIRONMENT):
                eventually(lambda: not fresh(run).is_under_way)
            assert len(server.asked) == 3 * 3 + in_vain
        run = fresh(run)
        assert (run.state, run.frames, run.answers) == (Run.State.FINISHED, "ppp", 3)
        for result in run.results.all():
            assert (result.output, result.unanswered, result.error_kind) == ("It is cold.", "", "")
            given = [one["content"] for one in result.request["messages"] if one["role"] == "tool"]
            assert given == ["-12 degrees", "-13"]
            assert (result.tokens_in, result.tokens_out) == (21, 6)
        file = sealed_file(run)
        assert file is not None
        assert verify(file).holds

    def a_run(self, server: OddServer) -> Run:
        tools = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}]
        version = VersionFactory(prompt=PromptFactory(owner=alice()), parameters={"tools": tools})
        add_cases(version.prompt, [self.CASE] * 3)
        return runs.start_batch(version.prompt, BatchPlan([version], at(server), ["tiny"])).runs.get()


def verdicts(batch: Batch) -> dict[tuple[int, int, int], str]:
    """What the judge was asked and said, by run, case and place. No two judgings have the same marks."""
    results = Result.objects.filter(run__batch=batch)
    return {
        (result.run_id, result.case_index, place): str(check["judge"])
        for result in results
        for place, check in enumerate(result.checks)
        if check["passed"] is not None
    }


def judged(batch: Batch, place: int) -> int:
    """How many results have a verdict at this place among their assertions."""
    return sum(at == place for _, _, at in verdicts(batch))
