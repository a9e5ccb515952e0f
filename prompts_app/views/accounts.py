"""Signing up as django-allauth does it, in one short transaction."""

from typing import Any

from allauth.account.views import SignupView
from allauth.socialaccount.views import SignupView as SocialSignupView
from django.db import transaction
from django.http import HttpResponse


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
