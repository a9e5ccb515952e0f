"""A prompt's own columns as a form: its name and address, and the sections of its case study."""

import copy
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db.models import Model
from django.http import QueryDict

from prompts_app.actions.prompts.save import check_can_take_slug
from prompts_app.forms.fields import PLAIN, AboutForm, LineField, ProseField, one_line_end, set_queryset
from prompts_app.forms.refusals import refusals_on
from prompts_app.models import Licence, Prompt, Version

SECTIONS = {
    "situation": "The task, and who cares whether it is done well.",
    "constraints": "What it must not do, cost or take, and what a mistake would mean.",
    "impact": "What changed because of it: a figure and where it comes from, or an honest estimate.",
    "limits": "Where it fails, or was never tried. Readers trust a prompt that says so.",
}
# What a reader looks for in each: short questions, answered in any order or not at all.
QUESTIONS = {
    "situation": (
        "Whose task is it, how often does it come up, and what was done before?",
        "What goes in, what has to come out, and who or what reads it next?",
        "Why a prompt, and not a rule, a form or a person?",
    ),
    "constraints": (
        "What must never be in an answer?",
        "What may a call cost, and how long may it take?",
        "What happens when it is wrong, and who notices?",
    ),
    "impact": (
        "What was counted before and after, over how long, by whom?",
        "Is it measured, or your estimate? Say which, and how you came to it.",
    ),
    "limits": (
        "Which inputs were never tried: languages, lengths, formats?",
        "Where does it still fail, and what should stand around it there?",
        "What would have to change before somebody else relies on it?",
    ),
}
LONGEST_SECTION = 8000  # characters


class SlugField(LineField):
    """The last part of a prompt's address, in small letters."""

    default_validators = [
        *LineField.default_validators,
        RegexValidator(
            r"^[a-z0-9][a-z0-9_-]*\Z", "Use letters a–z, digits and hyphens, with a letter or digit first."
        ),
    ]

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value) or "").lower()


def _section(hint: str) -> ProseField:
    return ProseField(
        required=False,
        max_length=LONGEST_SECTION,
        help_text=hint,
        widget=forms.Textarea(attrs={"rows": 3, "class": "prose"}),
    )


class VersionField(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic in the stubs only
    def label_from_instance(self, obj: Model) -> str:
        version = cast(Version, obj)
        return f"{version}, {version.note[:60]}" if version.note else str(version)


SAYS_WHAT_IS_PRIVATE = (
    "This says what one of the private parts hides, and is never masked itself. Choose another, or take the "
    "private part off first."
)


class DetailsForm(AboutForm, forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """``typed`` fills the form, as posted or as kept in a draft; it is only judged where ``judged`` says so.

    ``cleaned_data["tags"]`` is a list of names. ``revision`` is the one the author saw.
    """

    slug = SlugField(
        max_length=80,
        label="Address",
        help_text="The last part of the prompt’s address. The old one keeps leading to the new one.",
    )
    baseline = VersionField(
        Version.objects.none(),
        required=False,
        empty_label="None",
        help_text="The naive version the others are compared to.",
    )
    target_model = LineField(
        required=False,
        max_length=200,
        label="Model it was written for",
        help_text="As you ask for it, such as gpt-4.1-mini. Named before a run, its figures stand on top, "
        "however they come out; named after it, they do not.",
    )
    pin_position = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=999,
        error_messages=PLAIN,
        label="Place among your chosen work",
        help_text="1 stands first on your profile. Empty: not among them.",
    )
    situation = _section(SECTIONS["situation"])
    constraints = _section(SECTIONS["constraints"])
    impact = _section(SECTIONS["impact"])
    limits = _section(SECTIONS["limits"])
    revision = forms.IntegerField(widget=forms.HiddenInput)

    class Meta:
        model = Prompt
        fields = [
            "title", "slug", "summary", "task", "licence", "target_model", "baseline", "pin_position",
            "situation", "constraints", "impact_kind", "impact", "limits",
        ]  # fmt: skip
        labels = {"impact_kind": "Kind of impact"}
        help_texts = {"licence": "What others may do with it."}

    def __init__(self, prompt: Prompt, *, typed: QueryDict | None = None, judged: bool = False) -> None:
        self.prompt = prompt
        initial = {"tags": [tag.name for tag in prompt.tags.all()], "revision": prompt.revision}
        if typed is not None and not judged:
            initial |= typed.dict()
        # A copy: a form writes what was typed into its instance even when it refuses it.
        super().__init__(typed if judged else None, instance=copy.copy(prompt), initial=initial)
        set_queryset(self, "baseline", prompt.versions.all())
        if prompt.keeps_licence:
            self.fields["licence"].help_text = "A fork of a share-alike prompt keeps its licence."

    def clean(self) -> dict[str, Any]:
        """What is never masked must not say what is private."""
        super().clean()
        mask = self.prompt.private_spans.mask()
        for name in {"slug", "target_model", "tags"}.intersection(self.changed_data):
            typed = self.cleaned_data.get(name) or ""
            if any(mask.shows(text) for text in ([typed] if isinstance(typed, str) else typed)):
                self.add_error(name, SAYS_WHAT_IS_PRIVATE)
        return self.cleaned_data

    def clean_slug(self) -> str:
        slug = str(self.cleaned_data["slug"])
        with refusals_on(self, "slug"):
            check_can_take_slug(self.prompt, slug)
        return slug

    def clean_licence(self) -> str:
        licence = str(self.cleaned_data["licence"])
        if self.prompt.keeps_licence and licence != self.prompt.forked_licence:
            kept = Licence(self.prompt.forked_licence).label
            raise ValidationError(f"This was forked under {kept}, which what is made of it has to keep.")
        return licence

    @property
    def columns(self) -> dict[str, Any]:
        """What was typed for the prompt's own columns, by column."""
        return {name: self.cleaned_data[name] for name in self.Meta.fields}

    @property
    def about_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("title", "slug", "summary", "task", "tags", "licence")]

    @property
    def portfolio_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("target_model", "baseline", "pin_position")]

    @property
    def guided_fields(self) -> list[tuple[forms.BoundField, tuple[str, ...]]]:
        """The sections of the case study, each with what a reader looks for in it."""
        names = ("situation", "constraints", "impact_kind", "impact", "limits")
        return [(self[name], QUESTIONS.get(name, ())) for name in names]

    def differences(self, stored: Prompt) -> list[tuple[str, str, str]]:
        """(label, what is stored now, what was typed) of every field in which the two differ."""
        there = DetailsForm(stored)
        pairs = [
            (str(self[name].label), _shown(there, name), _shown(self, name))
            for name in [*self.Meta.fields, "tags"]
        ]
        return [pair for pair in pairs if pair[1] != pair[2]]


def _shown(form: DetailsForm, name: str) -> str:
    """The field's value as its control holds it."""
    value = form[name].value()
    return one_line_end(str("" if value is None else value)).strip()
