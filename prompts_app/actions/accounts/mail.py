"""Mail goes out in the background: nobody waits for a mail server, or learns that it is away."""

import logging
import smtplib
from threading import Lock

from django.core.mail import EmailMessage
from django.db import transaction
from django.tasks import task
from django.utils import timezone

from prompts_app.models import QueuedMail

log = logging.getLogger(__name__)
_delivering = Lock()  # one at a time: a mail server that hangs holds one thread of a worker, never all

# The server answered and did not want this one mail; the next may be fine.
REFUSED = (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError)


def queue_mail(message: EmailMessage) -> None:
    """To be sent once what is being stored is stored."""
    QueuedMail.of(message).save()
    # Robust: where the queue is down, the row is there all the same, and the next minute's look finds it.
    transaction.on_commit(deliver_mail_task.enqueue, robust=True)


def deliver_mail() -> int:
    """Send what is due, oldest first; how many were sent. Ends early where the mail server is away."""
    sent = 0
    while QueuedMail.objects.due_at(timezone.now()).exists() and _delivering.acquire(blocking=False):
        try:
            well, more = _deliver_all()
        finally:
            _delivering.release()
        sent += more
        if not well:
            break
    return sent


def _deliver_all() -> tuple[bool, int]:
    """Whether the server is there, and how many mails it took."""
    sent = 0
    while mail := QueuedMail.objects.claim(timezone.now()):
        try:
            mail.message().send()
        except Exception as why:
            _try_later(mail, why)
            if isinstance(why, OSError) and not isinstance(why, REFUSED):
                return False, sent
        else:
            mail.delete()
            sent += 1
    return True, sent


def _try_later(mail: QueuedMail, why: Exception) -> None:
    """The log names neither who it was for nor what it says."""
    code = f" {why.smtp_code}" if isinstance(why, smtplib.SMTPResponseException) else ""
    what = f"{type(why).__name__}{code}"
    if mail.wait(timezone.now()):
        at = (mail.pk, what, mail.tries, mail.due_at)
        log.warning("Mail %s was not sent: %s (try %s, the next at %s).", *at)
    else:
        log.error("Mail %s was given up after %s tries: %s.", mail.pk, mail.tries, what)
        mail.delete()


@task
def deliver_mail_task() -> int:
    return deliver_mail()
