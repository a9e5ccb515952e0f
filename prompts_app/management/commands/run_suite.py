"""`manage.py run_suite HANDLE/SLUG …`: a run from a terminal or a CI job."""

import json
import os
import signal
import sys
import time
from argparse import ArgumentParser
from decimal import Decimal, InvalidOperation
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import CommandError
from django.db.models import Count, Min

from portfolio.release import ReleasedCommand
from prompts_app.actions.runs import stopping
from prompts_app.actions.runs.batches import BatchPlan
from prompts_app.actions.runs.execute import execute_run
from prompts_app.actions.runs.judge import JudgeChoice
from prompts_app.actions.runs.lifecycle import practice_endpoint, start_batch
from prompts_app.engine.endpoints.addresses import check_url
from prompts_app.engine.faults import FAULTS
from prompts_app.engine.stats import wilson
from prompts_app.evidence.asked_schema import fit_in_words
from prompts_app.evidence.frames import FrameState
from prompts_app.models import Batch, Endpoint, Prompt, Run, Version
from prompts_app.models.endpoints import CHAT, IMAGES

KEY_VARIABLE = "PROOFSHEET_API_KEY"
FAILED, ERRORS = 1, 2  # exit statuses
LOOK_EVERY_S = 0.5


class Command(ReleasedCommand):
    help = (
        "Runs a prompt's cases. Exit status with --wait: 0 all cases passed, 1 some failed, 2 some got no "
        "answer or no verdict, or the run could not be made."
    )
    refused_status = ERRORS

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prompt", metavar="HANDLE/SLUG")
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--endpoint", metavar="NAME", help='one of the author\'s endpoints, or "practice"')
        where.add_argument("--base-url", metavar="URL", help=f"an endpoint, with the key from {KEY_VARIABLE}")
        parser.add_argument("--model", action="append", required=True, help="may be given several times")
        parser.add_argument(
            "--version-number", "--version", dest="number", type=int, help="default: the newest"
        )
        parser.add_argument("--repeats", type=int, default=1)
        parser.add_argument("--cost-cap", metavar="DOLLARS")
        parser.add_argument(
            "--judge-endpoint", metavar="NAME", help="whose model grades, by the author’s name"
        )
        parser.add_argument("--judge-model", metavar="MODEL", default="")
        parser.add_argument("--judge-embedding-model", metavar="MODEL", default="")
        parser.add_argument(
            "--judge-parameters", metavar="JSON", default="", help='sent to the judge: {"temperature": 0}'
        )
        parser.add_argument(
            "--pictures", action="store_true", help="ask the images API: the outputs are pictures"
        )
        parser.add_argument(
            "--stream", action="store_true", help="ask for answers in pieces, and time the first token"
        )
        parser.add_argument("--wait", action="store_true", help="until the run has ended")
        parser.add_argument("--json", action="store_true", help="one line of JSON instead of text")

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        # Django gives every command a --version of its own; here the word means the prompt's.
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def handle(self, *args: Any, **options: Any) -> None:
        prompt = _prompt(options["prompt"])
        version = _version(prompt, options["number"])
        endpoint = _endpoint(prompt, options)
        plan = BatchPlan(
            [version],
            endpoint,
            options["model"],
            repeats=options["repeats"],
            cost_cap=_dollars(options["cost_cap"]),
            judge=_judge(prompt, endpoint, options),
            api=IMAGES if options["pictures"] else CHAT,
            stream=options["stream"],
        )
        batch = start_batch(prompt, plan)
        if options["wait"]:
            _finish(batch)
        runs = list(batch.runs.select_related("version").order_by("pk"))
        self._report(batch, runs, as_json=options["json"])
        if options["wait"] and (status := exit_status(runs)):
            sys.exit(status)

    def _report(self, batch: Batch, runs: list[Run], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({"batch": batch.public_id, "runs": [run_json(run) for run in runs]}))
            return
        self.stdout.write(f"{settings.SITE_URL}{batch.get_absolute_url()}")
        for run in runs:
            self.stdout.write(run_line(run))
            for fault in faults_of(run):
                self.stdout.write(fault_line(fault))


def exit_status(runs: list[Run]) -> int:
    """0 all cases passed; 1 some failed; 2 some have no answer or no verdict, or a run did not finish."""
    if any(run.state != Run.State.FINISHED or run.cases_error or unjudged(run) for run in runs):
        return ERRORS
    return FAILED if any(run.cases_failed for run in runs) else 0


def unjudged(run: Run) -> int:
    """Cases with assertions of which nothing could be said."""
    states = zip(run.suite, run.frames, strict=False)
    return sum(letter == FrameState.UNJUDGED and bool(case["assertions"]) for case, letter in states)


def faults_of(run: Run) -> list[dict[str, Any]]:
    """Why answers or verdicts are wanting: kinds of faults, the most frequent first."""
    faults = run.results.exclude(error_kind="").order_by().values("error_kind")
    counted = faults.annotate(count=Count("pk"), message=Min("error_message"))
    return [
        {"kind": one["error_kind"], "count": one["count"], "message": one["message"]}
        for one in counted.order_by("-count", "error_kind")
    ]


def fault_line(fault: dict[str, Any]) -> str:
    known = FAULTS.get(fault["kind"])
    label, next_step = (known.label, known.next_step) if known else (fault["kind"], "")
    if fault["kind"] == "auth" and not os.environ.get(KEY_VARIABLE):
        next_step += f" With --base-url it is taken from {KEY_VARIABLE}, which is not set."
    said = fault["message"].rstrip(". ")
    return f"  {fault['count']} × {label}. {said}. {next_step}".rstrip()


