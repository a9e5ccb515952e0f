"""When to ask again: what servers ask for, and our own patience."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.endpoints.pacing import (
    LONGEST_WAIT_S,
    Pacing,
    asked_wait,
    parse_duration,
    spent_limit,
)

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "5"}, 5.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:30"}, 30.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "1e999"}, None),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:30 +99999999999999"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_wait(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1.0), ("6m0s", 360.0), ("20ms", 0.02), ("1h2m3.5s", 3723.5), ("7", 7.0), ("", None), ("x", None)],
)
def test_durations_are_read_as_providers_write_them(text: str, seconds: float | None) -> None:
    assert parse_duration(text) == seconds


def test_a_used_up_limit_is_noticed_before_it_hurts() -> None:
    used = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2s"}
    assert spent_limit(used) == 2.0
    assert spent_limit({**used, "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6s"}) == 6.0
    assert spent_limit({**used, "x-ratelimit-remaining-requests": "1"}) is None
    assert spent_limit({}) is None


@given(st.text(max_size=30))
def test_no_header_breaks_the_reading(text: str) -> None:
    wait = asked_wait({"retry-after": text})
    assert wait is None or wait >= 0
    duration = parse_duration(text)
    assert duration is None or duration >= 0


@given(st.integers(1, 40))
def test_waits_double_with_jitter_up_to_a_limit(attempt: int) -> None:
    wait = Pacing(first_wait_s=0.5).backoff(attempt)
    longest = min(0.5 * 2 ** (attempt - 1), LONGEST_WAIT_S)
    assert longest / 2 <= wait <= longest
