"""The canned results of a case as rows: which tool, for which arguments, and what it is said to give back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.http import QueryDict

from prompts_app.engine.digests import MOST_ARGUMENTS
from prompts_app.engine.tool_types import ToolResult
from prompts_app.forms.fields import is_storable, one_line_end, read_json_object
from prompts_app.forms.rows import text_problems

LONGEST_TOOL = 200  # characters of a tool's name


@dataclass
class ToolResultRow:
    """As it is typed. ``arguments``: JSON, or nothing for every call of the tool."""

    tool: str = ""
    arguments: str = ""
    result: str = ""
    once: bool = False
    problems: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, one: ToolResult) -> ToolResultRow:
        typed = "" if one.arguments is None else json.dumps(one.arguments, ensure_ascii=False)
        return cls(one.tool, typed, one.result, one.once)

    def read(self) -> ToolResult:
        """Raises ValidationError."""
        arguments = read_json_object(self.arguments) if self.arguments.strip() else None
        return ToolResult(self.tool.strip(), self.result, arguments, self.once)


def typed_results(typed: QueryDict) -> list[ToolResultRow]:
    columns = [typed.getlist(name) for name in ("tool", "tool_arguments", "tool_result")]
    once = typed.getlist("tool_once")  # numbers of the rows that are ticked, from 1
    return [
        ToolResultRow(tool, one_line_end(arguments), one_line_end(result), str(number) in once)
        for number, (tool, arguments, result) in enumerate(zip(*columns, strict=False), 1)
    ]


def judge_rows(rows: Sequence[ToolResultRow], longest: int) -> None:
    """Writes into each row what is wrong with it. ``longest``: characters of a result."""
    before = list[ToolResult]()
    for row in rows:
        row.problems = _problems(row, longest)
        if row.problems:
            continue
        one = row.read()
        if any(other.tool == one.tool and other.arguments is None and not other.once for other in before):
            row.problems = [
                f"A result before this one answers every call of “{one.tool}”, so this is never given. "
                "Move it up."
            ]
        before.append(one)


def _problems(row: ToolResultRow, longest: int) -> list[str]:
    if not row.tool.strip() or len(row.tool) > LONGEST_TOOL:
        return [f"Name the tool, in at most {LONGEST_TOOL} characters."]
    if len(row.arguments) > MOST_ARGUMENTS:
        return [f"The arguments have at most {MOST_ARGUMENTS:,} characters."]
    try:
        row.read()
    except ValidationError as wrong:
        return [f"The arguments: {message}" for message in wrong.messages]
    if not is_storable(row.tool):
        return ["The tool’s name holds a character that cannot be stored."]
    return text_problems(row.result, longest, "result")
