"""Reading a JSON object field by field, so that a wrong shape is told with its place."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import NoReturn

from prompts_app.engine.budget import LARGEST_COUNT
from prompts_app.engine.formats.types import FormatError
from prompts_app.engine.types import Json


@dataclass(frozen=True, slots=True)
class Fields:
    """One object of a file. ``where`` is its place, such as ``prompts[2].versions[0]``, empty at the top.

    Every method takes a field's name, and raises FormatError where its value has the wrong shape. A field
    that is absent counts as its ``default``.
    """

    values: Mapping[str, Json]
    where: str = ""

    @classmethod
    def of(cls, value: Json, where: str = "") -> Fields:
        if not isinstance(value, dict):
            raise FormatError(f"{where or 'The file'} is not an object.")
        return cls(value, where)

    def refuse(self, name: str, wanted: str) -> NoReturn:
        raise FormatError(f"{self.place(name)} is not {wanted}.")

    def place(self, name: str) -> str:
        return f"{self.where}.{name}" if self.where else name

    def text(self, name: str, default: str | None = "") -> str:
        value = self.values.get(name, default)
        return value if isinstance(value, str) else self.refuse(name, "a text")

    def name(self, name: str) -> str:
        """A text that must be there and say something."""
        value = self.text(name, None)
        return value if value.strip() else self.refuse(name, "filled in")

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number from 0 up."""
        value = self.values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_COUNT:
            self.refuse(name, "a whole number from 0 up")
        return value

    def maybe_whole(self, name: str) -> int | None:
        return None if self.values.get(name) is None else self.whole(name)

    def maybe_number(self, name: str) -> float | None:
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self.refuse(name, "a number")
        return float(value)

    def maybe_dollars(self, name: str) -> Decimal | None:
        """Money is a text ("0.00012"), so that no reader rounds it."""
        value = self.values.get(name)
        if value is None:
            return None
        try:
            amount = Decimal(value) if isinstance(value, str) else Decimal("NaN")
        except InvalidOperation:
            amount = Decimal("NaN")
        return amount if amount.is_finite() and amount >= 0 else self.refuse(name, "an amount")

    def maybe_truth(self, name: str) -> bool | None:
        value = self.values.get(name)
        return value if value is None or isinstance(value, bool) else self.refuse(name, "true, false or null")

    def maybe_time(self, name: str) -> datetime | None:
        value = self.values.get(name)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            self.refuse(name, "a time with its zone (2026-11-22T08:00:00+00:00)")
        return moment

    def time(self, name: str) -> datetime:
        return self.maybe_time(name) or self.refuse(name, "a time")

    def object(self, name: str) -> dict[str, Json]:
        value = self.values.get(name, {})
        return value if isinstance(value, dict) else self.refuse(name, "an object")

    def items(self, name: str) -> list[Json]:
        value = self.values.get(name, [])
        return value if isinstance(value, list) else self.refuse(name, "a list")

    def texts(self, name: str) -> tuple[str, ...]:
        values = self.items(name)
        return (
            tuple(values) if all(isinstance(v, str) for v in values) else self.refuse(name, "a list of texts")
        )

    def each[T](self, name: str, read: Callable[[Fields], T]) -> tuple[T, ...]:
        """Every object of a list, read by ``read``."""
        places = (f"{self.place(name)}[{index}]" for index in range(len(self.items(name))))
        return tuple(read(Fields.of(*pair)) for pair in zip(self.items(name), places, strict=True))
