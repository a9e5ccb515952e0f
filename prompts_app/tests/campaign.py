"""Killing workers while they work, many times over, and counting what that cost.

Used by a test with few kills and by benchmarks/kills.py with many.
"""

import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from prompts_app.actions.runs import lifecycle as runs
from prompts_app.actions.runs.batches import BatchPlan
from prompts_app.actions.runs.seal import sealed_file, verify
from prompts_app.models import Endpoint, Result, Run
from prompts_app.tests.actions.running import YES, a_version
from prompts_app.tests.engine.servers import OddServer, answering
from prompts_app.tests.factories import EndpointFactory
from prompts_app.tests.people import alice
from prompts_app.tests.workers import eventually, worker

AT_ONCE = 2  # calls, for each run
LEASE_S = 2.0  # so that those who wait for a vanished worker do not wait long
ANSWER_S = 0.25
# Of a run; and calls of each between two kills: after six workers that vanished over it, it is given up.
CASES, FURTHER = 30, 8


@dataclass(frozen=True, slots=True)
class Cost:
    """What a number of kills came to. All but ``again`` and the times are to be 0."""

    kills: int
    runs: int
    results: int
    lost: int  # cells without a row
    doubled: int  # cells with more than one
    false_errors: int  # rows or runs with an error, though the server answered every call
    seals_broken: int
    unlike: int  # answers kept that are not those of the server
    again: int  # calls that were made a second time, since their answer was under way at a kill
    slowest_end_s: float  # from the signal to the end of the process; of SIGTERM

    @property
    def is_nothing(self) -> bool:
        return not (self.lost or self.doubled or self.false_errors or self.seals_broken or self.unlike)


def campaign(
    directory: Path, kills: int, signals: list[signal.Signals], *, side_by_side: int, seed: int
) -> Cost:
    """Runs side by side, asked by two workers of which one is killed again and again, until ``kills`` are
    reached; then all is left to end, and looked at."""
    chance = random.Random(seed)
    slowest = 0.0
    with answering([ANSWER_S, *YES]) as server, ExitStack() as stack:
        started: list[Run] = []
        workers = [stack.enter_context(_worker(directory)) for _ in range(2)]
        for number in range(kills):
            started += [_a_run(server) for _ in range(side_by_side - _under_way(started))]
            enough = len(server.asked) + FURTHER * side_by_side
            eventually(lambda: len(server.asked) >= enough or _under_way(started) < 2, within_s=180)  # noqa: B023
            time.sleep(chance.uniform(0.0, 0.5))
            victim, workers = workers[0], workers[1:]
            took = _kill(victim, signals[number % len(signals)])
            slowest = max(slowest, took)
            workers.append(stack.enter_context(_worker(directory)))
        eventually(lambda: _under_way(started) == 0, within_s=300)
        return _counted(kills, [run.pk for run in started], len(server.asked), slowest)


@contextmanager
def _worker(directory: Path) -> Iterator[Popen[bytes]]:
    facts = {"RUN_LEASE_S": str(LEASE_S), "ENDPOINT_CONCURRENCY": str(AT_ONCE), "WORKERS": "6"}
    with worker(directory, directory / "log", **facts) as process:
        yield process


def _a_run(server: OddServer) -> Run:
    version = a_version(cases=CASES)
    endpoint: Endpoint = EndpointFactory(owner=alice(), base_url=server.base_url)
    return runs.start_batch(version.prompt, BatchPlan([version], endpoint, ["tiny"])).runs.get()


def _under_way(runs_: list[Run]) -> int:
    return Run.objects.filter(pk__in=[run.pk for run in runs_]).under_way().count()


def _kill(victim: Popen[bytes], number: signal.Signals) -> float:
    """Seconds until it has ended; of a SIGKILL that says nothing, so 0."""
    began = time.monotonic()
    victim.send_signal(number)
    victim.wait(15)
    return time.monotonic() - began if number != signal.SIGKILL else 0.0


def _counted(kills: int, ids: list[int], asked: int, slowest: float) -> Cost:
    made = Run.objects.filter(pk__in=ids)
    results = Result.objects.filter(run__in=ids)
    cells = Counter(results.values_list("run", "case_index", "repeat"))
    wanted = sum(run.expected_results for run in made)
    files = [sealed_file(run) for run in made]
    return Cost(
        kills=kills,
        runs=len(ids),
        results=len(cells),
        lost=wanted - len(cells),
        doubled=sum(count - 1 for count in cells.values()),
        false_errors=results.exclude(error_kind="").count() + made.exclude(state=Run.State.FINISHED).count(),
        seals_broken=sum(file is None or not verify(file).holds for file in files),
        unlike=results.filter(error_kind="").exclude(output="yes, indeed").count(),
        again=asked - wanted,
        slowest_end_s=round(slowest, 1),
    )
