"""Bringing in what was parsed from files, chunk by chunk, each in a short transaction of its own.

Importing the same file again makes no doubles: a prompt is known by what stood in the file, or by its
title and text, whichever of its versions has them. Results of a prompt that is there are added to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import batched
from typing import Any

from prompts_app.actions.importing.bundle import BundleImport, Kept, keep_run
from prompts_app.actions.importing.import_matching import ALREADY_THERE, Known, MoreRuns
from prompts_app.actions.importing.made import Made, take_back
from prompts_app.actions.importing.plan import Planned, plan, source_key, too_large
from prompts_app.actions.importing.save import save
from prompts_app.actions.runs.counting import rebuild_evidence
from prompts_app.engine.errors import RefusedKind
from prompts_app.engine.formats import ImportedPrompt, Parsed, Problem, Skip, renaming, titles, variants_apart
from prompts_app.engine.formats.bundle_types import BundledPrompt
from prompts_app.engine.formats.variables import STYLES, Offer, Style, in_prompt
from prompts_app.engine.types import Json
from prompts_app.engine.wording import how_many
from prompts_app.models import Prompt, Task, User

MOST_PROMPTS = 10_000  # at once
CHUNK = 100  # prompts in one transaction
PREVIEW_ROWS = 50


class TooManyPrompts(RefusedKind):
    """The file holds more than can be imported at once. The message says how many."""

    code = "too_many_prompts"


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Which placeholders become variables, and whether variants in one file become prompts of their own."""

    styles: frozenset[Style] = frozenset(STYLES)
    separate: bool = False


