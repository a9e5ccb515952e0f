"""A file somebody brings in: from its upload over the preview to what came of it, and back."""

from datetime import timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone

from prompts_app.models.leases import Leased, LeasedQuerySet

PREVIEW_KEPT_FOR = timedelta(days=1)


class ImportQuerySet(LeasedQuerySet["Import"]):
    def left_behind(self) -> Self:
        """Uploaded files that nobody came back to import."""
        return self.filter(state=Import.State.PREVIEW, created_at__lt=timezone.now() - PREVIEW_KEPT_FOR)

    def ended(self) -> Self:
        return self.filter(state__in=[Import.State.DONE, Import.State.FAILED, Import.State.UNDONE])


class Import(Leased):
    class State(models.TextChoices):
        PREVIEW = "preview", "Not imported yet"
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Being imported"
        DONE = "done", "Imported"
        FAILED = "failed", "Not imported"
        UNDOING = "undoing", "Being undone"
        UNDONE = "undone", "Undone"

    UNDER_WAY = (State.QUEUED, State.RUNNING, State.UNDOING)
    ONE_AT_A_TIME = "owner"  # so that no two make the same thing

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="imports")
    name = models.CharField(max_length=200)
    data = models.BinaryField()  # the file, to read it as something else; empty once its author said yes
    kind = models.CharField(max_length=20, blank=True)  # what its owner said it is; "": what it looks like
    # Before: what it was read as, and what it could be. After: as the preview's form has them.
    options = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=8, choices=State, default=State.PREVIEW)
    total = models.PositiveIntegerField(default=0)  # prompts in the file
    done = models.PositiveIntegerField(default=0)  # of these, looked at
    report = models.JSONField(default=dict, blank=True)  # see actions.importing.job
    made = models.JSONField(default=dict, blank=True)  # see actions.importing.made
    problem = models.CharField(max_length=500, blank=True)  # why it failed
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ImportQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.name or "pasted text"

    @classmethod
    def lease_s(cls) -> float:
        return 120.0  # reading a large file takes a while

    @property
    def can_be_undone(self) -> bool:
        return self.state == self.State.DONE and any(self.made.values())


class ImportPart(models.Model):
    """Some prompts of the file as they were parsed (``engine.formats.parsed_file``), so that nobody reads it
    again. They go when it was imported."""

    of = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()  # from 0
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["of", "number"], name="import_part_unique")]

    def __str__(self) -> str:
        return f"{self.of}, part {self.number}"
