"""Work on a whole account in the background: deleting it, writing down its prompts anew, exporting them."""

from datetime import timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from prompts_app.models.leases import Leased, LeasedQuerySet

KEPT_FOR = timedelta(days=1)  # after it has ended; an export's file with it


class JobQuerySet(LeasedQuerySet["Job"]):
    def left_behind(self) -> Self:
        return self.filter(finished_at__lt=timezone.now() - KEPT_FOR)


class Job(Leased):
    class Kind(models.TextChoices):
        DELETE_ACCOUNT = "delete", "Deleting the account"
        REFRESH = "refresh", "Writing down anew what lists and the search read"
        EXPORT = "export", "Exporting everything"

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "At work"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    UNDER_WAY = (State.QUEUED, State.RUNNING)

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="jobs")
    kind = models.CharField(max_length=8, choices=Kind)
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    total = models.PositiveIntegerField(default=0)  # prompts
    done = models.PositiveIntegerField(default=0)
    cursor = models.JSONField(default=dict, blank=True)  # where it goes on from: its kind's own
    created_at = models.DateTimeField(auto_now_add=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "kind"],
                condition=Q(state__in=["queued", "running"]),
                name="job_one_of_a_kind",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.public_id})"


class JobPart(models.Model):
    """A piece of the file a job makes, compressed: so that neither making nor sending it holds it whole."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="job_part_once")]

    def __str__(self) -> str:
        return f"{self.job_id}, part {self.number}"
