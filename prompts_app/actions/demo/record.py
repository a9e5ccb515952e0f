"""Recording the sample content: the sources put to real models by our own runner, as any author's run is."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
from prompts_app.models import Endpoint, Prompt, Run, User, Version

type Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model by the name its server lists, and that server's base URL."""

    name: str
    base_url: str


def record_author(folder: Path, models: Sequence[ServedModel], tell: Tell) -> Bundle:
    """Run every prompt of one author's sources; the bundle to ship.

    Each prompt is written for its ``target_model``, else for the first one. That model is asked with every
    version, the others with the first version and the newest. The database is a scratch one: the author must
    not be in it yet. Blocks for minutes; ``tell`` gets a line after each run. Raises Refused where a call
    stayed without an answer, since a fault of the recording machine says nothing about the prompts.
    """
    sources = read_author(folder)
    _check(sources)
    owner = _owner(sources.author.handle)
    endpoints = {model.name: _endpoint(owner, model) for model in models}
    for source in sources.prompts:
        target = source.target_model or models[0].name
        prompt = keep_prompt(owner, replace(source, target_model=target))
        _record_prompt(prompt, target, endpoints, tell)
        _shelve(prompt, target, read_failures(folder / f"{source.slug}.yaml"))
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


def _endpoint(owner: User, model: ServedModel) -> Endpoint:
    """Nobody bills for a server of one's own: its price is known, and it is 0."""
    free = {"model": "", "tokens_in": "0", "cached": None, "tokens_out": "0"}
    return Endpoint.objects.create(
        owner=owner,
        name=f"llama.cpp with {model.name}",
        base_url=model.base_url,
        prices=[free | {"as_of": timezone.now().date().isoformat()}],
    )


def _record_prompt(prompt: Prompt, target: str, endpoints: Mapping[str, Endpoint], tell: Tell) -> None:
    versions = list(prompt.versions.order_by("number"))
    for version in versions:
        _record_run(prompt, version, target, endpoints[target], tell)
    for model in (name for name in endpoints if name != target):
        for version in (versions[0], versions[-1]):
            _record_run(prompt, version, model, endpoints[model], tell)
    # Published when its evidence was there: the day it was recorded.
    Prompt.objects.filter(pk=prompt.pk).update(published_at=timezone.now())


def _record_run(prompt: Prompt, version: Version, model: str, endpoint: Endpoint, tell: Tell) -> None:
    with transaction.atomic():
        batch = start_batch(prompt, BatchPlan([version], endpoint, [model]))
    run = batch.runs.get()
    execute_run(run.pk)
    run.refresh_from_db()
    name = f"{prompt.slug} {version} on {model}"
    if run.state != Run.State.FINISHED or run.cases_error:
        raise Refused("recording", f"{name}: {run.stop_reason or 'calls without an answer'}.")
    counted = f"{run.cases_passed}/{run.cases_counted}"
    tell(f"{prompt.owner.handle}/{name}: {counted}, {run.latency_median_ms:.0f} ms a call")


def _shelve(prompt: Prompt, model: str, failures: Iterable[SourceFailure]) -> None:
    """A diagnosis is of what was recorded: one of a case that passes now is no diagnosis."""
    for one in failures:
        run = prompt.runs.get(version__number=one.version, model=model)
        place = next((at for at, case in enumerate(run.suite) if case["name"] == one.case), len(run.suite))
        fix = prompt.versions.get(number=one.fixed_in) if one.fixed_in else None
        try:
            shelve(run, place, one.diagnosis, fix)
        except Refused as why:
            raise Refused("recording", f"{prompt.slug} v{one.version}, “{one.case}”: {why}") from None


def record_all(
    folder: Path, models: Sequence[ServedModel], tell: Tell, *, handles: Sequence[str] = ()
) -> list[Path]:
    """Record the sample authors, or those of ``handles``, and write one bundle each into ``folder``; the
    files' paths. Raises Refused for a handle that no sources have."""
    authors = {path.name: path for path in sample_authors()}
    if unknown := set(handles) - set(authors):
        raise Refused("recording", f"There are no sources of {', '.join(sorted(unknown))}.")
    written = []
    for handle in handles or authors:
        bundle = record_author(authors[handle], models, tell)
        path = folder / f"{handle}.json"
        path.write_text(emit(bundle))
        written.append(path)
    return written
