"""The JSON Schema a version asks for with ``response_format``, and holding every answer to it.

No assertion is written for that: the check stands last among an answer's checks, with ``ASKED_SCHEMA`` for
its type and no value of its own, since the schema is in the request beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from prompts_app.engine.assertions import check, validate
from prompts_app.engine.assertions.tools import tool_calls_in
from prompts_app.engine.assertions.verdicts import ASKED_SCHEMA
from prompts_app.engine.types import Answer, Assertion, Check, Json

PARAMETER = "response_format"
_CALLS_A_TOOL = "Not judged: the answer calls a tool, and the schema is for the answer itself."
_UNUSABLE = "Not judged: answers cannot be held to the schema that was asked for."


@dataclass(frozen=True, slots=True)
class AskedSchema:
    """``name`` and ``description`` are what a provider is told of it; ``strict`` asks for it word by word."""

    schema: Json
    name: str = ""
    description: str = ""
    strict: bool = False


def schema_asked_for(parameters: Mapping[str, Json]) -> AskedSchema | None:
    """In the form of Chat Completions, or with the schema beside the type, as the Responses API, Together and
    llama.cpp have it. ``None`` where no schema is asked for."""
    asked = parameters.get(PARAMETER)
    if not isinstance(asked, dict) or asked.get("type") not in ("json_schema", "json_object"):
        return None
    inner = asked["json_schema"] if isinstance(asked.get("json_schema"), dict) else asked
    if not isinstance(inner.get("schema"), dict):
        return None
    said = {key: inner[key] for key in ("name", "description") if isinstance(inner.get(key), str)}
    return AskedSchema(inner["schema"], strict=inner.get("strict") is True, **said)


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
    if answer.tools and any(isinstance(call.name, str) for call in tool_calls_in(answer.output)):
        return replace(unjudged, reason=_CALLS_A_TOOL)
    return replace(check(held, answer), type=ASKED_SCHEMA, value=None)
