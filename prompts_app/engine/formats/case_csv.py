"""Cases out of a table: one row a case. What each column becomes is guessed from its name, and chosen.

A column is a variable ("TICKET", also written "{{TICKET}}"), the case's name, a further user turn, what the
answer is expected to be, or an output some model gave. promptfoo's ``__expected`` columns (``__expected1`` …
too) hold one assertion each in its short form: ``is-json``, ``contains: refund``, ``levenshtein(5): text``;
any other text must be equalled. Kinds that are not run here are kept as they are.
"""

import csv
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from prompts_app.engine.assertions import KINDS, assertion_from_text, not_run, split_type
from prompts_app.engine.errors import FormatError
from prompts_app.engine.formats.promptfoo import assertions as promptfoo_assertions
from prompts_app.engine.formats.source import check_fields, read_rows
from prompts_app.engine.names import words_joined
from prompts_app.engine.types import Assertion, CaseContent

MOST_ROWS = 20_000  # read at all; what may be kept is for who keeps it to say

_SHORT = re.compile(
    r"((?:not-)?(?:trajectory:)?[a-z][a-z0-9-]*)(?:\((\d+(?:\.\d+)?)\))?(?:\s*:(.*))?", re.DOTALL
)
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
    """Raises FormatError."""
    if "\x00" in text:
        raise FormatError("This text has a NUL character in it, which cannot be stored. Take it out.")
    text = text.lstrip("\ufeff")
    # Spreadsheets paste tabs, and some save semicolons.
    delimiter = max(",\t;", key=text.lstrip().partition("\n")[0].count)
    rows = read_rows(text, delimiter=delimiter, strict=True)
    if len(rows) > MOST_ROWS:
        raise FormatError(f"These are {len(rows):,} lines; at most {MOST_ROWS:,} can be read.")
    header = tuple(column.strip() for _, row in rows[:1] for column in row)
    if len(rows) < 2:
        raise FormatError("This needs a first line with the names of the columns, and a line for each case.")
    if not all(header):
        raise FormatError("A column has no name. The first line names the variables.")
    if double := next((name for name in header if header.count(name) > 1), None):
        raise FormatError(f"Two columns are called “{double}”. Rename one of them.")
    for line, row in rows:
        check_fields(row, header, f"Line {line}")
    return Table(header, tuple((line, (*row, *[""] * (len(header) - len(row)))) for line, row in rows[1:]))


def guess(table: Table, variables: Collection[str] = ()) -> list[str]:
    """What each column most likely becomes. ``variables`` are the prompt's: one of them called "name" or
    "answer" is known as such."""
    known = {_letters(name): VARIABLE + name for name in variables}
    chosen: list[str] = []
    for column in table.header:
        becomes = known.get(_letters(column)) or _usual(column)
        if _EXPECTED.fullmatch(column):
            becomes = SHORT
        elif column.startswith("__"):
            becomes = NAME if column == "__description" else NOTHING
        chosen.append(NOTHING if becomes == NAME and NAME in chosen else becomes)
    return chosen


def _usual(column: str) -> str:
    """What a column of this name becomes for any prompt."""
    usual = ((_NAMES, NAME), (_IDEAL, EXPECTED[0]), (_OUTPUTS, NOTHING))
    found = (becomes for words, becomes in usual if "{{" not in column and _letters(column) in words)
    return next(found, VARIABLE + variable_name(column))


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
    """The cases, with what each column ``becomes``. Raises FormatError."""
    alone = [one for one in becomes if one in {NAME, OUTPUT} or one.startswith(VARIABLE)]
    if double := next((one for one in alone if alone.count(one) > 1), None):
        name = f"{{{{{double.removeprefix(VARIABLE)}}}}}" if double.startswith(VARIABLE) else double
        raise FormatError(f"Two columns become the same ({name}). Choose another for one of them.")
    cases = tuple(_case(line, fields, becomes) for line, fields in table.rows)
    return CaseTable(
        cases,
        columns=tuple(one.removeprefix(VARIABLE) for one in becomes if one.startswith(VARIABLE)),
        left_out=tuple(
            column
            for place, column in enumerate(table.header)
            if becomes[place] == NOTHING and any(value.strip() for value in table.values(place))
        ),
        not_run=tuple(
            f"{one.type} (line {line})"
            for (line, _), case in zip(table.rows, cases, strict=True)
            for one in case.assertions
            if not_run(one)
        ),
        outputs=tuple(table.values(becomes.index(OUTPUT))) if OUTPUT in becomes else (),
    )


def _case(line: int, fields: Sequence[str], becomes: Sequence[str]) -> CaseContent:
    pairs = list(zip(becomes, fields, strict=True))
    return CaseContent(
        name=next((text.strip() for one, text in pairs if one == NAME), ""),
        variables={one.removeprefix(VARIABLE): text for one, text in pairs if one.startswith(VARIABLE)},
        turns=tuple(text for one, text in pairs if one == TURN and text.strip()),
        assertions=tuple(
            _expected(line, text.strip()) if one == SHORT else Assertion(one, text.strip())
            for one, text in pairs
            if one in {SHORT, *EXPECTED} and text.strip()
        ),
    )


def _expected(line: int, text: str) -> Assertion:
    found = _SHORT.fullmatch(text)
    type_, threshold, value = found.groups() if found else ("", None, None)
    kind = KINDS.get(split_type(type_)[1])
    if kind and (
        value is not None
        or kind.value == "none"
        or kind.optional
        or (kind.value == "number" and threshold is not None)
    ):
        value, threshold = (value or "").strip(), threshold or ""
        if kind.value == "lines" or (kind.value == "tools" and not value.startswith(("{", "["))):
            value = "\n".join(part for row in csv.reader([value], skipinitialspace=True) for part in row)
        if kind.value == "number":
            value, threshold = value or threshold, ""
        try:
            return assertion_from_text(type_, value, threshold)
        except ValueError as wrong:
            raise FormatError(f"Line {line}, “{text[:60]}”: {wrong}") from None
    if value is not None and split_type(type_)[1] in ELSEWHERE:
        kept = promptfoo_assertions.from_short(text)
        return Assertion(kept["type"], kept.get("value"), kept.get("threshold"))
    return Assertion("equals", text)
