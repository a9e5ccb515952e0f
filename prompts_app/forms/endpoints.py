"""Where models are asked: name, base URL, key. The key goes in and never comes out."""

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator

from prompts_app.engine.endpoints.addresses import base_url_in, check_url, is_below
from prompts_app.engine.endpoints.presets import YOUR_RESOURCE
from prompts_app.forms.endpoint_prices import price_rows
from prompts_app.forms.fields import LineField
from prompts_app.forms.rows import RowProblem
from prompts_app.models import Endpoint, User
from prompts_app.models.endpoints import USUAL_LIMIT_S

LONGEST_KEY = 2000  # characters


class KeyField(LineField):
    """Header values are ASCII; a key with a space in it was not copied whole."""

    widget = forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"})

    def clean(self, value: Any) -> str:
        key = str(super().clean(value) or "")
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise ValidationError(
                "This is no key: keys have no spaces and no special letters. Copy it again."
            )
        return key


class EndpointForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    name = LineField(max_length=60, help_text="Your own name for it; it stands beside results made with it.")
    base_url = LineField(
        max_length=300,
        label="Base URL",
        help_text="The API’s address, usually ending in /v1; Azure’s may have its ?api-version=… at the end.",
        widget=forms.URLInput(attrs={"spellcheck": "false", "autocapitalize": "none"}),
    )
    key = KeyField(required=False, max_length=LONGEST_KEY)
    forget_key = forms.BooleanField(required=False, label="Remove the stored key")
    time_limit_s = forms.IntegerField(
        required=False, min_value=1, label="Time limit for a call, in seconds",
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )  # fmt: skip

    class Meta:
        model = Endpoint
        fields = ["name", "base_url", "api", "time_limit_s"]
        labels = {"api": "Texts are asked for at"}
        help_texts = {
            "api": "Nearly every server has Chat Completions. Choose Responses where a server says that a "
            "model answers there alone, and for tools a provider runs itself. It is told to keep nothing.",
        }

    field_order = ("name", "base_url", "key", "forget_key", "api", "time_limit_s")

    def __init__(self, owner: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.owner = owner
        self.instance.owner = owner
        self.stored_url = self.instance.base_url
        self.key_was_dropped = False
        # A page from before there was this choice says nothing of it, and leaves it as it is.
        self.fields["api"].required = not self.is_bound or "api" in self.data
        self.prices = price_rows(self.data if self.is_bound else None, self.instance.prices)
        most = int(settings.CALL_DEADLINE_S)
        usual, limit = min(USUAL_LIMIT_S, most), self.fields["time_limit_s"]
        limit.help_text = f"Left empty: {usual:,}. At most {most:,}. A model that thinks long takes long."
        too_long = (
            f"This site lets a call take {most:,} seconds at most. Enter less, or ask the person who runs it."
        )
        limit.validators.append(MaxValueValidator(most, too_long))
        if self.instance.has_key:
            self.fields["key"].help_text = (
                "A key is stored; leave this empty to keep it. It is dropped when the address changes, so "
                "that it goes only where you said."
            )
        else:
            self.fields["key"].help_text = "Encrypted when it is stored, and never shown again."
            del self.fields["forget_key"]

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        others = Endpoint.objects.filter(owner=self.owner, name=name).exclude(pk=self.instance.pk)
        if others.exists():
            raise ValidationError("You have an endpoint of this name already. Choose another.")
        return name

    def clean_base_url(self) -> str:
        url = base_url_in(str(self.cleaned_data["base_url"])).rstrip("/")
        if problem := check_url(url, frozenset(settings.PRIVATE_ENDPOINT_HOSTS)):
            raise ValidationError(problem)
        if (urlsplit(url).hostname or "").startswith(f"{YOUR_RESOURCE}."):
            raise ValidationError(f"Put the name of your own resource in place of “{YOUR_RESOURCE}”.")
        return url

    def is_valid(self) -> bool:
        return super().is_valid() and (not self.prices.is_bound or self.prices.is_valid())

    @property
    def row_problems(self) -> list[RowProblem]:
        """What is wrong with the prices, for the list above the form."""
        if not self.prices.is_bound:
            return []
        rows = [
            RowProblem(str(form[name].id_for_label), f"Price {number}", str(error))
            for number, form in enumerate(self.prices.forms, 1)
            for name, errors in form.errors.items()
            for error in errors
        ]
        return rows + [RowProblem("prices-h", "Prices", str(e)) for e in self.prices.non_form_errors()]

    def save(self, commit: bool = True) -> Endpoint:
        endpoint: Endpoint = super().save(commit=False)
        if self.cleaned_data.get("key") or self.cleaned_data.get("forget_key"):
            endpoint.set_key(self.cleaned_data["key"])
        elif endpoint.has_key and not is_below(endpoint.base_url, self.stored_url):
            endpoint.set_key("")
            self.key_was_dropped = True
        if self.prices.is_bound:
            endpoint.prices = self.prices.stored()
        if endpoint.base_url != self.stored_url:
            endpoint.known_models, endpoint.last_tested_at, endpoint.learned = [], None, {}
        if commit:
            endpoint.save()
        return endpoint