@dataclass(frozen=True, slots=True)
class Added:
    """What a prompt that was there got."""

    prompt: Prompt
    versions: int
    cases: int
    runs: int

    @property
    def what(self) -> str:
        """ "2 versions and 1 run"."""
        counts = {"version": self.versions, "case": self.cases, "run": self.runs}
        words = [how_many(count, noun) for noun, count in counts.items() if count]
        return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or with ``dry_run`` would do."""

    prompts: tuple[Prompt, ...] = ()  # as saved, in the file's order
    versions: int = 0
    cases: int = 0
    assertions: int = 0
    results: int = 0
    unsupported: tuple[Problem, ...] = ()
    skipped: tuple[Skip, ...] = ()
    added_to: tuple[Added, ...] = ()
    dry_run: bool = False

    @classmethod
    def together(cls, parts: Sequence[ImportReport]) -> ImportReport:
        def every(name: str) -> tuple[Any, ...]:
            return tuple(one for part in parts for one in getattr(part, name))

        def total(name: str) -> int:
            return sum(getattr(part, name) for part in parts)

        return cls(
            every("prompts"), total("versions"), total("cases"), total("assertions"), total("results"),
            every("unsupported"), every("skipped"), every("added_to"),
        )  # fmt: skip

    def as_json(self) -> dict[str, Json]:
        return {
            "prompts": len(self.prompts),
            "versions": self.versions,
            "cases": self.cases,
            "assertions": self.assertions,
            "results": self.results,
            "unsupported": [{"what": problem.what, "where": problem.where} for problem in self.unsupported],
            "skipped": [{"what": skip.what, "why": skip.why} for skip in self.skipped],
        }


@dataclass(frozen=True, slots=True)
class OfferedStyle:
    """One way of writing placeholders as it occurs in a file."""

    style: Style
    looks: str  # "${name}"
    prompts: int  # that have it
    examples: tuple[Offer, ...]  # a few, the commonest first


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One prompt as it would be saved."""

    title: str
    task: str
    tags: tuple[str, ...]
    text: str  # its first message
    messages: int
    versions: int
    cases: int
    runs: int
    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do, its first rows, and what a person may choose.

    ``variants`` counts the prompts that are versions of another, which could be prompts of their own.
    """

    report: ImportReport
    rows: tuple[PreviewRow, ...]
    offered: tuple[OfferedStyle, ...]
    variants: int = 0


@dataclass(slots=True)
class _Plan:
    new: list[Planned] = field(default_factory=list)
    more: list[MoreRuns] = field(default_factory=list)
    skipped: list[Skip] = field(default_factory=list)


def preview(parsed: Parsed, owner: User) -> Preview:
    """What an import would do with every placeholder taken. Nothing is saved.

    Raises TooManyPrompts, and BundleRefused for a bundle that cannot be kept.
    """
    check_size(parsed)
    planned, kept = _dry_run(owner, parsed, ImportOptions())
    rows = [_preview_row(item) for item in planned.new[:PREVIEW_ROWS]]
    rows += [_row_of_bundled(item) for item in kept.bundled[: PREVIEW_ROWS - len(rows)]]
    variants = sum(len(prompt.versions) for prompt in parsed.prompts if len(prompt.versions) > 1)
    report = _report(parsed, planned, kept, dry_run=True)
    return Preview(report, tuple(rows), tuple(_offered(parsed)), variants)


def _preview_row(item: Planned) -> PreviewRow:
    version = item.versions[-1]
    return PreviewRow(
        title=item.prompt.title,
        task=item.prompt.get_task_display(),
        tags=tuple(item.tags),
        text=titles.cut(version.messages[0]["content"][:2000], 160),
        messages=len(version.messages),
        versions=len(item.versions),
        cases=len(item.cases),
        runs=len(item.runs),
        variables=tuple(variable["name"] for variable in version.variables),
    )


def _row_of_bundled(bundled: BundledPrompt) -> PreviewRow:
    newest = bundled.versions[-1].prompt
    return PreviewRow(
        title=bundled.title,
        task=dict(Task.choices).get(bundled.task, ""),
        tags=bundled.tags,
        text=titles.cut(newest.messages[0].content[:2000], 160) if newest.messages else "",
        messages=len(newest.messages),
        versions=len(bundled.versions),
        cases=len(bundled.cases),
        runs=len(bundled.runs),
        variables=tuple(variable.name for variable in newest.variables),
    )


def import_prompts(
    owner: User, parsed: Parsed, *, dry_run: bool = False, options: ImportOptions | None = None
) -> ImportReport:
    """Save what is new in the file as private prompts of ``owner``, here and now.

    An error on the way leaves nothing behind: what was made is taken back. Raises TooManyPrompts, and
    BundleRefused for a bundle that cannot be kept.
    """
    parsed = as_chosen(parsed, options := options or ImportOptions())
    check_size(parsed)
    if dry_run:
        return _report(parsed, *_dry_run(owner, parsed, options), dry_run=True)
    made = Made()
    reports = [ImportReport(unsupported=parsed.unsupported, skipped=parsed.skipped)]
    try:
        for chunk in import_in_chunks(owner, parsed, options, made):
            reports.append(chunk)
    except BaseException:
        take_back(owner, made)
        raise
    return ImportReport.together(reports)


def as_chosen(parsed: Parsed, options: ImportOptions) -> Parsed:
    return variants_apart(parsed) if options.separate else parsed


def _dry_run(owner: User, parsed: Parsed, options: ImportOptions) -> tuple[_Plan, Kept]:
    """Plans all of it; of a bundle each prompt is kept for a moment, since that is how it is looked at."""
    planned = _plan(Known(owner), owner, parsed.prompts, options)
    bundle = BundleImport(owner)
    return planned, Kept.together([bundle.keep(prompt, dry_run=True) for prompt in parsed.bundled])


def import_in_chunks(
    owner: User,
    parsed: Parsed,
    options: ImportOptions,
    made: Made,
    *,
    done: int = 0,
    note: Note = lambda report, done: None,
) -> Iterator[ImportReport]:
    """Bring in the file's prompts after the first ``done`` of them. Each chunk's report is yielded when the
    chunk is committed, and given to ``note`` within its transaction, with how many are done then; so it is
    called with None for each run that comes after.

    What is made is added to ``made``. After an interruption it goes on where it was, with the same ``made``:
    the chunk before is looked at once more, since its runs come after its prompts. Raises BundleRefused.
    """
    known = Known(owner)
    for number, some in enumerate(batched(parsed.prompts, CHUNK)):
        if (end := number * CHUNK + len(some)) <= done - CHUNK:
            continue
        planned = _plan(known, owner, some, options)
        if end > done:
            yield _bring_prompts(owner, planned, made, partial(_noted, note, end))
            known.are_saved()
        _bring_runs(planned, made, partial(note, None, end))
    bundle = BundleImport(owner, Prompt.objects.filter(pk__in=made.prompts))
    start = max(0, done - len(parsed.prompts))
    for place, prompt in enumerate(parsed.bundled[start:], len(parsed.prompts) + start + 1):
        yield _bring_bundled(bundle, prompt, made, partial(_noted, note, place))


type Note = Callable[[ImportReport | None, int], None]


def _noted(note: Note, done: int, report: ImportReport) -> None:
    note(report, done)


def _bring_prompts(
    owner: User, planned: _Plan, made: Made, note: Callable[[ImportReport], None]
) -> ImportReport:
    """The new prompts of a chunk, without their runs."""
    with made.atomically():
        save(owner, planned.new)
        made.prompts += [item.prompt.pk for item in planned.new]
        report = _report(Parsed(()), planned, Kept())
        note(report)
    return report


def _bring_runs(planned: _Plan, made: Made, note: Callable[[], None]) -> None:
    """One transaction a run: it may have thousands of outputs. With a prompt's last run all is counted."""
    todo = [(item.prompt, item.versions[run.version - 1], run) for item in planned.new for run in item.runs]
    todo += [(more.prompt, more.version_of(run), run) for more in planned.more for run in more.runs]
    for place, (prompt, version, run) in enumerate(todo):
        with made.atomically():
            kept = keep_run(prompt, version, run)
            if prompt.pk not in made.prompts:
                made.runs.append(kept.pk)
            if place + 1 == len(todo) or todo[place + 1][0].pk != prompt.pk:
                rebuild_evidence(prompt)
            note()


