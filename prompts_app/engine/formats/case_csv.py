"""Cases out of a table: one row a case, one column a variable, assertions in promptfoo's short form.

``__expected`` columns (also ``__expected1``, ``__expected2`` …) hold one assertion each: ``is-json``,
``contains: refund``, ``not-regex: ^Sorry``, ``levenshtein(5): text``; any other text must be equalled.
Kinds that are not run here are kept as they are. ``__description`` is the case's name, and so is ``name``
where no variable has that name.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from prompts_app.engine.assertions import KINDS, assertion_from_text, not_run, split_type
from prompts_app.engine.budget import TooMuch, table_rows
from prompts_app.engine.formats import promptfoo_assertions
from prompts_app.engine.types import Assertion, Case

MOST_ROWS = 20_000  # read at all; what may be kept is for who keeps it to say

_SHORT = re.compile(r"((?:not-)?[a-z][a-z0-9-]*)(?:\((\d+(?:\.\d+)?)\))?(?:\s*:(.*))?", re.DOTALL)
_EXPECTED = re.compile(r"__expected\d*")
# Kinds of promptfoo's that are not run here, and its short names for them: kept, never taken for plain text.
ELSEWHERE = promptfoo_assertions.KINDS | {"eval", "file", "fn", "grade"}


class CsvError(ValueError):
    """The table cannot be read; the message is a plain sentence with the row where known."""


@dataclass(frozen=True, slots=True)
class CaseTable:
    """``left_out``: what was not carried over, with its row; ``not_run``: what was, but is not run here.
    ``columns``: the variables' names."""

    cases: tuple[Case, ...]
    columns: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    not_run: tuple[str, ...] = ()


def parse_cases(text: str, variables: Collection[str] = ()) -> CaseTable:
    """``variables`` are the prompt's, so that one called "name" is known as such. Raises CsvError."""
    if "\x00" in text:
        raise CsvError("This text has a NUL character in it, which cannot be stored. Take it out.")
    rows = _rows(text.lstrip("\ufeff"))
    header = [column.strip() for _, row in rows[:1] for column in row]
    if len(rows) < 2:
        raise CsvError("This needs a first line with the names of the variables, and a line for each case.")
    _check_header(header)
    title = "" if "name" in variables else "name"
    left_out: list[str] = []
    cases = tuple(_case(number, header, row, title, left_out) for number, row in rows[1:])
    columns = tuple(name for name in header if not name.startswith("__") and name != title)
    return CaseTable(cases, columns, tuple(left_out), tuple(_not_run(cases, rows[1:])))


def _not_run(cases: tuple[Case, ...], rows: list[tuple[int, list[str]]]) -> Iterator[str]:
    for (number, _), case in zip(rows, cases, strict=True):
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


def _case(number: int, header: list[str], row: list[str], title: str, left_out: list[str]) -> Case:
    if len(row) > len(header):
        raise CsvError(
            f"Line {number} has {len(row)} fields where the first line has {len(header)}. "
            "Put quotation marks around a value with a comma in it."
        )
    fields = dict(zip(header, row, strict=False))
    name = (fields.get("__description") or fields.get(title) or "").strip()
    return Case(
        name=name,
        variables={k: v for k, v in fields.items() if not k.startswith("__") and k != title},
        assertions=tuple(_assertions(number, fields, left_out)),
    )


def _assertions(number: int, fields: dict[str, str], left_out: list[str]) -> Iterator[Assertion]:
    for column, text in fields.items():
        if column.startswith("__") and not _EXPECTED.fullmatch(column):
            if column != "__description" and text.strip():
                left_out.append(f"{column} (line {number})")
        elif column.startswith("__") and text.strip():
            yield _expected(number, text.strip())


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
