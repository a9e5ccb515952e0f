"""How fast a run is: the real runner, three assertions a case, every result stored in a database.

    python benchmarks/slow_server.py --port 8300 &
    python benchmarks/engine.py --base-url http://127.0.0.1:8300/v1 --cases 200 --concurrency 64

Prints one line of JSON. ``wall_s``, ``overhead_s`` (wall − ideal) and ``cpu_s`` (this process, all threads)
run from the moment a warm worker takes the run to its last result stored, counted and sealed; ``startup_s``
is what the worker's imports (the `openai` package among them, which a worker loads when it first calls a
server) and its first look at the database take. Another process makes the database and
the run before, so that ``peak_rss_mb`` is a worker's alone. ``ideal_s`` is what the server alone needs:
rounds of calls × its delay. ``control_s`` and ``control_latency_ms`` are those of a bare asyncio client
making the same calls just before, on the same machine: on a busy one compare the ratios to it, not seconds.
The database is a scratch SQLite file, or DATABASE_URL.
"""

import time

STARTED = time.perf_counter()

import argparse  # noqa: E402  the clock starts before the imports
import asyncio  # noqa: E402
import json  # noqa: E402
import math  # noqa: E402
import os  # noqa: E402
import resource  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402
from urllib.parse import urlsplit  # noqa: E402

SCHEMA = {"type": "object", "required": ["answer"], "properties": {"answer": {"type": "string"}}}
ASSERTIONS = [
    {"type": "contains", "value": "yes"},
    {"type": "equals", "value": {"answer": "yes", "n": 1}},
    {"type": "is-json", "value": SCHEMA},
]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--delay-ms", type=float, default=200, help="what the server waits, for ideal_s")
    parser.add_argument("--no-control", action="store_true")
    parser.add_argument("--make-run-in", metavar="DIRECTORY", help=argparse.SUPPRESS)
    return parser.parse_args()


def set_up(directory: str, options: argparse.Namespace) -> None:
    """Django on a scratch database, as a worker has it."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portfolio.settings")
    os.environ["DATA_DIR"] = directory
    os.environ["ENDPOINT_CONCURRENCY"] = str(options.concurrency)
    os.environ["TASKS_BACKEND"] = "django.tasks.backends.dummy.DummyBackend"
    import django

    django.setup()


def made_elsewhere(directory: str) -> int:
    """The primary key of a run that another process made, with the database it is in."""
    command = [sys.executable, __file__, *sys.argv[1:], "--make-run-in", directory]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def make_run(options: argparse.Namespace) -> Any:
    """A database, and in it a queued run of so many cases against the server."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    from prompts_app.actions.runs.batches import BatchPlan
    from prompts_app.actions.runs.lifecycle import start_batch
    from prompts_app.models import Case, Endpoint, Profile, Prompt, User, Version

    user, _ = User.objects.get_or_create(username="benchmark", defaults={"email": "b@example.com"})
    Profile.objects.get_or_create(user=user)
    Prompt.objects.filter(owner=user).delete()
    prompt = Prompt.objects.create(owner=user, slug="benchmark", title="Benchmark")
    version = Version.objects.create(
        prompt=prompt,
        number=1,
        messages=[{"role": "user", "content": "Answer {{question}} as JSON."}],
        variables=[{"name": "question", "default": "", "description": ""}],
    )
    Case.objects.bulk_create(
        Case(
            prompt=prompt,
            position=n,
            name=f"Case {n}",
            variables={"question": f"question {n}"},
            assertions=ASSERTIONS,
        )
        for n in range(options.cases)
    )
    endpoint, _ = Endpoint.objects.update_or_create(
        owner=user, name="slow", defaults={"base_url": options.base_url, "kind": Endpoint.OPENAI}
    )
    return start_batch(prompt, BatchPlan([version], endpoint, ["slow-1"])).runs.get()


async def bare_client(options: argparse.Namespace) -> float:
    """The same calls with nothing around them: what machine and server can do. The mean latency in ms."""
    address = urlsplit(options.base_url)
    body = b'{"model":"slow-1","messages":[{"role":"user","content":"x"}]}'
    request = (
        f"POST {address.path}/chat/completions HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    left, latencies = iter(range(options.cases)), list[float]()

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port or 80)
        for _ in left:
            sent = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(x.split(b":")[1]) for x in head.lower().split(b"\r\n") if x.startswith(b"content-length")
            )
            await reader.readexactly(length)
            latencies.append((time.perf_counter() - sent) * 1000)
        writer.close()

    await asyncio.gather(*(one_connection() for _ in range(options.concurrency)))
    return sum(latencies) / len(latencies)


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measured(run_id: int, options: argparse.Namespace, startup: float) -> dict[str, Any]:
    from django.db.models import Avg

    from prompts_app.actions.runs.execute import execute_run
    from prompts_app.engine.endpoints import openai_compatible  # noqa: F401  a warm worker has it
    from prompts_app.models import Run

    run, began = Run.objects.get(pk=run_id), time.perf_counter()
    startup += began - STARTED
    control_latency = None if options.no_control else asyncio.run(bare_client(options))
    control = time.perf_counter() - began
    cpu, began = cpu_seconds(), time.perf_counter()
    execute_run(run.pk)
    wall, cpu = time.perf_counter() - began, cpu_seconds() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1024**2 if sys.platform == "darwin" else 1024
    )
    run.refresh_from_db()
    ideal = math.ceil(options.cases / options.concurrency) * options.delay_ms / 1000
    latency = run.results.aggregate(mean=Avg("latency_ms"))["mean"] or 0
    line = {
        "cases": options.cases,
        "concurrency": options.concurrency,
        "startup_s": round(startup, 3),
        "wall_s": round(wall, 3),
        "ideal_s": round(ideal, 3),
        "overhead_s": round(wall - ideal, 3),
        "cpu_s": round(cpu, 3),
        "peak_rss_mb": round(peak, 1),
        "latency_ms_mean": round(latency, 1),
        "stored_and_passed": run.results.filter(passed=True).count(),
        "state": run.state,
    }
    if control_latency is not None:
        line |= {
            "control_s": round(control, 3),
            "control_latency_ms": round(control_latency, 1),
            "wall_ratio": round(wall / control, 3),
            "latency_ratio": round(latency / control_latency, 3),
        }
    return line


def main() -> None:
    options = arguments()
    if options.make_run_in:
        set_up(options.make_run_in, options)
        print(make_run(options).pk)
        return
    with tempfile.TemporaryDirectory(prefix="proofsheet-bench-") as directory:
        elsewhere = time.perf_counter()
        run_id = made_elsewhere(directory)
        elsewhere -= time.perf_counter()  # below zero: not part of a worker's start
        set_up(directory, options)
        line = measured(run_id, options, startup=elsewhere)
    print(json.dumps(line))
    sys.exit(0 if line["stored_and_passed"] == options.cases else 1)


if __name__ == "__main__":
    main()
