"""Fields several forms share. None has a maxlength attribute: a browser would cut a paste without a word."""

import json
import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.db.models import QuerySet

from prompts_app.actions.runs.batches import HIGHEST_CAP
from prompts_app.engine.budget import MOST_VALUES_TYPED, load_json
from prompts_app.engine.digests import canonical
from prompts_app.engine.errors import Refused
from prompts_app.engine.limited_process import PICTURE, apart
from prompts_app.engine.pictures import MOST_BYTES, keep
from prompts_app.models import Tag
from prompts_app.models.tags import LONGEST_TAG, MOST_TAGS, as_tag
from prompts_app.models.text import refuse_invisible, refuse_nul, storable_json

LONGEST_JSON = 50_000  # characters


# Django's own messages, shorter.
PLAIN = {
    "required": "Fill this in.",
    "max_length": "At most %(limit_value)d characters; this has %(show_value)d. Shorten it.",
    "min_value": "The least is %(limit_value)s.",
    "max_value": "The most is %(limit_value)s.",
}


def set_choices(form: forms.BaseForm, name: str, choices: Iterable[tuple[Any, str]]) -> None:
    """Of a field whose choices depend on what is stored."""
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = list(choices)


def set_queryset(form: forms.BaseForm, name: str, rows: QuerySet[Any]) -> None:
    """The same for rows."""
    field = form.fields[name]
    assert isinstance(field, forms.ModelChoiceField)
    field.queryset = rows


class _Text(forms.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs | {"error_messages": PLAIN | kwargs.get("error_messages", {})})
        # Django's own would say the same as ``refuse_nul``, in other words.
        self.validators = [
            v
            for v in self.validators
            if v is refuse_nul or not isinstance(v, ProhibitNullCharactersValidator)
        ]

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {name: v for name, v in super().widget_attrs(widget).items() if "length" not in name}


class LineField(_Text):
    """One line, with nothing invisible in it."""

    default_validators = [refuse_invisible]


class ProseField(_Text):
    """Many lines; line ends are kept as the one character they are."""

    default_validators = [refuse_nul]
    widget = forms.Textarea

    def to_python(self, value: Any) -> str:
        return one_line_end(str(super().to_python(value) or ""))


def one_line_end(text: str) -> str:
    """Browsers send line ends as two characters."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


class PictureField(forms.FileField):
    """A picture file; ``cleaned_data`` has it as it is kept, None without one. A browser never sends a
    file a second time by itself: what is wrong with it is said, and it has to be chosen again.

    ``read`` makes of the file's bytes what is kept; it raises Refused.
    """

    widget = forms.FileInput

    def __init__(self, read: Callable[[bytes], Any] = keep, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
        self.read = read
        self.widget.attrs["accept"] = ".png,.jpg,.jpeg,.webp"

    def clean(self, data: Any, initial: Any = None) -> Any:
        file = super().clean(data, initial)
        if not file:
            return None
        try:
            return apart(PICTURE, self.read, file.read(MOST_BYTES + 1))
        except Refused as why:
            raise ValidationError(str(why)) from None


_COMMAS = re.compile("[,،，、]")  # of several scripts


class TagsField(_Text):
    """Tags between commas, as a list of valid names in small letters."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> Any:
        words = (re.sub(r"[\s_]+", "-", as_tag(word).lstrip("#")) for word in _COMMAS.split(value or ""))
        names = list(dict.fromkeys(word for word in words if word))
        if len(names) > MOST_TAGS:
            raise ValidationError(f"At most {MOST_TAGS} tags; these are {len(names)}. Keep the telling ones.")
        for name in names:
            if len(name) > LONGEST_TAG:
                raise ValidationError(
                    f"The tag “{name[:40]}…” is too long: at most {LONGEST_TAG} characters."
                )
            try:
                Tag._meta.get_field("name").run_validators(name)
            except ValidationError:
                raise ValidationError(
                    f"“{name}” cannot be a tag. Use letters, digits and hyphens, with commas between tags."
                ) from None
        return names


class AboutForm(forms.Form):
    """What a prompt is called, and what lists say of it."""

    title = LineField(max_length=120, error_messages={"required": "Give it a title."})
    summary = LineField(
        required=False, max_length=300, help_text="One sentence: what goes in, what comes out."
    )
    tags = TagsField(required=False, help_text="With commas between them, such as: invoices, json.")


class JsonObjectField(_Text):
    """A JSON object, typed. Empty is None. What no database or wire can hold is refused."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        return json.dumps(value, ensure_ascii=False, indent=2) if isinstance(value, dict | list) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        if len(text) > LONGEST_JSON:
            raise ValidationError(f"This is too long: at most {LONGEST_JSON:,} characters.")
        return self.read(text)

    def read(self, text: str) -> Any:
        return read_json_object(text)


class JsonListField(JsonObjectField):
    """The same of a list."""

    def read(self, text: str) -> Any:
        value = _read_json(text)
        if not isinstance(value, list):
            raise ValidationError("This must be a JSON list: values between [ and ].")
        return value


def read_json_object(text: str) -> dict[str, Any]:
    """Raises ValidationError with the place of what is wrong."""
    value = _read_json(text)
    if not isinstance(value, dict):
        raise ValidationError("This must be a JSON object: names and values between { and }.")
    return value


def _read_json(text: str) -> Any:
    try:
        value = load_json(text, MOST_VALUES_TYPED, parse_constant=None)
    except json.JSONDecodeError as wrong:
        raise ValidationError(
            f"This is not valid JSON: {wrong.msg.lower()} (line {wrong.lineno}, column {wrong.colno})."
        ) from None
    except ValueError as why:
        raise ValidationError(str(why)) from None
    if not is_storable(value):
        raise ValidationError(
            "This JSON holds something that cannot be stored: a NUL character (\\u0000), half a character, "
            "or a number out of range."
        )
    return value


def is_storable(value: Any) -> bool:
    """Whether every database, and every JSON reader, gives back this value as it is."""
    try:
        canonical(value)
    except ValueError:
        return False
    return bool(storable_json(value) == value)


def as_number(value: float | None) -> float | int | None:
    """1.0 as 1: what is sent reads as the author typed it."""
    return int(value) if isinstance(value, float) and math.isfinite(value) and value.is_integer() else value


class CostCapField(forms.DecimalField):
    """US dollars at which something stops; None for no cap."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            label="Cost cap, in US dollars",
            required=False,
            max_value=HIGHEST_CAP,
            max_digits=10,
            decimal_places=4,
            widget=forms.NumberInput(attrs={"min": "0", "step": "any"}),
            **options,
        )

    def to_python(self, value: Any) -> Any:
        return super().to_python(value.strip().removeprefix("$") if isinstance(value, str) else value)
