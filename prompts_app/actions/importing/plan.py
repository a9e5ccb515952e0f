"""What a parsed prompt becomes here: rows that are not saved yet, within the limits of their columns.

Nothing is lost silently. What a column cannot hold is shortened and kept in full elsewhere where that is
possible, and named as a problem in any case.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property, lru_cache, partial
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models
from django.utils import timezone

from prompts_app.actions.prompts.cases import columns_of as case_columns
from prompts_app.actions.prompts.save import columns_of
from prompts_app.engine import types as engine
from prompts_app.engine.digests import case_json, digest
from prompts_app.engine.errors import RefusedKind
from prompts_app.engine.formats import ImportedPrompt, ImportedVersion, Problem, titles
from prompts_app.engine.formats.bundle_types import BundledFailure, BundledRun
from prompts_app.engine.formats.variables import Style, convert, renamed
from prompts_app.engine.json_texts import strings_in
from prompts_app.engine.masking import PLACEHOLDER
from prompts_app.engine.render import find_variables
from prompts_app.models import Case, Licence, PrivateSpan, Prompt, Task, User, Version
from prompts_app.models.prompts import LONGEST_MESSAGE, MOST_CASES, MOST_MESSAGES
from prompts_app.models.tags import MOST_TAGS, tag_name
from prompts_app.models.text import without_invisible

LONGEST_TITLE = 120
LONGEST_SUMMARY = 300
LONGEST_CREDIT = 500
LONGEST_NOTE = 2000
LONGEST_SECTION = 8000
LONGEST_TEXT = 1_000_000  # characters of all messages of a version together


class BundleRefused(RefusedKind):
    """Why the file cannot be kept, as a sentence that names the prompt. Nothing of it was kept."""

    code = "bundle_refused"


@dataclass
class Planned:
    """One prompt before it is saved. Its rows are made when they are asked for: most of a file's prompts are
    only counted and compared in a preview."""

    number: int  # in the file, counted from 1
    where: str  # in the file
    named: str  # in a report
    columns: dict[str, Any]  # of its Prompt
    version_count: int
    write_versions: Callable[[Prompt], Iterable[Version]]
    cases: list[Case] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    runs: list[BundledRun] = field(default_factory=list)  # a run's version is a number of versions
    baseline: int | None = None  # the version others are compared with
    # Of a bundle only: private parts, known failures of its runs.
    spans: list[PrivateSpan] = field(default_factory=list)
    failures: tuple[BundledFailure, ...] = ()
    pictures: Mapping[str, str] = field(default_factory=dict)  # of cases: digest → base64
    is_bundled: bool = False
    is_masked: bool = False
    keeps_ids: bool = False  # and its slug: it ships with the software
    shelf_from: int = 0  # the first place for known failures

    @cached_property
    def prompt(self) -> Prompt:
        return Prompt(**self.columns)

    @cached_property
    def versions(self) -> list[Version]:
        return list(self.write_versions(self.prompt))

    @property
    def key(self) -> str:
        return str(self.columns["source_key"])

    @property
    def title(self) -> str:
        return str(self.columns["title"])

    @property
    def newest(self) -> str:
        """Its digest: with the title, what tells the same prompt, written here or imported."""
        return self.versions[-1].digest

    @cached_property
    def digests(self) -> set[str]:
        return {version.digest for version in self.versions}

    def version(self, number: int) -> Version:
        return next(version for version in self.versions if version.number == number)


# --- what is refused ----------------------------------------------------------------------------------------


@contextmanager
def refused(title: str) -> Iterator[None]:
    """Turns a ValidationError into BundleRefused."""
    try:
        yield
    except ValidationError as error:
        raise BundleRefused(f"“{title}” cannot be kept: {_said(error)}") from None


def _said(error: ValidationError) -> str:
    """The first problem, with the field it is about."""
    for name, messages in getattr(error, "error_dict", {}).items():
        return f"{name.replace('_', ' ')}: {messages[0].messages[0]}"
    return str(error.messages[0])


@lru_cache(maxsize=500)  # a file's prompts are often of one task, licence and source
def refuse_odd(table: type[models.Model], name: str, value: str) -> None:
    """As a row's ``clean_fields`` for this column, which leaves the length of a TextField to forms, and that
    length. Raises ValidationError."""
    column = table._meta.get_field(name)
    assert isinstance(column, models.Field)
    if column.blank and not value:
        return
    try:
        column.clean(value, None)
        if isinstance(column, models.TextField) and column.max_length is not None:
            MaxLengthValidator(column.max_length)(value)
    except ValidationError as error:
        raise ValidationError({name: error.messages}) from None


def refuse_later(*moments: datetime | None) -> None:
    """What is dated after today would be the latest for ever, and every test would have come before it.
    Raises ValidationError."""
    latest = timezone.now() + timedelta(minutes=10)  # clocks differ
    if any(moment and moment > latest for moment in moments):
        raise ValidationError(
            "a time in it is still to come. Set the clock right that wrote it, or the file."
        )


# --- other formats ------------------------------------------------------------------------------------------


def too_large(imported: ImportedPrompt) -> str:
    """Why this prompt is more than can be kept, or nothing."""
    for version in imported.versions:
        messages = version.prompt.messages
        if len(messages) > MOST_MESSAGES:
            return f"It has {len(messages)} messages, and at most {MOST_MESSAGES} can be kept."
        if any(len(message.content) > LONGEST_MESSAGE for message in messages):
            return f"One of its messages is longer than {LONGEST_MESSAGE:,} characters."
        if sum(len(message.content) for message in messages) > LONGEST_TEXT:
            return f"Its messages are longer than {LONGEST_TEXT:,} characters."
    return ""


def name_of(imported: ImportedPrompt) -> str:
    title = titles.cut(imported.title, 80)
    return f"{imported.where}: {title}" if imported.where else title


def source_key(imported: ImportedPrompt) -> str:
    """What tells the same prompt in the same file, whatever becomes of it here."""
    versions = [
        {
            "messages": [[message.role, message.content] for message in version.prompt.messages],
            "parameters": dict(version.prompt.parameters),
        }
        for version in imported.versions
    ]
    cases = [case_json(case) for case in imported.cases]
    return digest({"title": imported.title, "versions": versions, "cases": cases})


def plan(owner: User, imported: ImportedPrompt, styles: Collection[Style], number: int = 1) -> Planned:
    """The rows of one prompt, with the placeholders of ``styles`` as variables. Everything is private."""
    key = source_key(imported)
    imported = renamed(imported) if "names" in styles else imported
    planned = Planned(
        number=number,
        where=imported.where or imported.source,
        named=name_of(imported),
        columns={
            "owner": owner,
            "source": imported.source[:200],
            "source_key": key,
            "forked_credit": titles.cut(_one_line(imported.forked_from), LONGEST_CREDIT),
            "suite_changed_at": timezone.now() if imported.cases else None,
        },
        version_count=len(imported.versions),
        write_versions=partial(_versions, imported, styles),
        baseline=imported.baseline or None,
    )
    _describe(planned, imported)
    _classify(planned, imported)
    if any(len(version.note) > LONGEST_NOTE for version in imported.versions):
        _shortened(planned, "the note of a version", LONGEST_NOTE, "")
    cases = _cases(planned, imported.cases)
    planned.cases = [_case(planned.prompt, position, case) for position, case in enumerate(cases)]
    planned.runs = _runs(imported, cases)
    _tell_of_masked(planned, imported)
    return planned


def _tell_of_masked(planned: Planned, imported: ImportedPrompt) -> None:
    """Labels that stand for private parts are not the text: whoever brings them in is told."""
    texts = [message.content for version in imported.versions for message in version.prompt.messages]
    texts += [text for case in planned.cases for text in strings_in([case.variables, case.assertions])]
    if found := sorted({match[0] for text in texts for match in PLACEHOLDER.finditer(text)}):
        what = f"private parts, masked in this file, where only labels stand: {', '.join(found)[:300]}"
        planned.problems.append(Problem(what, planned.where))


def _describe(planned: Planned, imported: ImportedPrompt) -> None:
    """Title and summary, each in full somewhere."""
    title, summary = (_one_line(text) for text in (imported.title, imported.summary))
    first = imported.versions[0].prompt.messages[0].content
    named = title or _one_line(titles.from_text(first)) or "Untitled"
    planned.columns["title"] = titles.cut(named, LONGEST_TITLE)
    if len(title) > LONGEST_TITLE:
        _shortened(planned, "the title", LONGEST_TITLE, "" if summary else ", kept in the summary")
        summary = summary or title
    planned.columns["summary"] = titles.cut(summary, LONGEST_SUMMARY)
    if len(summary) > LONGEST_SUMMARY:
        _shortened(planned, "the summary", LONGEST_SUMMARY, ", kept under “situation”")
        planned.columns["situation"] = (imported.summary or imported.title)[:LONGEST_SECTION]


def _one_line(text: str) -> str:
    return " ".join(without_invisible(text).split())


def _shortened(planned: Planned, what: str, longest: int, kept: str) -> None:
    planned.problems.append(Problem(f"{what} beyond {longest} characters{kept}", planned.where))


def _classify(planned: Planned, imported: ImportedPrompt) -> None:
    """Task, licence and tags in the site's own words; a task it does not know becomes a tag."""
    tags = list(imported.tags)
    task = _TASKS.get(imported.task.strip().casefold())
    if task:
        planned.columns["task"] = task
    elif imported.task:
        tags.append(imported.task)
    licence = _LICENCES.get(imported.licence.strip().casefold())
    if licence:
        planned.columns["licence"] = licence
    elif imported.licence:
        planned.problems.append(Problem(f"the licence “{imported.licence}”", planned.where))
    for tag in tags:
        _tag(planned, tag)


