"""``assert-set``: several assertions that count together as one."""

import json
from collections.abc import Callable, Iterable, Iterator

from prompts_app.engine.assertions.kinds import AssertionKind
from prompts_app.engine.assertions.verdicts import SET as SET
from prompts_app.engine.digests import assertion_from_json, assertion_json
from prompts_app.engine.types import Answer, Assertion, Json

MOST_MEMBERS = 50
ALONE = ("human", "select-best", "max-score", SET)
"""What cannot stand in a set: verdicts that are given later and by themselves, and other sets."""


def is_set(assertion: Assertion) -> bool:
    return assertion.type == SET


def members_of(assertion: Assertion) -> tuple[Assertion, ...]:
    """Raises ``ValueError`` with a sentence where they have the wrong shape, are none or too many."""
    if not isinstance(assertion.value, list):
        raise ValueError(f"A set is a JSON list of assertions: {json.dumps(_EXAMPLE)}")  # noqa: TRY004 see docstring
    if not 1 <= len(assertion.value) <= MOST_MEMBERS:
        raise ValueError(f"A set has 1 to {MOST_MEMBERS} assertions.")
    return tuple(assertion_from_json(one) for one in assertion.value)


def value_of(members: Iterable[Assertion]) -> list[Json]:
    """The value of a set with these members."""
    return [assertion_json(one) for one in members]


def each_of(assertions: Iterable[Assertion]) -> Iterator[Assertion]:
    """The assertions, the members of a set in its place; an ill-written set is left out."""
    for assertion in assertions:
        if not is_set(assertion):
            yield assertion
            continue
        try:
            yield from members_of(assertion)
        except ValueError:
            continue


def set_problem(assertion: Assertion, problem_of: Callable[[Assertion], str | None]) -> str | None:
    """What is wrong with the first member of a set with which something is, by ``problem_of``. Raises
    ``ValueError`` where something is wrong with the set."""
    for number, member in enumerate(members_of(assertion), 1):
        problem = why_alone(member) or problem_of(member)
        if problem:
            return f"Assertion {number} of the set ({member.type}): {problem}"
    return None


def why_alone(member: Assertion) -> str:
    """Why this assertion cannot stand in a set, as a sentence; "" where it can."""
    return f"“{member.type}” cannot stand in a set." if member.type in ALONE else ""


_EXAMPLE = [{"type": "contains", "value": "refund"}, {"type": "icontains", "value": "sorry"}]

KINDS = (
    AssertionKind(
        SET, "several together",
        "Several assertions that count as one: all have to hold, or, with a threshold, their mean score by "
        "weight has to reach it.", "assertions", None, placeholder=json.dumps(_EXAMPLE), example=_EXAMPLE,
        has_threshold=True, has_opposite=False, takes_pictures=True,
        passes=Answer("Sorry about that: your refund is on its way."), fails=Answer("Read the terms."),
    ),
)  # fmt: skip
