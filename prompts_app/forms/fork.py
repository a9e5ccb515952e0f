"""What is asked before a prompt is forked."""

from django import forms
from django.http import QueryDict

from prompts_app.forms.fields import LineField
from prompts_app.models import Prompt


class ForkForm(forms.Form):
    """Bound where something was typed; else it suggests the origin's own title."""

    title = LineField(max_length=120, error_messages={"required": "Give it a title."})
    with_cases = forms.BooleanField(
        required=False,
        initial=True,
        label="Take the cases too",
        help_text="Only with the same cases can yours be measured against the original.",
    )

    def __init__(self, origin: Prompt, typed: QueryDict | None = None) -> None:
        super().__init__(typed, initial={"title": origin.title})
        if not origin.cases.exists():
            del self.fields["with_cases"]
