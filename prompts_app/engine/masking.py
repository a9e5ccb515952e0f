"""Private parts: texts an author keeps to themselves, found wherever they stand and replaced by a label.

What visitors read instead is ``[client rule, 42 words]#a1b2c3d4``. The hash is the beginning of the SHA-256
over the span's secret salt (32 hex digits) and exactly the characters that stand there, so that whoever is
given salt and text later can tell that this was it; without the salt not even a short text can be guessed.

A text is found by its letters and digits alone, in their order: capitals, accents, white space, punctuation,
markup, JSON and HTML escapes between them make no difference, and neither do values where it has
``{{variables}}``. So are long parts of it (``PART`` letters), and its beginning or end where it was cut.
A paraphrase, a translation or an encoding such as base64 is not found: only the author can see to that.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from html import unescape
from itertools import accumulate

from prompts_app.engine.render import pieces
from prompts_app.engine.types import Json

LEAST = 8  # letters and digits of a span; one of a script without word spaces counts twice
PART = 36  # letters and digits of a span that are masked alone, about eight words
CUT = 12  # the same where the text ends, or has an ellipsis, in the middle of the span
_CHUNK = 64  # characters folded at once
_BLOCK, _STRIDE = 18, 19  # PART letters of a span hold a whole block: _BLOCK + _STRIDE - 1 == PART
MOST_FILLED_IN = 4_000  # letters and digits of a variable's value inside a span

LABEL = r"[^\W_](?:[^\W_]|[ -]){0,38}"  # letters, digits, spaces, hyphens: it needs no escaping anywhere
PLACEHOLDER = re.compile(rf"\[({LABEL}), (\d{{1,6}}) words?\]#([0-9a-f]{{8}})")
"""What stands for a private text: (1) label, (2) words, (3) the beginning of its salted hash."""

_ESCAPE = re.compile(
    r"\\+u[0-9a-fA-F]{4}|\\+[nrtbfsSwWdDB\"/]"
    r"|&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});|%[0-7][0-9a-fA-F]"
)
_ELLIPSIS_AFTER = re.compile(r"[\"'”’»\s]*(?:…|\.\.\.)")
_ELLIPSIS_BEFORE = re.compile(r"(?:…|\.\.\.)[\"'“‘«\s]*\Z")


class _Folding(dict[int, str]):
    """Each character as the letters and digits it stands for: "É" → "e", "ß" → "ss", "," → "".

    Letter by letter, so that the folding of a part is a part of the folding of the whole.
    """

    def __missing__(self, code: int) -> str:
        plain = unicodedata.normalize("NFKD", chr(code)).casefold()
        self[code] = folded = "".join(letter for letter in plain if letter.isalnum())
        return folded


_FOLDING = _Folding()


def fold(text: str) -> str:
    """The letters and digits of a text, without case and accents."""
    return text.translate(_FOLDING)


def fold_read(text: str) -> str:
    """The same with escapes (of JSON, HTML, addresses, patterns) as the characters they stand for."""
    return fold(_ESCAPE.sub(lambda match: _character(match[0]), text))


def weight(text: str) -> int:
    """Letters and digits; those of scripts that write no word spaces count twice."""
    return sum(1 if ord(letter) < 0x2E80 else 2 for letter in text if letter.isalnum())


def salted(salt: str, text: str) -> str:
    """The hash that stands for ``text``: SHA-256 in hex over the salt's characters and then the text's."""
    return sha256((salt + text).encode("utf-8", "surrogatepass")).hexdigest()


def placeholder(label: str, text: str, salt: str) -> str:
    count = len(text.split())
    return f"[{label}, {count} word{'' if count == 1 else 's'}]#{salted(salt, text)[:8]}"


@dataclass(frozen=True)
class Span:
    """One private text. ``salt``: 32 hex digits nobody else knows; ``since``: when it was set down."""

    label: str
    text: str
    salt: str
    since: datetime | None = field(default=None, compare=False)

    @property
    def digest(self) -> str:
        return salted(self.salt, self.text)

    @property
    def words(self) -> int:
        return len(self.text.split())

    @property
    def placeholder(self) -> str:
        return placeholder(self.label, self.text, self.salt)

    @cached_property
    def folded(self) -> tuple[str, ...]:
        """As it stands and with its escapes read: each is looked for."""
        return tuple(dict.fromkeys(f for f in (fold(self.text), fold_read(self.text)) if f))

    @cached_property
    def filled(self) -> re.Pattern[str] | None:
        """What it becomes where values stand in the place of its variables; None where it has none."""
        found = list(pieces(self.text))
        if all(piece.text == piece.written for piece in found):
            return None
        parts = [part for part in (fold(piece.text) for piece in found) if part]
        if sum(map(len, parts)) < LEAST:
            return None
        return re.compile(f".{{0,{MOST_FILLED_IN}}}?".join(map(re.escape, parts)))

    @cached_property
    def blocks(self) -> tuple[tuple[str, int, str], ...]:
        """(a stretch, where it begins, the whole it is from): every part of PART letters holds one."""
        return tuple(
            (whole[at : at + _BLOCK], at, whole)
            for whole in self.folded
            if len(whole) > PART
            for at in range(0, len(whole) - _BLOCK + 1, _STRIDE)
        )

    @cached_property
    def edges(self) -> tuple[str, str]:
        """The marks before its first letter and after its last: they go with it where they are there."""
        inside = [place for place, letter in enumerate(self.text) if _FOLDING[ord(letter)]]
        return self.text[: inside[0]], self.text[inside[-1] + 1 :]


class _Places:
    """Where in a text the letters of its folding stand. Stretches are folded whole, and letter by letter
    only around what is asked for: a megabyte takes a moment."""

    def __init__(self, text: str, *, with_escapes: bool) -> None:
        self._text = text
        self._stretches = list(_stretches(text, with_escapes))  # (start, end, folded letters, is an escape)
        self._ends = list(accumulate(count for _, _, count, _ in self._stretches))

    def place(self, first: int, last: int) -> tuple[int, int]:
        """The beginning and the end, in the text, of the folded letters from ``first`` to ``last``."""
        return self.letter(first)[0], self.letter(last - 1)[1]

    def letter(self, folded: int) -> tuple[int, int]:
        number = bisect_right(self._ends, folded)
        start, end, count, is_escape = self._stretches[number]
        if is_escape:
            return start, end
        left = folded - (self._ends[number] - count)
        for at in range(start, end):
            left -= len(_FOLDING[ord(self._text[at])])
            if left < 0:
                return at, at + 1
        return start, end  # never: the stretch has as many letters


def _stretches(text: str, with_escapes: bool) -> Iterator[tuple[int, int, int, bool]]:
    at = 0
    for match in _ESCAPE.finditer(text) if with_escapes else ():
        yield from _chunks(text, at, match.start())
        yield match.start(), match.end(), len(fold(_character(match[0]))), True
        at = match.end()
    yield from _chunks(text, at, len(text))


def _chunks(text: str, start: int, end: int) -> Iterator[tuple[int, int, int, bool]]:
    for at in range(start, end, _CHUNK):
        stop = min(at + _CHUNK, end)
        yield at, stop, len(fold(text[at:stop])), False


def _character(escape: str) -> str:
    if escape.startswith("&"):
        return unescape(escape)
    if escape.startswith("%"):
        return chr(int(escape[1:], 16))
    code = escape.lstrip("\\")
    return chr(int(code[1:], 16)) if code.startswith("u") else ""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A stretch of a text that is masked, under the first of the spans that have a part in it."""

    start: int
    end: int
    spans: tuple[Span, ...]

    @property
    def span(self) -> Span:
        return self.spans[0]


