"""What of a bundled prompt its owner has already, and what the file has that is missing here.

A prompt is known by its runs, whose ids are its own, or by the moment it was made together with a text of it:
titles and addresses change. Whatever was edited since stays as it is; only what is missing is new.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from prompts_app.actions.prompts.save import columns_of
from prompts_app.engine.digests import case_json, digest, suite_digest
from prompts_app.engine.formats.bundle_types import BundledCase, BundledPrompt, BundledRun, BundledVersion
from prompts_app.models import Prompt, Run, User, Version

type RunKey = tuple[str, str, str, datetime]  # version's digest, model, suite's digest, time


def version_digest(version: BundledVersion) -> str:
    """As the row of this version has it."""
    return Version(**columns_of(version.prompt)).content_digest()


def same_prompt(owner: User, bundled: BundledPrompt, but: Iterable[Prompt] = ()) -> Prompt | None:
    """The prompt of ``owner`` that the file holds a state of; none of ``but``."""
    mine = Prompt.objects.owned_by(owner).exclude(pk__in=[prompt.pk for prompt in but])
    run_ids = [run.id for run in bundled.runs]
    if known := mine.filter(runs__public_id__in=run_ids).order_by("pk").first():
        return known
    if bundled.created_at is None:
        return None
    texts = {version_digest(version) for version in bundled.versions}
    made_then = mine.filter(created_at=bundled.created_at, versions__digest__in=texts)
    return made_then.order_by("pk").first()


def missing_in(prompt: Prompt, bundled: BundledPrompt) -> BundledPrompt:
    """``bundled`` with only the versions, cases and runs that ``prompt`` does not have."""
    texts = set(Version.objects.unmasked_values().filter(prompt=prompt).values_list("digest", flat=True))
    return replace(
        bundled,
        versions=tuple(one for one in bundled.versions if version_digest(one) not in texts),
        cases=_missing_cases(prompt, bundled.cases),
        runs=_missing_runs(prompt, bundled),
    )


def _missing_cases(prompt: Prompt, cases: tuple[BundledCase, ...]) -> tuple[BundledCase, ...]:
    """A case that was edited since is known by the moment it was made."""
    there = list(prompt.cases.all())
    moments = {case.created_at for case in there}
    contents = {digest(case_json(case.as_engine())) for case in there}
    return tuple(
        one
        for one in cases
        if (one.created_at is None or one.created_at not in moments)
        and digest(case_json(one.case)) not in contents
    )


def _missing_runs(prompt: Prompt, bundled: BundledPrompt) -> tuple[BundledRun, ...]:
    """A run is known by its id, and a copy of one by what it is of and its moment."""
    texts = {version.number: version_digest(version) for version in bundled.versions}
    there = Run.objects.unmasked_values().filter(prompt=prompt)
    ids = set(there.values_list("public_id", flat=True))
    copies: set[RunKey] = set(there.values_list("version__digest", "model", "suite_digest", "created_at"))
    return tuple(
        run
        for run in bundled.runs
        if run.id not in ids
        and (texts[run.version], run.model, suite_digest(run.suite), run.created_at) not in copies
    )
