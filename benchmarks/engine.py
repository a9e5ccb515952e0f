"""How fast a run is: the real runner, three assertions a case, every result stored in a database.

    python benchmarks/slow_server.py --port 8300 &
    python benchmarks/engine.py --base-url http://127.0.0.1:8300/v1 --cases 200 --concurrency 64

Prints one line of JSON. ``wall_s``, ``overhead_s`` (wall − ideal) and ``cpu_s`` (this process, all threads)
run from the moment a warm worker takes the run to its last result stored and counted; ``startup_s`` is
everything before. ``ideal_s`` is what the server alone needs: rounds of calls × its delay. ``control_s`` is a
bare asyncio client making the same calls just before, on the same machine: compare ratios, not seconds. The
database is a scratch SQLite file, or DATABASE_URL.
"""

from __future__ import annotations

import time

STARTED = time.perf_counter()

import argparse  # noqa: E402  the clock starts before the imports
import asyncio  # noqa: E402
import json  # noqa: E402
import math  # noqa: E402
import os  # noqa: E402
import resource  # noqa: E402
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
    return parser.parse_args()


def set_up(directory: str, options: argparse.Namespace) -> None:
    """Django on a scratch database, as a worker has it."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portfolio.settings")
    os.environ["DATA_DIR"] = directory
    os.environ["ENDPOINT_CONCURRENCY"] = str(options.concurrency)
    os.environ["TASKS_BACKEND"] = "django.tasks.backends.dummy.DummyBackend"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)


def make_run(options: argparse.Namespace) -> Any:
    """A queued run of so many cases against the server."""
    from prompts_app.actions.run import start_batch
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
    return start_batch(prompt, [version], endpoint, ["slow-1"]).runs.get()


async def bare_client(options: argparse.Namespace) -> None:
    """The same calls with nothing around them: what the machine and the server can do."""
    address = urlsplit(options.base_url)
    body = b'{"model":"slow-1","messages":[{"role":"user","content":"x"}]}'
    request = (
        f"POST {address.path}/chat/completions HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    left = iter(range(options.cases))

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port or 80)
        for _ in left:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(x.split(b":")[1]) for x in head.lower().split(b"\r\n") if x.startswith(b"content-length")
            )
            await reader.readexactly(length)
        writer.close()

    await asyncio.gather(*(one_connection() for _ in range(options.concurrency)))


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="proofsheet-bench-") as directory:
        set_up(directory, options)
        from django.db.models import Avg

        from prompts_app.actions.execute import execute_run

        run = make_run(options)
        control = 0.0
        if not options.no_control:
            before = time.perf_counter()
            asyncio.run(bare_client(options))
            control = time.perf_counter() - before
        startup = time.perf_counter() - STARTED - control
        cpu, began = cpu_seconds(), time.perf_counter()
        execute_run(run.pk)
        wall, cpu = time.perf_counter() - began, cpu_seconds() - cpu
        run.refresh_from_db()
        ideal = math.ceil(options.cases / options.concurrency) * options.delay_ms / 1000
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
            1024 if sys.platform != "darwin" else 1024**2
        )
        stored = run.results.filter(passed=True).count()
        line = {
            "cases": options.cases,
            "concurrency": options.concurrency,
            "startup_s": round(startup, 3),
            "wall_s": round(wall, 3),
            "ideal_s": round(ideal, 3),
            "overhead_s": round(wall - ideal, 3),
            "control_s": round(control, 3),
            "cpu_s": round(cpu, 3),
            "peak_rss_mb": round(peak, 1),
            "latency_ms_mean": round(run.results.aggregate(mean=Avg("latency_ms"))["mean"] or 0, 1),
            "stored_and_passed": stored,
            "state": run.state,
        }
    print(json.dumps(line))
    sys.exit(0 if stored == options.cases else 1)


if __name__ == "__main__":
    main()
