"""Signs of life: when each part of the site was last seen at work, by the database's clock."""

from django.db import models

from prompts_app.models.clock import now_plus


class HeartbeatManager(models.Manager["Heartbeat"]):
    def beat(self, part: str) -> None:
        """``part`` is at work now. Writes one row."""
        now = now_plus(0)
        if not self.filter(part=part).update(at=now):
            self.bulk_create([Heartbeat(part=part, at=now)], ignore_conflicts=True)

    def was_seen(self, part: str, within_s: float) -> bool:
        return self.filter(part=part, at__gte=now_plus(-within_s)).exists()


class Heartbeat(models.Model):
    class Part(models.TextChoices):
        WORKER = "worker", "A worker's schedule ran"
        QUEUE = "queue", "A task went through the queue"
        WEB = "web", "A web process wrote"

    part = models.CharField(max_length=10, unique=True, choices=Part)
    at = models.DateTimeField()

    objects = HeartbeatManager()

    def __str__(self) -> str:
        return self.part
