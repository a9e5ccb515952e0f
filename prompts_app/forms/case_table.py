"""Many cases out of a table: first what each column becomes, then the cases. Nothing is stored before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict

from prompts_app.actions.prompts.cases import check_can_add
from prompts_app.actions.runs.judge import LONGEST_MODEL
from prompts_app.actions.runs.paste import MOST_TOGETHER
from prompts_app.engine.budget import MOST_BYTES
from prompts_app.engine.formats import FormatError
from prompts_app.engine.formats.case_csv import (
    EXPECTED,
    NAME,
    NOTHING,
    OUTPUT,
    SHORT,
    TURN,
    VARIABLE,
    CaseTable,
    Table,
    cases_of,
    guess,
    read_table,
    variable_name,
)
from prompts_app.engine.formats.source import decode
from prompts_app.engine.types import CaseContent
from prompts_app.forms.cases import LONGEST_VALUE
from prompts_app.forms.fields import LineField, ProseField
from prompts_app.forms.refusals import refusals_on
from prompts_app.models import Prompt, Version
from prompts_app.models.text import without_invisible

SHOWN_VALUES, SHOWN_CASES = 3, 3
MOST_NAMED = 10  # rows without a value

_WORDS = {
    NAME: "the case’s name",
    TURN: "a further user turn",
    "equals": "expected: equals this",
    "contains": "expected: contains this",
    "similar": "expected: similar to this, by an embedding",
    "llm-rubric": "expected: as this says, by a judge (llm-rubric)",
    SHORT: "an assertion in promptfoo’s short form",
    OUTPUT: "an output a model gave, pasted",
    NOTHING: "nothing, leave it out",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column as the mapping shows it: its name, its first values, and the choice that is made."""

    number: int
    name: str
    values: tuple[str, ...]
    becomes: str
    choices: tuple[tuple[str, str], ...]


class CaseTableForm(forms.Form):
    """Valid with ``is_mapped`` means that ``cases`` can be added."""

    unmarked = ("csv", "file")  # one of them is needed

    csv = ProseField(
        label="Table",
        required=False,
        help_text="CSV, or cells copied out of a spreadsheet. The first line names the columns.",
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
    )
    file = forms.FileField(label="Or a file", required=False, help_text="CSV or TSV, in UTF-8.")
    model = LineField(
        label="The model that answered",
        required=False,
        max_length=LONGEST_MODEL,
        help_text="For the column with its outputs. They are kept as pasted: level 0.",
    )

    def __init__(self, prompt: Prompt, version: Version | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.prompt, self.version = prompt, version
        self.variables = [v["name"] for v in version.variables] if version else []
        self.table: Table | None = None
        self.cases: CaseTable | None = None

    @property
    def is_mapped(self) -> bool:
        """Whether what each column becomes was chosen for this very table."""
        return self.table is not None and self.data.get("columns") == str(len(self.table.header))

    @property
    def becomes(self) -> list[str]:
        assert self.table is not None
        proposed = guess(self.table, self.variables)
        if not self.is_mapped:
            return proposed
        chosen = [self.data.get(f"as-{place}", "") for place in range(len(proposed))]
        allowed = [{key for key, _ in self._choices(column)} for column in self.table.header]
        return [
            one if one in may else other for one, may, other in zip(chosen, allowed, proposed, strict=True)
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors:
            text, field = self._typed(data)
            with refusals_on(self, field):
                self.table = read_table(text)
                self.cases = _named(cases_of(self.table, self.becomes))
                check_can_add(self.prompt.cases.count(), len(self.cases.cases))
            if self.is_mapped and self.cases and self.cases.outputs:
                self._check_outputs(data["model"], self.cases)
        return data

    def _typed(self, data: dict[str, Any]) -> tuple[str, str]:
        """The table, and the field it came in."""
        file: UploadedFile[bytes] | None = data.get("file")
        if file is None and not data["csv"].strip():
            raise ValidationError({"csv": "Paste the table, or choose a file."})
        if file is None:
            return data["csv"], "csv"
        try:
            text = decode(file.read(MOST_BYTES + 1))
        except FormatError as wrong:
            raise ValidationError({"file": str(wrong)}) from None
        shown = QueryDict(mutable=True)  # what was in the file is shown, and sent with the choices
        shown.update(self.data)
        shown["csv"] = text
        self.data = shown
        return text, "file"

    def _check_outputs(self, model: str, cases: CaseTable) -> None:
        count = sum(bool(output.strip()) for output in cases.outputs)
        if self.version is None:
            raise ValidationError("There is no version these outputs could be of. Save one first.")
        if not model:
            raise ValidationError({"model": "Name the model that answered, or leave that column out."})
        if count > MOST_TOGETHER:
            raise ValidationError(
                f"These are {count:,} outputs, and at most {MOST_TOGETHER} can be pasted at once. "
                "Leave that column out, or split the table."
            )

    # --- for the page ---

    def columns(self) -> list[Column]:
        assert self.table is not None
        return [
            Column(
                place,
                name,
                tuple(value for value in self.table.values(place) if value.strip())[:SHOWN_VALUES],
                becomes,
                tuple(self._choices(name)),
            )
            for place, (name, becomes) in enumerate(zip(self.table.header, self.becomes, strict=True))
        ]

    def _choices(self, column: str) -> Iterator[tuple[str, str]]:
        names = dict.fromkeys([*self.variables, variable_name(column)])
        for name in names:
            new = "" if name in self.variables else ", which the newest version does not have"
            yield VARIABLE + name, f"{{{{{name}}}}}{new}"
        yield from ((key, _WORDS[key]) for key in (NAME, *EXPECTED, SHORT, TURN, OUTPUT, NOTHING))

    @property
    def wants_model(self) -> bool:
        return self.table is not None and OUTPUT in self.becomes

    @property
    def first_cases(self) -> Sequence[CaseContent]:
        return self.cases.cases[:SHOWN_CASES] if self.cases else ()

    @property
    def without_value(self) -> list[str]:
        """Variables of the newest version that some rows leave empty, with the rows."""
        found = []
        for name in self.variables:
            rows = [
                str(number)
                for number, case in enumerate(self.cases.cases if self.cases else (), 1)
                if not case.variables.get(name, "").strip()
            ]
            more = f" and {len(rows) - MOST_NAMED} more" if len(rows) > MOST_NAMED else ""
            if rows:
                found.append(f"{{{{{name}}}}}: row {', '.join(rows[:MOST_NAMED])}{more}")
        return found

    @property
    def unknown_columns(self) -> list[str]:
        """Columns that are no variable of the newest version: perhaps one is misspelt."""
        return [name for name in (self.cases.columns if self.cases else ()) if name not in self.variables]


def _named(table: CaseTable) -> CaseTable:
    """Each case with a name the site takes, and no value that is too long. Raises FormatError."""
    cases = []
    for number, case in enumerate(table.cases, 1):
        if any(len(value) > LONGEST_VALUE for value in (*case.variables.values(), *case.turns)):
            raise FormatError(
                f"A value of case {number} is longer than {LONGEST_VALUE:,} characters. Shorten it."
            )
        name = " ".join(without_invisible(case.name).split())[:120] or f"Row {number}"
        cases.append(replace(case, name=name))
    return replace(table, cases=tuple(cases))
