"""A known failure as a form: what was wrong, and which version mended it."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.db.models import Model
from django.http import QueryDict

from prompts_app.evidence.known_failures import Fix
from prompts_app.forms.fields import ProseField
from prompts_app.models import KnownFailure, Version
from prompts_app.models.failures import LONGEST_DIAGNOSIS


class FixField(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic in the stubs only
    """Versions after the one that failed, each with what the records say of it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(Version.objects.none(), **kwargs)
        self.fixes: dict[int, Fix] = {}

    def offer(self, fixes: Sequence[Fix]) -> None:
        self.fixes = {fix.version.pk: fix for fix in fixes}
        self.queryset = Version.objects.filter(pk__in=self.fixes).order_by("number")

    def label_from_instance(self, obj: Model) -> str:
        fix = self.fixes[cast(Version, obj).pk]
        return f"{fix.version}: {fix.words}"


class FailureForm(forms.Form):
    """``typed`` fills the form, as posted or as kept in a draft; it is only judged where ``judged`` says so.

    ``revision`` is the one the author saw; none for a failure that is new on the shelf.
    """

    diagnosis = ProseField(
        label="Diagnosis",
        max_length=LONGEST_DIAGNOSIS,
        error_messages={"required": "Say what went wrong; a few words will do."},
        help_text="Markdown. What went wrong, why, and what to put around it where it can happen again.",
        widget=forms.Textarea(attrs={"rows": 6, "class": "prose"}),
    )
    fixed_in = FixField(
        label="Fixed in",
        required=False,
        empty_label="Still open",
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
            initial |= {name: typed[name] for name in typed}
        super().__init__(typed if judged else None, initial=initial)
        cast(FixField, self.fields["fixed_in"]).offer(fixes)
