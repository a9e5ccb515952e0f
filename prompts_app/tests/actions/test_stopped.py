"""A worker that is told to stop, as by every deploy: what came is kept, and another goes on at once.

Told from a kill (test_killed): nothing is asked twice, nothing is lost, and no error is stored that was ours.
"""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from functools import partial
from pathlib import Path
from time import monotonic

import pytest
from django.conf import settings

from prompts_app.actions.runs import stopping
from prompts_app.actions.runs.batches import BatchPlan
from prompts_app.actions.runs.execute import execute_run
from prompts_app.actions.runs.judge import JudgeChoice
from prompts_app.actions.runs.lifecycle import start_batch
from prompts_app.engine.shutdown import ProgramEnds, check_not_ending, is_ending
from prompts_app.models import Result, Run
from prompts_app.tests import workers
from prompts_app.tests.actions.running import YES, a_run, a_version, at, fresh, in_a_thread
from prompts_app.tests.commands.test_serve import child_called, free_port, kill, serving
from prompts_app.tests.engine.judges import says
from prompts_app.tests.engine.servers import answering
from prompts_app.tests.factories import CaseFactory, PromptFactory, VersionFactory
from prompts_app.tests.people import alice
from prompts_app.tests.workers import database_url, worker

pytestmark = pytest.mark.django_db(transaction=True)

eventually = partial(workers.eventually, within_s=120)  # a worker takes its time to start on a busy machine

AT_ONCE = "4"


def check_each_asked_once(run: Run, asked: int) -> None:
    """Whole, without an error, never thought to have lost its worker, and nothing paid twice."""
    cells = Counter(run.results.values_list("case_index", "repeat"))
    assert set(cells.values()) == {1}
    assert len(cells) == run.expected_results == asked
    assert not run.results.exclude(error_kind="").exists()
    assert (fresh(run).state, fresh(run).resumed, fresh(run).stop_reason) == (Run.State.FINISHED, 0, "")
    assert fresh(run).sealed_at


@pytest.mark.slow
@pytest.mark.parametrize(
    "signals",
    [[signal.SIGTERM], [signal.SIGINT], [signal.SIGHUP], [signal.SIGTERM, signal.SIGTERM, signal.SIGHUP]],
    ids=["SIGTERM", "SIGINT", "SIGHUP", "twice, as systemd and serve do together"],
)
def test_what_is_under_way_is_awaited_and_another_goes_on(
    tmp_path: Path, signals: list[signal.Signals]
) -> None:
    with answering([0.5, *YES]) as server:
        run = a_run(server, cases=24)
        with worker(tmp_path, ENDPOINT_CONCURRENCY=AT_ONCE, RUN_LEASE_S="600") as first:
            eventually(lambda: run.results.count() >= 4)
            told_at = monotonic()
            for number in signals:
                first.send_signal(number)
            assert first.wait(10) == 0
            assert monotonic() - told_at < 10
        assert run.results.count() == len(server.asked) < 24
        assert (fresh(run).claim, fresh(run).lease_until) == ("", None)
        with worker(tmp_path, ENDPOINT_CONCURRENCY=AT_ONCE):  # without waiting for the lease
            eventually(lambda: not fresh(run).is_under_way)
        check_each_asked_once(run, len(server.asked))


@pytest.mark.slow
def test_a_server_that_does_not_answer_holds_nobody_up_for_longer_than_ten_seconds(tmp_path: Path) -> None:
    """The calls that are ended leave no row: they are made again, as those of a killed worker."""
    slow, log = [30.0, *YES], tmp_path / "log"
    with answering(*[YES] * 4, *[slow] * 4, YES) as server:
        run = a_run(server, cases=12)
        with worker(tmp_path, log, ENDPOINT_CONCURRENCY=AT_ONCE) as first:
            eventually(lambda: run.results.count() == 4 and len(server.asked) == 8)
            told_at = monotonic()
            first.terminate()
            assert first.wait(12) == 0
            assert monotonic() - told_at < 10
        assert run.results.count() == 4
        assert log.read_text().count("it is made again") == 4
        with worker(tmp_path, ENDPOINT_CONCURRENCY=AT_ONCE):
            eventually(lambda: not fresh(run).is_under_way)
        check_each_asked_once(run, len(server.asked) - 4)


@pytest.mark.slow
def test_a_second_ctrl_c_ends_it_at_once_and_still_gives_the_run_back(tmp_path: Path) -> None:
    with answering(*[YES] * 2, [20.0, *YES]) as server:
        run = a_run(server, cases=6)
        with worker(tmp_path, ENDPOINT_CONCURRENCY="1") as first:
            eventually(lambda: run.results.count() == 2 and len(server.asked) == 3)
            first.send_signal(signal.SIGINT)
            with pytest.raises(Exception, match="timed out"):
                first.wait(1)
            first.send_signal(signal.SIGINT)
            assert first.wait(3) == 0
        assert (fresh(run).claim, fresh(run).lease_until) == ("", None)
        assert not run.results.exclude(error_kind="").exists()


