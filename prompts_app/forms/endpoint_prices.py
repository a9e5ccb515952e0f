"""What an endpoint's author says its tokens cost, a row for each model."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from prompts_app.engine.types import Json
from prompts_app.forms.fields import PLAIN, LineField

MOST_ROWS = 50
PREFIX = "prices"


def _dollars(label: str) -> forms.DecimalField:
    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
    return forms.DecimalField(
        label=label,
        required=False,
        min_value=Decimal(0),
        max_digits=12,
        decimal_places=6,
        widget=widget,
        error_messages={"min_value": PLAIN["min_value"]},
    )


class PriceForm(forms.Form):
    """One row. All empty: no row."""

    unmarked = ("model", "tokens_in", "cached", "tokens_out", "as_of")  # the rows' heading says optional

    model = LineField(required=False, max_length=200, label="Model")
    tokens_in = _dollars("In")
    cached = _dollars("Cached")
    tokens_out = _dollars("Out")
    as_of = forms.DateField(
        required=False, label="As of", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if self.is_empty:
            return data
        for name in ("tokens_in", "tokens_out"):
            if data.get(name) is None and name not in self.errors:
                self.add_error(name, "Say what a million of these tokens cost; 0 where they cost nothing.")
        if (day := data.get("as_of")) and day > timezone.now().date():
            self.add_error("as_of", "This day is still to come. Say since when you know the price.")
        return data

    @property
    def is_empty(self) -> bool:
        data = self.cleaned_data
        prices = [data.get(name) for name in ("tokens_in", "cached", "tokens_out")]
        return not data.get("model") and prices == [None] * 3 and not self.errors

    def stored(self) -> dict[str, Json]:
        """The row as it is kept: see ``engine.prices.own_price_from_json``."""
        data = self.cleaned_data
        day = data["as_of"] or timezone.now().date()
        return {
            "model": data["model"],
            "tokens_in": f"{data['tokens_in']:f}",
            "cached": None if data["cached"] is None else f"{data['cached']:f}",
            "tokens_out": f"{data['tokens_out']:f}",
            "as_of": day.isoformat(),
        }


class _PriceRows(forms.BaseFormSet):  # type: ignore[type-arg]  # generic in the stubs only
    def clean(self) -> None:
        names = [form.cleaned_data.get("model", "") for form in self.filled()]
        for name in names:
            if names.count(name) > 1:
                raise ValidationError(
                    f"Two rows are for {name or 'every other model'}. Keep one of them, and empty the other."
                )

    def filled(self) -> list[PriceForm]:
        return [form for form in self.forms if hasattr(form, "cleaned_data") and not form.is_empty]

    def stored(self) -> list[dict[str, Json]]:
        return [form.stored() for form in self.filled() if not form.errors]


_formset = forms.formset_factory(
    PriceForm, formset=_PriceRows, extra=1, max_num=MOST_ROWS, validate_max=True, absolute_max=MOST_ROWS
)


def price_rows(data: Mapping[str, Any] | None, stored: list[dict[str, Json]]) -> _PriceRows:
    """The rows that are stored and an empty one; or as they were sent. A form without them keeps what is."""
    if data is not None and f"{PREFIX}-TOTAL_FORMS" not in data:
        data = None
    rows: _PriceRows = _formset(data, prefix=PREFIX, initial=stored)  # type: ignore[assignment]  # the stubs: its base
    return rows
