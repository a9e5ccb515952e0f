"""The operator's view of the data: for looking and for taking down, never for editing evidence.

Everything is read-only but three switches: an account on or off, a profile or a prompt made private.
Keys, second-factor secrets and access tokens are never shown. Accounts are deleted by their owners.
"""

from typing import Any

import allauth.mfa.admin
import allauth.socialaccount.admin  # noqa: F401  # both register what is taken off below, in this order
from allauth.account.decorators import secure_admin_login
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialApp, SocialToken
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from prompts_app.evidence.listings import refresh
from prompts_app.models import Endpoint, Profile, Prompt, Result, Run, User, Version, Visibility

# Signing in to the admin goes through the site's own door: rate limits, passkeys and second steps count.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = "Proofsheet"
admin.site.index_title = "For whoever runs this server"

# allauth shows these with their secrets.
admin.site.unregister([Authenticator, SocialApp, SocialToken])


class LookOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def _say(self, request: HttpRequest, rows: QuerySet[Any], what: str) -> None:
        """Into the admin's history of each row, and on the page."""
        for row in rows:
            self.log_change(request, row, what)
        self.message_user(request, f"{len(rows)} {what}.", messages.SUCCESS)


class MayAct(LookOnly):
    """No field can be edited, but its actions may be used by staff who may change such rows."""

    def has_act_permission(self, request: HttpRequest) -> bool:
        return super(LookOnly, self).has_change_permission(request)


@admin.register(User)
class UserAdmin(MayAct):
    list_display = ("username", "email", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff", "profile__visibility")
    search_fields = ("username", "email", "former_handles__handle", "profile__name")
    fields = ("username", "email", "is_active", "is_staff", "is_superuser", "date_joined", "last_login")
    actions = ("switch_off", "switch_on", "hide_profile")

    @admin.action(description="Switch off: hide everything, refuse to sign in", permissions=["act"])
    def switch_off(self, request: HttpRequest, users: QuerySet[User]) -> None:
        others = users.exclude(username=request.user.get_username())  # nobody locks themselves out
        others.update(is_active=False)
        self._say(request, others, "switched off")

    @admin.action(description="Switch on again", permissions=["act"])
    def switch_on(self, request: HttpRequest, users: QuerySet[User]) -> None:
        users.update(is_active=True)
        refresh(Prompt.objects.filter(owner__in=users))
        self._say(request, users, "switched on")

    @admin.action(description="Make the profile private, and all prompts with it", permissions=["act"])
    def hide_profile(self, request: HttpRequest, users: QuerySet[User]) -> None:
        Profile.objects.filter(user__in=users).update(visibility=Profile.Visibility.PRIVATE)
        self._say(request, users, "profiles made private")


@admin.register(Prompt)
class PromptAdmin(MayAct):
    list_display = ("title", "owner", "visibility", "evidence_level", "published_at", "updated_at")
    list_filter = ("visibility", "task", "evidence_level")
    list_select_related = ("owner",)
    search_fields = ("title", "slug", "summary", "owner__username")
    actions = ("take_down",)

    @admin.action(description="Take down: make private", permissions=["act"])
    def take_down(self, request: HttpRequest, prompts: QuerySet[Prompt]) -> None:
        prompts.update(visibility=Visibility.PRIVATE)
        self._say(request, prompts, "taken down")


@admin.register(Version)
class VersionAdmin(LookOnly):
    list_display = ("prompt", "number", "created_at")
    list_select_related = ("prompt",)
    search_fields = ("prompt__title", "prompt__owner__username")


@admin.register(Run)
class RunAdmin(LookOnly):
    list_display = ("public_id", "prompt", "version", "model", "source", "state", "created_at")
    list_filter = ("source", "state")
    list_select_related = ("prompt", "version")
    search_fields = ("public_id", "model", "prompt__title", "prompt__owner__username")


@admin.register(Result)
class ResultAdmin(LookOnly):
    list_display = ("public_id", "run", "case_index", "repeat", "passed", "error_kind", "created_at")
    list_filter = ("passed", "error_kind")
    list_select_related = ("run__version",)
    search_fields = ("public_id", "run__public_id")


@admin.register(Endpoint)
class EndpointAdmin(LookOnly):
    list_display = ("name", "owner", "kind", "base_url", "with_key", "last_tested_at")
    list_filter = ("kind",)
    list_select_related = ("owner",)
    search_fields = ("name", "base_url", "owner__username")
    exclude = ("encrypted_key",)

    @admin.display(description="has a key", boolean=True)
    def with_key(self, endpoint: Endpoint) -> bool:
        return endpoint.has_key


@admin.register(Authenticator)
class AuthenticatorAdmin(LookOnly):
    """Which second factors an account has, so that a lost one can be taken off; never what they hold."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    list_select_related = ("user",)
    search_fields = ("user__username",)
    exclude = ("data",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super(LookOnly, self).has_delete_permission(request, obj)
