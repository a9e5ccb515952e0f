"""Share links: made, changed, given a new address, taken back, unlocked, and their opens counted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from prompts_app.engine.errors import Refused
from prompts_app.models import Prompt, ShareLink, ShareLinkOpens, ShareLinkPrompt, User

MOST_LINKS = 500  # of one author
DAYS_SHOWN = 30


@dataclass(frozen=True, slots=True)
class PromptChoice:
    """What an author chose for a link. ``prompts`` are in the order they are shown in."""

    label: str
    prompts: Sequence[Prompt]
    note: str = ""
    expires_at: datetime | None = None
    passphrase: str | None = None  # None leaves it as it is, "" takes it off
    although_private: bool = False  # shows chosen prompts that are private, too


def create_link(owner: User, choice: PromptChoice) -> tuple[ShareLink, str]:
    """The link and its token, which is known now and never again. Raises Refused."""
    if ShareLink.objects.owned_by(owner).count() >= MOST_LINKS:
        raise Refused(
            "too_many_links", f"You have {MOST_LINKS} links already. Delete one you no longer need."
        )
    link = ShareLink(owner=owner)
    token = link.new_token()
    change_link(link, choice)
    return link, token


def change_link(link: ShareLink, choice: PromptChoice) -> None:
    """Save ``choice`` in place of what the link was. Its address stays."""
    link.label, link.note, link.expires_at = choice.label, choice.note, choice.expires_at
    if choice.passphrase is not None:
        link.set_passphrase(choice.passphrase)
    with transaction.atomic():
        link.save()
        link.chosen.all().delete()
        ShareLinkPrompt.objects.bulk_create(
            ShareLinkPrompt(
                link=link,
                prompt=prompt,
                position=position,
                although_private=prompt.is_private and choice.although_private,
            )
            for position, prompt in enumerate(choice.prompts)
        )
        # Whoever has the link may have looked from this moment on.
        link.shown_prompts().filter(seen_since=None).update(seen_since=timezone.now())


def renew_link(link: ShareLink) -> str:
    """A new token for the link, which lives again if it was revoked; the old address opens nothing."""
    token = link.new_token()
    link.revoked_at = None
    link.save(update_fields=["token_hash", "revoked_at"])
    return token


def revoke_link(link: ShareLink) -> None:
    """From now on its address opens nothing. The moment of the first time stays."""
    link.revoked_at = link.revoked_at or timezone.now()
    link.save(update_fields=["revoked_at"])


# --- the passphrase ------------------------------------------------------------------------------------


def unlock(link: ShareLink, typed: str) -> str | None:
    """What a browser keeps to be let in again; None for a wrong passphrase."""
    return pass_for(link) if link.is_passphrase(typed) else None


def pass_for(link: ShareLink) -> str:
    """Signed with the site's secret, good for this link and its present passphrase only."""
    return salted_hmac("share-link-pass", f"{link.pk}:{link.passphrase}", algorithm="sha256").hexdigest()


def lets_in(link: ShareLink, kept: object) -> bool:
    """Whether the link needs no passphrase, or ``kept`` is what ``unlock`` gave for it."""
    return not link.passphrase or (isinstance(kept, str) and constant_time_compare(kept, pass_for(link)))


# --- opens -----------------------------------------------------------------------------------------------


def count_open(link: ShareLink) -> None:
    """One more for today (UTC). Nothing else of the visit is kept."""
    today = timezone.now().date()
    row, _ = ShareLinkOpens.objects.get_or_create(link=link, day=today)
    ShareLinkOpens.objects.filter(pk=row.pk).update(count=F("count") + 1)


def opens_by_day(links: Iterable[ShareLink]) -> dict[int, list[tuple[date, int]]]:
    """Link → its opens on each of the last 30 days, oldest first; one query."""
    today = timezone.now().date()
    days = [today - timedelta(days=back) for back in reversed(range(DAYS_SHOWN))]
    counted: dict[int, dict[date, int]] = {link.pk: {} for link in links}
    rows = ShareLinkOpens.objects.filter(link__in=counted, day__gte=days[0])
    for link_id, day, count in rows.values_list("link_id", "day", "count"):
        counted[link_id][day] = count
    return {link_id: [(day, of_link.get(day, 0)) for day in days] for link_id, of_link in counted.items()}
