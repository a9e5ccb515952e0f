"""Signing up as django-allauth does it, in one short transaction."""

from __future__ import annotations

from typing import Any

from allauth.account.views import SignupView
from django.db import transaction
from django.http import HttpResponse


class SignUp(SignupView):  # type: ignore[misc]  # allauth has no types
    def form_valid(self, form: Any) -> HttpResponse:
        """The account, its address, the mail and the session are there together, or none of them is."""
        form.hash_password()
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
            self.request.session.save()
        return response
