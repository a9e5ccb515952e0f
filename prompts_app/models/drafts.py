"""What an author is typing, before it is saved."""

from django.conf import settings
from django.db import models


class Draft(models.Model):
    """Typing that is not saved yet, kept per author and page, so that nothing typed is lost."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts")
    key = models.CharField(max_length=200)  # the page: "prompt:new", "prompt:<pk>", "case:<pk>:<case>"
    data = models.JSONField()  # the form as posted: {"field": ["value", …]}
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="draft_unique_per_page")]

    def __str__(self) -> str:
        return self.key
