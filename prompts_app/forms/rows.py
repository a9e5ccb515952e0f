"""Rows of a form that can be added, removed and moved, with or without JavaScript.

A button's value says what to do: ``add:message``, ``remove:message:2``, ``up:message:3``,
``down:message:1``; rows count from 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

_COMMAND = re.compile(r"(add|remove|up|down|rename):([a-z]+)(?::(\d{1,4}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class RowCommand:
    """``row`` counts from 0; None where the command names none."""

    verb: str
    noun: str
    row: int | None

    @classmethod
    def read(cls, text: str) -> RowCommand | None:
        """None for what is no such command."""
        found = _COMMAND.fullmatch(text)
        return cls(found[1], found[2], int(found[3]) - 1 if found[3] else None) if found else None

    def apply[T](self, rows: list[T], blank: Callable[[], T], most: int) -> int | None:
        """Change ``rows`` in place. Returns the row to look at next; None where nothing could be done."""
        if self.verb == "add" and len(rows) < most:
            rows.append(blank())
            return len(rows) - 1
        if self.row is None or not 0 <= self.row < len(rows):
            return None
        if self.verb == "remove":
            del rows[self.row]
            return min(self.row, len(rows) - 1) if rows else None
        return self._move(rows, self.row)

    def _move[T](self, rows: list[T], row: int) -> int | None:
        other = row + {"up": -1, "down": 1}.get(self.verb, 0)
        if other == row or not 0 <= other < len(rows):
            return None
        rows[row], rows[other] = rows[other], rows[row]
        return other


# --- what is wrong with them ------------------------------------------------------------------------------


class Row(Protocol):
    problems: list[str]


@dataclass(frozen=True)
class RowProblem:
    """For the summary above the form: ``id`` of the field, its label, and what is wrong."""

    id: str
    label: str
    sentence: str


def problems_of[R: Row](id_: str, rows: Sequence[R], label: str | Callable[[R], str]) -> list[RowProblem]:
    """Of rows whose fields are ``id_``-1, -2 …; a ``label`` that is a word is followed by the number."""
    return [
        RowProblem(f"{id_}-{number}", f"{label} {number}" if isinstance(label, str) else label(row), problem)
        for number, row in enumerate(rows, 1)
        for problem in row.problems
    ]


def text_problems(text: str, longest: int, what: str, *, needed: bool = False) -> list[str]:
    """``longest`` in characters; ``what`` the text is, as its author knows it."""
    if len(text) > longest:
        return [f"This {what} has {len(text):,} characters; the most is {longest:,}. Shorten it."]
    if "\x00" in text:
        return [f"This {what} has a NUL character in it, which cannot be stored. Take it out."]
    if needed and not text.strip():
        return [f"This {what} is empty. Write something, or remove it."]
    return []
