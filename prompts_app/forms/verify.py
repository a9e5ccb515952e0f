"""A sealed record to be checked: uploaded or pasted."""

from __future__ import annotations

import json
from typing import Any

from django import forms

LARGEST = 10 * 1024 * 1024  # bytes


class VerifyForm(forms.Form):
    file = forms.FileField(
        label="A file",
        required=False,
        help_text="The .sealed.json that a prompt’s page offers under “How do we know?”.",
    )
    text = forms.CharField(
        label="Or its text",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        """Adds ``sealed``: the JSON that was given."""
        data = super().clean() or {}
        raw = self._bytes(data)
        if len(raw) > LARGEST:
            raise forms.ValidationError("This is larger than 10 MB, which no record here is.")
        if not raw.strip():
            raise forms.ValidationError("Choose a file, or paste its text.")
        try:
            data["sealed"] = json.loads(raw)
        except (ValueError, RecursionError):
            raise forms.ValidationError(
                "This is not JSON. Give the whole file, from the first { to the last }."
            ) from None
        return data

    def _bytes(self, data: dict[str, Any]) -> bytes:
        upload = data.get("file")
        if upload is not None:
            return bytes(upload.read(LARGEST + 1))
        return str(data.get("text") or "").encode()
