"""Model parameters as a form: the usual ones as fields, any other as JSON."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from prompts_app.engine.response_format import PARAMETER, USUAL_NAME, AskedSchema, schema_asked_for
from prompts_app.engine.schema_rules import schema_problem, strict_problems
from prompts_app.engine.tool_rules import tools_problem
from prompts_app.forms.fields import PLAIN, JsonListField, JsonObjectField, LineField, ProseField, as_number

# What the run itself decides; a parameter of that name would change what is tested.
REFUSED = {
    "model": "The model is chosen when you run, so that one version can be tested on several.",
    "messages": "The messages are above; they cannot be a parameter as well.",
    "stream": "Whether an answer is streamed is decided by this site.",
}
MOST_STOPS = 4


class ParametersForm(forms.Form):
    """``cleaned_data["parameters"]`` holds what is sent: only what was filled in."""

    temperature = forms.FloatField(
        required=False, min_value=0, max_value=2, help_text="0 to 2; lower varies less."
    )
    top_p = forms.FloatField(required=False, min_value=0, max_value=1, label="Top p", help_text="0 to 1.")
    max_tokens = forms.IntegerField(
        required=False, min_value=1, max_value=10_000_000, label="Max tokens", help_text="Of the answer."
    )
    seed = forms.IntegerField(
        required=False,
        min_value=-(2**53),
        max_value=2**53,
        help_text="Some providers repeat an answer by it.",
    )
    stop = ProseField(
        required=False,
        label="Stop sequences",
        strip=False,
        help_text=f"One a line, at most {MOST_STOPS}; \\n stands for a line end.",
    )
    schema = JsonObjectField(
        required=False,
        label="JSON Schema",
        help_text="Paste a schema, or a whole response_format. It is sent as response_format, and every "
        "answer is held to it: one that does not fit fails its case.",
    )
    schema_name = LineField(
        required=False, max_length=64, label="Its name", help_text=f"Sent with it; else “{USUAL_NAME}”."
    )
    schema_strict = forms.BooleanField(
        required=False,
        label="Strict",
        help_text="Asks the provider to allow no other answer; OpenAI takes only some schemas then.",
    )
    tools = JsonListField(
        required=False,
        help_text="A JSON list, each as Chat Completions takes it: type “function”, and a function with its "
        "name, description and the JSON Schema of its parameters.",
    )
    response_format = JsonObjectField(
        required=False, label="Response format", help_text='JSON, such as {"type": "json_object"}.'
    )
    more = JsonObjectField(
        required=False,
        label="More parameters",
        help_text='JSON; sent as it is, such as {"frequency_penalty": 0.5}.',
    )

    NUMBERS = ("temperature", "top_p", "max_tokens", "seed")
    TEXTS = ("stop", "response_format", "more")
    SCHEMA = ("schema", "schema_name", "schema_strict")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.NUMBERS:
            self.fields[name].error_messages |= PLAIN
        for name in self.TEXTS:
            self.fields[name].widget.attrs |= {"rows": 2, "spellcheck": "false"}
        for name in ("schema", "tools"):
            self.fields[name].widget.attrs |= {"rows": 8, "spellcheck": "false"}
        for name in ("temperature", "top_p"):
            self.fields[name].widget.attrs["step"] = "any"

    @property
    def number_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.NUMBERS]

    @property
    def text_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.TEXTS]

    @property
    def schema_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.SCHEMA]

    @property
    def has_more_parameters(self) -> bool:
        """Whether the fields few people need hold something."""
        return any(field.value() for field in self.text_fields)

    def clean_stop(self) -> list[str]:
        stops = [_unescaped(line) for line in self.cleaned_data["stop"].split("\n") if line]
        if len(stops) > MOST_STOPS:
            raise ValidationError(f"At most {MOST_STOPS} stop sequences; these are {len(stops)}.")
        return stops

    def clean_schema(self) -> AskedSchema | None:
        typed = self.cleaned_data["schema"]
        return None if typed is None else _asked(typed)

    def clean_tools(self) -> list[Any] | None:
        tools: list[Any] | None = self.cleaned_data["tools"]
        if problem := tools_problem(tools or []):
            raise ValidationError(problem)
        return tools

    def clean_response_format(self) -> dict[str, Any] | None:
        typed: dict[str, Any] | None = self.cleaned_data["response_format"]
        if asked := schema_asked_for({PARAMETER: typed}):
            _refuse_unusable(asked.schema)
        return typed

    def clean_more(self) -> dict[str, Any]:
        more: dict[str, Any] = self.cleaned_data["more"] or {}
        for name in more:
            if name in REFUSED:
                raise ValidationError(f"Take “{name}” out. {REFUSED[name]}")
            if name in _TYPES and self.data.get(name, "").strip():
                raise ValidationError(f"“{name}” is set twice: here and in its own field. Keep one of them.")
        if "tools" in more:
            raise ValidationError("“tools” has a field of its own. Put the list there.")
        if asked := schema_asked_for(more):
            _refuse_unusable(asked.schema)
        return more

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if asked := data.get("schema"):
            if data.get(PARAMETER) or PARAMETER in (data.get("more") or {}):
                self.add_error("schema", "“response_format” is set twice: here and below. Keep one of them.")
            data[PARAMETER] = self._response_format(asked)
        named = {name: data.get(name) for name in _TYPES}
        typed = {name: as_number(value) for name, value in named.items() if value not in (None, "", [])}
        data["parameters"] = {**typed, **(data.get("more") or {})}
        return data

    def _response_format(self, asked: AskedSchema) -> dict[str, Any]:
        """As Chat Completions takes it; what is typed beside the schema before what stands in it."""
        name = self.cleaned_data.get("schema_name") or asked.name or USUAL_NAME
        is_strict = asked.strict or self.cleaned_data.get("schema_strict")
        about = {"name": name, "description": asked.description, "strict": is_strict}
        kept = {key: value for key, value in about.items() if value}
        return {"type": "json_schema", "json_schema": {**kept, "schema": asked.schema}}

    def schema_wrong(self) -> list[str]:
        """What is wrong with the schema as it is typed now; once the form is judged, its field says that."""
        return [] if self.is_bound else self._schema_now[1]

    def schema_refused(self) -> list[str]:
        """What OpenAI's strict mode would refuse of it, where strict is asked for, as sentences."""
        asked = self._schema_now[0]
        if asked is None or not (asked.strict or self["schema_strict"].value()):
            return []
        return strict_problems(asked.schema, str(self["schema_name"].value() or asked.name))

    @cached_property
    def _schema_now(self) -> tuple[AskedSchema | None, list[str]]:
        try:
            typed = self.fields["schema"].clean(self["schema"].value())
            return (None if typed is None else _asked(typed)), []
        except ValidationError as wrong:
            return None, wrong.messages


