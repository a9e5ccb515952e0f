"""Drawings and figures: contact strips, whiskers, levels, sparklines, and how numbers are written.

Everything is drawn from the values given, with no query. Sizes are SVG attributes and colours are
classes, so nothing needs an inline style.
"""

from collections.abc import Iterable, Sequence
from inspect import getmembers, isfunction
from math import ceil
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from prompts_app.engine.assertions.stored import adapted_told, judge_who
from prompts_app.engine.invisible import shown_plainly
from prompts_app.engine.prices import told_by
from prompts_app.engine.stats import wilson
from prompts_app.evidence import levels, number_format
from prompts_app.evidence.asked_schema import fit_in_words
from prompts_app.evidence.frames import Frame, FrameState
from prompts_app.evidence.levels import NOT_TESTED, SENTENCES, level_name
from prompts_app.evidence.number_format import interval, not_judged
from prompts_app.evidence.summary import VersionEvidence, summary_of, without_figures
from prompts_app.evidence.wording import Sentence, Words
from prompts_app.templatetags.text import one_line

register = template.Library()
# All that levels and number_format have to say, and what else templates say in the same words as the rest.
for module in (levels, number_format):
    for name, write in getmembers(module, isfunction):
        if write.__module__ == module.__name__:
            register.filter(name, write)
for more in (adapted_told, fit_in_words, judge_who, summary_of, told_by, without_figures):
    register.filter(more.__name__, more)
register.simple_tag(interval)

A_ROW = 25  # frames in one row of a strip, at most
PITCH, FRAME, ROW_HEIGHT, FIRST_ROW = 13, 10, 27, 22  # in SVG units
MOST_NAMED = 10  # cases a strip's sentence names before it only counts them


@register.filter
def glyph(state: str) -> SafeString:
    """One case's state as a mark, with its word for who does not see it."""
    shown = FrameState(state)
    return format_html(
        '<span aria-hidden="true">{}</span><span class="vh">{}</span>', shown.glyph, shown.word
    )


# --- large frames -----------------------------------------------------------------------------------


@register.simple_tag
def large_frames(frames: Sequence[Frame], label: str) -> SafeString:
    """One numbered frame a case, as a list; those that have an address lead there."""
    items = format_html_join("", "<li{}>{}</li>", (_large_frame(frame) for frame in frames))
    return format_html('<ol class="frames" aria-label="{}">{}</ol>', shown_plainly(label), items)


def _large_frame(frame: Frame) -> tuple[SafeString, SafeString]:
    number, state, href = frame
    drawn = _LARGE_LINKED.get(state, _LARGE_LINK) if href else _LARGE.get(state, _LARGE_PLAIN)
    kind = format_html(' class="{}"', state.css) if state.css else mark_safe("")
    return kind, format_html(drawn, number=number, word=state.word, href=href)


_LARGE_PLAIN = '{number}<span class="vh"> {word}</span>'
_LARGE_MARK = '!<span class="vh"> {number} {word}</span>'
_LARGE_LINK = '<a href="{href}">{number}<span class="vh"> {word}</span></a>'
_LARGE_LINKED = {FrameState.FAILED: '<a href="{href}">{number} {word}</a>'}
_LARGE = {
    FrameState.FAILED: "<b>{number} {word}</b>",
    FrameState.NO_ANSWER: _LARGE_MARK,
    FrameState.NO_VERDICT: _LARGE_MARK,
}


# --- the contact strip ------------------------------------------------------------------------------


