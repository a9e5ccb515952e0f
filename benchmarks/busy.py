"""What a run costs those who read and write meanwhile.

    python benchmarks/busy.py                            # SQLite, in a scratch directory
    python benchmarks/busy.py --database postgres        # a scratch server of its own

Starts the product (``manage.py serve`` with its worker) and a stand-in model server. 16 read, and 4 authors
sign in over HTTP and save versions, first without a run, then while one of 2,000 results is written. Prints
one JSON object: p95 of reads without and with the run, versions saved as the database counts them, and their
``ratio``; exit status 1 where that is above 3, or anything was lost or answered with an error.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from threading import Event, Thread
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import pages  # noqa: E402  this is run as a file
from benchmarks import pages_served as served  # noqa: E402
from benchmarks.signing_up import Browser  # noqa: E402

READERS, AUTHORS = 16, 4
WARM_S, CALM_S, READ_EVERY_S, SAVE_EVERY_S, MOST_S = 15.0, 30.0, 0.25, 1.0, 300.0
AT_MOST = 3.0  # times the p95 without a run
PASSWORD = "correct horse battery staple"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--database", metavar="URL", help='an empty one here, or "postgres" for a scratch one'
    )
    parser.add_argument("--prompts", type=int, default=300)
    parser.add_argument("--results", type=int, default=2_000)
    parser.add_argument("--delay-ms", type=float, default=50, help="what the model takes for an answer")
    return parser.parse_args()


def author(number: int) -> Any:
    """Somebody with a password and a prompt ``work`` of one version."""
    from prompts_app.models import Prompt, User, Version

    person = User.objects.create_user(f"busy-{number}", f"busy-{number}@example.com", PASSWORD)
    prompt = Prompt.objects.create(owner=person, slug="work", title=f"Work {number}", visibility="public")
    messages = [{"role": "user", "content": "Answer {{question}} as JSON."}]
    variables = [{"name": "question", "default": "", "description": ""}]
    Version.objects.create(prompt=prompt, number=1, messages=messages, variables=variables)
    return prompt


def start_run(prompt: Any, results: int, base_url: str) -> Any:
    from prompts_app.actions.runs.batches import BatchPlan
    from prompts_app.actions.runs.lifecycle import start_batch
    from prompts_app.models import Case, Endpoint

    assertions = [{"type": "contains", "value": "yes"}]
    Case.objects.bulk_create(
        Case(
            prompt=prompt,
            position=n,
            name=f"Case {n}",
            variables={"question": str(n)},
            assertions=assertions,
        )
        for n in range(results // 2)
    )
    endpoint = Endpoint.objects.create(
        owner=prompt.owner, name="slow", base_url=base_url, kind=Endpoint.OPENAI
    )
    plan = BatchPlan(list(prompt.versions.all()), endpoint, ["slow-1"], repeats=2)
    return start_batch(prompt, plan).runs.get()


class Crowd:
    """Readers and authors, for as long as ``over`` is not set."""

    def __init__(self, site: str, paths: list[str], writers: list[Browser]) -> None:
        self._site, self._paths, self._writers, self.over = site, paths, writers, Event()
        self.reads, self.statuses, self.saved = list[float](), Counter[int](), 0
        self.saves = list[float]()

    def busy_until_over(self, until: Any) -> None:
        threads = [Thread(target=self._read, args=(n,)) for n in range(READERS)]
        threads += [Thread(target=self._save, args=(one,)) for one in self._writers]
        for thread in threads:
            thread.start()
        until()
        self.over.set()
        for thread in threads:
            thread.join()

    def _read(self, number: int) -> None:
        client, chance = served.Client(int(self._site.rpartition(":")[2])), random.Random(number)
        while not self.over.wait(READ_EVERY_S * chance.uniform(0.5, 1.5)):
            began = time.perf_counter()
            self.statuses[client.get(chance.choice(self._paths)).status] += 1
            self.reads.append(time.perf_counter() - began)

    def _save(self, browser: Browser) -> None:
        while not self.over.wait(SAVE_EVERY_S):
            began = time.perf_counter()
            status = save_version(browser)
            self.saves.append(time.perf_counter() - began)
            self.statuses[status] += 1
            self.saved += status == 302

    def p95_ms(self, took: list[float]) -> float:
        return round(statistics.quantiles(took, n=20)[-1] * 1000, 1) if len(took) > 1 else 0.0


def signed_in(site: str, handle: str) -> Browser:
    browser = Browser(site, "127.0.0.1")
    browser.ask("GET", "/accounts/login/")
    form = {"csrfmiddlewaretoken": token_of(browser), "login": handle, "password": PASSWORD}
    status, _ = browser.ask("POST", "/accounts/login/", form)
    if status != 302:
        sys.exit(f"{handle} could not sign in: {status}")
    return browser


def token_of(browser: Browser) -> str:
    return browser.cookies.get("csrftoken", "")


def save_version(browser: Browser) -> int:
    browser.ask("GET", "/studio/prompts/work/")
    form = {
        "csrfmiddlewaretoken": token_of(browser),
        "role": "user",
        "content": f"Answer {{{{question}}}} as JSON, {time.time_ns()}.",
        "variable_name": "question",
        "variable_default": "",
        "variable_description": "",
        "do": "save",
    }
    return browser.ask("POST", "/studio/prompts/work/", form)[0]


def measured(options: argparse.Namespace) -> dict[str, Any]:
    from prompts_app.models import Result, Version

    port, model_port = served.free_port(), served.free_port()
    prompts = [author(number) for number in range(AUTHORS + 1)]
    serve = [sys.executable, "manage.py", "serve", "--port", str(port)]
    model = [sys.executable, "benchmarks/slow_server.py", "--port", str(model_port)]
    model += ["--delay-ms", str(options.delay_ms)]
    site = f"http://127.0.0.1:{port}"
    with served.running(serve, port, {"SITE_URL": site}), served.running(model, model_port, {}):
        writers = [signed_in(site, f"busy-{number}") for number in range(AUTHORS)]
        paths = ["/", "/prompts/", "/prompts/?q=you", "/prompts/?sort=newest", "/feed.atom", "/@author-few/"]
        paths += [f"/@busy-{number}/work/" for number in range(AUTHORS)]
        warm, calm = Crowd(site, paths, writers), Crowd(site, paths, writers)
        warm.busy_until_over(lambda: time.sleep(WARM_S))  # all is loaded
        calm.busy_until_over(lambda: time.sleep(CALM_S))
        run = start_run(prompts[-1], options.results, f"http://127.0.0.1:{model_port}/v1")
        busy, began = Crowd(site, paths, writers), time.monotonic()
        busy.busy_until_over(lambda: wait_for(run))
        took = time.monotonic() - began
    run.refresh_from_db()
    saved = Version.objects.filter(prompt__slug="work", number__gt=1).count()
    statuses = warm.statuses + calm.statuses + busy.statuses
    calm_ms, busy_ms = (crowd.p95_ms(crowd.reads) for crowd in (calm, busy))
    return {
        "reads": [len(calm.reads), len(busy.reads)],
        "p95_ms_calm": calm_ms,
        "p95_ms_busy": busy_ms,
        "ratio": round(busy_ms / calm_ms, 2),
        "saves_p95_ms": [calm.p95_ms(calm.saves), busy.p95_ms(busy.saves)],
        "saves_answered": warm.saved + calm.saved + busy.saved,
        "versions_saved": saved,
        "answers": dict(statuses),
        "results": Result.objects.filter(run=run).count(),
        "run_s": round(took, 1),
        "run_state": run.state,
    }


def wait_for(run: Any) -> None:
    deadline = time.monotonic() + MOST_S
    while run.is_under_way and time.monotonic() < deadline:
        time.sleep(0.5)
        run.refresh_from_db()


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="proofsheet-busy-") as directory:
        options.keep = directory
        with pages.database(options) as data:
            pages.loaded(options, data)
            said = measured(options)
    print(json.dumps(said))
    is_whole = said["results"] == options.results and said["saves_answered"] == said["versions_saved"]
    sys.exit(0 if is_whole and said["ratio"] <= AT_MOST and set(said["answers"]) <= {200, 302} else 1)


if __name__ == "__main__":
    main()
