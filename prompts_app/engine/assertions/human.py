"""What only the author can tell, by looking."""

from prompts_app.engine.assertions.kinds import AssertionKind
from prompts_app.engine.types import Answer, Assertion

WAITING = "Waiting for the author’s verdict."


def _problem(assertion: Assertion) -> str | None:
    if assertion.value is not None and not isinstance(assertion.value, str):
        return "Say in words what to look at, or leave it empty."
    return None


KINDS = (
    AssertionKind(
        "human", "your own verdict",
        "You look at each output yourself and say whether it passes; it is labelled as your own verdict.",
        "prose", None, _problem, "Is the tone right?",
        optional=True, has_opposite=False, waiting=WAITING, takes_pictures=True,
        passes=Answer("Sorry about that: your money is on its way."), fails=Answer("Read the terms."),
    ),
)  # fmt: skip
