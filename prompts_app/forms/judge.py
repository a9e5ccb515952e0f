"""Choosing who grades, where a suite has assertions that a model has to grade."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from prompts_app.actions.runs.batches import SMALLEST_CAP
from prompts_app.actions.runs.judge import LONGEST_MODEL, JudgeChoice, JudgeNeeds
from prompts_app.forms.fields import CostCapField, JsonObjectField, LineField, set_choices
from prompts_app.forms.parameters import REFUSED
from prompts_app.models import Batch, Endpoint

_FIELDS = ("judge_endpoint", "judge_model", "judge_parameters", "judge_embedding_model")


class JudgeForm(forms.Form):
    """The judge's part of a form. ``choose_judge`` leaves only the fields the suite has a use for."""

    judge_endpoint = forms.ChoiceField(
        label="Judge",
        required=False,
        help_text="Where the model is that grades. Its calls cost money as well; they are counted apart.",
        error_messages={"invalid_choice": "There is no such endpoint any more. Choose again."},
    )
    judge_model = LineField(
        label="Judge’s model",
        required=False,
        max_length=LONGEST_MODEL,
        help_text="Better another model than those it grades: models are fond of their own writing.",
        widget=forms.TextInput(attrs={"list": "judge-models", "spellcheck": "false"}),
    )
    judge_parameters = JsonObjectField(
        label="Judge’s parameters",
        required=False,
        help_text='JSON, sent with each question. {"temperature": 0} makes verdicts steadier; some models '
        "refuse it.",
        widget=forms.Textarea(attrs={"rows": 1, "class": "one", "spellcheck": "false"}),
    )
    judge_embedding_model = LineField(
        label="Judge’s embedding model",
        required=False,
        max_length=LONGEST_MODEL,
        help_text="For assertions that compare meanings.",
        widget=forms.TextInput(attrs={"list": "judge-models", "spellcheck": "false"}),
    )

    def choose_judge(self, needs: JudgeNeeds, endpoints: Sequence[Endpoint]) -> None:
        self.judge_needs, self._judge_endpoints = needs, endpoints
        wanted = (bool(needs), needs.asks, needs.asks, needs.embeds)
        for name, is_wanted in zip(_FIELDS, wanted, strict=True):
            if not is_wanted:
                del self.fields[name]
        if needs:
            nobody = ("", "Nobody: graded assertions stay unjudged, and so do their cases")
            set_choices(self, "judge_endpoint", [nobody, *((e.public_id, e.name) for e in endpoints)])

    @property
    def judge_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in _FIELDS if name in self.fields]

    @property
    def judge_models(self) -> list[str]:
        """Names to choose from, of the judge's endpoint as it is chosen now."""
        endpoint = self._endpoint(self["judge_endpoint"].value()) if self.judge_fields else None
        return [str(name) for name in endpoint.known_models[:200]] if endpoint else []

    def _endpoint(self, public_id: object) -> Endpoint | None:
        return next((e for e in self._judge_endpoints if e.public_id == public_id), None)

    @staticmethod
    def usual_judge(last: Batch) -> dict[str, Any]:
        """What was chosen for the last runs."""
        return {
            "judge_endpoint": last.judge_endpoint.public_id if last.judge_endpoint else "",
            "judge_model": last.judge_model,
            "judge_embedding_model": last.judge_embedding_model,
            "judge_parameters": last.judge_parameters or None,
        }

    def clean_judge_parameters(self) -> dict[str, Any]:
        parameters: dict[str, Any] = self.cleaned_data["judge_parameters"] or {}
        if refused := next((name for name in parameters if name in REFUSED), ""):
            raise ValidationError(f"Take “{refused}” out: this site says that itself.")
        return parameters

    def chosen_judge(self) -> JudgeChoice | None:
        """Once the fields are clean. Raises ValidationError where a model has no endpoint."""
        data = self.cleaned_data
        model, embedding = data.get("judge_model", ""), data.get("judge_embedding_model", "")
        endpoint = self._endpoint(data.get("judge_endpoint"))
        if endpoint is None and (model or embedding):
            raise ValidationError("Choose the judge’s endpoint, or leave its model empty.")
        parameters = data.get("judge_parameters") or {}
        return JudgeChoice(endpoint, model, embedding, parameters) if endpoint else None


class PastedJudgeForm(JudgeForm):
    """A judge for outputs that were pasted: somebody has to be chosen. ``cleaned_data["judge"]`` is who."""

    cost_cap = CostCapField(
        min_value=SMALLEST_CAP,
        help_text="Nothing further is asked when the known cost of the judge’s calls reaches it. Calls "
        "without a known price do not count towards it.",
    )

    def __init__(self, data: Any, *, needs: JudgeNeeds, endpoints: Sequence[Endpoint]) -> None:
        super().__init__(data)
        self.choose_judge(needs, [endpoint for endpoint in endpoints if not endpoint.is_practice])
        set_choices(self, "judge_endpoint", ((e.public_id, e.name) for e in self._judge_endpoints))
        for bound in self.judge_fields:
            if bound.name != "judge_parameters":
                bound.field.required = True
                bound.field.error_messages |= {"required": f"Name the {str(bound.label).lower()}."}
        self.fields["judge_endpoint"].error_messages |= {
            "required": "Add an endpoint with a model that can judge, and choose it."
        }

    def clean(self) -> dict[str, Any]:
        super().clean()
        if not self.errors:
            self.cleaned_data["judge"] = self.chosen_judge()
        return self.cleaned_data
