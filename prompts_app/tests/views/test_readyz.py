"""/readyz says of each part of the site whether it is at work, and asks the database at most every 2 s."""

from collections import namedtuple
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from prompts_app.actions import tasks
from prompts_app.actions.site import health
from prompts_app.models import Heartbeat, Import
from prompts_app.tests.people import alice
from prompts_app.views.public import health as page

pytestmark = pytest.mark.django_db

Usage = namedtuple("Usage", "free")


@pytest.fixture(autouse=True)
def _nothing_is_known_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "_known", None)
    monkeypatch.setattr(health, "_next_beat", 0.0)


@pytest.fixture
def at_work() -> None:
    tasks.look_after()
    tasks.each_minute()


def ready() -> tuple[int, dict[str, str]]:
    response = Client().get("/readyz")
    assert response.headers["Cache-Control"] == "no-store"
    return response.status_code, dict(line.split(": ") for line in response.content.decode().splitlines())


def test_with_a_worker_at_work_all_is_ok(at_work: None) -> None:
    assert ready() == (200, {"database": "ok", "worker": "ok", "queue": "ok", "disk": "ok"})


def test_without_a_worker_it_is_not() -> None:
    assert ready() == (503, {"database": "ok", "worker": "not ok", "queue": "not ok", "disk": "ok"})


@pytest.mark.parametrize(
    ("part", "after_s"), [("worker", health.WORKER_SEEN_WITHIN_S), ("queue", health.QUEUE_MOVED_WITHIN_S)]
)
def test_a_part_that_was_last_seen_too_long_ago_is_not(at_work: None, part: str, after_s: float) -> None:
    Heartbeat.objects.filter(part=part).update(at=timezone.now() - timedelta(seconds=after_s + 1))
    status, parts = ready()
    assert (status, [name for name, said in parts.items() if said != "ok"]) == (503, [part])


@pytest.mark.parametrize(
    ("what", "answer", "part"),
    [
        ("prompts_app.actions.site.health.shutil.disk_usage", lambda path: Usage(1), "disk"),
        ("prompts_app.actions.site.health._can_write", lambda: Path("/nowhere").stat(), "database"),
    ],
)
def test_a_full_disk_and_a_database_that_cannot_be_written_are_told(
    at_work: None, what: str, answer: Callable[..., Any], part: str
) -> None:
    with patch(what, answer):
        status, parts = ready()
    assert (status, [name for name, said in parts.items() if said != "ok"]) == (503, [part])


def test_a_database_that_is_away_is_told() -> None:
    with patch.object(Heartbeat.objects, "beat", side_effect=DatabaseError("gone")):
        assert ready()[1]["database"] == "not ok"


def test_however_often_it_is_asked_it_writes_once(count_queries: Callable[..., int]) -> None:
    assert count_queries(ready) > 0
    assert count_queries(ready) == 0


def test_each_day_uploads_nobody_said_yes_to_are_thrown_away() -> None:
    old, new = (Import.objects.create(owner=alice(), name=n, data=b"x") for n in ("old", "new"))
    Import.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=8))
    tasks.each_day()
    assert list(Import.objects.all()) == [new]
