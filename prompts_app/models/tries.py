"""What an author tried before saving it: private, and never evidence."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from prompts_app.engine import types as engine
from prompts_app.engine.digests import case_from_json
from prompts_app.models.answers import AnswerFields
from prompts_app.models.endpoints import Endpoint
from prompts_app.models.ids import public_id
from prompts_app.models.leases import Leased, LeasedQuerySet
from prompts_app.models.prompts import Prompt, content_of


class Try(Leased):
    """A text that may never be saved, put to one to four models with one set of values.

    Its owner's alone: it is on no public page, in no export and no record, and counts for nothing.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Answering"
        ENDED = "ended", "Ended"

    UNDER_WAY = (State.QUEUED, State.RUNNING)

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tries")
    # null: of a prompt that is not saved yet
    prompt = models.ForeignKey(Prompt, null=True, blank=True, on_delete=models.CASCADE, related_name="tries")
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    content = models.JSONField()  # {"messages", "variables", "parameters"}, as a Version's columns
    case = models.JSONField()  # engine.digests.case_json: the values, and the assertions of a chosen case
    case_public_id = models.CharField(max_length=12, blank=True)  # "": the values were typed
    cancel_requested = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects = LeasedQuerySet["Try"].as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name_plural = "tries"
        indexes = [models.Index(fields=["owner", "prompt", "-created_at"], name="try_of_prompt_newest")]

    def __str__(self) -> str:
        return self.public_id

    def get_absolute_url(self) -> str:
        return reverse("studio_try", args=[self.public_id])

    @classmethod
    def lease_s(cls) -> float:
        return settings.RUN_LEASE_S

    @property
    def text(self) -> engine.PromptContent:
        return content_of(**self.content)

    @property
    def values(self) -> engine.CaseContent:
        return case_from_json(self.case)

    @property
    def case_name(self) -> str:
        """ "" where the values were typed."""
        name: str = self.case["name"] if self.case_public_id else ""
        return name


class TryAnswer(AnswerFields):
    """What one model said; ``output`` grows while it comes."""

    of = models.ForeignKey(Try, on_delete=models.CASCADE, related_name="answers")
    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    endpoint = models.ForeignKey(
        Endpoint, null=True, blank=True, on_delete=models.SET_NULL, related_name="tried"
    )
    endpoint_name = models.CharField(max_length=60)
    asked_model = models.CharField(max_length=200)
    adapted = models.JSONField(default=list, blank=True)  # as Run.adapted
    begun_at = models.DateTimeField(null=True, blank=True)
    is_done = models.BooleanField(default=False)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.asked_model} at {self.endpoint_name}"

    @property
    def elapsed_s(self) -> float | None:
        """Since it was asked, while it answers."""
        begun: Any = self.begun_at
        return (timezone.now() - begun).total_seconds() if begun else None
