"""Where models are asked: name, base URL, key. The key goes in and never comes out."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from prompts_app.engine.endpoints.addresses import check_url
from prompts_app.engine.endpoints.presets import PRESETS, Preset
from prompts_app.forms.fields import LineField
from prompts_app.models import Endpoint, User

LONGEST_KEY = 2000  # characters


def preset_named(name: str) -> Preset | None:
    return next((preset for preset in PRESETS if preset.name == name), None)


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
        help_text="The API’s address, usually ending in /v1.",
        widget=forms.URLInput(attrs={"spellcheck": "false", "autocapitalize": "none"}),
    )
    key = KeyField(required=False, max_length=LONGEST_KEY)
    forget_key = forms.BooleanField(required=False, label="Remove the stored key")

    class Meta:
        model = Endpoint
        fields = ["name", "base_url"]

    def __init__(self, owner: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.owner = owner
        self.instance.owner = owner
        self.stored_url = self.instance.base_url
        if self.instance.has_key:
            self.fields["key"].help_text = "A key is stored; leave this empty to keep it."
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
        url = str(self.cleaned_data["base_url"]).rstrip("/")
        if problem := check_url(url, frozenset(settings.PRIVATE_ENDPOINT_HOSTS)):
            raise ValidationError(problem)
        return url

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        new, old = data.get("base_url"), self.stored_url
        keeps = self.instance.has_key and not data.get("key") and not data.get("forget_key")
        if new and keeps and urlsplit(new).netloc != urlsplit(old).netloc:
            self.add_error(
                "key",
                f"The stored key is for {urlsplit(old).netloc}. Type the key for the new address, "
                "or tick to remove the stored one.",
            )
        return data

    def save(self, commit: bool = True) -> Endpoint:
        endpoint: Endpoint = super().save(commit=False)
        if self.cleaned_data.get("key") or self.cleaned_data.get("forget_key"):
            endpoint.set_key(self.cleaned_data["key"])
        if endpoint.base_url != self.stored_url:
            endpoint.known_models, endpoint.last_tested_at = [], None
        if commit:
            endpoint.save()
        return endpoint
