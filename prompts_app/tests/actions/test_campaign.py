"""A short version of benchmarks/kills.py: workers told to stop and killed in turn, over several runs."""

import signal
from pathlib import Path

import pytest

from prompts_app.tests.campaign import AT_ONCE, campaign

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_six_kills_lose_nothing_double_nothing_and_leave_no_error(tmp_path: Path) -> None:
    cost = campaign(tmp_path, 6, [signal.SIGTERM, signal.SIGKILL], side_by_side=3, seed=8)
    assert cost.is_nothing, cost
    assert cost.slowest_end_s < 10
    assert cost.again <= 3 * 3 * AT_ONCE  # what was in flight at the three that were not told
