"""Every text of a prompt that others can read, with its place in words: the one list of them.

The check for secrets, the private parts and the search read it. It walks the text columns of each row
(``models.reading.texts_of``), so that a column which is added tomorrow is looked at too; a test fails where a
table with words of a prompt is not.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from prompts_app.engine.json_texts import strings_in
from prompts_app.engine.types import Json
from prompts_app.models.choices import Source
from prompts_app.models.evidence import Result, Run
from prompts_app.models.failures import KnownFailure
from prompts_app.models.prompts import Case, Prompt, Version
from prompts_app.models.reading import Masked, texts_of
from prompts_app.models.seals import Seal

RESULTS_AT_ONCE = 500
# Figures and digests that are computed from the other texts.
COMPUTED = {"prompt.evidence", "version.digest", "run.suite_digest", "run.distinct"}


@dataclass(frozen=True, slots=True)
class Text:
    """One text, or JSON with texts in it. ``where`` is its place in words ("v2, message 1"), ``column`` the
    column it is in ("version.messages")."""

    where: str
    value: Json
    column: str

    def strings(self) -> list[str]:
        """Each text in it, names in JSON too."""
        return strings_in(self.value)


def texts_in_prompt(prompt: Prompt, *, most_results: int | None = None) -> Iterator[Text]:
    """All of them: its own, those of its versions, cases and known failures, of its runs and results, and the
    names that were sealed. Practice is its author's alone. ``most_results``: of the newest results only."""
    yield from texts_in_row(prompt)
    for tag in prompt.tags.all():
        yield Text(f"tag {tag.name}", tag.name, "tag.name")
    for version in prompt.versions.order_by("number"):
        yield from texts_in_row(version, f"{version}, ")
    for number, case in enumerate(prompt.cases.in_order().iterator(), 1):
        yield from texts_in_row(case, f"case {number}, ")
    for failure in prompt.known_failures.all():
        yield from texts_in_row(failure, f"known failure, case {failure.number}, ")
    yield from _texts_in_runs(prompt, most_results)


def texts_in_row(row: Masked, before: str = "", only: Collection[str] = ()) -> Iterator[Text]:
    """Of one row, which need not be stored. ``before`` begins each place; ``only``: of these columns."""
    table = row._meta.model_name
    for name in texts_of(type(row)):
        column = f"{table}.{name}"
        if (column in only if only else column not in COMPUTED) and (value := getattr(row, name)):
            parts = _PARTS.get(column, _whole(name.replace("_", " ")))
            yield from (Text(f"{before}{where}", part, column) for where, part in parts(value))


def _texts_in_runs(prompt: Prompt, most_results: int | None) -> Iterator[Text]:
    """The cases as they were asked, which may be gone by now, and what came back."""
    shown = prompt.runs.exclude(source=Source.PRACTICE)
    suites = set[str]()
    runs = dict[int, str]()
    for run in shown.select_related("version"):
        runs[run.pk] = f"{run.version} on {run.model}"
        for text in texts_in_row(run, f"run of {runs[run.pk]}, "):
            if text.column != "run.suite":
                yield text
        if run.suite_digest not in suites:
            suites.add(run.suite_digest)
            yield from texts_in_suite(run)
    for seal in Seal.objects.filter(run__in=list(runs)):
        yield Text(f"seal {seal.sequence}, names", seal.names, "seal.names")
    newest = Result.objects.filter(run__in=list(runs)).order_by("-pk")[:most_results]
    for result in newest.iterator(chunk_size=RESULTS_AT_ONCE):
        place = f" of {runs[result.run_id]}, case {result.case_index + 1}"
        yield from (Text(f"{text.where}{place}", text.value, text.column) for text in texts_in_row(result))


def texts_in_suite(run: Run) -> Iterator[Text]:
    """Of the cases as ``run`` asked them."""
    for number, case in enumerate(run.suite, 1):
        yield Text(f"case {number} as run with {run.version} on {run.model}", case, "run.suite")


# --- parts of columns: their places in words, and the texts -----------------------------------------------

type Parts = Callable[[Json], Iterator[tuple[str, Json]]]


def _whole(name: str) -> Parts:
    return lambda value: iter([(name, value)])


def _messages(value: Json) -> Iterator[tuple[str, Json]]:
    return ((f"message {number}", message["content"]) for number, message in enumerate(value, 1))


def _variables(value: Json) -> Iterator[tuple[str, Json]]:
    return ((f"variable {variable['name']}", variable) for variable in value)


def _each(name: str) -> Parts:
    return lambda value: ((f"{name} {number}", item) for number, item in enumerate(value, 1))


def _values(value: Json) -> Iterator[tuple[str, Json]]:
    """A case's values by name; the name is read too."""
    for name, text in value.items():
        yield name, text
        yield f"the name {name}", name


_PARTS: dict[str, Parts] = {
    "version.messages": _messages,
    "version.variables": _variables,
    "case.variables": _values,
    "case.turns": _each("turn"),
    "case.assertions": _each("assertion"),
    "case.tool_results": _each("canned result"),
    "case.pictures": _each("picture"),
    "result.error_message": _whole("error"),
    "result.checks": _whole("assertions"),
}
LOOKED_AT: tuple[type[Masked], ...] = (Prompt, Version, Case, KnownFailure, Run, Result)
