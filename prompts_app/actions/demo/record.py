"""Recording the sample content: the sources put to a real model by our own runner, as any author's run is."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from prompts_app.actions.demo.sources import SourceFailure, read_author, read_failures, sample_authors
from prompts_app.actions.exporting.bundle import export_bundle
from prompts_app.actions.importing.apply import keep_prompt
from prompts_app.actions.prompts.known_failures import shelve
from prompts_app.actions.runs.batches import BatchPlan
from prompts_app.actions.runs.execute import execute_run
from prompts_app.actions.runs.lifecycle import start_batch
from prompts_app.engine.assertions import validate
from prompts_app.engine.errors import Refused
from prompts_app.engine.formats.bundle import emit
from prompts_app.engine.formats.bundle_types import Bundle, BundledPrompt
from prompts_app.models import Endpoint, Prompt, Run, User

ENDPOINT_NAME = "llama.cpp on the maintainers' machine"


def record_author(folder: Path, *, base_url: str, model: str, tell: Callable[[str], None]) -> Bundle:
    """Run every version of every prompt of one author's sources; the bundle to ship.

    The database is a scratch one: the author must not be in it yet. Blocks for minutes; ``tell`` gets a
    line after each run. Raises Refused where a call stayed without an answer, since a fault of
    the recording machine says nothing about the prompts.
    """
    sources = read_author(folder)
    _check(sources)
    owner = _owner(sources.author.handle)
    endpoint = Endpoint.objects.create(owner=owner, name=ENDPOINT_NAME, base_url=base_url)
    for source in sources.prompts:
        prompt = keep_prompt(owner, source)
        _record_prompt(prompt, endpoint, model, tell)
        _shelve(prompt, read_failures(folder / f"{source.slug}.yaml"))
    recorded = export_bundle(owner, Prompt.objects.owned_by(owner), everything=True)
    return replace(recorded, author=sources.author, prompts=_in_order(sources, recorded))


def _in_order(sources: Bundle, recorded: Bundle) -> tuple[BundledPrompt, ...]:
    by_slug = {prompt.slug: prompt for prompt in recorded.prompts}
    return tuple(by_slug[source.slug] for source in sources.prompts)


def _check(sources: Bundle) -> None:
    """A misspelt assertion would be recorded as a failure of the model."""
    for prompt in sources.prompts:
        for case in prompt.cases:
            for assertion in case.case.assertions:
                if problem := validate(assertion):
                    raise Refused(
                        "recording", f"{prompt.slug}, “{case.case.name}”, {assertion.type}: {problem}"
                    )


def _owner(handle: str) -> User:
    if User.objects.with_handle(handle).exists():
        raise Refused("recording", f"@{handle} is in this database already. Record into an empty one.")
    return User.objects.create_user(username=handle)


def _record_prompt(prompt: Prompt, endpoint: Endpoint, model: str, tell: Callable[[str], None]) -> None:
    for version in prompt.versions.order_by("number"):
        with transaction.atomic():
            batch = start_batch(prompt, BatchPlan([version], endpoint, [model]))
        run = batch.runs.get()
        execute_run(run.pk)
        run.refresh_from_db()
        if run.state != Run.State.FINISHED or run.cases_error:
            raise Refused(
                "recording", f"{prompt.slug} {version}: {run.stop_reason or 'calls without an answer'}."
            )
        counted = f"{run.cases_passed}/{run.cases_counted}"
        tell(
            f"{prompt.owner.handle}/{prompt.slug} {version}: {counted}, {run.latency_median_ms:.0f} ms a call"
        )
    # Published when its evidence was there: the day it was recorded.
    Prompt.objects.filter(pk=prompt.pk).update(published_at=timezone.now())


def _shelve(prompt: Prompt, failures: Iterable[SourceFailure]) -> None:
    """A diagnosis is of what was recorded: one of a case that passes now is no diagnosis."""
    for one in failures:
        run = prompt.runs.get(version__number=one.version)
        place = next((at for at, case in enumerate(run.suite) if case["name"] == one.case), len(run.suite))
        fix = prompt.versions.get(number=one.fixed_in) if one.fixed_in else None
        try:
            shelve(run, place, one.diagnosis, fix)
        except Refused as why:
            raise Refused("recording", f"{prompt.slug} v{one.version}, “{one.case}”: {why}") from None


def record_all(folder: Path, *, base_url: str, model: str, tell: Callable[[str], None]) -> list[Path]:
    """Record every sample author and write one bundle each into ``folder``; the files' paths."""
    written = []
    for author in sample_authors():
        bundle = record_author(author, base_url=base_url, model=model, tell=tell)
        path = folder / f"{bundle.author.handle}.json"
        path.write_text(emit(bundle))
        written.append(path)
    return written
