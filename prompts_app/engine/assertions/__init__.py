"""The registry of assertion kinds. One file per family; to add a family, add its file and name it below.

Names and meaning are promptfoo's where it has the kind. Every kind has an opposite: its name with ``not-``
before it.
"""

import math
import re
from dataclasses import replace

from prompts_app.engine.assertions import (
    compared,
    context,
    graded,
    human,
    json_,
    limits,
    markup,
    refusal,
    sets,
    similarity,
    sql,
    text,
    tools,
    trajectory,
    transforms,
)
from prompts_app.engine.assertions.entry import READERS, read_number, show
from prompts_app.engine.assertions.kinds import AssertionKind, Finding
from prompts_app.engine.assertions.sets import is_set, members_of, set_problem, why_alone
from prompts_app.engine.assertions.values import as_text
from prompts_app.engine.assertions.verdicts import checked_set
from prompts_app.engine.errors import CannotTell, DoesNotFit, NotJudged
from prompts_app.engine.types import Answer, Assertion, Check

_FAMILIES = (
    text, json_, limits, similarity, refusal, markup, sql, tools, trajectory, graded, context, human, sets,
    compared,
)  # fmt: skip
KINDS: dict[str, AssertionKind] = {kind.name: kind for family in _FAMILIES for kind in family.KINDS}
"""In picker order, without the ``not-`` forms."""

NOT = "not-"
NO_TEXT = "Not judged: the output is a picture, and this looks at text."
ILL_WRITTEN = "Not judged, because the assertion itself has to be mended."

# Other names for the same kind; an assertion keeps the one it was given.
ALIASES = {
    "closedqa": "model-graded-closedqa",
    "model-graded-factuality": "factuality",
    "similar:cosine": "similar",
}

TRANSFORM = "transform"
TEST_TRANSFORM = "postprocess"  # promptfoo's older name: what a whole test's outputs go through before
_ALWAYS_PROGRAMS = ("contextTransform", TEST_TRANSFORM)
LONGEST_APPLIED = 2_000  # characters of a transformed output that are kept with a check
_ELSEWHERE = re.compile(r"file://\S+")


def split_type(type_: str) -> tuple[bool, str]:
    """``"not-contains"`` → ``(True, "contains")``."""
    return (True, type_.removeprefix(NOT)) if type_.startswith(NOT) else (False, type_)


def kind_of(type_: str) -> AssertionKind | None:
    """The kind behind a type: ``not-`` and other names do not matter. ``None`` where there is none."""
    name = split_type(type_)[1]
    return KINDS.get(ALIASES.get(name, name))


def validate(assertion: Assertion) -> str | None:
    """What is wrong with the assertion itself, as a plain sentence; ``None`` when it can be used.

    Unknown kinds, a missing or ill-shaped value (an invalid regex, an invalid JSON Schema, a limit that
    is not a number) and a threshold or weight out of range are told here.
    """
    kind = kind_of(assertion.type)
    if kind is None:
        return f"“{assertion.type}” is not a kind of assertion this site can run."
    if not math.isfinite(assertion.weight) or assertion.weight < 0:
        return "The weight is a number from 0 up."
    if assertion.threshold is not None and not math.isfinite(assertion.threshold):
        return "The threshold is a number."
    if not kind.has_opposite and split_type(assertion.type)[0]:
        return f"“{kind.name}” has no opposite."
    try:
        return set_problem(assertion, validate) if is_set(assertion) else kind.problem(assertion)
    except ValueError as error:
        return str(error)


def not_run(assertion: Assertion) -> str:
    """Why this assertion, brought in from another tool, cannot be run here, as a sentence; else empty."""
    kind = kind_of(assertion.type)
    if kind is None:
        return f"Not run here: this site has no “{assertion.type}”."
    if kind.needs_judge and "rubricPrompt" in assertion.options:
        return "Not run here: it brings its own words to the judge, and this site has its own."
    if program := _program_in(assertion):
        return f"Not run here: its “{program}” is a program, and the output would go through that first."
    if isinstance(assertion.value, str) and _ELSEWHERE.fullmatch(assertion.value.strip()):
        return "Not run here: what it looks for stands in a file, or is made by a program."
    return ""


def _program_in(assertion: Assertion) -> str:
    """The option that would run a program; "" where there is none, or one that can be evaluated here."""
    expression = assertion.options.get(TRANSFORM)
    if expression and not transforms.is_readable(expression):
        return TRANSFORM
    return next((name for name in _ALWAYS_PROGRAMS if assertion.options.get(name)), "")