def run_json(run: Run) -> dict[str, Any]:
    low, high = wilson(run.cases_passed, run.cases_counted)
    return {
        "run": run.public_id,
        "version": run.version.number,
        "model": run.model,
        "model_answered": run.model_answered,
        "source": run.source,
        "state": run.state,
        "stop_reason": run.stop_reason,
        "suite_digest": run.suite_digest,
        "cases": {"passed": run.cases_passed, "failed": run.cases_failed, "errors": run.cases_error},
        "faults": faults_of(run),
        "unjudged": unjudged(run),
        "interval": [round(low, 4), round(high, 4)],
        "cost": None if run.cost is None else str(run.cost),
        "cost_source": run.cost_told or None,
        "judge": run.judge_model or run.judge_embedding_model or None,
        "judge_cost": None if run.judge_cost is None else str(run.judge_cost),
        "latency_median_ms": run.latency_median_ms,
        "first_token_median_ms": run.first_token_median_ms,
        **({"schema_fit": run.schema_fit} if run.schema_fit else {}),
    }


def run_line(run: Run) -> str:
    line = f"v{run.version.number} on {run.model}: {run.get_state_display().lower()}"
    if run.cases_counted:
        low, high = wilson(run.cases_passed, run.cases_counted)
        line += f", {run.cases_passed}/{run.cases_counted} cases pass ({low:.0%} to {high:.0%})"
    if run.cases_error:
        line += f", {run.cases_error} without an answer or a verdict"
    if waiting := unjudged(run):
        line += f", {waiting} not judged"
    return " ".join(part for part in (f"{line}.", run.stop_reason, fit_in_words(run)) if part)


def _prompt(address: str) -> Prompt:
    handle, _, slug = address.lstrip("@").partition("/")
    prompt = Prompt.objects.with_author().filter(owner__username=handle.lower(), slug=slug).first()
    if prompt is None:
        raise CommandError(f"There is no prompt {address}. Give it as HANDLE/SLUG.", returncode=ERRORS)
    return prompt


def _version(prompt: Prompt, number: int | None) -> Version:
    version = prompt.latest_version if number is None else prompt.versions.filter(number=number).first()
    if version is None:
        wanted = "version yet" if number is None else f"version {number}"
        raise CommandError(f"{prompt.owner.handle}/{prompt.slug} has no {wanted}.", returncode=ERRORS)
    return version


def _endpoint(prompt: Prompt, options: dict[str, Any]) -> Endpoint:
    if options["base_url"]:
        return _endpoint_at(prompt, options["base_url"])
    return _endpoint_called(prompt, options["endpoint"])


def _endpoint_called(prompt: Prompt, name: str) -> Endpoint:
    if name.lower() == "practice":
        return practice_endpoint(prompt.owner)
    endpoint = Endpoint.objects.filter(owner=prompt.owner, name=name).first()
    if endpoint is None:
        names = ", ".join(Endpoint.objects.filter(owner=prompt.owner).values_list("name", flat=True))
        raise CommandError(f"No endpoint is called “{name}”. There is: practice, {names}", returncode=ERRORS)
    return endpoint


def _endpoint_at(prompt: Prompt, base_url: str) -> Endpoint:
    """The author's endpoint for the command line at this address, with the key of the environment."""
    problem = check_url(base_url, frozenset(settings.PRIVATE_ENDPOINT_HOSTS))
    if problem:
        raise CommandError(problem, returncode=ERRORS)
    name = f"Command line, {urlsplit(base_url).netloc.rpartition('@')[2]}"[:60]
    endpoint, _ = Endpoint.objects.get_or_create(owner=prompt.owner, name=name)
    endpoint.base_url = base_url
    endpoint.set_key(os.environ.get(KEY_VARIABLE, ""))
    endpoint.save()
    return endpoint


def _judge(prompt: Prompt, asked: Endpoint, options: dict[str, Any]) -> JudgeChoice | None:
    """The judge as named; at the same endpoint where only a model is."""
    model, embedding = options["judge_model"], options["judge_embedding_model"]
    if not (options["judge_endpoint"] or model or embedding):
        return None
    name = options["judge_endpoint"]
    judge = _endpoint_called(prompt, name) if name else asked
    return JudgeChoice(judge, model, embedding, _parameters(options["judge_parameters"]))


def _parameters(given: str) -> dict[str, Any]:
    try:
        parameters = json.loads(given or "{}")
    except ValueError:
        parameters = None
    if not isinstance(parameters, dict):
        message = '--judge-parameters is a JSON object, such as {"temperature": 0}.'
        raise CommandError(message, returncode=ERRORS)
    return parameters


def _dollars(given: str | None) -> Decimal | None:
    try:
        return None if given is None else Decimal(given)
    except InvalidOperation:
        raise CommandError("--cost-cap is a number of US dollars, such as 0.50.", returncode=ERRORS) from None


def _finish(batch: Batch) -> None:
    """Do the runs here where no worker has taken them yet, and wait for those one has."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _told_to_stop)
    while under_way := list(batch.runs.under_way().order_by("pk")):
        if stopping.is_stopping():
            why = "Stopped. What was answered is kept; a worker goes on with it."
            raise CommandError(why, returncode=ERRORS)
        if not any(execute_run(run.pk) for run in under_way):
            time.sleep(LOOK_EVERY_S)


def _told_to_stop(number: int, frame: FrameType | None) -> None:
    """As a worker is; the second time it is meant."""
    if stopping.is_stopping():
        raise KeyboardInterrupt
    stopping.stop()
