"""Giving a case a picture for a variable, or pages of a PDF as pictures."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from prompts_app.engine import pdf_pages
from prompts_app.engine import pictures as engine
from prompts_app.engine.case_pictures import LONGEST_ALT
from prompts_app.engine.errors import Refused
from prompts_app.engine.limited_process import PICTURE, Limits, apart
from prompts_app.engine.pictures import SentPicture
from prompts_app.forms.fields import LineField

PDF = Limits(20, 700)


class CasePictureForm(forms.Form):
    """``cleaned_data["file"]`` has the pictures as they are kept."""

    variable = forms.ChoiceField(help_text="The picture is sent where it stands, in place of a text.")
    file = forms.FileField(
        label="Picture or PDF",
        help_text="PNG, JPEG, WebP or PDF, at most 8 MB (a PDF 10). It is drawn anew as a JPEG of at most "
        "2,048 pixels: its pixels are kept and nothing else, no place and no camera.",
        widget=forms.FileInput(attrs={"accept": ".png,.jpg,.jpeg,.webp,.pdf"}),
        error_messages={
            "required": "Choose a file.",
            "empty": "This file is empty. Choose it again.",
        },
    )
    first = forms.IntegerField(
        label="First page",
        required=False,
        min_value=1,
        help_text="Of a PDF. Empty: the first.",
    )
    last = forms.IntegerField(
        label="Last page",
        required=False,
        min_value=1,
        help_text=f"Of a PDF, at most {pdf_pages.MOST_PAGES} pages at once. Empty: only the first page.",
    )
    alt = LineField(
        label="What is seen on it",
        required=False,
        max_length=LONGEST_ALT,
        help_text="For people who cannot see it. It is not sent to models.",
    )

    def __init__(self, variables: Sequence[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(name, f"{{{{{name}}}}}") for name in variables]
        self.fields["variable"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField's

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("file") and not self.errors:
            try:
                data["file"] = _pictures_in(data["file"].read(pdf_pages.MOST_BYTES + 1), data)
            except Refused as why:
                self.add_error("file", ValidationError(str(why)))
        return data


def _pictures_in(data: bytes, pages: dict[str, Any]) -> list[SentPicture]:
    """Raises Refused."""
    if not pdf_pages.is_pdf(data):
        return [apart(PICTURE, engine.keep_to_send, data)]
    first = pages["first"] or 1
    return apart(PDF, pdf_pages.pages_of_pdf, data, first, pages["last"] or first)