def _by_name(choices: type[models.TextChoices]) -> dict[str, str]:
    return {name.casefold(): value for value, label in reversed(choices.choices) for name in (label, value)}


_TASKS, _LICENCES = _by_name(Task), _by_name(Licence)


def _tag(planned: Planned, text: str) -> None:
    name = tag_name(text)
    if not name or (len(planned.tags) >= MOST_TAGS and name not in planned.tags):
        planned.problems.append(Problem(f"the tag “{titles.cut(text, 60)}”", planned.where))
    elif name not in planned.tags:
        planned.tags.append(name)


def _versions(imported: ImportedPrompt, styles: Collection[Style], prompt: Prompt) -> Iterator[Version]:
    for number, version in enumerate(imported.versions, start=1):
        content = version.prompt if imported.is_templated else convert(version.prompt, styles)
        content = replace(content, variables=_variables(content))
        note = _note(imported, version)
        row = Version(prompt=prompt, number=number, note=note, **columns_of(content))
        row.digest = row.content_digest()  # bulk_create does not call save
        yield row


def _variables(prompt: engine.PromptContent) -> tuple[engine.Variable, ...]:
    """Those in the messages in their order, then any the file describes but does not use."""
    described = {variable.name: variable for variable in prompt.variables}
    names = dict.fromkeys([*find_variables(prompt.messages), *described])
    return tuple(described.get(name, engine.Variable(name)) for name in names)


