"""The concision curve as a drawing. Sizes are SVG attributes, colours are classes."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from prompts_app.evidence.concision import Point

register = template.Library()

LEFT, RIGHT, TOP, BOTTOM = 44.0, 440.0, 34.0, 294.0
WORD, LINE = 26.0, 15.0  # how much room a label takes


class _At(NamedTuple):
    x: float
    y: float


@register.simple_tag
def curve(points: Sequence[Point], longest: Point | None = None, percent: int = 0) -> SafeString:
    """Pass rate against tokens; ``points`` oldest first, the last is the one shown.

    With ``longest``, an arrow from it to the last says that ``percent`` of the tokens went.
    """
    end = axis_end(max(point.tokens for point in points))
    places = [_At(_x(point.tokens, end), _y(point.rate)) for point in points]
    return format_html(
        '<svg class="curve" viewBox="0 0 460 350" role="img" aria-label="Pass rate against tokens sent, '
        'version by version. The table beside it holds the same figures.">{}{}{}{}{}{}</svg>',
        _axes(end),
        _whiskers(points, places),
        format_html(
            '<polyline class="path" points="{}"/>', " ".join(f"{at.x:.1f},{at.y:.1f}" for at in places)
        ),
        _dots(places),
        _labels(points, places),
        _arrow(_x(longest.tokens, end), places[-1].x, percent) if longest else "",
    )


def axis_end(most: float) -> int:
    """The next round number that leaves ``most`` on the axis: 1, 2, 3, 4, 6 or 8 times a power of ten."""
    size = 1
    while True:
        for step in (1, 2, 3, 4, 6, 8):
            if step * size >= most:
                return step * size
        size *= 10


def _x(tokens: float, end: int) -> float:
    return LEFT + (RIGHT - LEFT) * tokens / end


def _y(share: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * share


def _axes(end: int) -> SafeString:
    lines = format_html_join(
        "",
        '<path class="{}" d="M44 {}H440"/><text x="36" y="{}" text-anchor="end">{}</text>',
        (
            ("axis" if share else "base", f"{_y(share):.1f}", f"{_y(share) + 4.5:.1f}", said)
            for share, said in ((0, "0"), (0.25, "25"), (0.5, "50"), (0.75, "75"), (1, "100%"))
        ),
    )
    ticks = format_html_join(
        "",
        '<path class="base" d="M{0} 294v4"/><text x="{0}" y="314" text-anchor="{1}">{2}</text>',
        (
            (f"{_x(tokens, end):.1f}", "end" if tokens == end else "middle", f"{tokens:,.0f}")
            for tokens in (0, end / 2, end)
        ),
    )
    return format_html(
        '{}{}<text x="242" y="342" text-anchor="middle">tokens in, median of a call</text>'
        '<text x="8" y="12">cases passing</text>',
        lines,
        ticks,
    )


def _whiskers(points: Iterable[Point], places: Iterable[_At]) -> SafeString:
    return format_html_join(
        "",
        '<path class="whisk" d="M{} {}V{}"/>',
        (
            (f"{at.x:.1f}", f"{_y(point.low):.1f}", f"{_y(point.high):.1f}")
            for point, at in zip(points, places, strict=True)
        ),
    )


def _dots(places: Sequence[_At]) -> SafeString:
    return format_html(
        '{}<circle class="is" cx="{}" cy="{}" r="5.5"/>',
        format_html_join(
            "",
            '<circle class="was" cx="{}" cy="{}" r="4"/>',
            ((f"{at.x:.1f}", f"{at.y:.1f}") for at in places[:-1]),
        ),
        f"{places[-1].x:.1f}",
        f"{places[-1].y:.1f}",
    )


# --- where the labels go ---------------------------------------------------------------------------------


def _labels(points: Sequence[Point], places: Sequence[_At]) -> SafeString:
    """Each beside its dot, where no other dot and no other label is; the last is the one in bold."""
    taken = [(at.x, at.y) for at in places]
    drawn = []
    for point, at in reversed(list(zip(points, places, strict=True))):
        middle = next((spot for spot in _spots(at) if _is_free(spot, taken)), next(_spots(at)))
        taken.append(middle)
        css = mark_safe(' class="now"') if point is points[-1] else ""
        drawn.append((css, f"{middle[0]:.1f}", f"{middle[1] + 4.5:.1f}", point.version))
    return format_html_join("", '<text{} x="{}" y="{}" text-anchor="middle">v{}</text>', drawn)


def _spots(at: _At) -> Iterator[tuple[float, float]]:
    """Middles of a label around a dot, the best first; none of them off the drawing."""
    for away in (1.0, 1.7, 2.4):
        for dx, dy in ((17, 14), (17, -14), (-17, 14), (-17, -14), (20, 0), (-20, 0)):
            x, y = at.x + dx * away, at.y + dy * away
            if LEFT + 14 <= x <= RIGHT + 6 and TOP <= y <= BOTTOM - 8:
                yield x, y
    yield at.x, at.y - 16


def _is_free(spot: tuple[float, float], taken: Iterable[tuple[float, float]]) -> bool:
    return all(abs(spot[0] - x) > WORD * 0.62 or abs(spot[1] - y) > LINE * 0.8 for x, y in taken)


def _arrow(start: float, end: float, percent: int) -> SafeString:
    return format_html(
        '<path class="gain" d="M{} 27H{}m5 -3.5l-5 3.5l5 3.5"/>'
        '<text class="gain-text" x="{}" y="21" text-anchor="middle">{}% fewer tokens</text>',
        f"{start:.1f}",
        f"{end:.1f}",
        f"{min(max((start + end) / 2, 150), 390):.1f}",
        percent,
    )
