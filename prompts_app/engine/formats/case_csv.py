"""Cases out of a table: one row a case. What each column becomes is guessed from its name, and chosen.

A column is a variable ("TICKET", also written "{{TICKET}}"), the case's name, a further user turn, what the
answer is expected to be, or an output some model gave. promptfoo's ``__expected`` columns (``__expected1`` …
too) hold one assertion each in its short form: ``is-json``, ``contains: refund``, ``levenshtein(5): text``;
any other text must be equalled. Kinds that are not run here are kept as they are.
"""

import csv
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prompts_app.engine.assertions import KINDS, assertion_from_text, not_run, split_type
from prompts_app.engine.budget import table_rows
from prompts_app.engine.errors import CsvError, TooMuch
from prompts_app.engine.formats.promptfoo import assertions as promptfoo_assertions
from prompts_app.engine.names import words_joined
from prompts_app.engine.types import Assertion, CaseContent

MOST_ROWS = 20_000  # read at all; what may be kept is for who keeps it to say

_SHORT = re.compile(r"((?:not-)?[a-z][a-z0-9-]*)(?:\((\d+(?:\.\d+)?)\))?(?:\s*:(.*))?", re.DOTALL)
_EXPECTED = re.compile(r"__expected\d*")
# Kinds of promptfoo's that are not run here, and its short names for them: kept, never taken for plain text.
ELSEWHERE = promptfoo_assertions.KINDS | {"eval", "file", "fn", "grade"}


# What a column may become; besides, VARIABLE with the variable's name behind it.
NAME, TURN, SHORT, OUTPUT, NOTHING = "name", "turn", "short", "output", ""
VARIABLE = "variable:"
EXPECTED = ("equals", "contains", "similar", "llm-rubric")  # kinds of assertion that take the expected text

_BRACES = re.compile(r"[{}\s]")
_NAMES = frozenset("name title casename description id caseid testname scenario".split())
_IDEAL = frozenset(
    "idealoutput ideal idealresponse idealanswer expected expectedoutput expectedanswer expectedresponse "
    "golden goldenanswer reference referenceanswer referenceoutput groundtruth label target answer".split()
)
_OUTPUTS = frozenset(
    "modelresponse modeloutput response completion output llmoutput prediction result".split()
)
_IS_NAME = re.compile(r"[^\W\d]\w*(?:\.\w+)*")


@dataclass(frozen=True, slots=True)
class Table:
    """``rows``: the line each ends on, and its fields in the header's order."""

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    def values(self, column: int) -> Iterator[str]:
        return (fields[column] for _, fields in self.rows)


@dataclass(frozen=True, slots=True)
class CaseTable:
    """``left_out``: what was not carried over, with its row; ``not_run``: what was, but is not run here.
    ``columns``: the variables' names. ``outputs``: what a model answered to each case, if known."""

    cases: tuple[CaseContent, ...]
    columns: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    not_run: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


def read_table(text: str) -> Table:
    """Raises CsvError."""
    if "\x00" in text:
        raise CsvError("This text has a NUL character in it, which cannot be stored. Take it out.")
    rows = _rows(text.lstrip("\ufeff"))
    header = [column.strip() for _, row in rows[:1] for column in row]
    if len(rows) < 2:
        raise CsvError("This needs a first line with the names of the columns, and a line for each case.")
    _check_header(header)
    return Table(tuple(header), tuple((number, _filled_up(number, header, row)) for number, row in rows[1:]))


def _filled_up(number: int, header: list[str], row: list[str]) -> tuple[str, ...]:
    if len(row) > len(header):
        raise CsvError(
            f"Line {number} has {len(row)} fields where the first line has {len(header)}. "
            "Put quotation marks around a value with a comma in it."
        )
    return (*row, *[""] * (len(header) - len(row)))


def guess(table: Table, variables: Collection[str] = ()) -> list[str]:
    """What each column most likely becomes. ``variables`` are the prompt's: one of them called "name" or
    "answer" is known as such."""
    known = {_letters(name): name for name in variables}
    chosen: list[str] = []
    for column in table.header:
        becomes = _guess_one(column, known)
        chosen.append(NOTHING if becomes == NAME and NAME in chosen else becomes)
    return chosen


def _guess_one(column: str, known: Mapping[str, str]) -> str:
    if _EXPECTED.fullmatch(column):
        return SHORT
    if column.startswith("__"):
        return NAME if column == "__description" else NOTHING
    letters = _letters(column)
    if "{{" in column or letters in known:
        return VARIABLE + known.get(letters, variable_name(column))
    for words, becomes in ((_NAMES, NAME), (_IDEAL, EXPECTED[0]), (_OUTPUTS, NOTHING)):
        if letters in words:
            return becomes
    return VARIABLE + variable_name(column)


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()


