"""Recording the sample content: the sources put to real models by our own runner, as any author's run is."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from prompts_app.actions.demo.sources import (
    SourceFailure,
    read_author,
    read_failures,
    read_repeats,
    sample_authors,
)
from prompts_app.actions.exporting.bundle import export_bundle
from prompts_app.actions.importing.apply import keep_prompt
from prompts_app.actions.prompts.known_failures import shelve
from prompts_app.actions.runs.batches import BatchPlan
from prompts_app.actions.runs.execute import execute_run
from prompts_app.actions.runs.lifecycle import start_batch
from prompts_app.engine.assertions import validate
from prompts_app.engine.errors import Refused
from prompts_app.engine.formats.bundle import emit, parse
from prompts_app.engine.formats.bundle_types import Bundle, BundledPrompt
from prompts_app.models import Endpoint, Prompt, Run, User

type Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model by the name its server lists, and that server's base URL."""

    name: str
    base_url: str


def record_author(
    folder: Path,
    models: Sequence[ServedModel],
    tell: Tell,
    *,
    kept: Mapping[str, BundledPrompt] | None = None,
) -> Bundle:
    """Run the prompts of one author's sources; the bundle to ship. Those of ``kept``, by slug, stand in it as
    they were recorded before.

    Each prompt is written for its ``target_model``, else for the first one. That model is asked with every
    version, the others with the first version and the newest. The database is a scratch one: the author must
    not be in it yet. Blocks for minutes; ``tell`` gets a line after each run. Raises Refused where a call
    stayed without an answer, since a fault of the recording machine says nothing about the prompts.
    """
    sources, kept = read_author(folder), kept or {}
    _check(sources)
    owner = _owner(sources.author.handle)
    endpoints = {model.name: _endpoint(owner, model) for model in models}
    for source in (one for one in sources.prompts if one.slug not in kept):
        path = folder / f"{source.slug}.yaml"
        target = source.target_model or models[0].name
        prompt = keep_prompt(owner, replace(source, target_model=target))
        _record_prompt(prompt, target, endpoints, read_repeats(path), tell)
        _shelve(prompt, target, read_failures(path))
    recorded = export_bundle(owner, Prompt.objects.owned_by(owner), everything=True)
    by_slug = {**kept, **{prompt.slug: prompt for prompt in recorded.prompts}}
    in_order = (replace(by_slug[one.slug], pin_position=one.pin_position) for one in sources.prompts)
    return replace(recorded, author=sources.author, prompts=tuple(in_order))


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


def _record_prompt(
    prompt: Prompt, target: str, endpoints: Mapping[str, Endpoint], repeats: Mapping[int, int], tell: Tell
) -> None:
    versions = list(prompt.versions.order_by("number"))
    asked = [(target, version) for version in versions]
    asked += [(name, versions[at]) for name in endpoints if name != target for at in (0, -1)]
    for model, version in asked:
        plan = BatchPlan([version], endpoints[model], [model], repeats=repeats.get(version.number, 1))
        _record_run(prompt, plan, f"{prompt.slug} {version} on {model}", tell)
    # Published when its evidence was there: the day it was recorded.
    Prompt.objects.filter(pk=prompt.pk).update(published_at=timezone.now())


def _record_run(prompt: Prompt, plan: BatchPlan, name: str, tell: Tell) -> None:
    with transaction.atomic():
        batch = start_batch(prompt, plan)
    run = batch.runs.get()
    execute_run(run.pk)
    run.refresh_from_db()
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
    folder: Path,
    models: Sequence[ServedModel],
    tell: Tell,
    *,
    handles: Sequence[str] = (),
    slugs: Sequence[str] = (),
) -> list[Path]:
    """Record the sample authors, or those of ``handles``, and write one bundle each into ``folder``; the
    files' paths. With ``slugs`` only these prompts are recorded; the others stay as the files have them.
    Raises Refused for a handle or a slug that no sources have."""
    authors = {path.name: path for path in sample_authors()}
    if unknown := set(handles) - set(authors):
        raise Refused("recording", f"There are no sources of {', '.join(sorted(unknown))}.")
    chosen = [authors[handle] for handle in handles or authors]
    if unknown := set(slugs) - {path.stem for author in chosen for path in author.glob("*.yaml")}:
        raise Refused("recording", f"There are no sources of {', '.join(sorted(unknown))}.")
    written = []
    for author in chosen:
        path = folder / f"{author.name}.json"
        if slugs and not any((author / f"{slug}.yaml").exists() for slug in slugs):
            continue
        kept = _recorded_before(path, slugs) if slugs else {}
        path.write_text(emit(record_author(author, models, tell, kept=kept)))
        written.append(path)
    return written


def _recorded_before(path: Path, again: Sequence[str]) -> dict[str, BundledPrompt]:
    return {prompt.slug: prompt for prompt in parse(path.read_text()).prompts if prompt.slug not in again}
