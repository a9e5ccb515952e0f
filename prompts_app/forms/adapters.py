"""What django-allauth does and says, in our words: its adapters and its sign-in.

allauth has no types, so its classes are ``Any`` to mypy; each ``type: ignore[misc]`` below is for that.
"""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from prompts_app.actions.accounts.email_addresses import accounts_named, login_of, take_from_others
from prompts_app.actions.accounts.mail import queue_mail
from prompts_app.forms.people import HandleField
from prompts_app.models import User
from prompts_app.models.encryption import decrypt, encrypt


def _here(url: str) -> str:
    """The same page at the address people reach the site at."""
    parts = urlsplit(url)
    return settings.SITE_URL + urlunsplit(("", "", parts.path, parts.query, parts.fragment))


class AccountBackend(AuthenticationBackend):  # type: ignore[misc]
    """Signing in with a password: one account, by its handle or an address that is its own."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        """Raises PermissionDenied for a wrong password, so that no other backend hashes it again."""
        user: User | None = super().authenticate(request, **credentials)
        if user is None and credentials.get("password"):
            raise PermissionDenied
        return user

    def _authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        found = (
            self._check_password(user, credentials["password"])
            for user in accounts_named(login_of(credentials))
        )
        return next((user for user in found if user), None)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages = DefaultAccountAdapter.error_messages | {
        "account_inactive": "This account is switched off.",
        "cannot_remove_primary_email": "Your only address cannot be removed. Change it instead.",
        "duplicate_email": "This is your address already.",
        "email_taken": "This e-mail address has an account already. Sign in, or reset its password.",
        "enter_current_password": "This is not your current password. Type it again.",
        "incorrect_code": "This code is not right, or it is too old. Type the one shown now.",
        "incorrect_password": "This is not your password. Type it again.",
        "email_password_mismatch": "This address and this password do not belong together. Check both.",
        "username_password_mismatch": "This handle and this password do not belong together. Check both.",
        "invalid_login": "Type your e-mail address or your handle.",
        "too_many_login_attempts": "Too many failed attempts. Wait five minutes and try again.",
        "rate_limited": "Too many tries in a short time. Wait a minute and try again.",
        "username_taken": "Somebody has this handle, or had it before. Choose another.",
    }

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """With the hash the form made beforehand."""
        super().save_user(request, user, form, commit=False)
        user.password = getattr(form, "password_hash", "") or user.password
        if commit:
            user.save()
        return user

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        confirmed: bool = super().confirm_email(request, email_address)
        if confirmed:
            take_from_others(email_address)
        return confirmed

    def send_confirmation_mail(self, request: HttpRequest, emailconfirmation: Any, signup: bool) -> None:
        """To whoever has the address already: that somebody signed up with it. The page says the same."""
        email = emailconfirmation.email_address.email
        if signup and EmailAddress.objects.is_verified(email):
            self.send_account_already_exists_mail(email)
        else:
            super().send_confirmation_mail(request, emailconfirmation, signup)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Queued. Its links are made of SITE_URL alone: a request's Host is what its sender wrote."""
        links = {name: _here(url) for name, url in context.items() if name.endswith("_url")}
        site = {"email": email, "current_site": {"domain": urlsplit(settings.SITE_URL).netloc}}
        queue_mail(self.render_mail(template_prefix, email, {**context, **links, **site}))

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Tries are counted for the account, whichever of its names is typed and whatever the Host header."""
        login = login_of(credentials)
        named = accounts_named(login)
        return f"{settings.SITE_URL} {named[0].pk if len(named) == 1 else login.lower()}"

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGNUP_OPEN)

    def clean_username(self, username: str, shallow: bool = False) -> str:
        """A handle nobody else has or had. Raises ValidationError."""
        handle: str = HandleField().clean(username)
        if not shallow and User.objects.has_taken(handle):
            raise self.validation_error("username_taken")
        return handle


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    error_messages = DefaultSocialAccountAdapter.error_messages | {
        "email_taken": "This e-mail address has an account already. Sign in to it, then connect %s.",
        "no_password": "Set a password first: without one you could not sign in any more.",
        "no_verified_email": "Confirm your e-mail address first: without it you could not reset a password.",
        "disconnect_last": "This is your only way to sign in. Set a password first.",
        "connected_other": "That account is connected to another one here.",
    }

    def get_app(self, request: HttpRequest, provider: str, client_id: str | None = None) -> SocialApp:
        """The operator's keys for ``provider``. Raises Http404 where there are none."""
        try:
            return super().get_app(request, provider, client_id)
        except SocialApp.DoesNotExist:
            raise Http404 from None


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    error_messages = DefaultMFAAdapter.error_messages | {
        "unverified_email": "Confirm your e-mail address first. Then you can add a passkey or an app.",
        "incorrect_code": "This code is not right, or it is too old. Type the one shown now.",
        "cannot_generate_recovery_codes": "Add a passkey or an authenticator app first.",
    }

    def encrypt(self, text: str) -> str:
        """Secrets of authenticator apps and recovery codes are stored as endpoint keys are."""
        return encrypt(text).decode("ascii")

    def decrypt(self, encrypted_text: str) -> str:
        """Raises KeyUnreadable."""
        return decrypt(encrypted_text.encode("ascii"))

    def _get_site_name(self) -> str:
        return "Proofsheet"

    def get_totp_label(self, user: User) -> str:
        return f"@{user.handle}"

    def generate_authenticator_name(self, user: User, type: Any) -> str:
        """The name a new passkey starts with; its owner writes a better one."""
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return f"Passkey {count + 1}"
