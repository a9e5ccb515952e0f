"""What django-allauth asks, in our words: its forms.

allauth has no types, so its classes are ``Any`` to mypy; each ``type: ignore[misc]`` below is for that.
"""

import struct
from typing import Any, ClassVar

from allauth.account import forms as account
from allauth.account.adapter import get_adapter
from allauth.mfa.base import forms as mfa
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn
from allauth.socialaccount import forms as social
from allauth.socialaccount.adapter import get_adapter as get_social_adapter
from django import forms
from django.contrib import messages
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from prompts_app.actions.accounts.email_addresses import accounts_at, has_to_be_told
from prompts_app.engine.budget import MOST_VALUES_TYPED, check_json
from prompts_app.forms.people import HandleField
from prompts_app.models import User
from prompts_app.models.text import refuse_invisible, refuse_nul

HINT = "At least 8 characters; not only digits, not a common password, not like your handle or e-mail."
LONGEST_EMAIL = 254  # as the database has it
LONGEST_PASSWORD = 1000  # hashing a longer one costs the server time and its owner nothing


class Plain(forms.Form):
    """No placeholder in a label's place, no browser that cuts text short, no endless password."""

    labels: ClassVar[dict[str, str]] = {}
    help_texts: ClassVar[dict[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            for attribute in ("placeholder", "maxlength"):
                field.widget.attrs.pop(attribute, None)
            if isinstance(field.widget, forms.PasswordInput):
                field.help_text = HINT if name == "password1" else ""
                too_long = "A password has at most %(limit_value)d characters."
                field.validators.append(MaxLengthValidator(LONGEST_PASSWORD, too_long))
            if isinstance(field, forms.EmailField):
                field.label = "E-mail"
                field.validators.append(MaxLengthValidator(LONGEST_EMAIL))
            if name == "code":
                field.widget.attrs |= {"inputmode": "numeric", "spellcheck": "false"}
            field.label = self.labels.get(name, field.label)
            field.help_text = self.help_texts.get(name, field.help_text)


class AsksForHandle(Plain):
    """Signing up, by e-mail or with GitHub: the handle is always chosen, never made up."""

    help_texts = {"email": "For signing in and resetting your password. It is never shown."}
    password_hash = ""  # of who signs up by e-mail

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        handle = HandleField(initial=self.initial.get("username"))
        handle.widget.attrs |= {"autocomplete": "username"}
        self.fields["username"] = handle
        self.order_fields(["email", "username", "password1"])

    def hash_password(self) -> None:
        """It takes most of a second of a processor: to be done before anything is locked for writing."""
        if password := self.cleaned_data.pop("password1", ""):  # none with GitHub
            self.password_hash = make_password(password)

    def validate_unique_email(self, value: str) -> str:
        """Only who confirmed an address has it. Raises ValidationError where that may be said."""
        if has_to_be_told(value):
            raise get_adapter().validation_error("email_taken")
        return value

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """As allauth's; two that take one handle at the same moment end in a sentence."""
        try:
            with transaction.atomic():
                saved: tuple[User | None, HttpResponse | None] = super().try_save(request)  # type: ignore[misc]
                return saved
        except IntegrityError:
            messages.error(
                request, "This handle was taken a moment ago. If that was you, sign in; else choose another."
            )
            return None, redirect("account_signup")


class SignupForm(AsksForHandle, account.SignupForm):  # type: ignore[misc]
    pass


class SocialSignupForm(AsksForHandle, social.SignupForm):  # type: ignore[misc]
    def validate_unique_email(self, value: str) -> str:
        """As for everybody; of an address their GitHub account proves to be theirs they may know all."""
        proven = {at.email.lower() for at in self.sociallogin.email_addresses if at.verified}
        if has_to_be_told(value, to_owner=value in proven):
            name = self.sociallogin.provider.name
            raise get_social_adapter().validation_error("email_taken", name)
        return value


class LoginForm(Plain, account.LoginForm):  # type: ignore[misc]
    labels = {"login": "E-mail or handle", "remember": "Keep me signed in on this browser"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        login = self.fields["login"]
        login.validators += [refuse_nul]
        login.widget.attrs |= {"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}


class ResetPasswordForm(Plain, account.ResetPasswordForm):  # type: ignore[misc]
    def clean_email(self) -> str:
        email: str = super().clean_email()
        self.users = [user for user in accounts_at(email) if user.is_active]
        return email


NEW_PASSWORD = {"password1": "New password", "password2": "New password again"}


class ResetPasswordKeyForm(Plain, account.ResetPasswordKeyForm):  # type: ignore[misc]
    labels = NEW_PASSWORD


class ChangePasswordForm(Plain, account.ChangePasswordForm):  # type: ignore[misc]
    labels = {"oldpassword": "Current password", **NEW_PASSWORD}


class SetPasswordForm(Plain, account.SetPasswordForm):  # type: ignore[misc]
    labels = {"password2": "Password again"}


class AddEmailForm(Plain, account.AddEmailForm):  # type: ignore[misc]
    labels = {"email": "New e-mail"}


class ReauthenticateForm(Plain, account.ReauthenticateForm):  # type: ignore[misc]
    pass


class CodeForm(Plain, mfa.AuthenticateForm):  # type: ignore[misc]
    help_texts = {"code": "Six digits from your authenticator app, or a recovery code."}


class ReauthenticateCodeForm(Plain, mfa.ReauthenticateForm):  # type: ignore[misc]
    pass


class ActivateTOTPForm(Plain, totp.ActivateTOTPForm):  # type: ignore[misc]
    labels = {"code": "Code from the app"}


NO_PASSKEY = "The passkey could not be read. Try again, or sign in another way."


class CredentialField(forms.JSONField):
    """What the browser says about a passkey; anybody may post anything here."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Any:
        try:
            check_json(str(value or ""), MOST_VALUES_TYPED)
            return super().to_python(value)
        except (ValueError, RecursionError):
            raise ValidationError(NO_PASSKEY) from None


_TRIPPED_OVER = (
    ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, struct.error,
)  # fmt: skip


class ReadsPasskey(Plain):
    """A forged or cut answer is refused; the libraries behind raise whatever they trip over in it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["credential"] = CredentialField(error_messages={"required": NO_PASSKEY})

    def full_clean(self) -> None:
        try:
            super().full_clean()
        except _TRIPPED_OVER:
            self.add_error("credential", NO_PASSKEY)


class LoginPasskeyForm(ReadsPasskey, webauthn.LoginWebAuthnForm):  # type: ignore[misc]
    pass


class PasskeyForm(ReadsPasskey, webauthn.AuthenticateWebAuthnForm):  # type: ignore[misc]
    pass


class ReauthenticatePasskeyForm(ReadsPasskey, webauthn.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    pass


class NamesPasskey(Plain):
    help_texts = {"name": "What you will know this device by, such as “Laptop” or “Blue key”."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name = self.fields["name"]
        name.validators += [
            refuse_invisible,
            MaxLengthValidator(60, "A name has at most %(limit_value)d characters."),
        ]
        name.widget.attrs["autocomplete"] = "off"


class AddPasskeyForm(NamesPasskey, ReadsPasskey, webauthn.AddWebAuthnForm):  # type: ignore[misc]
    labels = {"passwordless": "Sign in with this passkey alone"}
    help_texts = NamesPasskey.help_texts | {
        "passwordless": "The device asks for your finger, face or PIN. "
        "Without it, the passkey is a second step."
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["passwordless"].initial = True


class EditPasskeyForm(NamesPasskey, webauthn.EditWebAuthnForm):  # type: ignore[misc]
    pass