def seen_by(assertion: Assertion, output: str) -> str:
    """What the assertion looks at: the output, or what its transform makes of it. Raises ``DoesNotFit``."""
    expression = str(assertion.options.get(TRANSFORM) or "")
    if not expression:
        return output
    try:
        return transforms.transformed(expression, output)
    except ValueError as why:
        message = f"The output could not be put through “{expression[:80]}”: {str(why).rstrip('.')}."
        raise DoesNotFit(message) from None


def check(assertion: Assertion, answer: Answer) -> Check:
    """Hold one output to one assertion. Never raises for anything an author can write.

    What cannot be known (a regex that ran out of time, an unknown cost, words of a text without spaces, the
    text of a picture) is not judged, nor is its opposite, and counts for neither side; the reason says why.
    Nor is what is not run here (see ``not_run``). A verdict is still wanting where a judge model or the
    author has to look, and where the assertion itself is ill-written. An output that does not fit its
    transform fails both forms.
    """
    if why := not_run(assertion):
        return replace(unjudged(assertion, why), weight=0.0)
    if is_set(assertion):
        return _check_of_set(assertion, answer)
    if problem := validate(assertion):
        return unjudged(assertion, f"{ILL_WRITTEN} {problem}")
    kind = kind_of(assertion.type)
    assert kind is not None  # or it would not be run
    if answer.is_picture and not kind.takes_pictures:
        return replace(unjudged(assertion, NO_TEXT), unknown=True)
    found: Finding | Exception
    seen = ""
    try:
        seen = seen_by(assertion, answer.output)
        found = kind.found(assertion, replace(answer, output=seen))
    except (DoesNotFit, CannotTell, NotJudged) as why_not:
        found = why_not
    return check_of(assertion, found, seen)


def _check_of_set(assertion: Assertion, answer: Answer) -> Check:
    try:
        members = members_of(assertion)
    except ValueError as error:
        return unjudged(assertion, f"{ILL_WRITTEN} {error}")
    return checked_set(assertion, [_check_of_member(member, answer) for member in members])


def _check_of_member(member: Assertion, answer: Answer) -> Check:
    why = why_alone(member)
    return replace(unjudged(member, why), weight=0.0) if why else check(member, answer)


def check_of(assertion: Assertion, found: Finding | Exception, seen: str) -> Check:
    """What was found of the plain form in ``seen``, or the reason why nothing was, as it is kept.

    Where the output went through a transform first, that and the beginning of what it became is kept, too.
    """
    match found:
        case Finding():
            opposite = split_type(assertion.type)[0]
            passed, score = (not found.passed, 1 - found.score) if opposite else (found.passed, found.score)
            check = replace(unjudged(assertion, found.reason), passed=passed, score=score)
        case DoesNotFit():
            check = replace(unjudged(assertion, str(found)), passed=False, score=0.0)
        case CannotTell():
            check = replace(unjudged(assertion, f"Not judged. {found}"), unknown=True)
        case _:
            check = unjudged(assertion, str(found))
    if not assertion.options.get(TRANSFORM):
        return check
    kept = seen if len(seen) <= LONGEST_APPLIED else f"{seen[:LONGEST_APPLIED]}…"
    return replace(check, transform=str(assertion.options[TRANSFORM]), applied_to=kept)


def unjudged(assertion: Assertion, why: str) -> Check:
    """A check whose verdict is still wanting."""
    return Check(
        assertion.type, assertion.value, None, None, why, assertion.threshold, weight=assertion.weight
    )


def assertion_from_text(
    type_: str, text: str, threshold: str = "", weight: float = 1.0, metric: str = ""
) -> Assertion:
    """An assertion from what was typed into a form.

    ``text`` is read as the kind wants it: one entry per line for ``lines``, JSON for ``schema``, a number
    (which becomes the threshold) for ``number``, "50", "10-50", "at least 10" or "at most 50" for
    ``words``. Raises ``ValueError`` with a plain sentence when it cannot be read or used.
    """
    kind = kind_of(type_)
    shape = kind.value if kind else "text"
    if shape == "number":
        assertion = Assertion(type_, threshold=read_number(text), weight=weight, metric=metric)
    else:
        least = read_number(threshold) if threshold.strip() else None
        assertion = Assertion(type_, READERS[shape](text), least, weight, metric)
    if problem := validate(assertion):
        raise ValueError(problem)
    return assertion


def text_of(assertion: Assertion) -> str:
    """What to put into the form field again: the opposite of ``assertion_from_text``."""
    kind = kind_of(assertion.type)
    shape = kind.value if kind else "text"
    if shape == "number":
        return "" if assertion.threshold is None else as_text(assertion.threshold)
    return show(assertion.value, shape)
