"""Share links: chosen work for one recipient, at an address nobody can guess and its author can take back."""

from __future__ import annotations

import secrets
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db import models
from django.db.models import Q, Sum
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone

from prompts_app.models.ids import public_id
from prompts_app.models.prompts import Prompt, PromptQuerySet
from prompts_app.models.text import refuse_invisible, refuse_nul
from prompts_app.models.visibility import Visibility

if TYPE_CHECKING:
    from prompts_app.models.people import User

TOKEN_BYTES = 24  # 192 bits: nobody finds one by trying


def hash_of(token: str) -> str:
    """What is stored of a token: enough to know it again, nothing to open a page with."""
    return sha256(token.encode("utf-8", "replace")).hexdigest()


class ShareLinkQuerySet(models.QuerySet["ShareLink"]):
    def owned_by(self, user: User) -> Self:
        return self.filter(owner=user)

    def open_at(self, now: datetime) -> Self:
        """Neither expired nor taken back, and of somebody who is there."""
        lasting = Q(expires_at=None) | Q(expires_at__gt=now)
        return self.filter(lasting, revoked_at=None, owner__is_active=True)

    def with_token(self, token: str) -> Self:
        """At most one."""
        return self.filter(token_hash=hash_of(token))

    def with_opens(self) -> Self:
        """With ``opened``, how often each was opened in all."""
        return self.annotate(opened=Coalesce(Sum("opens__count"), 0))


class ShareLink(models.Model):
    """A selection of prompts for one recipient. The token itself is shown once and never stored."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="share_links")
    # For the studio's own addresses; it says nothing of the token and opens nothing for anybody else.
    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    token_hash = models.CharField(max_length=64, unique=True)
    label = models.CharField(max_length=80, validators=[refuse_invisible])  # for the author's eyes only
    note = models.TextField(max_length=2000, blank=True, validators=[refuse_nul])
    passphrase = models.CharField(max_length=128, blank=True)  # as Django stores passwords; "" for none
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    prompts = models.ManyToManyField(Prompt, through="ShareLinkPrompt", related_name="share_links")

    objects = ShareLinkQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.label

    def get_absolute_url(self) -> str:
        return reverse("studio_link", args=[self.public_id])

    def new_token(self) -> str:
        """Give the link another address, not saved yet: the old one opens nothing any more."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self.token_hash = hash_of(token)
        return token

    def set_passphrase(self, passphrase: str) -> None:
        self.passphrase = make_password(passphrase) if passphrase else ""

    def is_passphrase(self, typed: str) -> bool:
        return check_password(typed, self.passphrase)

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def is_open(self) -> bool:
        return self.revoked_at is None and not self.is_expired

    def shown_prompts(self) -> PromptQuerySet:
        """What the recipient sees, in the author's order."""
        shown = ShareLinkPrompt.objects.shown().filter(link=self)
        return Prompt.objects.filter(share_link_prompts__in=shown).order_by("share_link_prompts__position")


class ShareLinkPromptQuerySet(models.QuerySet["ShareLinkPrompt"]):
    def shown(self) -> Self:
        """All but prompts that are private now and were not chosen as such: unpublishing works here too."""
        shown = Q(although_private=True) | ~Q(prompt__visibility=Visibility.PRIVATE)
        return self.filter(shown, prompt__deleted_at=None)


class ShareLinkPrompt(models.Model):
    """One chosen prompt, at its place."""

    link = models.ForeignKey(ShareLink, on_delete=models.CASCADE, related_name="chosen")
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="share_link_prompts")
    position = models.PositiveSmallIntegerField()
    although_private = models.BooleanField(default=False)  # the author said so, in so many words

    objects = ShareLinkPromptQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["link", "prompt"], name="prompt_once_in_a_share_link")]
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return f"{self.position}: {self.prompt_id}"


class ShareLinkOpens(models.Model):
    """How often a link was opened on one day. Nothing of who opened it is stored anywhere."""

    link = models.ForeignKey(ShareLink, on_delete=models.CASCADE, related_name="opens")
    day = models.DateField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["link", "day"], name="share_link_opens_once_a_day")]
        verbose_name_plural = "share link opens"

    def __str__(self) -> str:
        return f"{self.day}: {self.count}"
