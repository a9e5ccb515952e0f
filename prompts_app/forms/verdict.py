"""The author's own verdict on one output."""

from django import forms

from prompts_app.forms.fields import ProseField

LONGEST_NOTE = 2_000  # characters
PASS, FAIL = "pass", "fail"


class VerdictForm(forms.Form):
    """``place`` says which assertion of the case it answers, "" for none."""

    place = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)
    verdict = forms.ChoiceField(
        label="Your verdict",
        choices=[(PASS, "It passes"), (FAIL, "It fails")],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose whether it passes or fails."},
    )
    note = ProseField(
        label="Why",
        required=False,
        max_length=LONGEST_NOTE,
        help_text="Shown beside it, as your own words.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    @property
    def passed(self) -> bool:
        return bool(self.cleaned_data["verdict"] == PASS)
