"""Bringing in what was parsed, chunk by chunk, each in a short transaction: one way for bundles and for every
other format.

Importing the same file again makes no doubles: see ``import_matching``. A dry run and a preview only plan:
they write nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import batched

from django.db import transaction

from prompts_app.actions.importing.bundle import plan_bundled
from prompts_app.actions.importing.import_matching import Known, More
from prompts_app.actions.importing.made import Made, take_back
from prompts_app.actions.importing.plan import Planned, name_of, plan, too_large
from prompts_app.actions.importing.report import Added, ImportReport, OfferedStyle, Preview, PreviewRow
from prompts_app.actions.importing.save import check_runs, save, save_more, save_run
from prompts_app.actions.runs.counting import rebuild_evidence
from prompts_app.actions.runs.turns import Turns
from prompts_app.engine.errors import RefusedKind
from prompts_app.engine.formats import ImportedPrompt, Parsed, Skip, titles, variants_apart
from prompts_app.engine.formats.bundle_types import BundledPrompt
from prompts_app.engine.formats.variables import STYLES, Offer, Style, in_prompt, odd_names
from prompts_app.engine.render import as_value
from prompts_app.evidence.listings import refresh
from prompts_app.models import Prompt, User

MOST_PROMPTS = 10_000  # at once
CHUNK = 200  # prompts in one transaction, which takes about a tenth of a second
PREVIEW_ROWS = 50


class TooManyPrompts(RefusedKind):
    """The file holds more than can be imported at once. The message says how many."""

    code = "too_many_prompts"


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Which placeholders become variables, and whether variants in one file become prompts of their own."""

    styles: frozenset[Style] = frozenset(STYLES)
    separate: bool = False


@dataclass(slots=True)
class _Chunk:
    """What is to be done with some prompts, in the file's order."""

    new: list[Planned] = field(default_factory=list)
    more: list[More] = field(default_factory=list)
    skipped: list[Skip] = field(default_factory=list)

    @property
    def every(self) -> list[Planned | More]:
        return [*self.new, *self.more]


# --- looking ------------------------------------------------------------------------------------------------


def preview(parts: Iterable[Parsed], owner: User) -> Preview:
    """What an import would do with every placeholder taken. Nothing is written.

    Raises BundleRefused for what cannot be kept.
    """
    rows: list[PreviewRow] = []
    offers, variants = _Offers(), list[int]()

    def look(imported: ImportedPrompt) -> None:
        if len(imported.versions) > 1 and not imported.baseline:
            variants.append(len(imported.versions))
        offers.add(imported)

    report = _dry_run(owner, parts, ImportOptions(), rows, look)
    return Preview(report, tuple(rows), tuple(offers.found()), sum(variants))


type Look = Callable[[ImportedPrompt], None]


def _dry_run(
    owner: User,
    parts: Iterable[Parsed],
    options: ImportOptions,
    rows: list[PreviewRow],
    look: Look = lambda imported: None,
) -> ImportReport:
    """Fills ``rows`` with the first of what is new. ``look`` is shown each prompt before it is planned."""
    reports, known, seen = list[ImportReport](), Known(owner, Made()), 0
    for part in parts:
        reports.append(ImportReport(unsupported=part.unsupported, skipped=part.skipped))
        for some in batched(prompts_in([part], options), CHUNK):
            chunk = _planned(known, owner, some, options, look, seen=seen)
            seen += len(some)
            for of in chunk.every:
                check_runs(of)
            rows += map(_preview_row, chunk.new[: PREVIEW_ROWS - len(rows)])
            reports.append(_report(chunk, saved=False))
            for item in chunk.new:  # kept to tell doubles; their outputs, megabytes of them, are not
                item.runs = [replace(run, results=()) for run in item.runs]
    return replace(ImportReport.together(reports), dry_run=True)


def _preview_row(item: Planned) -> PreviewRow:
    newest = item.versions[-1]
    return PreviewRow(
        title=item.title,
        task=item.prompt.get_task_display(),
        tags=tuple(item.tags),
        text=titles.cut(as_value(newest.messages[0]["content"][:2000]), 160) if newest.messages else "",
        messages=len(newest.messages),
        versions=len(item.versions),
        cases=len(item.cases),
        runs=len(item.runs),
        variables=tuple(variable["name"] for variable in newest.variables),
    )


class _Offers:
    """The placeholders that were found, counted by prompts."""

    def __init__(self) -> None:
        self._prompts: Counter[Style] = Counter()
        self._found: dict[Style, Counter[Offer]] = {style: Counter() for style in STYLES}

    def add(self, imported: ImportedPrompt) -> None:
        offers = {Offer(one.found, one.becomes, "", "names") for one in odd_names(imported)}
        if not imported.is_templated:
            offers |= {offer for version in imported.versions for offer in in_prompt(version.prompt)}
        self._prompts.update({offer.style for offer in offers})
        for offer in offers:
            self._found[offer.style][offer] += 1

    def found(self) -> Iterator[OfferedStyle]:
        for style, looks in STYLES.items():
            if self._prompts[style]:
                examples = tuple(offer for offer, _ in self._found[style].most_common(3))
                yield OfferedStyle(style, looks, self._prompts[style], examples)


