"""Since when others could open a prompt, for those that were there before it was written down."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from prompts_app.actions.sharing.links import Choice, create_link
from prompts_app.models import Prompt, ShareLink, Visibility
from prompts_app.tests.factories import PromptFactory
from prompts_app.tests.people import alice

pytestmark = pytest.mark.django_db

EARLY, LATE = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)


def test_it_is_filled_in_as_far_as_dates_and_links_tell() -> None:
    for slug in ("never", "public", "taken-back", "unlisted", "by-link", "in-a-link-not-shown"):
        PromptFactory(owner=alice(), slug=slug)
    by_slug = {prompt.slug: prompt for prompt in Prompt.objects.all()}
    create_link(alice(), Choice("One", [by_slug["by-link"], by_slug["taken-back"]], although_private=True))
    create_link(alice(), Choice("Two", [by_slug["in-a-link-not-shown"]]))
    ShareLink.objects.update(created_at=EARLY)
    Prompt.objects.filter(slug__in=["public", "taken-back"]).update(published_at=LATE)
    Prompt.objects.filter(slug="public").update(visibility=Visibility.PUBLIC)
    Prompt.objects.filter(slug="unlisted").update(visibility=Visibility.UNLISTED, created_at=EARLY)
    Prompt.objects.update(seen_since=None)
    import_module("prompts_app.migrations.0016_who_answered").fill_seen_since(
        apps, connection.schema_editor()
    )
    assert dict(Prompt.objects.values_list("slug", "seen_since")) == {
        "never": None,
        "in-a-link-not-shown": None,
        "public": LATE,
        "taken-back": EARLY,
        "unlisted": EARLY,
        "by-link": EARLY,
    }
