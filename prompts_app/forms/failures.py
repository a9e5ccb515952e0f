"""A known failure as a form: what was wrong, and which version mended it."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.http import QueryDict

from prompts_app.evidence.known_failures import Fix
from prompts_app.forms.fields import ProseField, set_choices
from prompts_app.models import KnownFailure
from prompts_app.models.failures import LONGEST_DIAGNOSIS


class FailureForm(forms.Form):
    """``typed`` fills the form, as posted or as kept in a draft; it is only judged where ``judged`` says so.

    ``cleaned_data["fixed_in"]`` is one of the versions of ``fixes``, None for none.
    ``revision`` is the one the author saw; none for a failure that is new on the shelf.
    """

    diagnosis = ProseField(
        label="Diagnosis",
        max_length=LONGEST_DIAGNOSIS,
        error_messages={"required": "Say what went wrong; a few words will do."},
        help_text="Markdown. What went wrong, why, and what to put around it where it can happen again.",
        widget=forms.Textarea(attrs={"rows": 6, "class": "prose"}),
    )
    fixed_in = forms.TypedChoiceField(
        label="Fixed in",
        required=False,
        empty_value=None,
        help_text="The page says what the records say of it, whichever you choose.",
        error_messages={"invalid_choice": "Choose one of the versions after the one that failed."},
    )
    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        fixes: Sequence[Fix],
        failure: KnownFailure | None = None,
        *,
        typed: QueryDict | None = None,
        judged: bool = False,
    ) -> None:
        initial: dict[str, Any] = {}
        if failure:
            initial = {
                "diagnosis": failure.diagnosis,
                "fixed_in": failure.fixed_in_id,
                "revision": failure.revision,
            }
        if typed is not None and not judged:
            initial |= typed.dict()
        super().__init__(typed if judged else None, initial=initial)
        said = ((fix.version.pk, f"{fix.version}: {fix.words}") for fix in fixes)
        set_choices(self, "fixed_in", [("", "Still open"), *said])
        versions = {str(fix.version.pk): fix.version for fix in fixes}
        cast(forms.TypedChoiceField, self.fields["fixed_in"]).coerce = versions.__getitem__
