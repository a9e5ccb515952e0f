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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import sha256

from prompts_app.engine.json_texts import with_texts
from prompts_app.engine.matching import (
    CUT,
    PART,
    FoldedText,
    Spent,
    Steps,
    blocks_of,
    chains,
    cut_off,
    failing,
    fold,
    fold_read,
    joined,
    occurrences,
    shared,
    windows_of,
)
from prompts_app.engine.render import pieces
from prompts_app.engine.types import Json

LEAST = 8  # letters and digits of a span; one of a script without word spaces counts twice

MOST_STEPS = 3_000_000  # letters looked at more closely than a usual text needs: some seconds at the worst

LABEL = r"[^\W_](?:[^\W_]|[ -]){0,38}"  # letters, digits, spaces, hyphens: it needs no escaping anywhere
PLACEHOLDER = re.compile(rf"\[({LABEL}), (\d{{1,6}}) words?\]#([0-9a-f]{{8}})")
"""What stands for a private text: (1) label, (2) words, (3) the beginning of its salted hash."""


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
    def around_variables(self) -> tuple[str, ...]:
        """What stands before, between and after its variables; () where it has none."""
        found = list(pieces(self.text))
        if all(piece.text == piece.written for piece in found):
            return ()
        parts = tuple(part for part in (fold(piece.text) for piece in found) if part)
        return parts if sum(map(len, parts)) >= LEAST else ()

    @cached_property
    def forms(self) -> tuple[_Form, ...]:
        return tuple(map(_Form, self.folded))

    @cached_property
    def edges(self) -> tuple[str, str]:
        """The marks before its first letter and after its last: they go with it where they are there."""
        inside = [place for place, letter in enumerate(self.text) if fold(letter)]
        return self.text[: inside[0]], self.text[inside[-1] + 1 :]


def salt_of(spans: Iterable[Span]) -> str:
    """For what holds texts of all of these: whoever was given some of the salts has not got it."""
    return "".join(sorted({span.salt for span in spans}))


@dataclass(frozen=True, slots=True)
class Hidden:
    """A stretch of a text that is masked, under the first of the spans that have a part in it."""

    start: int
    end: int
    spans: tuple[Span, ...]  # one alone where it covers the whole stretch

    @property
    def span(self) -> Span:
        return self.spans[0]

    @property
    def salt(self) -> str:
        return salt_of(self.spans)


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
        self._steps = Steps(MOST_STEPS)
        self._known: dict[str, str] = {}  # runs of one suite repeat each text of it

    def __bool__(self) -> bool:
        return bool(self.spans)

    @property
    def salt(self) -> str:
        return salt_of(self.spans)

    def value(self, value: Json) -> Json:
        """A JSON value with every text in it masked, keys too; anything else as it is."""
        return with_texts(value, self.text)

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
            parts += [text[at : one.start], placeholder(one.span.label, form, one.salt)]
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
        matches: set[tuple[int, int, Span]] = set()
        self._steps.share(whole)
        for with_escapes in (False, True):
            reading = FoldedText(whole, start, end, with_escapes=with_escapes)
            for span in self.spans if reading.is_another else ():
                for first, last in self._matches(span, reading):
                    matches.add((*reading.places.place(first, last), span))
        return _merged(whole[start:end], start, matches)

    def _matches(self, span: Span, reading: FoldedText) -> list[tuple[int, int]]:
        """As places in the folded text. Where there is no end to what may be the span, all of it is."""
        try:
            return list(_matches(span, reading, self._steps))
        except Spent:
            return [(0, len(reading.folded))]


class _Form:
    """A span's letters, and what is made of them once to look for them: only where they may be there."""

    def __init__(self, letters: str) -> None:
        self.letters = letters
        self.blocks = blocks_of(letters) if len(letters) > PART else ()

    @cached_property
    def windows(self) -> frozenset[str]:
        return windows_of(self.letters)

    @cached_property
    def fails(self) -> list[int]:
        return failing(self.letters)

    @cached_property
    def backwards(self) -> _Form:
        return _Form(self.letters[::-1])


def _matches(span: Span, reading: FoldedText, steps: Steps) -> Iterator[tuple[int, int]]:
    """The span as a whole, long parts of it, with values in it, and cut: as places in the folded text."""
    folded = reading.folded
    for form in span.forms:
        if not form.blocks:
            whole = [(at, at + len(form.letters)) for at in occurrences(folded, form.letters)]
            steps.take(len(whole))
            yield from joined(whole)
        elif blocks := sorted(at for block in form.blocks for at in occurrences(folded, block)):
            steps.take(len(blocks) * PART)
            yield from shared(folded, blocks, form.windows)
        if len(form.letters) > CUT:
            yield from _cut(form, reading, steps)
    if span.around_variables and all(part in folded for part in span.around_variables):
        steps.take(len(folded))
        yield from chains(folded, span.around_variables)


def _cut(form: _Form, reading: FoldedText, steps: Steps) -> Iterator[tuple[int, int]]:
    """Its beginning where the text breaks off after it, and its end where the text sets in."""
    folded = reading.folded
    if form.letters[:CUT] in folded:
        steps.take(_between(reading.breaks, form))
        yield from joined(cut_off(folded, form.letters, form.fails, reading.breaks))
    if form.letters[-CUT:] in folded:
        steps.take(_between(reading.beginnings, form))
        turned, back = [len(folded) - at for at in reversed(reading.beginnings)], form.backwards
        for first, last in joined(cut_off(folded[::-1], back.letters, back.fails, turned)):
            yield len(folded) - last, len(folded) - first


def _between(places: Sequence[int], form: _Form) -> int:
    """Letters from the first to the last, and before the first as many as the form has."""
    return places[-1] - places[0] + len(form.letters) if places else 0


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
    spans = tuple(dict.fromkeys(span for _, _, span in by_length))
    is_covered = by_length[0][:2] == (start, end)
    return Hidden(start + offset, end + offset, spans[:1] if is_covered else spans)


def _with_edges(text: str, match: tuple[int, int, Span]) -> tuple[int, int, Span]:
    start, end, span = match
    before, after = span.edges
    if before and text.endswith(before, 0, start):
        start -= len(before)
    if after and text.startswith(after, end):
        end += len(after)
    return start, end, span