def _asked(typed: dict[str, Any]) -> AskedSchema:
    """Of a schema, or of one with its name around it. Raises ValidationError with what is wrong where."""
    is_whole = {"json_schema", "schema"} & typed.keys()
    asked = schema_asked_for({PARAMETER: {"type": "json_schema", **typed}}) if is_whole else None
    asked = asked or AskedSchema(typed)
    _refuse_unusable(asked.schema)
    return asked


def _refuse_unusable(schema: dict[str, Any]) -> None:
    if problem := schema_problem(schema):
        raise ValidationError(problem)


def initial_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Stored parameters as the form's fields hold them; what fits no field goes into ``more`` as it is."""
    fitting = {name: value for name, value in parameters.items() if _fits(name, value)}
    more = {name: value for name, value in parameters.items() if name not in fitting}
    if schema := _as_schema_fields(fitting.get(PARAMETER)):
        del fitting[PARAMETER]
    if "stop" in fitting:
        fitting["stop"] = "\n".join(map(_escaped, fitting["stop"]))
    return fitting | schema | ({"more": more} if more else {})


def _as_schema_fields(response_format: Any) -> dict[str, Any]:
    """What the schema's fields hold of it; {} where they would not give back the very same."""
    asked = schema_asked_for({PARAMETER: response_format})
    if asked is None or not asked.name:
        return {}
    strict = {"strict": True} if asked.strict else {}
    same = {"type": "json_schema", "json_schema": {"name": asked.name, **strict, "schema": asked.schema}}
    if response_format != same:
        return {}
    return {"schema": asked.schema, "schema_name": asked.name, "schema_strict": asked.strict}


_TYPES: dict[str, tuple[type, ...]] = {
    "temperature": (int, float),
    "top_p": (int, float),
    "max_tokens": (int,),
    "seed": (int,),
    "stop": (list,),
    "response_format": (dict,),
    "tools": (list,),
}


def _fits(name: str, value: Any) -> bool:
    """Whether the field of this name can hold it."""
    if type(value) not in _TYPES.get(name, ()) or value in ([], {}):
        return False
    return name != "stop" or all(isinstance(one, str) and one for one in value)


def _escaped(stop: str) -> str:
    return stop.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")


def _unescaped(line: str) -> str:
    marks = {"n": "\n", "r": "\r", "\\": "\\"}
    return re.sub(r"\\([nr\\])", lambda found: marks[found[1]], line)
