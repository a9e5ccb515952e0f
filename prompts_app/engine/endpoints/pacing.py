"""When to ask again, and how long to wait first."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_WAIT_S = 8.0  # of our own choosing; a server may ask for more

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?")


@dataclass(frozen=True, slots=True)
class Pacing:
    """How patiently to ask again, in seconds. ``wait_budget_s`` bounds the sum of all waits of one call."""

    attempts: int = 5  # with their waits longer than a model server takes to start again
    first_wait_s: float = 0.5
    wait_budget_s: float = 60.0

    def backoff(self, attempt: int) -> float:
        """How long to wait after the given attempt (1 is the first): doubling, with jitter."""
        longest = min(self.first_wait_s * 2.0 ** (attempt - 1), LONGEST_WAIT_S)
        return float(longest) * random.uniform(0.5, 1.0)  # noqa: S311 jitter, not a secret


PACING = Pacing()


def asked_wait(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """How many seconds the server asks to wait, by ``Retry-After`` (seconds, "3s", or a date) or its kin.

    ``None`` where it does not say. Header names are lower case.
    """
    if milliseconds := _seconds(headers.get("retry-after-ms", "")):
        return milliseconds / 1000
    after, now = headers.get("retry-after", "").strip(), now or datetime.now(tz=UTC)
    if re.fullmatch(r"\d{10}(?:\.\d+)?", after):  # some servers say when, in seconds since 1970
        return max(0.0, float(after) - now.timestamp())
    seconds = parse_duration(after)
    return _until(after, now) if seconds is None else seconds


def spent_limit(headers: Mapping[str, str]) -> float | None:
    """Seconds until a used-up limit is reset, as OpenAI's and Groq's ``x-ratelimit-*`` headers tell it.

    ``None`` while there is room left, or where the server does not say.
    """
    waits = [
        parse_duration(headers.get(f"x-ratelimit-reset-{of}", ""))
        for of in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{of}", "").strip() == "0"
    ]
    return max((wait for wait in waits if wait is not None), default=None)


def parse_duration(text: str) -> float | None:
    """ "1s", "6m0s", "20ms", "1h2m3.5s" or plain seconds, in seconds."""
    if (seconds := _seconds(text)) is not None:
        return seconds
    found = _DURATION.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        return None
    hours, minutes, seconds_, milliseconds = (float(group or 0) for group in found.groups())
    return hours * 3600 + minutes * 60 + seconds_ + milliseconds / 1000


def _seconds(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\s*\d{1,9}(?:\.\d+)?\s*", text) else None


def _until(text: str, now: datetime) -> float | None:
    try:
        when = datetime.fromisoformat(text) if text[:4].isdigit() else parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - now).total_seconds())
