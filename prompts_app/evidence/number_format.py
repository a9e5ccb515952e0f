"""How figures are written, on pages and in files. Each is a filter, too: see templatetags.evidence_tags."""

from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from prompts_app.engine.stats import wilson
from prompts_app.engine.wording import how_many

UNKNOWN = "unknown"


def percent_range(low: float, high: float) -> str:
    """Both ends in 0..1 as "80–99%". Only a whole 0 or 1 is written as 0 or 100."""
    return f"{whole_percent(low)}–{whole_percent(high)}%"


def interval(passed: int, cases: int) -> str:
    """The Wilson 95% interval of ``passed`` of ``cases``: "80–99%"."""
    return percent_range(*wilson(passed, cases)) if cases else UNKNOWN


def whole_percent(share: float) -> int:
    """Only all is 100 and only none is 0: 199 of 200 is 99."""
    if share in (0, 1):
        return int(share * 100)
    return min(99, max(1, round(share * 100)))


def dollars(amount: Decimal | float | str | None) -> str:
    """US dollars; two significant digits below a dollar. Unknown is "unknown", never $0."""
    try:
        value = Decimal(str(amount)) if amount not in (None, "") else None
    except InvalidOperation:
        value = None
    if value is None or not value.is_finite():
        return UNKNOWN
    if value == 0 or abs(value) >= 1:
        return f"${value:,.2f}" if value else "$0"
    places = 1 - value.adjusted()
    return f"${round(value, places):.{max(places, 2)}f}"


def seconds_of_ms(milliseconds: float | str | None) -> str:
    """A time in ms as "85 ms", "0.85 s", "1.9 s" or "12 s"."""
    if not isinstance(milliseconds, int | float):
        return UNKNOWN
    if milliseconds < 99.5:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 0.995:
        return f"{seconds:.2f} s"
    return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:,.0f} s"


def duration(seconds: float | None) -> str:
    """ "8 s", "3 min 20 s", "2 h 5 min"; "unknown" for None."""
    if seconds is None:
        return UNKNOWN
    minutes, left = divmod(round(seconds), 60)
    if not minutes:
        return f"{left} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {left} s"


def as_datetime(value: datetime | date | str | None) -> datetime | date | None:
    """A date as it is, or parsed from its ISO form (evidence summaries are JSON), else None."""
    if isinstance(value, datetime | date) or not value:
        return value or None
    try:
        return parse_datetime(value) or parse_date(value)
    except ValueError:
        return None


def short_date(value: datetime | date | str | None) -> str:
    """ "14 Nov", with the year where it is not this one; "" for none."""
    when = as_datetime(value)
    if when is None:
        return ""
    return f"{when:%-d %b}" if when.year == timezone.now().year else f"{when:%-d %b %Y}"


def full_date(value: datetime | date | str | None) -> str:
    """ "14 Nov 2026"; "" for none."""
    when = as_datetime(value)
    return f"{when:%-d %b %Y}" if when else ""


def whole(value: float | str | None) -> str:
    """A count or median as a whole number, with "unknown" for none."""
    return f"{value:,.0f}" if isinstance(value, int | float) else UNKNOWN


def signed(value: float) -> str:
    """A change as a whole number with its sign: "+35", "−4", "±0"."""
    number = round(value)
    return f"+{number}" if number > 0 else f"−{-number}" if number else "±0"


def date_range(first: datetime | date | str | None, last: datetime | date | str | None) -> str:
    """ "16 Mar to 5 Oct", with years as in ``short_date``; one date where both are the same day."""
    start, end = as_datetime(first), as_datetime(last)
    if start is None or end is None or full_date(start) == full_date(end):
        return short_date(end or start)
    if start.year != end.year:
        return f"{full_date(start)} to {full_date(end)}"
    return f"{start:%-d %b} to {short_date(end)}"


def not_judged(outputs: int) -> str:
    """What stands in place of a rate where nothing judged what came: "12 outputs, not judged"."""
    return f"{how_many(outputs, 'output')}, not judged"


def untested(deleted: int, ended_early: int = 0) -> str:
    """What stands where no output counts: neither deleting every run nor cancelling it makes a prompt an
    untested one."""
    told = [f"{deleted:,} deleted by the author"] if deleted else []
    told += [f"{ended_early:,} ended early"] if ended_early else []
    return ", ".join(["no run that counts", *told]) if told else "not tested yet"


def iso_date(value: datetime | date | str | None) -> str:
    """2026-11-14, for the attribute of a <time>; "" for none."""
    when = as_datetime(value)
    return f"{when:%Y-%m-%d}" if when else ""


def days_ago(value: datetime | date | str | None) -> str:
    """ "today", "yesterday" or "4 days ago"; "" for none."""
    when = as_datetime(value)
    if when is None:
        return ""
    day = when.date() if isinstance(when, datetime) else when
    days = max(0, (timezone.now().date() - day).days)
    return {0: "today", 1: "yesterday"}.get(days, f"{days:,} days ago")
