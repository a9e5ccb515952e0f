"""JSON read by the types of dataclasses; a wrong shape is told with its place."""

from collections.abc import Iterable
from typing import NoReturn

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from prompts_app.engine.errors import FormatError
from prompts_app.engine.types import ROLES, Json

_COUNT = "a whole number from 0 up"
_WANTED = {
    "string_type": "a text",
    "int_type": _COUNT,
    "greater_than_equal": _COUNT,
    "less_than_equal": _COUNT,
    "float_type": "a number",
    "finite_number": "a number",
    "bool_type": "true, false or null",
    "tuple_type": "a list",
    "dict_type": "an object",
    "mapping_type": "an object",
    "dataclass_type": "an object",
    "string_pattern_mismatch": "a SHA-256 in hex",
    "literal_error": f"one of {', '.join(ROLES)}",
}


def read_as[T](shape: TypeAdapter[T], value: Json, where: str) -> T:
    """``value`` as what ``shape`` says. Raises FormatError with the place of the first fault; ``where`` is
    that of the whole."""
    try:
        return shape.validate_python(value)
    except ValidationError as error:
        raise FormatError(_said(error.errors(include_url=False, include_input=False)[0], where)) from None


def _said(first: ErrorDetails, where: str) -> str:
    """The first fault with its place."""
    steps = [step for step in first["loc"] if step not in {"prompt", "case"}]  # these two are not in the file
    match first["type"], steps:
        case "missing", _:
            return f"{_place(where, steps)} is missing."
        case "value_error", _:
            return f"{_place(where, steps)}: {first['ctx']['error']}"
        case _, [*_, "runs", int(), "suite"]:
            wanted = "the digest of a suite of this prompt"
        case "string_type", [*_, int()]:
            steps, wanted = steps[:-1], "a list of texts"
        case _:
            wanted = _WANTED.get(first["type"], first["msg"])
    return f"{_place(where, steps)} is not {wanted}."


def _place(where: str, steps: Iterable[int | str]) -> str:
    return where + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def refuse(place: str, wanted: str) -> NoReturn:
    raise FormatError(f"{place} is not {wanted}.")


def as_object(value: Json) -> dict[str, Json]:
    """``value``, or an empty object where it is none."""
    return value if isinstance(value, dict) else {}
