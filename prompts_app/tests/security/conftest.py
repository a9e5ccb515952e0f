"""One world for each file of tests: built once, put back as it was after every test."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from prompts_app.tests.security.world import STANDING, build_world


@pytest.fixture(scope="module", autouse=True)
def standing_world(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Each test's own transaction is inside this one, so what it changes is gone before the next begins."""
    with django_db_blocker.unblock(), transaction.atomic():
        STANDING.append(build_world())
        yield
        STANDING.pop()
        transaction.set_rollback(True)
