"""The JSON Schema a version asks for with the parameter ``response_format``, or with ``text.format``, as the
Responses API has it."""

from collections.abc import Mapping
from dataclasses import dataclass

from prompts_app.engine.types import Json

PARAMETER = "response_format"
NATIVE = "text"  # of the Responses API, with "format" in it
USUAL_NAME = "answer"  # OpenAI takes no schema without a name


@dataclass(frozen=True, slots=True)
class AskedSchema:
    """``name`` and ``description`` are what a provider is told of it; ``strict`` asks for it word by word."""

    schema: dict[str, Json]
    name: str = ""
    description: str = ""
    strict: bool = False


def asking_for(schema: dict[str, Json], name: str = USUAL_NAME) -> dict[str, Json]:
    """The parameter that asks for it, as Chat Completions has it."""
    return {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}


def schema_asked_for(parameters: Mapping[str, Json]) -> AskedSchema | None:
    """In the form of Chat Completions, or with the schema beside the type, as the Responses API, Together and
    llama.cpp have it. ``None`` where no schema is asked for. Of both ``response_format`` is sent."""
    native = parameters.get(NATIVE)
    asked = parameters.get(PARAMETER, native.get("format") if isinstance(native, dict) else None)
    if not isinstance(asked, dict) or asked.get("type") not in ("json_schema", "json_object"):
        return None
    inner = asked["json_schema"] if isinstance(asked.get("json_schema"), dict) else asked
    if not isinstance(inner.get("schema"), dict):
        return None
    said = {key: inner[key] for key in ("name", "description") if isinstance(inner.get(key), str)}
    return AskedSchema(inner["schema"], strict=inner.get("strict") is True, **said)


def in_written_order(value: Json) -> Json:
    """A schema whose names a database gave back in an order of its own, with those of each object as its
    "required" has them: it is the order in which models write them."""
    if isinstance(value, list):
        return [in_written_order(item) for item in value]
    if not isinstance(value, dict):
        return value
    node = {name: in_written_order(item) for name, item in value.items()}
    named, required = node.get("properties"), node.get("required")
    if isinstance(named, dict) and isinstance(required, list):
        first = {name: named[name] for name in required if isinstance(name, str) and name in named}
        node["properties"] = first | named
    return node
