"""Model parameters as a form: the usual ones as fields, any other as JSON."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from prompts_app.forms.fields import PLAIN, JsonObjectField, ProseField, as_number

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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.NUMBERS:
            self.fields[name].error_messages |= PLAIN
        for name in self.TEXTS:
            self.fields[name].widget.attrs |= {"rows": 2, "spellcheck": "false"}
        for name in ("temperature", "top_p"):
            self.fields[name].widget.attrs["step"] = "any"

    @property
    def number_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.NUMBERS]

    @property
    def text_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.TEXTS]

    @property
    def has_more_parameters(self) -> bool:
        """Whether the fields few people need hold something."""
        return any(field.value() for field in self.text_fields)

    def clean_stop(self) -> list[str]:
        stops = [_unescaped(line) for line in self.cleaned_data["stop"].split("\n") if line]
        if len(stops) > MOST_STOPS:
            raise ValidationError(f"At most {MOST_STOPS} stop sequences; these are {len(stops)}.")
        return stops

    def clean_more(self) -> dict[str, Any]:
        more: dict[str, Any] = self.cleaned_data["more"] or {}
        for name in more:
            if name in REFUSED:
                raise ValidationError(f"Take “{name}” out. {REFUSED[name]}")
            if name in _TYPES and self.data.get(name, "").strip():
                raise ValidationError(f"“{name}” is set twice: here and in its own field. Keep one of them.")
        return more

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        named = {name: data.get(name) for name in _TYPES}
        typed = {name: as_number(value) for name, value in named.items() if value not in (None, "", [])}
        data["parameters"] = {**typed, **(data.get("more") or {})}
        return data


def initial_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Stored parameters as the form's fields hold them; what fits no field goes into ``more`` as it is."""
    fitting = {name: value for name, value in parameters.items() if _fits(name, value)}
    more = {name: value for name, value in parameters.items() if name not in fitting}
    if "stop" in fitting:
        fitting["stop"] = "\n".join(map(_escaped, fitting["stop"]))
    return fitting | ({"more": more} if more else {})


_TYPES: dict[str, tuple[type, ...]] = {
    "temperature": (int, float),
    "top_p": (int, float),
    "max_tokens": (int,),
    "seed": (int,),
    "stop": (list,),
    "response_format": (dict,),
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