@register.simple_tag
def strip(frames: str, label: str = "", most: int = 0) -> SafeString:
    """A contact strip: one frame a case, 25 a row at most, one path per state.

    ``frames`` has one letter a case, see ``FrameState``. At most ``most`` are drawn (0: all); the sentence is
    about all of them.
    """
    label = label or strip_sentence(frames)
    frames = (frames or FrameState.WAITING * A_ROW)[: most or None]
    a_row = _a_row(len(frames))
    width = a_row * PITCH - 3
    height = FIRST_ROW + ROW_HEIGHT * ((len(frames) - 1) // a_row)
    return format_html(
        '<svg class="strip" width="{0}" height="{1}" viewBox="0 0 {0} {1}" '
        'role="img" aria-label="{2}">{3}{4}</svg>',
        width,
        height,
        label,
        _perforations(len(frames)),
        _frame_paths(frames),
    )


@register.simple_tag
def strip_sentence(frames: str) -> str:
    """What a strip shows, in words: "24 of 25 cases pass; failed: case 17"."""
    passed, failed = frames.count(FrameState.PASSED), _places(frames, FrameState.FAILED)
    parts = []
    if passed or failed or FrameState.UNJUDGED not in frames:
        parts.append(f"{passed} of {passed + len(failed)} cases pass")
    if failed:
        parts.append(_named("failed", failed))
    if errors := _places(frames, FrameState.NO_ANSWER):
        parts.append(_named("no answer", errors))
    parts += [f"{frames.count(s)} {s.word}" for s in (FrameState.WAITING, FrameState.UNJUDGED) if s in frames]
    return "; ".join(parts)


@register.filter
def draws(prompts: Iterable[Any], state: str) -> bool:
    """Whether a strip in a list of these prompts has a frame in ``state``, for the key beside them."""
    return any(state in summary.frames for prompt in prompts if (summary := summary_of(prompt)))


def _places(frames: str, state: str) -> list[int]:
    return [number for number, letter in enumerate(frames, 1) if letter == state]


def _named(word: str, cases: Sequence[int]) -> str:
    if len(cases) > MOST_NAMED:
        return f"{len(cases)} {word}"
    return f"{word}: {'case' if len(cases) == 1 else 'cases'} {', '.join(map(str, cases))}"


def _a_row(count: int) -> int:
    """How many frames of ``count`` stand in one row: rows are as even as can be, 28 are 14 and 14."""
    return ceil(count / ceil(count / A_ROW))


def _perforations(count: int) -> SafeString:
    a_row = _a_row(count)
    rows = [min(a_row, count - start) * PITCH - 3 for start in range(0, count, a_row)]
    return format_html_join(
        "",
        '<path class="perf" d="M0 {}h{}M0 {}h{}"/>',
        ((1.5 + ROW_HEIGHT * row, width, 20.5 + ROW_HEIGHT * row, width) for row, width in enumerate(rows)),
    )


def _frame_paths(frames: str) -> SafeString:
    """One path for each state that is there; crosses last, so that they lie on top."""
    corners: dict[FrameState, list[tuple[int, int]]] = {}
    a_row = _a_row(len(frames))
    for place, letter in enumerate(frames):
        row, column = divmod(place, a_row)
        corners.setdefault(FrameState(letter), []).append((column * PITCH, 6 + row * ROW_HEIGHT))
    drawn = [
        ("pass", _solid, FrameState.PASSED),
        ("fail", _outline, FrameState.FAILED),
        ("error", _outline, FrameState.NO_ANSWER),
        ("none", _outline, FrameState.WAITING),
        ("none", _outline, FrameState.UNJUDGED),
        ("cross", _cross, FrameState.FAILED),
        ("bang", _bang, FrameState.NO_ANSWER),
        ("dash", _dash, FrameState.UNJUDGED),
    ]
    return format_html_join(
        "",
        '<path class="{}" d="{}"/>',
        (
            (name, "".join(draw(x, y) for x, y in corners[state]))
            for name, draw, state in drawn
            if state in corners
        ),
    )


def _solid(x: int, y: int) -> str:
    return f"M{x} {y}h{FRAME}v{FRAME}h-{FRAME}z"


def _outline(x: int, y: int) -> str:
    return f"M{x + 0.5} {y + 0.5}h9v9h-9z"


def _cross(x: int, y: int) -> str:
    return f"M{x - 1} {y - 1}L{x + 11} {y + 11.25}M{x + 10.75} {y - 1.25}L{x - 0.75} {y + 11}"


def _bang(x: int, y: int) -> str:
    return f"M{x + 5} {y + 2}v4M{x + 5} {y + 7}v1.5"


def _dash(x: int, y: int) -> str:
    return f"M{x + 3} {y + 5}h4"


# --- intervals, levels, sparklines --------------------------------------------------------------------


@register.simple_tag
def whisker(passed: int, cases: int, width: int = 96) -> SafeString:
    """The pass rate as a dot and its Wilson 95% interval as a line, on an axis from 0 to 100%.

    Hidden from screen readers: the same figures stand beside it in words.
    """
    if not cases:
        return mark_safe("")
    low, high = wilson(passed, cases)
    height = 12 if width >= 200 else 10
    middle = height / 2
    ticks = f"M0 {middle}h{width}M.5 {middle - 2}v4M{width // 2} {middle - 2}v4M{width - 0.5} {middle - 2}v4"
    return format_html(
        '<svg class="ci" width="{0}" height="{1}" viewBox="0 0 {0} {1}" aria-hidden="true">'
        '<path class="axis" d="{2}"/><path class="range" d="M{3} {4}H{5}"/>'
        '<circle class="dot" cx="{6}" cy="{4}" r="3.5"/></svg>',
        width,
        height,
        ticks,
        f"{low * width:.1f}",
        middle,
        f"{high * width:.1f}",
        f"{passed / cases * width:.1f}",
    )


@register.simple_tag
def level(number: int | None) -> SafeString:
    """Four ticks and the evidence level's word; words alone where there is no evidence."""
    if number is None or number not in SENTENCES:
        return format_html('<span class="level">{}</span>', NOT_TESTED)
    ticks = "".join(_tick(place * 7, on=place < number) for place in range(4))
    return format_html(
        '<span class="level"><svg viewBox="0 0 27 10" aria-hidden="true">{}</svg>{}</span>',
        mark_safe(ticks),  # noqa: S308 only our own numbers are in it
        level_name(number),
    )


def _tick(x: int, *, on: bool) -> str:
    if on:
        return f'<rect class="on" x="{x}" y="0" width="6" height="10"/>'
    return f'<rect class="off" x="{x + 0.5}" y=".5" width="5" height="9"/>'


@register.simple_tag
def spark(history: Iterable[VersionEvidence]) -> SafeString:
    """Pass rate by version, oldest left. Of two at least."""
    points = sorted((h for h in history or () if h.cases), key=lambda h: h.version)
    if len(points) < 2:
        return mark_safe("")
    at = [
        (4 + 104 * place / (len(points) - 1), 3 + 30 * (1 - point.passed / point.cases))
        for place, point in enumerate(points)
    ]
    return format_html(
        '<svg class="spark" width="112" height="50" viewBox="0 0 112 50" role="img" '
        'aria-label="Pass rate by version: {}">'
        '<path class="axis" d="M0 3h112M0 33h112"/><polyline class="line" points="{}"/>{}'
        '<circle class="is" cx="{}" cy="{}" r="3.5"/><text x="0" y="48">v{}</text>'
        '<text x="112" y="48" text-anchor="end">v{}</text></svg>',
        ", ".join(f"v{p.version} {p.passed}/{p.cases}" for p in points),
        " ".join(f"{x:.1f},{y:.1f}" for x, y in at),
        format_html_join(
            "",
            '<circle class="was" cx="{}" cy="{}" r="2.25"/>',
            ((f"{x:.1f}", f"{y:.1f}") for x, y in at[:-1]),
        ),
        f"{at[-1][0]:.1f}",
        f"{at[-1][1]:.1f}",
        points[0].version,
        points[-1].version,
    )


BALLS = (
    "",
    '<path class="fill" d="M8 8V2a6 6 0 0 1 6 6z"/>',
    '<path class="fill" d="M8 2a6 6 0 0 1 0 12z"/>',
    '<path class="fill" d="M8 8H2A6 6 0 1 0 8 2z"/>',
    '<circle class="fill" cx="8" cy="8" r="6"/>',
)
BAND_ENDS = (0.2, 0.4, 0.6, 0.75)


@register.filter
def band(low: float) -> int:
    """0 to 4: which band the low end of an interval lies in."""
    return sum(low >= end for end in BAND_ENDS)


@register.simple_tag
def ball(low: float) -> SafeString:
    """A disc filled by the band of the low end."""
    return mark_safe(  # noqa: S308 constants only
        '<svg class="ball" viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="6"/>'
        f"{BALLS[band(low)]}</svg>"
    )


# --- sentences ------------------------------------------------------------------------------------------


@register.filter
def in_html(sentence: Sentence) -> SafeString:
    """A computed sentence with its figures marked, and names shown as names are."""
    return format_html_join("", "{}", ((_words(words),) for words in sentence))


def _words(words: Words) -> SafeString | str:
    if words.is_name:
        return one_line(words.text)
    return format_html("<b>{}</b>", words.text) if words.is_figure else words.text


# --- rates ---------------------------------------------------------------------------------------------


@register.filter
def kn(passed: int, cases: int) -> SafeString:
    """``24/25`` in the class of its own."""
    return format_html('<b class="kn">{}/{}</b>', passed, cases)


@register.simple_tag
def rate(passed: int, cases: int, outputs: int = 0) -> SafeString:
    """``24/25 80–99%``: a rate never stands without its interval. Without a judged case there is none: then
    "12 outputs, not judged"."""
    if not cases:
        return format_html("{}", not_judged(outputs))
    return format_html('{} <span class="range">{}</span>', kn(passed, cases), interval(passed, cases))
