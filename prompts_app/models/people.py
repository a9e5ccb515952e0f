"""People: an account, whose user name is its handle, and the profile it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models.functions import Lower
from django.urls import reverse

from prompts_app.models.text import refuse_invisible, refuse_nul
from prompts_app.models.visibility import Visibility

HANDLE_PATTERN = r"[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){2,29}"
RESERVED_HANDLES = frozenset(
    """
    about abuse accounts account admin administrator api app assets atom auth badge blog card contact
    dashboard docs edit explore favicon feed feeds healthz help home imprint interview jwks legal login
    logout mail me
    media messages models moderator new news null official owner postmaster press pricing privacy profile
    prompts proofsheet random report results robots root search security sessions settings share signin
    signout signup sitemap staff static status studio support system tags team terms undefined user users
    verify well-known webmaster www
    """.split()
)


def refuse_reserved(value: str) -> None:
    """Handles that would read as a part of the site or as somebody official."""
    if value.lower() in RESERVED_HANDLES:
        raise ValidationError(
            f"“{value}” is kept for the site itself. Choose another handle.", code="reserved"
        )


handle_validators: list[Callable[[str], None]] = [
    RegexValidator(
        rf"^{HANDLE_PATTERN}\Z",
        "A handle has 3 to 30 characters: small letters a–z, digits and single hyphens inside it.",
    ),
    refuse_reserved,
]


class PersonManager(UserManager["User"]):
    def with_handle(self, handle: str) -> models.QuerySet[User]:
        """At most one: handles are unique whatever their case."""
        return self.filter(username=handle.lower(), is_active=True)

    def has_taken(self, handle: str, *, besides: User | None = None) -> bool:
        """Whether somebody other than ``besides`` has this handle, or had it: its addresses are theirs."""
        handle = handle.lower()
        others, former = self.filter(username=handle), FormerHandle.objects.filter(handle=handle)
        if besides is not None:
            others, former = others.exclude(pk=besides.pk), former.exclude(user=besides)
        return others.exists() or former.exists() or GoneHandle.objects.of(handle).exists()


class User(AbstractUser):
    """An account. The user name is the handle: always stored in small letters."""

    first_name = None  # type: ignore[assignment]  # one name field, on the profile
    last_name = None  # type: ignore[assignment]
    username = models.CharField(
        "handle",
        max_length=30,
        unique=True,
        validators=handle_validators,
        error_messages={"unique": "Somebody has this handle already. Choose another."},
    )

    objects: ClassVar[PersonManager] = PersonManager()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("username"), name="handle_unique_whatever_case")]

    @property
    def handle(self) -> str:
        return self.username

    def clean(self) -> None:
        self.username = self.username.lower()
        super().clean()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A new account gets its profile with it, whoever makes it: sign-up, ``createsuperuser``, a test."""
        self.username = self.username.lower()
        is_new = self._state.adding
        with transaction.atomic():
            super().save(*args, **kwargs)
            if is_new:
                Profile.objects.get_or_create(user=self)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Nobody else gets the handles of somebody who is gone, whoever deletes the account."""
        with transaction.atomic():
            GoneHandle.objects.keep(self.all_handles(), was_seen=self.is_seen)
            return super().delete(*args, **kwargs)

    def all_handles(self) -> list[str]:
        """This one, and those it had before."""
        return [self.handle, *self.former_handles.values_list("handle", flat=True)]

    @property
    def is_seen(self) -> bool:
        """Whether strangers see its page."""
        return self.is_active and self.profile.visibility != Visibility.PRIVATE

    def get_full_name(self) -> str:
        return self.display_name

    def get_short_name(self) -> str:
        return self.handle

    @property
    def display_name(self) -> str:
        """The profile's name, else the handle."""
        profile = getattr(self, "profile", None)
        return (profile.name if profile else "") or self.handle

    @property
    def operates_here(self) -> bool:
        """Whether this person runs the server, as far as it knows: said on every page of theirs."""
        return self.is_superuser or self.handle in settings.OPERATOR_HANDLES

    def get_absolute_url(self) -> str:
        return reverse("profile", args=[self.handle])


class Profile(models.Model):
    """What the page at ``/@handle/`` says about its author."""

    Visibility = Visibility

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="profile")
    name = models.CharField(max_length=80, blank=True, validators=[refuse_invisible])
    headline = models.CharField(max_length=200, blank=True, validators=[refuse_invisible])
    bio = models.TextField(max_length=4000, blank=True, validators=[refuse_nul])
    location = models.CharField(max_length=80, blank=True, validators=[refuse_invisible])
    availability = models.CharField(max_length=120, blank=True, validators=[refuse_invisible])
    # [{"label": str, "url": "https://…"}], in the author's order
    links = models.JSONField(default=list, blank=True)
    contact_email = models.EmailField(blank=True)
    visibility = models.CharField(max_length=8, choices=Visibility, default=Visibility.PUBLIC)
    # Made by the maintainers to show what evidence looks like; every page of such an author says so.
    is_sample = models.BooleanField(default=False)
    # Tombstones of runs whose prompt is gone as well; those of a prompt that is there stand with it.
    deleted_runs = models.PositiveIntegerField(default=0)
    face_digest = models.CharField(max_length=64, blank=True)  # SHA-256 of the author's picture; "": none

    def __str__(self) -> str:
        return f"@{self.user.handle}"

    @property
    def initials(self) -> str:
        """What stands where there is no picture: the first letters of the first and the last name."""
        words = [word for word in self.user.display_name.split() if word[0].isalnum()] or [self.user.handle]
        return "".join(word[0] for word in dict.fromkeys((words[0], words[-1]))).upper()[:2]


class Face(models.Model):
    """The author's picture, a square WebP, apart from the profile so that no page reads it by the way."""

    profile = models.OneToOneField(Profile, on_delete=models.CASCADE, related_name="face")
    data = models.BinaryField()

    def __str__(self) -> str:
        return f"picture of {self.profile}"


class FormerHandle(models.Model):
    """A handle somebody had: its addresses lead to the new one, and nobody else may take it."""

    handle = models.CharField(max_length=30, unique=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="former_handles")

    def __str__(self) -> str:
        return self.handle


class GoneHandleQuerySet(models.QuerySet["GoneHandle"]):
    def of(self, handle: str) -> Self:
        """At most one."""
        return self.filter(digest=digest_of_handle(handle))

    def keep(self, handles: Iterable[str], *, was_seen: bool) -> None:
        rows = [GoneHandle(digest=digest_of_handle(h), was_seen=was_seen) for h in handles]
        self.bulk_create(rows, update_conflicts=True, unique_fields=["digest"], update_fields=["was_seen"])


def digest_of_handle(handle: str) -> str:
    """What is stored of a handle that is gone. No secret is in it: a new one would free it (ADR 0017)."""
    return sha256(f"proofsheet handle {handle.lower()}".encode()).hexdigest()


class GoneHandle(models.Model):
    """A handle nobody may take although no account has it, until the operator frees it.
    Which one it is stands nowhere."""

    digest = models.CharField(max_length=64, unique=True)
    # Whether strangers saw its page on the last day: only then do its addresses say that it is gone.
    was_seen = models.BooleanField(default=False)

    objects = GoneHandleQuerySet.as_manager()

    def __str__(self) -> str:
        return self.digest[:12]
