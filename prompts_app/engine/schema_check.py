"""Holding every answer to the JSON Schema that was asked for.

No assertion is written for that: the check stands last among an answer's checks, with ``ASKED_SCHEMA`` for
its type and no value of its own, since the schema is in the request beside it.
"""

from collections.abc import Mapping
from dataclasses import replace

from prompts_app.engine.assertions import check, validate
from prompts_app.engine.assertions.tools import calls_a_tool
from prompts_app.engine.assertions.verdicts import ASKED_SCHEMA
from prompts_app.engine.response_format import schema_asked_for
from prompts_app.engine.types import Answer, Assertion, Check, Json

_CALLS_A_TOOL = "Not judged: the answer calls a tool, and the schema is for the answer itself."
_UNUSABLE = "Not judged: answers cannot be held to the schema that was asked for."


def check_of_schema(parameters: Mapping[str, Json], answer: Answer) -> Check | None:
    """How the answer came out under the schema that was asked for; ``None`` where none was.

    What cannot be known (a call of a tool, a picture, a schema that is none) counts for neither side. The
    schema has the bounds that ``is-json`` sets to one.
    """
    asked = schema_asked_for(parameters)
    if asked is None:
        return None
    held = Assertion("is-json", asked.schema)
    unjudged = Check(ASKED_SCHEMA, None, None, None, "", unknown=True)
    if problem := validate(held):
        return replace(unjudged, reason=f"{_UNUSABLE} {problem}")
    if answer.tools and calls_a_tool(answer.output):
        return replace(unjudged, reason=_CALLS_A_TOOL)
    return replace(check(held, answer), type=ASKED_SCHEMA, value=None)
