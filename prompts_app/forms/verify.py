"""What /verify/ takes: a sealed record, uploaded or pasted, with what was revealed; and a private part."""

import json
import re
from typing import Any

from django import forms

from prompts_app.engine.budget import MOST_VALUES_TYPED, check_json, whole
from prompts_app.engine.errors import RevealUnreadable, TooMuch
from prompts_app.engine.reveals import FORMAT, Reveal, read_reveals
from prompts_app.engine.seals import read_file
from prompts_app.forms.refusals import refusals_on

LARGEST = 10 * 1024 * 1024  # bytes
MOST_BLOCKS = 1_000
LARGEST_REVEAL = 1024 * 1024


def _area(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "spellcheck": "false", "autocomplete": "off"})


class VerifyForm(forms.Form):
    unmarked = ("file", "text")  # one of them is needed
    file = forms.FileField(
        label="A file",
        required=False,
        help_text="The .sealed.json that a prompt’s page offers under “How do we know?”.",
    )
    text = forms.CharField(label="Or its text", required=False, strip=False, widget=_area(8))
    reveals = forms.CharField(
        label="Private parts you were given",
        required=False,
        strip=False,
        help_text="For a record in which parts are masked: what its author sent you, one block or a list.",
        widget=_area(4),
    )

    def clean(self) -> dict[str, Any]:
        """Adds ``sealed``, the JSON that was given, and ``revealed``, a tuple of Reveal."""
        data = super().clean() or {}
        raw = self._bytes(data)
        if len(raw) > LARGEST:
            raise forms.ValidationError(
                "This is larger than 10 MB, which is too much for this page. Check it where you are: "
                "docs/evidence.md has ten lines for it, and manage.py verify_evidence takes it."
            )
        if not raw.strip():
            raise forms.ValidationError("Choose a file, or paste its text.")
        with refusals_on(self):
            data["sealed"] = read_file(raw)
        if isinstance(data.get("sealed"), dict) and data["sealed"].get("format") == FORMAT:
            raise forms.ValidationError("This is a reveal, not a record: check it under “A private part”.")
        data["revealed"] = self._revealed(data.get("reveals") or "")
        return data

    def _revealed(self, text: str) -> tuple[Reveal, ...]:
        with refusals_on(self, "reveals"):
            return read_blocks(text) if text.strip() else ()
        return ()

    def _bytes(self, data: dict[str, Any]) -> bytes:
        upload = data.get("file")
        if upload is not None:
            return bytes(upload.read(LARGEST + 1))
        return str(data.get("text") or "").encode("utf-8", "replace")


def read_blocks(text: str) -> tuple[Reveal, ...]:
    """One reveal, a list of them, or several one after the other. Raises RevealUnreadable."""
    if len(text) > LARGEST_REVEAL:
        raise RevealUnreadable("This is longer than any reveal. Give only what the author sent you.")
    decoder, blocks, text, at = json.JSONDecoder(parse_int=whole), list[Any](), text.strip(), 0
    try:
        check_json(text, MOST_VALUES_TYPED)
        while at < len(text):
            block, at = decoder.raw_decode(text, at)
            blocks += block if isinstance(block, list) else [block]
            at = _skipped(text, at) if len(blocks) <= MOST_BLOCKS else len(text)
    except TooMuch as why:
        raise RevealUnreadable(f"{why} Give only what the author sent you.") from None
    except ValueError:
        raise RevealUnreadable(
            "This is not JSON. Give the whole block, from the first { to the last }."
        ) from None
    if len(blocks) > MOST_BLOCKS:
        raise RevealUnreadable(f"These are more than {MOST_BLOCKS:,} blocks. Give only what the author sent.")
    return read_reveals(blocks)


def _skipped(text: str, at: int) -> int:
    """Where what stands between two blocks has ended."""
    while at < len(text) and text[at] in " ,\r\n\t":
        at += 1
    return at


class PartForm(forms.Form):
    """A block as the studio gives it; or text and salt; or a hash alone. Adds ``reveal`` and ``digest``."""

    unmarked = ("block", "hash")  # one of them is needed

    block = forms.CharField(
        label="What you were given",
        required=False,
        strip=False,
        help_text="The block the author sent you, or the text alone with its salt below.",
        widget=_area(6),
    )
    salt = forms.CharField(label="Salt", required=False, help_text="32 digits, for a text alone.")
    hash = forms.CharField(
        label="Hash", required=False, help_text="The SHA-256 a page shows, to find where it stands."
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        text, salt = str(data.get("block") or ""), str(data.get("salt") or "").strip().lower()
        digest = str(data.get("hash") or "").strip().lower().removeprefix("sha256:")
        if digest and not re.fullmatch("[0-9a-f]{64}", digest):
            self.add_error("hash", "A hash has 64 digits, 0 to 9 and a to f; a label shows its first eight.")
        if not text.strip() and not digest:
            raise forms.ValidationError("Paste what you were given, or a hash.")
        data["reveal"] = self._reveal(text, salt) if text.strip() else None
        data["digest"] = data["reveal"].digest if data["reveal"] else digest
        data["wanted"] = digest
        return data

    def _reveal(self, text: str, salt: str) -> Reveal | None:
        if salt:
            if re.fullmatch("[0-9a-f]{32}", salt):
                return Reveal(text.replace("\r\n", "\n").strip(), salt)
            self.add_error("salt", "A salt is 32 digits from 0 to 9 and a to f.")
            return None
        with refusals_on(self, "block", more="If it is the text alone, give its salt too."):
            return read_blocks(text)[0]
        return None
