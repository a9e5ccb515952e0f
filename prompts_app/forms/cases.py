"""One case as a form: values for the variables, further turns, and the assertions from a picker."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from prompts_app.engine import types as engine
from prompts_app.engine.assertions import (
    KINDS,
    NOT,
    TRANSFORM,
    assertion_from_text,
    kind_of,
    split_type,
    text_of,
)
from prompts_app.engine.assertions.kinds import AssertionKind
from prompts_app.engine.assertions.transforms import is_readable
from prompts_app.engine.assertions.values import as_text
from prompts_app.engine.budget import MOST_VALUES_TYPED, load_json
from prompts_app.engine.case_pictures import CasePicture
from prompts_app.engine.digests import (
    MOST_STEPS,
    MOST_TOOL_RESULTS,
    assertion_from_json,
    assertion_json,
)
from prompts_app.engine.tool_rules import tools_in
from prompts_app.engine.tool_steps import USUAL_STEPS
from prompts_app.engine.types import Json
from prompts_app.forms.fields import LineField, ProseField, as_number, is_storable, one_line_end
from prompts_app.forms.rows import RowCommand, RowProblem, problems_of, text_problems
from prompts_app.forms.tool_results import ToolResultRow, judge_rows, typed_results
from prompts_app.models import Case, Version

MOST_TURNS = 20
MOST_ASSERTIONS = 50
LONGEST_VALUE = 100_000  # characters of one value or turn
FIRST_KIND = "contains"


@dataclass
class ValueRow:
    """``is_used``: whether the newest version has this variable; other values are kept too."""

    name: str
    value: str = ""
    default: str = ""
    is_used: bool = True
    pictures: tuple[CasePicture, ...] = ()  # in place of the text
    problems: list[str] = field(default_factory=list)


@dataclass
class TurnRow:
    text: str = ""
    problems: list[str] = field(default_factory=list)


@dataclass
class AssertionRow:
    """``was``: the assertion this row was made from, as JSON; unchanged, it is kept exactly as it was, and
    changed it keeps what a row has no field for."""

    kind: str = FIRST_KIND
    is_opposite: bool = False
    value: str = ""
    threshold: str = ""
    weight: str = ""
    metric: str = ""
    transform: str = ""
    was: str = ""
    problems: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, assertion: engine.Assertion) -> AssertionRow:
        is_opposite, kind = split_type(assertion.type)
        about = kind_of(kind)
        is_limit = about is not None and about.value == "number"
        shown = assertion.threshold if assertion.threshold is not None and not is_limit else None
        return cls(
            kind,
            is_opposite,
            text_of(assertion),
            "" if shown is None else str(as_number(shown)),
            "" if assertion.weight == 1 else str(as_number(assertion.weight)),
            assertion.metric,
            as_text(assertion.options.get(TRANSFORM) or ""),
            json.dumps(assertion_json(assertion)),
        )

    @property
    def about(self) -> AssertionKind | None:
        """None for a kind that is not run here."""
        return kind_of(self.kind)

    @property
    def has_more(self) -> bool:
        return bool(self.weight or self.metric or self.threshold or self.transform or self.kept)

    @property
    def kept(self) -> list[str]:
        """The names of what else was said of it elsewhere, which stays with it."""
        before = self._before()
        return sorted(before.options.keys() - {TRANSFORM}) if before and self._is_of(before) else []

    def read(self) -> engine.Assertion:
        """Raises ValueError with a plain sentence."""
        before = self._before()
        if before and _typed(AssertionRow.of(before)) == _typed(self):
            return before
        return replace(self._typed_anew(before), options=self._options(before))

    def _typed_anew(self, before: engine.Assertion | None) -> engine.Assertion:
        type_ = f"{NOT}{self.kind}" if self.is_opposite else self.kind
        weight, metric = _weight(self.weight), self.metric.strip()
        if self.about is not None:
            text = "" if self.about.value == "none" else self.value
            return assertion_from_text(type_, text, self.threshold, weight, metric)
        if before is None or not self._is_of(before):
            raise ValueError("This kind is not run here. Choose another, or remove it.")
        value = before.value if self.value == text_of(before) else self.value or None
        return replace(before, type=type_, value=value, weight=weight, metric=metric)

    def _options(self, before: engine.Assertion | None) -> dict[str, Json]:
        """Those of the same kind stay; what an output goes through first is typed here."""
        kept = dict(before.options) if before and self._is_of(before) else {}
        kept.pop(TRANSFORM, None)
        if not (typed := self.transform.strip()):
            return kept
        if not is_readable(typed) and typed != self.transform_before().strip():
            raise ValueError(
                "This is no expression that can be evaluated here. Begin with output: output.trim(), "
                "JSON.parse(output).name, output.split(',')[0]."
            )
        return {**kept, TRANSFORM: typed}

    def transform_before(self) -> str:
        before = self._before()
        return as_text(before.options.get(TRANSFORM) or "") if before else ""

    def _is_of(self, before: engine.Assertion) -> bool:
        return split_type(before.type)[1] == self.kind

    def _before(self) -> engine.Assertion | None:
        try:
            return assertion_from_json(load_json(self.was, MOST_VALUES_TYPED)) if self.was else None
        except ValueError:
            return None


def _typed(row: AssertionRow) -> tuple[object, ...]:
    """What of a row is typed; spaces at the ends say nothing."""
    return (
        row.kind,
        row.is_opposite,
        *(t.strip() for t in (row.value, row.threshold, row.weight, row.metric, row.transform)),
    )


def _weight(text: str) -> float:
    try:
        return as_number(float(text)) or 0.0 if text.strip() else 1.0
    except ValueError:
        raise ValueError("The weight is a number from 0 up; empty stands for 1.") from None


class CaseForm(forms.Form):
    """``typed`` fills the form, as posted or as kept in a draft; it is only judged where ``judged`` says so.

    Without it the form shows ``case``, or an empty one.
    """

    name = LineField(required=False, max_length=120, help_text="What this case is about, in a few words.")
    system = ProseField(
        label="System message of its own",
        required=False,
        strip=False,
        max_length=LONGEST_VALUE,
        help_text="In this case it is sent in place of the prompt’s system message; the prompt’s "
        "variables are filled in.",
        widget=forms.Textarea(attrs={"rows": 2, "class": "one"}),
    )
    # Not "threshold": the rows of assertions have that.
    passes_at = forms.FloatField(
        label="Mean score that passes",
        required=False,
        min_value=0,
        max_value=1,
        help_text="0 to 1. With it the case passes when the mean score of its assertions by weight "
        "reaches it, whether or not each of them holds.",
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )
    most_steps = forms.IntegerField(
        label="Most steps",
        required=False,
        min_value=1,
        max_value=MOST_STEPS,
        help_text=f"1 to {MOST_STEPS}: after so many answers with calls the case ends. Empty stands for "
        f"{USUAL_STEPS}.",
    )
    # The case's revision the author saw: how a second tab's save is noticed.
    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        version: Version | None,
        *,
        case: Case | None = None,
        typed: QueryDict | None = None,
        judged: bool = False,
    ) -> None:
        content = case.as_engine() if case else engine.CaseContent("")
        self.values = _value_rows(version, dict(_typed_values(typed)) if typed else dict(content.variables))
        self.pictures = content.pictures  # given on a page of their own, and kept
        for row in self.values:
            row.pictures = tuple(one for one in self.pictures if one.variable == row.name)
        results = map(ToolResultRow.of, content.tool_results)
        self.results = typed_results(typed) if typed else list(results)
        self.tools = [tool.name for tool in tools_in(version.parameters)] if version else []
        turns = map(one_line_end, typed.getlist("turn")) if typed else content.turns
        self.turns = [TurnRow(text) for text in turns]
        rows = [AssertionRow.of(assertion) for assertion in content.assertions]
        self.assertions = _typed_assertions(typed) if typed else rows or ([] if case else [AssertionRow()])
        self.kinds = _kinds(self.assertions)
        self.focus = ""
        if typed is not None and judged:
            super().__init__(data=typed)
        elif typed is not None:
            super().__init__(initial=typed.dict())
        else:
            super().__init__(initial=_initial(case) if case else {})

    def apply(self, command: RowCommand) -> None:
        if command.noun == "turn":
            row = command.apply(self.turns, TurnRow, MOST_TURNS)
            self.focus = f"turn-{row + 1}" if row is not None else ""
        elif command.noun == "result":
            row = command.apply(self.results, ToolResultRow, MOST_TOOL_RESULTS)
            self.focus = f"result-{row + 1}" if row is not None else ""
        elif command.noun == "assertion":
            row = command.apply(self.assertions, AssertionRow, MOST_ASSERTIONS)
            self.focus = f"kind-{row + 1}" if row is not None else ""

    def content(self, name: str = "") -> engine.CaseContent:
        """What is saved. ``name`` stands in where none was typed. Only after ``is_valid``."""
        return engine.CaseContent(
            name=self.cleaned_data["name"] or name,
            variables={row.name: row.value for row in self.values if row.value or not row.default},
            turns=tuple(row.text for row in self.turns),
            assertions=tuple(row.read() for row in self.assertions),
            system=self.cleaned_data["system"],
            threshold=self.cleaned_data["passes_at"],
            tool_results=tuple(row.read() for row in self.results),
            most_steps=self.cleaned_data["most_steps"],
            pictures=self.pictures,
        )

    def is_valid(self) -> bool:
        return super().is_valid() and not self.row_problems

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for value in self.values:
            value.problems = _problems_in(value.value, value.name)
        for turn in self.turns:
            turn.problems = text_problems(turn.text, LONGEST_VALUE, "turn", needed=True)
        for row in self.assertions:
            row.problems = _problems_of_assertion(row)
        judge_rows(self.results, LONGEST_VALUE)
        if len(self.results) > MOST_TOOL_RESULTS:
            raise ValidationError(f"A case has at most {MOST_TOOL_RESULTS} canned results.")
        if len(self.turns) > MOST_TURNS or len(self.assertions) > MOST_ASSERTIONS:
            raise ValidationError(
                f"A case has at most {MOST_TURNS} further turns and {MOST_ASSERTIONS} assertions."
            )
        return data

    @property
    def row_problems(self) -> list[RowProblem]:
        return [
            *problems_of("value", self.values, "Value"),
            *problems_of("turn", self.turns, "Turn"),
            *problems_of("result", self.results, "Canned result"),
            *problems_of("expected", self.assertions, "Assertion"),
        ]


# --- reading ------------------------------------------------------------------------------------------


def _initial(case: Case) -> dict[str, Any]:
    passes_at = "" if case.threshold is None else as_number(case.threshold)
    return {
        "name": case.name, "system": case.system, "passes_at": passes_at, "revision": case.revision,
        "most_steps": case.most_steps,
    }  # fmt: skip


def _value_rows(version: Version | None, values: dict[str, str]) -> list[ValueRow]:
    """One for each variable of the version; then values of variables it does not have."""
    known = {v["name"]: v["default"] for v in (version.variables if version else [])}
    rows = [ValueRow(name, values.get(name, ""), default) for name, default in known.items()]
    return rows + [
        ValueRow(n, value, is_used=False) for n, value in values.items() if n not in known and value
    ]


def _typed_values(typed: QueryDict) -> Iterator[tuple[str, str]]:
    pairs = zip(typed.getlist("value_name"), typed.getlist("value"), strict=False)
    return ((name, one_line_end(value)) for name, value in pairs)


def _typed_assertions(typed: QueryDict) -> list[AssertionRow]:
    names = ("kind", "expected", "threshold", "weight", "metric", "was")
    opposites = typed.getlist("opposite")  # numbers of the rows that are ticked, from 1
    columns = [typed.getlist(name) for name in names]
    through = typed.getlist("transform")
    rows = [
        AssertionRow(kind, str(number) in opposites, one_line_end(value), threshold, weight, metric, was=was)
        for number, (kind, value, threshold, weight, metric, was) in enumerate(zip(*columns, strict=False), 1)
    ]
    for row, expression in zip(rows, through or map(AssertionRow.transform_before, rows), strict=False):
        row.transform = expression
    return rows


def _kinds(rows: Sequence[AssertionRow]) -> list[tuple[str, list[str]]]:
    """The picker: (family, names), with kinds that are not run here only where a row has one."""
    families: dict[str, list[str]] = {}
    for kind in KINDS.values():
        families.setdefault(kind.family, []).append(kind.name)
    named = {kind.name for kind in KINDS.values()}
    for row in rows:  # another name for a kind stands beside its own
        if row.about and row.kind not in named:
            families[row.about.family].append(row.kind)
            named.add(row.kind)
    if elsewhere := sorted({row.kind for row in rows} - named):
        families["not run here"] = elsewhere
    return list(families.items())


def _problems_in(*texts: str) -> list[str]:
    """Of the first that has any."""
    return next(filter(None, (text_problems(text, LONGEST_VALUE, "value") for text in texts)), [])


def _problems_of_assertion(row: AssertionRow) -> list[str]:
    if problems := _problems_in(row.value, row.metric, row.transform):
        return problems
    try:
        stored = assertion_json(row.read())
    except ValueError as wrong:
        return [str(wrong)]
    return [] if is_storable(stored) else ["This holds a character or a number that cannot be stored."]