@pytest.mark.slow
def test_a_judge_that_is_being_asked_is_awaited_too(tmp_path: Path) -> None:
    polite, verdict = (
        {"type": "llm-rubric", "value": "Is polite."},
        {"reason": "So.", "pass": True, "score": 1},
    )
    with answering(YES) as model, answering([0.4, *says(verdict)]) as bench:
        version = VersionFactory(prompt=PromptFactory(owner=alice()))
        for number in range(10):
            CaseFactory(prompt=version.prompt, variables={"word": f"word {number}"}, assertions=[polite])
        judge = JudgeChoice(at(bench), "judge-1")
        run = start_batch(version.prompt, BatchPlan([version], at(model), ["tiny"], judge=judge)).runs.get()
        for enough in (2, 6):
            with worker(tmp_path, ENDPOINT_CONCURRENCY="2") as victim:
                eventually(lambda: run.results.count() >= enough)  # noqa: B023 it is called at once
                victim.terminate()
                assert victim.wait(10) == 0
        with worker(tmp_path, ENDPOINT_CONCURRENCY="2"):
            eventually(lambda: not fresh(run).is_under_way)
        assert len(model.asked) == len(bench.asked) == 10
    check_each_asked_once(run, 10)
    assert all(result.passed for result in run.results.all())


@pytest.mark.slow
def test_a_run_outlives_its_web_server(tmp_path: Path) -> None:
    """The web server is killed while a run is asked: the worker gives it back, and the next one goes on."""
    with answering([0.3, *YES]) as server:
        run = a_run(server, cases=40)
        with serving(tmp_path, free_port()) as process:
            eventually(lambda: run.results.count() >= 3)
            kill(child_called("portfolio.web", process.pid))
            assert process.wait(20) == 1
        before = dict(run.results.values_list("case_index", "public_id"))
        assert 3 <= len(before) < 40
        assert fresh(run).lease_until is None
        with worker(tmp_path):
            eventually(lambda: fresh(run).state == Run.State.FINISHED)
        in_flight = settings.ENDPOINT_CONCURRENCY
        assert len(server.asked) <= 40 + in_flight
    after = dict(run.results.values_list("case_index", "public_id"))
    assert before.items() <= after.items()
    assert (fresh(run).frames, fresh(run).resumed) == ("p" * 40, 0)


@pytest.mark.slow
def test_a_run_on_a_terminal_is_given_back_too(tmp_path: Path) -> None:
    with answering([0.5, *YES]) as server:
        version = a_version(cases=24)
        endpoint, prompt = at(server), version.prompt
        command = [
            sys.executable, "manage.py", "run_suite", f"{prompt.owner.handle}/{prompt.slug}",
            "--endpoint", endpoint.name, "--model", "tiny", "--wait",
        ]  # fmt: skip
        environ = {**os.environ, "DATABASE_URL": database_url(), "DATA_DIR": str(tmp_path)}
        environ |= {"ENDPOINT_KEYS": ",".join(settings.ENDPOINT_KEYS), "ENDPOINT_CONCURRENCY": AT_ONCE}
        told = subprocess.Popen(
            command, cwd=settings.BASE_DIR, env=environ, stderr=subprocess.PIPE, text=True
        )
        eventually(lambda: Result.objects.count() >= 4)
        told.terminate()
        assert "Stopped. What was answered is kept" in told.communicate(timeout=15)[1]
        assert told.returncode == 2
        run = version.prompt.runs.get()
        assert run.results.count() == len(server.asked) < 24
        assert (run.state, run.claim, run.lease_until) == (Run.State.RUNNING, "", None)


def test_a_worker_that_is_stopping_takes_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    enqueued: list[int] = []
    monkeypatch.setattr("prompts_app.actions.runs.execute.enqueue_run", enqueued.append)
    monkeypatch.setattr(stopping, "_stopping_since", monotonic())
    with answering(YES) as server:
        run = a_run(server)
        assert not execute_run(run.pk)
        assert not server.asked
    assert enqueued == [run.pk]  # the queue let go of it; the next worker finds it there


def an_ending_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """As concurrent.futures leaves it once the main thread has ended and others still work."""
    monkeypatch.setattr("concurrent.futures.thread._shutdown", True)


@pytest.mark.parametrize(
    "assertions", [[], [{"type": "contains", "value": "yes"}]], ids=["asking", "judging"]
)
def test_a_program_that_ends_under_a_run_leaves_no_row_and_gives_it_back(
    assertions: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(YES, [0.3, *YES]) as server:
        run = a_run(server, cases=8)
        working = in_a_thread(lambda: execute_run(run.pk))
        eventually(lambda: run.results.count() >= 1)
        with monkeypatch.context() as patched:
            an_ending_program(patched)
            working.join(20)
        stored = run.results.count()
        assert stored < 8
        assert not run.results.exclude(error_kind="").exists()
        assert (fresh(run).state, fresh(run).claim) == (Run.State.RUNNING, "")
        assert execute_run(run.pk)
    assert Result.objects.filter(run=run, error_kind="").count() == 8


def test_what_fails_for_another_reason_is_still_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    check_not_ending(RuntimeError("can't start new thread"))
    with monkeypatch.context() as patched:
        an_ending_program(patched)
        check_not_ending(ValueError("of its own"))
        with pytest.raises(ProgramEnds):
            check_not_ending(RuntimeError("cannot schedule new futures after shutdown"))
    with monkeypatch.context() as patched:
        patched.setattr(
            threading.Thread, "start", lambda self: (_ for _ in ()).throw(RuntimeError("can't start"))
        )
        assert not is_ending()
    assert not is_ending()
