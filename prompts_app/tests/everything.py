"""`make test`: every check, then the whole suite on SQLite, and on Postgres all of it that can differ there.

Each step says what it is doing and how long it took; the first line of a failing step's own output says what
is wrong. Everything runs even after a failure, so that one look shows all. Exit status 1 if anything failed.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from prompts_app.tests.postgres import NoPostgres, scratch_postgres

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
CI = os.environ.get("CI") == "true"
AT_ONCE = str((os.cpu_count() or 2) + 1)  # browsers, servers and killed workers are mostly waited for
MEMORY, ROOM = Path("/dev/shm"), 2 * 1024**3  # where a database written for a moment waits for no disk
# What says the same whichever database stands beside it, and so runs once.
SAME_ON_BOTH = (
    "engine",  # it knows no database
    "browser/test_browse_filters.py",  # what a browser makes of pages; test_main_job walks the site on both
    "browser/test_copying.py",
    "browser/test_first_screen.py",
    "browser/test_hostile_text.py",
    "browser/test_passkeys.py",
    "browser/test_printing.py",
    "browser/test_profile_table.py",
    "commands/test_check_deploy.py",
    "commands/test_move_database.py",  # from each kind to the other, there and back, in one run
    "commands/test_serve.py",  # who starts and ends whom; test_stopped and test_web_workers serve on both
    "commands/test_worst_inputs.py",  # files are read apart from any database
    "evidence/test_asked_schema.py",  # no row in these
    "evidence/test_concision.py",
    "evidence/test_frames.py",
    "evidence/test_interview_questions.py",
    "evidence/test_summary.py",
    "evidence/test_trace.py",
    "evidence/test_wording.py",
    "security/test_headers.py",  # test_visibility asks for the same pages on both
    "test_layers.py",
    "test_postgres_away.py",  # it has a Postgres of its own
    "test_slow_clients.py",
    "test_slow_readers.py",  # no row in these
    "test_templates.py",
    "test_templatetags.py",
    "views/test_about_assertions.py",
)

LINT: dict[str, list[str]] = {
    "ruff": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "--quiet", "."],
    "layers": ["lint-imports"],
    "mypy": ["mypy"],
}


def say(text: str) -> None:
    print(text, flush=True)


def step(name: str, command: list[str], **environment: str) -> bool:
    say(f"\n=== {name} ===")
    started = time.monotonic()
    program = str(BIN / command[0]) if (BIN / command[0]).exists() else command[0]
    done = subprocess.run([program, *command[1:]], cwd=ROOT, env=os.environ | environment, check=False)
    say(f"--- {name}: {'ok' if done.returncode == 0 else 'FAILED'} in {time.monotonic() - started:.0f} s")
    return done.returncode == 0


def lint(data_dir: str) -> list[bool]:
    templates = [str(p.relative_to(ROOT)) for p in sorted((ROOT / "templates").rglob("*.html"))]
    results = [step(name, command) for name, command in LINT.items()]
    results.append(step("djade", ["djade", "--check", "--target-version", "6.1", *templates]))
    results.append(
        step(
            "migrations", ["python", "manage.py", "makemigrations", "--check", "--dry-run"], DATA_DIR=data_dir
        )
    )
    return results


def suite(name: str, arguments: list[str], data_dir: str, database_url: str) -> bool:
    # In the order of collection, slow files first: xdist's own begins with those of most tests.
    order = ["--dist", "loadfile", "--no-loadscope-reorder"]
    places = {"DATA_DIR": data_dir, "TMPDIR": data_dir, "DATABASE_URL": database_url}
    # Some two hundred processes start, and none but the first has to compile what it imports.
    return step(
        name, ["pytest", "-n", AT_ONCE, *order, "-q", *arguments], **places, PYTHONDONTWRITEBYTECODE=""
    )


def suites(data_dir: str, arguments: list[str]) -> list[bool]:
    results = [suite("tests on SQLite", arguments, data_dir, "")]
    try:
        with scratch_postgres() as url:
            on_postgres = [*(f"--ignore=prompts_app/tests/{name}" for name in SAME_ON_BOTH), *arguments]
            results.append(suite("tests on Postgres", on_postgres, data_dir, url))
    except NoPostgres as why:
        say(f"\n!!! NOT RUN: the tests on Postgres ({why}). Install Postgres 15 or newer to run them. !!!")
        results.append(not CI)
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description="Every check and every test.")
    parser.add_argument("--only-lint", action="store_true")
    options, pytest_arguments = parser.parse_known_args()
    in_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
    tempfile.tempdir = str(MEMORY) if in_memory else None  # that of the scratch Postgres too
    with tempfile.TemporaryDirectory(prefix="proofsheet-test-") as data_dir:
        Path(data_dir).chmod(0o711)  # a Postgres in it runs as somebody else
        results = lint(data_dir)
        if not options.only_lint:
            results += suites(data_dir, pytest_arguments)
    say("\nAll checks passed." if all(results) else "\nSomething FAILED: see above.")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
