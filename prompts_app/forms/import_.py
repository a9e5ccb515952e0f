"""A file or pasted text to import, and the choices on its preview."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from prompts_app.actions.importing.apply import ImportOptions, check_size
from prompts_app.actions.importing.report import OfferedStyle
from prompts_app.engine.budget import MOST_BYTES
from prompts_app.engine.formats import FORMATS, titles
from prompts_app.engine.formats.parsed_file import ParsedFile, read_file
from prompts_app.engine.formats.variables import STYLES, Style
from prompts_app.engine.limited_process import FILE, apart
from prompts_app.engine.wording import how_many
from prompts_app.forms.fields import set_choices
from prompts_app.forms.refusals import refusals_on
from prompts_app.models.text import without_invisible


class UploadForm(forms.Form):
    """One file, or text. Valid means it could be read: ``read`` holds what is in it."""

    unmarked = ("file", "text")  # one of them is needed

    file = forms.FileField(
        label="File",
        required=False,
        help_text="Up to 20 MB, in UTF-8, or a zip. Nothing is saved before you have seen what is in it.",
        error_messages={"empty": "This file is empty. Choose another."},
    )
    text = forms.CharField(
        label="Or paste text",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
    )
    kind = forms.ChoiceField(
        label="Read it as",
        required=False,
        choices=[("", "Whatever it looks like"), *((kind.key, kind.label) for kind in FORMATS)],
    )

    read: ParsedFile
    name: str
    content: bytes

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.errors:
            return data
        field = self._chosen(data.get("file"), data["text"])
        with refusals_on(self, field):
            self.read = apart(FILE, read_file, self.name, self.content, hint=data["kind"])
            check_size(self.read.prompts)
        return data

    def _chosen(self, file: UploadedFile[bytes] | None, text: str) -> str:
        """Sets name and content from the one field that was filled in, and names it."""
        if file and text.strip():
            raise ValidationError("There is a file and pasted text. Choose one of them and clear the other.")
        if file:
            self.name = without_invisible(file.name or "")
            self.content = file.read(MOST_BYTES + 1)
            return "file"
        if not text.strip():
            raise ValidationError("Choose a file, or paste text.")
        self.name, self.content = "", text.encode("utf-8", "surrogatepass")
        return "text"


class ConfirmForm(forms.Form):
    """Which placeholders become variables (all that were found, to begin with), and what of variants."""

    separate = forms.BooleanField(
        label="Make each variant a prompt of its own",
        required=False,
        help_text="Otherwise they become versions of one prompt, which shares its cases among them.",
    )
    styles = forms.MultipleChoiceField(
        label="Turn these into variables", required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, offered: Iterable[OfferedStyle] = (), data: Any = None) -> None:
        labels: dict[Style, str] = {style.style: _label(style) for style in offered}
        super().__init__(data, initial={"styles": list(labels)})
        set_choices(self, "styles", (labels if data is None else STYLES).items())

    def options(self) -> ImportOptions:
        """Of a valid form."""
        styles = frozenset(style for style in STYLES if style in self.cleaned_data["styles"])
        return ImportOptions(styles, separate=self.cleaned_data["separate"])


def _label(offered: OfferedStyle) -> str:
    """ "${name} in 12 prompts: ${topic} becomes {{topic}}"."""
    examples = "; ".join(
        f"{titles.cut(without_invisible(one.found), 60)} becomes {{{{{one.name}}}}}"
        for one in offered.examples
    )
    prompts = how_many(offered.prompts, "prompt")
    cases = " (in its cases too)" if offered.style == "names" else ""
    return f"{offered.looks} in {prompts}{cases}: {examples}"
