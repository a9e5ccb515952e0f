"""What pages about share links draw."""

from collections.abc import Sequence
from datetime import date
from html import unescape
from itertools import groupby

import segno
from django import template
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString, mark_safe

from prompts_app.evidence.number_format import short_date
from prompts_app.templatetags.text import markdown

register = template.Library()

PITCH, BAR, HEIGHT = 6, 4, 24  # in SVG units
LONGEST_GIST = 110  # letters: two printed lines
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


@register.simple_tag
def qr_code(address: str) -> SafeString:
    """The address to scan, as one path: black on white in every colour scheme, or a camera misreads it."""
    rows = [list(row) for row in segno.make(address, error="m", micro=False).matrix]
    dark = "".join(_dark_runs(row, y) for y, row in enumerate(rows))
    return format_html(
        '<svg class="qr" role="img" aria-label="QR code of {0}" viewBox="0 0 {1} {1}">'
        '<path stroke="#000" d="{2}"/></svg>',
        address.partition("://")[2],
        len(rows),
        dark,
    )


def _dark_runs(row: Sequence[int], y: int) -> str:
    """Each run of dark modules in a row as one horizontal stroke."""
    drawn, x = "", 0
    for is_dark, modules in groupby(row):
        width = len(list(modules))
        drawn += f"M{x} {y}.5h{width}" if is_dark else ""
        x += width
    return drawn


@register.filter
def gist(text: str) -> str:
    """How a text in Markdown begins, as plain words: at most LONGEST_GIST letters, cut between words."""
    html = markdown(text[: LONGEST_GIST * 8]).replace("</li>", "; ").replace("</p>", " ")
    plain = " ".join(unescape(strip_tags(html)).split()).replace(" ;", ";").rstrip(" ;")
    if len(plain) <= LONGEST_GIST:
        return plain
    return plain[:LONGEST_GIST].rsplit(" ", 1)[0].rstrip(" ,;:.") + " …"
