"""What killing workers costs: `python benchmarks/kills.py --kills 25 --signal TERM` (on a scratch database).

For a database of your own, empty and to be thrown away, set DATABASE_URL.
One line of JSON on standard output. With --takeover it measures instead how long after a kill -9 another
worker goes on, with the lease as it is set (25 s).
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SIGNALS = {"TERM": [signal.SIGTERM], "KILL": [signal.SIGKILL], "both": [signal.SIGTERM, signal.SIGKILL]}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--signal", choices=SIGNALS, default="both")
    parser.add_argument("--side-by-side", type=int, default=4, help="runs that are asked at the same time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--takeover", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="proofsheet-kills-") as directory:
        prepare(Path(directory))
        said = takeover(Path(directory)) if options.takeover else killed(Path(directory), options)
        print(json.dumps(said))


def prepare(directory: Path) -> None:
    os.environ.setdefault("DATABASE_URL", f"sqlite:///{directory}/kills.sqlite3")
    os.environ.update(
        DATA_DIR=str(directory), DJANGO_SETTINGS_MODULE="portfolio.settings", LOG_LEVEL="ERROR",
        TASKS_BACKEND="huey.contrib.djhuey.tasks_backend.HueyBackend",
    )  # fmt: skip
    sys.path.insert(0, str(ROOT))
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, check=True)
    import django

    django.setup()


def killed(directory: Path, options: argparse.Namespace) -> dict[str, object]:
    from django.db import connection

    from prompts_app.tests.campaign import campaign

    began = time.monotonic()
    cost = campaign(
        directory,
        options.kills,
        SIGNALS[options.signal],
        side_by_side=options.side_by_side,
        seed=options.seed,
    )
    took = round(time.monotonic() - began)
    return {"database": connection.vendor, "signal": options.signal, **asdict(cost), "took_s": took}


def takeover(directory: Path) -> dict[str, object]:
    """Seconds from the kill of a run's worker to the next answer, with another worker idle beside it."""
    from django.db import connection

    from prompts_app.tests.actions.running import YES, a_run
    from prompts_app.tests.engine.servers import answering
    from prompts_app.tests.workers import eventually, worker

    with answering([0.3, *YES]) as server, worker(directory, directory / "log") as first:
        run = a_run(server, cases=400)
        eventually(lambda: run.results.count() > 20, within_s=60)
        with worker(directory, directory / "log"):
            time.sleep(6)  # until it is there and idle
            first.kill()
            began, known = time.monotonic(), run.results.count()
            eventually(lambda: run.results.count() > known + 8, within_s=90)
            return {"database": connection.vendor, "went_on_after_s": round(time.monotonic() - began, 1)}


if __name__ == "__main__":
    main()