def _bring_bundled(
    bundle: BundleImport, prompt: BundledPrompt, made: Made, note: Callable[[ImportReport], None]
) -> ImportReport:
    with made.atomically():
        before = Made.newest()
        kept = bundle.keep(prompt)
        made.prompts += [one.pk for one in kept.prompts]
        for mine, _ in kept.added:
            made.add_since(before, mine)
        report = _report(Parsed(()), _Plan(), kept)
        note(report)
    return report


def check_size(parsed: Parsed) -> None:
    """Raises TooManyPrompts."""
    count = len(parsed.prompts) + len(parsed.bundled)
    if count > MOST_PROMPTS:
        raise TooManyPrompts(
            f"The file holds {count:,} prompts, and at most {MOST_PROMPTS:,} can be imported "
            "at once. Split it and try again."
        )


def _plan(known: Known, owner: User, some: Iterable[ImportedPrompt], options: ImportOptions) -> _Plan:
    result = _Plan()
    for imported in some:
        if why := too_large(imported):
            result.skipped.append(Skip(_name(imported), why))
            continue
        planned, key = plan(owner, imported, options.styles), source_key(imported)
        if (why := known.reason(key, planned)) and planned.runs:
            why = known.runs_for(key, planned, result.more)
        if why:
            result.skipped.append(Skip(_name(imported), why))
        elif not known.is_known(key, planned):
            result.new.append(known.remember(key, planned))
    return result


def _name(imported: ImportedPrompt) -> str:
    title = titles.cut(imported.title, 80)
    return f"{imported.where}: {title}" if imported.where else title


def _report(parsed: Parsed, planned: _Plan, kept: Kept, *, dry_run: bool = False) -> ImportReport:
    runs = [run for item in planned.new for run in item.runs]
    runs += [run for item in planned.more for run in item.runs]
    bundled = [*kept.bundled, *(missing for _, missing in kept.added)]
    runs += [run for item in bundled for run in item.runs]
    cases = [one.case for item in bundled for one in item.cases]
    problems = (problem for item in planned.new for problem in item.problems)
    return ImportReport(
        prompts=(*(item.prompt for item in planned.new), *kept.prompts),
        versions=sum(len(item.versions) for item in planned.new)
        + sum(len(item.versions) for item in bundled),
        cases=sum(len(item.cases) for item in planned.new) + len(cases),
        assertions=sum(item.assertions for item in planned.new) + sum(len(case.assertions) for case in cases),
        results=sum(len(run.results) for run in runs),
        unsupported=(*parsed.unsupported, *problems),
        skipped=(
            *parsed.skipped,
            *planned.skipped,
            *(Skip(title, ALREADY_THERE) for title in kept.already),
            *(Skip(title, why) for title, why in kept.left),
        ),
        added_to=(
            *(Added(item.prompt, 0, 0, len(item.runs)) for item in planned.more),
            *(Added(prompt, len(m.versions), len(m.cases), len(m.runs)) for prompt, m in kept.added),
        ),
        dry_run=dry_run,
    )


def _offered(parsed: Parsed) -> Iterable[OfferedStyle]:
    found: dict[Style, Counter[Offer]] = {style: Counter() for style in STYLES}
    prompts: Counter[Style] = Counter()
    for imported in parsed.prompts:
        offers = {Offer(one.found, one.becomes, "", "names") for one in renaming.offered(imported)}
        if not imported.is_templated:
            offers |= {offer for version in imported.versions for offer in in_prompt(version.prompt)}
        prompts.update({offer.style for offer in offers})
        for offer in offers:
            found[offer.style][offer] += 1
    for style, looks in STYLES.items():
        if prompts[style]:
            examples = tuple(offer for offer, _ in found[style].most_common(3))
            yield OfferedStyle(style, looks, prompts[style], examples)
