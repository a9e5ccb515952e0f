"""A private part as its author sets it down."""

from django import forms

from prompts_app.forms.fields import LineField, ProseField

LABEL_HELP = "What visitors read in its place: what kind of thing it is, such as “client rule”."


class LabelForm(forms.Form):
    label = LineField(
        max_length=40,
        label="Label",
        help_text=LABEL_HELP,
        error_messages={"required": "Say what kind of thing it is, such as “client rule”."},
    )


class SpanForm(LabelForm):
    text = ProseField(
        label="The exact text",
        help_text="Copied from where it stands. It is masked everywhere in this prompt.",
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        error_messages={"required": "Paste the text that others must not read."},
    )
    field_order = ["text", "label"]
