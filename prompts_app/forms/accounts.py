"""What django-allauth asks, in our words: its forms.

allauth has no types, so its classes are ``Any`` to mypy; each ``type: ignore[misc]`` below is for that.
"""

import struct
from typing import Any

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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            for attribute in ("placeholder", "maxlength"):
                field.widget.attrs.pop(attribute, None)
            if isinstance(field.widget, forms.PasswordInput):
                self._plain_password(name, field)
            if isinstance(field, forms.EmailField):
                field.label = "E-mail"
                field.validators.append(MaxLengthValidator(LONGEST_EMAIL))
            if name == "code":
                field.widget.attrs |= {"inputmode": "numeric", "spellcheck": "false"}

    def _plain_password(self, name: str, field: forms.Field) -> None:
        field.help_text = HINT if name == "password1" else ""
        field.validators.append(_refuse_endless)


def _refuse_endless(value: str) -> None:
    if len(value) > LONGEST_PASSWORD:
        raise ValidationError(f"A password has at most {LONGEST_PASSWORD} characters.")


class AsksForHandle(Plain):
    """Signing up, by e-mail or with GitHub: the handle is always chosen, never made up."""

    password_hash = ""  # of who signs up by e-mail

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        handle = HandleField(initial=self.initial.get("username"))
        handle.widget.attrs |= {"autocomplete": "username"}
        self.fields["username"] = handle
        self.order_fields(["email", "username", "password1"])
        self.fields["email"].help_text = "For signing in and resetting your password. It is never shown."

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
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        login = self.fields["login"]
        login.label = "E-mail or handle"
        login.validators += [refuse_nul]
        login.widget.attrs |= {"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        self.fields["remember"].label = "Keep me signed in on this browser"


class ResetPasswordForm(Plain, account.ResetPasswordForm):  # type: ignore[misc]
    def clean_email(self) -> str:
        email: str = super().clean_email()
        self.users = [user for user in accounts_at(email) if user.is_active]
        return email


class ResetPasswordKeyForm(Plain, account.ResetPasswordKeyForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].label, self.fields["password2"].label = "New password", "New password again"


class ChangePasswordForm(Plain, account.ChangePasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].label = "Current password"
        self.fields["password1"].label, self.fields["password2"].label = "New password", "New password again"


class SetPasswordForm(Plain, account.SetPasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password2"].label = "Password again"


class AddEmailForm(Plain, account.AddEmailForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = "New e-mail"


class ReauthenticateForm(Plain, account.ReauthenticateForm):  # type: ignore[misc]
    pass


class CodeForm(Plain, mfa.AuthenticateForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].help_text = "Six digits from your authenticator app, or a recovery code."


class ReauthenticateCodeForm(Plain, mfa.ReauthenticateForm):  # type: ignore[misc]
    pass


class ActivateTOTPForm(Plain, totp.ActivateTOTPForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = "Code from the app"


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


class ReadsPasskey(Plain):
    """A forged or cut answer is refused; the libraries behind raise whatever they trip over in it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["credential"] = CredentialField(error_messages={"required": NO_PASSKEY})

    def full_clean(self) -> None:
        try:
            super().full_clean()
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            RecursionError,
            TypeError,
            ValueError,
            struct.error,
        ):
            self.add_error("credential", NO_PASSKEY)


class LoginPasskeyForm(ReadsPasskey, webauthn.LoginWebAuthnForm):  # type: ignore[misc]
    pass


class PasskeyForm(ReadsPasskey, webauthn.AuthenticateWebAuthnForm):  # type: ignore[misc]
    pass


class ReauthenticatePasskeyForm(ReadsPasskey, webauthn.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    pass


class NamesPasskey(Plain):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name = self.fields["name"]
        name.validators += [refuse_invisible, _refuse_long_name]
        name.help_text = "What you will know this device by, such as “Laptop” or “Blue key”."
        name.widget.attrs["autocomplete"] = "off"


def _refuse_long_name(value: str) -> None:
    if len(value) > 60:
        raise ValidationError("A name has at most 60 characters.")


class AddPasskeyForm(NamesPasskey, ReadsPasskey, webauthn.AddWebAuthnForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        passwordless = self.fields["passwordless"]
        passwordless.label = "Sign in with this passkey alone"
        passwordless.initial = True
        passwordless.help_text = (
            "The device asks for your finger, face or PIN. Without it, the passkey is a second step."
        )


class EditPasskeyForm(NamesPasskey, webauthn.EditWebAuthnForm):  # type: ignore[misc]
    pass
