"""A case proposed from what a model said in a try: to be seen to before it is saved."""

import json

from prompts_app.models import TryAnswer

LONGEST_EQUAL = 80  # characters of an answer that a whole equals is proposed for


def case_from_answer(answer: TryAnswer) -> dict[str, list[str]]:
    """The form of a case, as it is posted: the values of the try, and an assertion that this answer keeps."""
    values = answer.of.values.variables
    kind, expected = proposed(answer.output)
    return {
        "value_name": list(values),
        "value": list(values.values()),
        "turn": list(answer.of.values.turns),
        "kind": [kind],
        "expected": [expected],
        "threshold": [""],
        "weight": [""],
        "metric": [""],
        "was": [""],
    }


def proposed(output: str) -> tuple[str, str]:
    """Kind and value of an assertion this output keeps. A guess at what matters, to be corrected."""
    text = output.strip()
    try:
        if isinstance(json.loads(text), dict | list):
            return "is-json", ""
    except (ValueError, RecursionError):
        pass
    if "\n" not in text and len(text) <= LONGEST_EQUAL:
        return "equals", output
    return "contains", text.splitlines()[0][:LONGEST_EQUAL] if text else ""
