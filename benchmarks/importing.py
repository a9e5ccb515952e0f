"""What it costs to bring in many prompts: the file is read apart, previewed and saved, as the site does it.

    python benchmarks/importing.py --prompts 10000              # a CSV file as prompts.chat's, with variables
    python benchmarks/importing.py --prompts 10000 --bundle     # the same prompts as a bundle of our own

Prints one line of JSON: seconds of processor time of this process and those it starts, for each step and in
all, and this one's largest memory. The database is a scratch SQLite file.
"""

import argparse
import csv
import io
import json
import os
import random
import resource
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.processes import cpu_s

WORDS = """
act as a careful reader and write about the topic in plain words with examples that people know explain
why each step follows from the one before list risks say what you do not know ask for what is missing
answer in a table when it helps never invent sources
""".split()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prompts", type=int, default=10_000)
    parser.add_argument("--bundle", action="store_true")
    return parser.parse_args()


def set_up(directory: str) -> None:
    """Django on a scratch database, with the task that a large import becomes left to us."""
    os.environ |= {"DATA_DIR": directory, "TASKS_BACKEND": "django.tasks.backends.dummy.DummyBackend"}
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portfolio.settings")
    os.environ.pop("DATABASE_URL", None)
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def texts(count: int) -> Iterator[str]:
    """Of 40 to 200 words; the same in each call."""
    chosen = random.Random(1)
    for number in range(count):
        yield f"I want you to {' '.join(chosen.choices(WORDS, k=chosen.randint(40, 200)))}, number {number}."


def csv_file(count: int) -> bytes:
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["act", "prompt", "for_devs", "type", "contributor"])
    for number, text in enumerate(texts(count)):
        body = f"{text} It is on ${{topic:rain}} for [CLIENT NAME]."
        rows.writerow([f"Role {number}", body, "FALSE", "TEXT", f"user{number % 300}"])
    return out.getvalue().encode()


def bundle_file(count: int) -> bytes:
    from prompts_app.engine.formats.bundle import emit
    from prompts_app.engine.formats.bundle_types import Bundle, BundledAuthor, BundledPrompt, BundledVersion
    from prompts_app.engine.types import Message, PromptContent, Variable

    def prompt(number: int, text: str) -> BundledPrompt:
        when = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=number)
        variable = Variable("topic", "rain", "what it is on")
        messages = (Message("system", text), Message("user", "{{topic}}, please"))
        content = PromptContent(messages, (variable,), {"temperature": 0})
        return BundledPrompt(
            f"role-{number}",
            f"Role {number}",
            (BundledVersion(1, content, "first", when),),
            (),
            (),
            summary=text[:80],
            task="writing",
            tags=("a-tag", f"tag-{number % 50}"),
            licence="MIT",
            created_at=when,
        )

    prompts = tuple(prompt(number, text) for number, text in enumerate(texts(count)))
    return emit(Bundle(BundledAuthor("ada"), prompts)).encode()


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory() as directory:
        set_up(directory)
        print(json.dumps(measured(options.prompts, is_bundle=options.bundle)))


def measured(count: int, *, is_bundle: bool) -> dict[str, float | int | str]:
    from prompts_app.actions.importing import job
    from prompts_app.actions.importing.apply import ImportOptions, preview
    from prompts_app.engine.formats import parse
    from prompts_app.engine.formats.parsed_file import read_file
    from prompts_app.engine.limited_process import FILE, apart
    from prompts_app.models import Import, User

    owner = User.objects.create_user("ada", "ada@example.com")
    name, data = ("p.json", bundle_file(count)) if is_bundle else ("p.csv", csv_file(count))
    apart(FILE, parse, "warm.txt", b"A child is kept for the next file, so its start is not a file's cost.")
    steps: dict[str, float] = {}
    before = cpu_s([os.getpid()], without=b"\0none")

    def step(name: str) -> None:
        nonlocal before
        now = cpu_s([os.getpid()], without=b"\0none")
        steps[f"{name}_cpu_s"], before = round(now - before, 2), now

    row = job.keep_file(owner, name, data, apart(FILE, read_file, name, data))
    step("read")
    shown = preview(job.parts_of(row), owner)
    step("preview")
    assert shown.report.new == count, shown.report
    job.start(row, ImportOptions())
    job.run_import(row.pk)
    step("save")
    assert row.state == Import.State.PREVIEW, "the row of the page is as it was"
    row.refresh_from_db()
    assert row.state == Import.State.DONE, row.problem
    return {
        "format": "bundle" if is_bundle else "csv",
        "prompts": row.report["counts"]["prompts"],
        "file_mb": round(len(data) / 1e6, 1),
        **steps,
        "cpu_s": round(sum(steps.values()), 2),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


if __name__ == "__main__":
    main()
