"""A model server for the tests of actions."""

from collections.abc import Iterator

import pytest

from prompts_app.tests.actions.running import YES
from prompts_app.tests.engine.servers import OddServer, answering


@pytest.fixture
def yes() -> Iterator[OddServer]:
    """A model server that always says yes."""
    with answering(YES) as server:
        yield server