def variable_name(column: str) -> str:
    """The column's name as a variable can have it: "{{TICKET}}" → "TICKET", "Date order" → "Date_order"."""
    plain = _BRACES.sub(" ", column).strip()
    if _IS_NAME.fullmatch(plain):
        return plain
    word = words_joined(plain)
    return f"_{word}" if not word or word[0].isdigit() else word


def cases_of(table: Table, becomes: Sequence[str]) -> CaseTable:
    """The cases, with what each column ``becomes``. Raises CsvError."""
    alone = [one for one in becomes if one in {NAME, OUTPUT} or one.startswith(VARIABLE)]
    if double := next((one for one in alone if alone.count(one) > 1), None):
        name = f"{{{{{double.removeprefix(VARIABLE)}}}}}" if double.startswith(VARIABLE) else double
        raise CsvError(f"Two columns become the same ({name}). Choose another for one of them.")
    cases = tuple(_case(number, fields, becomes) for number, fields in table.rows)
    place = becomes.index(OUTPUT) if OUTPUT in becomes else None
    return CaseTable(
        cases,
        tuple(one.removeprefix(VARIABLE) for one in becomes if one.startswith(VARIABLE)),
        tuple(_left_out(table, becomes)),
        tuple(_not_run(cases, table)),
        () if place is None else tuple(table.values(place)),
    )


def _left_out(table: Table, becomes: Sequence[str]) -> Iterator[str]:
    for place, (column, chosen) in enumerate(zip(table.header, becomes, strict=True)):
        if chosen == NOTHING and any(value.strip() for value in table.values(place)):
            yield column


def _case(number: int, fields: Sequence[str], becomes: Sequence[str]) -> CaseContent:
    pairs = list(zip(becomes, fields, strict=True))
    return CaseContent(
        name=next((text.strip() for one, text in pairs if one == NAME), ""),
        variables={one.removeprefix(VARIABLE): text for one, text in pairs if one.startswith(VARIABLE)},
        turns=tuple(text for one, text in pairs if one == TURN and text.strip()),
        assertions=tuple(
            _expected(number, text.strip()) if one == SHORT else Assertion(one, text.strip())
            for one, text in pairs
            if one in {SHORT, *EXPECTED} and text.strip()
        ),
    )


def _not_run(cases: tuple[CaseContent, ...], table: Table) -> Iterator[str]:
    for (number, _), case in zip(table.rows, cases, strict=True):
        yield from (f"{one.type} (line {number})" for one in case.assertions if not_run(one))


def _rows(text: str) -> list[tuple[int, list[str]]]:
    """(line number of the row's end, its fields) of every row that is not empty."""
    try:
        found = table_rows(text, delimiter=_delimiter(text), strict=True)
        rows = [(line, row) for line, row in found if any(field.strip() for field in row)]
    except csv.Error as wrong:
        raise CsvError(f"This cannot be read as CSV, {wrong}.") from None
    except TooMuch as why:
        raise CsvError(str(why)) from None
    if len(rows) > MOST_ROWS:
        raise CsvError(f"These are {len(rows):,} lines; at most {MOST_ROWS:,} can be read.")
    return rows


def _delimiter(text: str) -> str:
    """Spreadsheets paste tabs, and some save semicolons."""
    first = text.lstrip().partition("\n")[0]
    return max(",\t;", key=first.count)


def _check_header(header: list[str]) -> None:
    if not all(header):
        raise CsvError("A column has no name. The first line names the variables.")
    if double := next((name for name in header if header.count(name) > 1), None):
        raise CsvError(f"Two columns are called “{double}”. Rename one of them.")


def _expected(number: int, text: str) -> Assertion:
    found = _SHORT.fullmatch(text)
    name = split_type(found[1])[1] if found else ""
    if found and name in KINDS and (found[3] is not None or _needs_no_value(name, found[2])):
        try:
            return _short(found[1], found[2] or "", (found[3] or "").strip())
        except ValueError as wrong:
            raise CsvError(f"Line {number}, “{text[:60]}”: {wrong}") from None
    if found and name in ELSEWHERE and found[3] is not None:
        kept = promptfoo_assertions.from_short(text)
        return Assertion(kept["type"], kept.get("value"), kept.get("threshold"))
    return Assertion("equals", text)


def _needs_no_value(name: str, threshold: str | None) -> bool:
    kind = KINDS[name]
    return kind.value == "none" or kind.optional or (kind.value == "number" and threshold is not None)


def _short(type_: str, threshold: str, value: str) -> Assertion:
    shape = KINDS[split_type(type_)[1]].value
    if shape == "lines":
        value = "\n".join(part for row in csv.reader([value], skipinitialspace=True) for part in row)
    if shape == "number":
        return assertion_from_text(type_, value or threshold)
    return assertion_from_text(type_, value, threshold)