# --- doing --------------------------------------------------------------------------------------------------


def import_prompts(
    owner: User, parsed: Parsed, *, dry_run: bool = False, options: ImportOptions | None = None
) -> ImportReport:
    """Save what is new in the file as private prompts of ``owner``, here and now.

    An error on the way leaves nothing behind: what was made is taken back. Raises TooManyPrompts, and
    BundleRefused for what cannot be kept.
    """
    options = options or ImportOptions()
    check_size(len(parsed.prompts) + len(parsed.bundled))
    if dry_run:
        return _dry_run(owner, [parsed], options, [])
    made = Made()
    reports = [ImportReport(unsupported=parsed.unsupported, skipped=parsed.skipped)]
    try:
        reports += import_in_chunks(owner, [parsed], options, made)
    except BaseException:
        take_back(owner, made)
        raise
    return ImportReport.together(reports)


@transaction.atomic
def keep_prompt(owner: User, bundled: BundledPrompt) -> Prompt:
    """A prompt that ships with the software, as it is, counted and searchable. Raises BundleRefused."""
    item = plan_bundled(owner, bundled, shipped=True)
    chunk = _Chunk([item])
    _save_chunk(owner, chunk, made := Made())
    _save_runs(chunk, made, lambda: None, Turns())
    rebuild_evidence(item.prompt)
    refresh([item.prompt])
    return item.prompt


def check_size(prompts: int) -> None:
    """Raises TooManyPrompts."""
    if prompts > MOST_PROMPTS:
        raise TooManyPrompts(
            f"The file holds {prompts:,} prompts, and at most {MOST_PROMPTS:,} can be imported "
            "at once. Split it and try again."
        )


type Note = Callable[[ImportReport | None, int], None]


def import_in_chunks(
    owner: User,
    parts: Iterable[Parsed],
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
    known, turns = Known(owner, made), Turns()
    for number, some in enumerate(batched(prompts_in(parts, options), CHUNK)):
        if (end := number * CHUNK + len(some)) <= done - CHUNK:
            continue
        chunk = _planned(known, owner, some, options, seen=number * CHUNK)
        if end > done:
            with made.atomically():
                _save_chunk(owner, chunk, made)
                report = _report(chunk)
                note(report, end)
            yield report
            known.are_saved()
        turns.give()
        _save_runs(chunk, made, partial(note, None, end), turns)


def prompts_in(parts: Iterable[Parsed], options: ImportOptions) -> Iterator[ImportedPrompt | BundledPrompt]:
    """In the file's order."""
    for part in parts:
        yield from (variants_apart(part) if options.separate else part).prompts
        yield from part.bundled


def _planned(
    known: Known,
    owner: User,
    some: Iterable[ImportedPrompt | BundledPrompt],
    options: ImportOptions,
    look: Look = lambda imported: None,
    *,
    seen: int,
) -> _Chunk:
    """``seen``: how many prompts of the file come before these."""
    chunk, planned = _Chunk(), list[Planned]()
    for number, one in enumerate(some, seen + 1):
        if isinstance(one, BundledPrompt):
            planned.append(plan_bundled(owner, one, number))
            continue
        look(one)
        if why := too_large(one):
            chunk.skipped.append(Skip(name_of(one), why))
        else:
            planned.append(plan(owner, one, options.styles, number))
    for item, found in known.match(planned):
        if found is None:
            chunk.new.append(item)
        elif isinstance(found, More):
            chunk.more.append(found)
        elif found:
            chunk.skipped.append(Skip(item.named, found))
    return chunk


def _save_chunk(owner: User, chunk: _Chunk, made: Made) -> None:
    """All but the runs, which may have thousands of outputs."""
    save(owner, chunk.new)
    made.prompts += [item.prompt.pk for item in chunk.new]
    for more in chunk.more:
        save_more(more)
        made.versions += [row.pk for row in more.versions]
        made.cases += [row.pk for row in more.cases]
        made.spans += [row.pk for row in more.spans]


def _save_runs(chunk: _Chunk, made: Made, note: Callable[[], None], turns: Turns) -> None:
    """One transaction a run. With a prompt's last run all is counted."""
    whole = set(made.prompts)
    for of in chunk.every:
        for place, bundled in enumerate(of.runs, 1):
            with made.atomically():
                run = save_run(of, bundled)
                if of.prompt.pk not in whole:
                    made.runs.append(run.pk)
                if place == len(of.runs):
                    rebuild_evidence(of.prompt)
                note()
            turns.give()


def _report(chunk: _Chunk, *, saved: bool = True) -> ImportReport:
    every = chunk.every
    cases = [case for of in every for case in of.cases]
    return ImportReport(
        new=len(chunk.new),
        prompts=tuple(item.prompt for item in chunk.new) if saved else (),
        versions=sum(of.version_count for of in every),
        cases=len(cases),
        assertions=sum(len(case.assertions) for case in cases),
        results=sum(len(run.results) for of in every for run in of.runs),
        unsupported=tuple(problem for item in chunk.new for problem in item.problems),
        skipped=tuple(chunk.skipped),
        added_to=tuple(
            Added(one.prompt, len(one.versions), len(one.cases), len(one.runs)) for one in chunk.more
        ),
    )