class Mask:
    """All spans of a prompt, as they are applied to whatever of it others read.

    Masking is done on whole texts, before anything cuts, compares or formats them. What was masked once
    stays as it is. ``used`` collects the spans something was masked by, and ``forms`` the exact stretches
    that one span alone masked, for its reveal.
    """

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self.spans = tuple(spans)
        self.forms: dict[Span, set[str]] = {span: set() for span in self.spans}
        self.used: set[Span] = set()
        self._known: dict[str, str] = {}  # runs of one suite repeat each text of it

    def __bool__(self) -> bool:
        return bool(self.spans)

    def value(self, value: Json) -> Json:
        """A JSON value with every text in it masked, keys too; anything else as it is."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value

    def text(self, text: str) -> str:
        known = self._known if len(text) < 10_000 else {}  # a long one seldom comes twice
        if text not in known:
            known[text] = self._masked(text)
        return known[text]

    def _masked(self, text: str) -> str:
        hidden = self.hidden_in(text)
        if not hidden:
            return text
        parts, at = [], 0
        for one in hidden:
            form = text[one.start : one.end]
            self.used.update(one.spans)
            if len(one.spans) == 1:
                self.forms[one.span].add(form)
            parts += [text[at : one.start], placeholder(one.span.label, form, one.span.salt)]
            at = one.end
        return "".join([*parts, text[at:]])

    def hidden_in(self, text: str) -> list[Hidden]:
        """The stretches that are masked, in order; none of them touches a placeholder that is there."""
        if not self.spans or not text:
            return []
        found: list[Hidden] = []
        for start, end in self._between_placeholders(text):
            found += self._found(text, start, end)
        return found

    def shows(self, text: str) -> bool:
        """Whether one of the private texts can be read in it in full."""
        plain, read = fold(text), fold_read(text)
        return any(form in plain or form in read for span in self.spans for form in span.folded)

    def _between_placeholders(self, text: str) -> Iterator[tuple[int, int]]:
        at, own = 0, {span.label for span in self.spans}
        for match in PLACEHOLDER.finditer(text) if "]#" in text else ():
            if match[1] in own:
                yield at, match.start()
                at = match.end()
        yield at, len(text)

    def _found(self, whole: str, start: int, end: int) -> list[Hidden]:
        """In the stretch from ``start`` to ``end``, read as it stands and with its escapes read."""
        text = whole[start:end]
        matches: set[tuple[int, int, Span]] = set()
        for reading in (_Reading(whole, start, end, False), _Reading(whole, start, end, True)):
            if reading.is_another:
                found = {*self._matches(reading.folded), *self._cut(reading)}
                matches |= {(*reading.places.place(first, last), span) for first, last, span in found}
        return _merged(text, start, matches)

    def _matches(self, folded: str) -> Iterator[tuple[int, int, Span]]:
        """Whole spans and long parts of them, as places in the folded text."""
        for span in self.spans:
            for form in span.folded:
                yield from ((at, at + len(form), span) for at in _each(folded, form))
            if span.filled:
                yield from ((*match.span(), span) for match in span.filled.finditer(folded))
            for block, begins, form in span.blocks:
                for at in _each(folded, block):
                    first, last = _grown(folded, at, form, begins, _BLOCK)
                    if last - first >= PART:
                        yield first, last, span

    def _cut(self, reading: _Reading) -> Iterator[tuple[int, int, Span]]:
        """A span's beginning where the text breaks off after it, and its end where the text sets in."""
        folded = reading.folded
        for span in self.spans:
            for form in (form for form in span.folded if len(form) > CUT):
                for at in _each(folded, form[:CUT]):
                    first, last = _grown(folded, at, form, 0, CUT)
                    if reading.breaks_off_after(last):
                        yield first, last, span
                for at in _each(folded, form[-CUT:]):
                    first, last = _grown(folded, at, form, len(form) - CUT, CUT)
                    if reading.sets_in_before(first):
                        yield first, last, span


