"""Mail that waits to be sent. The row is the truth, as a run's is: a queue that is lost loses nothing."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Self

from django.core.mail import EmailMessage
from django.db import models
from django.utils import timezone

from prompts_app.models.encryption import decrypt, encrypt

FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)  # between tries; doubled each time
KEPT_FOR = timedelta(days=2)  # then nobody waits for it any more
CLAIMED_FOR = timedelta(minutes=2)  # longer than a mail server's time limit


class QueuedMailQuerySet(models.QuerySet["QueuedMail"]):
    def due_at(self, now: datetime) -> Self:
        """Oldest first."""
        return self.filter(due_at__lte=now).order_by("pk")

    def claim(self, now: datetime) -> QueuedMail | None:
        """The oldest that is due, kept from other workers for as long as sending it may take."""
        for mail in self.due_at(now)[:10]:
            ours = self.filter(pk=mail.pk, due_at=mail.due_at)
            if ours.update(due_at=now + CLAIMED_FOR, tries=mail.tries + 1):
                return self.get(pk=mail.pk)
        return None


class QueuedMail(models.Model):
    """One mail until it is sent. Whom it is for and what it says is encrypted: it may open an account."""

    sealed = models.BinaryField()
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = QueuedMailQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "queued mail"

    def __str__(self) -> str:
        return f"mail {self.pk}"

    @classmethod
    def of(cls, message: EmailMessage) -> QueuedMail:
        """Not saved yet. Plain text only: that is all the site writes."""
        said = [str(message.subject), str(message.body), message.from_email, message.to]
        return cls(sealed=encrypt(json.dumps(said)))

    def message(self) -> EmailMessage:
        """Raises KeyUnreadable."""
        subject, body, sender, to = json.loads(decrypt(self.sealed))
        return EmailMessage(subject, body, sender, to)

    def wait(self, now: datetime) -> bool:
        """Until the next try; False where the last one was the last."""
        pause = min(FIRST_WAIT * 2 ** min(self.tries - 1, 10), LONGEST_WAIT)
        self.due_at = now + pause
        self.save(update_fields=["due_at"])
        return self.due_at < self.created_at + KEPT_FOR
