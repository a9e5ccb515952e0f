"""Shorthand for holding one output to one assertion."""

from typing import Any

from prompts_app.engine.assertions import check
from prompts_app.engine.types import Answer, Assertion, Check, Json


def hold(
    type_: str, value: Json = None, output: str = "", threshold: float | None = None, **known: Any
) -> Check:
    """``hold("contains", "a", "abc")`` is the check of the output "abc"."""
    return check(Assertion(type_, value, threshold), Answer(output, **known))