class _Reading:
    """A stretch of a text as it is looked through."""

    def __init__(self, whole: str, start: int, end: int, with_escapes: bool) -> None:
        self.whole, self.start, self.end = whole, start, end
        self._text, self._with_escapes = whole[start:end], with_escapes
        self.is_another = not with_escapes or bool(_ESCAPE.search(self._text))
        self.folded = (fold_read if with_escapes else fold)(self._text) if self.is_another else ""

    @cached_property
    def places(self) -> _Places:
        return _Places(self._text, with_escapes=self._with_escapes)

    @cached_property
    def _has_ellipsis(self) -> bool:
        return "…" in self.whole or "..." in self.whole

    def breaks_off_after(self, last: int) -> bool:
        if last == len(self.folded) and self.end == len(self.whole):
            return True
        if not self._has_ellipsis:
            return False
        stop = self.start + self.places.letter(last - 1)[1]
        return bool(_ELLIPSIS_AFTER.match(self.whole, stop))

    def sets_in_before(self, first: int) -> bool:
        if first == 0 and self.start == 0:
            return True
        if not self._has_ellipsis:
            return False
        place = self.start + self.places.letter(first)[0]
        return bool(_ELLIPSIS_BEFORE.search(self.whole[max(0, place - 12) : place]))


def _each(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def _grown(text: str, at: int, form: str, begins: int, size: int) -> tuple[int, int]:
    """The longest stretch of ``text`` around ``at`` that is also in ``form`` around ``begins``."""
    first, last = at, at + size
    before, after = begins, begins + size
    while first and before and text[first - 1] == form[before - 1]:
        first, before = first - 1, before - 1
    while last < len(text) and after < len(form) and text[last] == form[after]:
        last, after = last + 1, after + 1
    return first, last


def _merged(text: str, offset: int, matches: Iterable[tuple[int, int, Span]]) -> list[Hidden]:
    """Stretches that overlap become one, under the span that has most of it."""
    merged: list[list[tuple[int, int, Span]]] = []
    reach = -1
    for start, end, span in sorted((_with_edges(text, match) for match in matches), key=lambda m: m[:2]):
        if start < reach:
            merged[-1].append((start, end, span))
        else:
            merged.append([(start, end, span)])
        reach = max(reach, end)
    return [_hidden(group, offset) for group in merged]


def _hidden(group: Sequence[tuple[int, int, Span]], offset: int) -> Hidden:
    start, end = group[0][0], max(end for _, end, _ in group)
    by_length = sorted(group, key=lambda match: (match[0] - match[1], match[0], match[2].salt))
    return Hidden(start + offset, end + offset, tuple(dict.fromkeys(span for _, _, span in by_length)))


def _with_edges(text: str, match: tuple[int, int, Span]) -> tuple[int, int, Span]:
    start, end, span = match
    before, after = span.edges
    if before and text[:start].endswith(before):
        start -= len(before)
    if after and text.startswith(after, end):
        end += len(after)
    return start, end, span


def strings_in(value: Json) -> Iterator[str]:
    """Every text of a JSON value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield key
            yield from strings_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings_in(item)
