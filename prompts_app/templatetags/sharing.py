"""What pages about share links draw."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from prompts_app.templatetags.written import short_date

register = template.Library()

PITCH, BAR, HEIGHT = 6, 4, 24  # in SVG units
MOST_NAMED = 5  # days with opens that are named before they are only summed


@register.simple_tag
def day_bars(days: Sequence[tuple[date, int]]) -> SafeString:
    """Opens by day as a small row of bars, oldest left; the highest day is as high as the row."""
    if not days:
        return mark_safe("")
    most = max(count for _, count in days) or 1
    width = len(days) * PITCH
    bars = "".join(
        _bar(place * PITCH, max(2, round(HEIGHT * count / most)))
        for place, (_, count) in enumerate(days)
        if count
    )
    return format_html(
        '<svg class="spark" width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="img" aria-label="{2}">'
        '<path class="axis" d="M0 {3}h{0}"/><path class="is" d="{4}"/></svg>',
        width,
        HEIGHT + 1,
        opens_in_words(days),
        HEIGHT + 0.5,
        bars,
    )


def _bar(x: int, height: int) -> str:
    return f"M{x} {HEIGHT}v-{height}h{BAR}v{height}z"


def opens_in_words(days: Sequence[tuple[date, int]]) -> str:
    """ "Last 30 days: 3 on 12 Nov, 1 on 14 Nov"."""
    opened = [(day, count) for day, count in days if count]
    start = f"Last {len(days)} days: "
    if not opened:
        return start + "not opened"
    if len(opened) > MOST_NAMED:
        return f"{start}{sum(count for _, count in opened)} opens on {len(opened)} days"
    return start + ", ".join(f"{count} on {short_date(day)}" for day, count in opened)
