"""Signing up and in as allauth does it, in one short transaction and with the right status."""

from typing import Any

from allauth.account.views import LoginView, SignupView
from allauth.socialaccount.views import SignupView as SocialSignupView
from django.core.exceptions import NON_FIELD_ERRORS
from django.db import transaction
from django.http import HttpResponse

from prompts_app.views.limits import FIVE_MINUTES_S, told_to_wait


class AllOrNothing:
    """The account, its address, the mail and the session are there together, or none of them is."""

    request: Any

    def form_valid(self, form: Any) -> HttpResponse:
        form.hash_password()
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)  # type: ignore[misc]  # the view's beside it
            self.request.session.save()
        return response


class SignUp(AllOrNothing, SignupView):  # type: ignore[misc]  # allauth has no types
    pass


class SocialSignUp(AllOrNothing, SocialSignupView):  # type: ignore[misc]
    pass


class SignIn(LoginView):  # type: ignore[misc]
    def form_invalid(self, form: Any) -> HttpResponse:
        """After too many failed tries still the form, with what was typed."""
        response: HttpResponse = super().form_invalid(form)
        if form.has_error(NON_FIELD_ERRORS, "too_many_login_attempts"):
            # As allauth's "login_failed" has it, and as the form says.
            return told_to_wait(response, FIVE_MINUTES_S)
        return response
