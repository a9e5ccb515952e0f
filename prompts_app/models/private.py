"""Private parts of a prompt: texts that everybody but its author reads as a label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.core.validators import RegexValidator
from django.db import models

from prompts_app.engine.masking import LABEL, Mask, Span
from prompts_app.models.ids import public_id
from prompts_app.models.text import refuse_invisible, refuse_nul

if TYPE_CHECKING:
    from prompts_app.models.prompts import PromptQuerySet

LONGEST_SPAN = 8_000  # characters


class PrivateSpanQuerySet(models.QuerySet["PrivateSpan"]):
    def in_order(self) -> Self:
        return self.order_by("created_at", "pk")

    def in_prompts(self, prompts: PromptQuerySet) -> Self:
        return self.filter(prompt__in=prompts)

    def mask(self) -> Mask:
        """What hides all of these."""
        return Mask(span.as_engine() for span in self.in_order())


class PrivateSpan(models.Model):
    """One private text, wherever in its prompt it stands. Neither it nor the salt is ever changed: the hash
    is a promise. The salt is shown to nobody but the author, who gives it away with the text to reveal it."""

    prompt = models.ForeignKey("prompts_app.Prompt", on_delete=models.CASCADE, related_name="private_spans")
    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    label = models.CharField(
        max_length=40,
        validators=[
            refuse_invisible,
            RegexValidator(rf"^{LABEL}\Z", "Use letters, digits, spaces and hyphens, a letter first."),
        ],
    )
    text = models.TextField(max_length=LONGEST_SPAN, validators=[refuse_nul])
    salt = models.CharField(max_length=32, editable=False)
    digest = models.CharField(max_length=64, db_index=True, editable=False)  # engine.masking.salted
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PrivateSpanQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "pk"]

    def __str__(self) -> str:
        return self.label

    def as_engine(self) -> Span:
        return Span(self.label, self.text, self.salt, self.created_at)

    @property
    def placeholder(self) -> str:
        return self.as_engine().placeholder

    @property
    def words(self) -> int:
        return self.as_engine().words