def _note(imported: ImportedPrompt, version: ImportedVersion) -> str:
    if version.note:
        return version.note[:LONGEST_NOTE]
    written_for = f" Written for {imported.written_for}." if imported.written_for else ""
    return titles.cut(f"Imported from {imported.source}.{written_for}", LONGEST_NOTE)


def _cases(planned: Planned, cases: Sequence[engine.CaseContent]) -> list[engine.CaseContent]:
    """As many as a suite may have, with names that fit. Names that are too long are told."""
    if len(cases) > MOST_CASES:
        what = f"cases {MOST_CASES + 1:,} to {len(cases):,}: a suite has at most {MOST_CASES:,}"
        planned.problems.append(Problem(what, planned.where))
    kept = cases[:MOST_CASES]
    if any(len(_one_line(case.name)) > LONGEST_TITLE for case in kept):
        _shortened(planned, "the name of a case", LONGEST_TITLE, "")
    return [
        replace(case, name=titles.cut(_one_line(case.name), LONGEST_TITLE) or f"Case {number}")
        for number, case in enumerate(kept, start=1)
    ]


def _runs(imported: ImportedPrompt, cases: Sequence[engine.CaseContent]) -> list[BundledRun]:
    """The runs, their suites with the names the cases have here, and only the cases that are kept."""
    named = {id(before): after for before, after in zip(imported.cases, cases, strict=False)}
    return [_run(run, named) for run in imported.runs]


def _run(run: BundledRun, named: Mapping[int, engine.CaseContent]) -> BundledRun:
    places: dict[int, int] = {}
    for index, case in enumerate(run.suite):
        if id(case) in named:
            places[index] = len(places)
    return replace(
        run,
        suite=tuple(named[id(run.suite[index])] for index in places),
        results=tuple(
            replace(result, case_index=places[result.case_index])
            for result in run.results
            if result.case_index in places
        ),
    )


def _case(prompt: Prompt, position: int, case: engine.CaseContent) -> Case:
    return Case(prompt=prompt, position=position, **case_columns(case))
