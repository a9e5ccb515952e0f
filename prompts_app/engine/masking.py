"""Private parts: texts that an author keeps to themselves, found in any text and replaced by a label.

Others read ``[client rule, 42 words]#a1b2c3d4`` instead. The hash is the first 8 hex digits of the SHA-256 of
the span's secret salt (32 hex digits) and the exact characters that stood there. Whoever is given salt and
text later can check that this was it; without the salt not even a short text can be guessed.

A private text is found by its letters and digits in their order: case, accents, white space, punctuation,
markup and escapes of JSON or HTML between them make no difference, nor do the values that stand where it has
``{{variables}}``. Also found are parts of it of ``PART`` letters or more, and its beginning or end where a
text was cut. Not found are paraphrases, translations and encodings such as base64: those only the author
can see to.
"""

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
    Form,
    OverBudget,
    StepBudget,
    chains,
    covered,
    cut_off,
    fold,
    fold_read,
    joined,
    occurrences,
)
from prompts_app.engine.render import pieces
from prompts_app.engine.types import Json

LEAST = 8  # letters and digits of a span, as ``weight`` counts them
MOST_STEPS = 3_000_000  # letters searched beyond what each text may take anyway: some seconds at the worst

LABEL = r"[^\W_](?:[^\W_]|[ -]){0,38}"  # letters, digits, spaces, hyphens: it needs no escaping anywhere
PLACEHOLDER = re.compile(rf"\[({LABEL}), (\d{{1,6}}) words?\]#([0-9a-f]{{8}})")
"""What stands for a private text: (1) label, (2) words, (3) the beginning of its salted hash."""


def weight(text: str) -> int:
    """Letters and digits; those of scripts that write no word spaces count twice."""
    return sum(1 if ord(letter) < 0x2E80 else 2 for letter in text if letter.isalnum())


def salted(salt: str, text: str) -> str:
    """SHA-256 of the salt followed by the text, in hex."""
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
        """What is searched for: the text as it stands, and with its escapes read."""
        return tuple(dict.fromkeys(f for f in (fold(self.text), fold_read(self.text)) if f))

    @cached_property
    def around_variables(self) -> tuple[str, ...]:
        """The folded texts before, between and after its variables; () where it has none."""
        found = list(pieces(self.text))
        if all(piece.is_plain for piece in found):
            return ()
        parts = tuple(part for part in (fold(piece.text) for piece in found) if part)
        return parts if sum(map(len, parts)) >= LEAST else ()

    @cached_property
    def forms(self) -> tuple[Form, ...]:
        return tuple(map(Form, self.folded))

    @cached_property
    def edges(self) -> tuple[str, str]:
        """The punctuation before its first letter and after its last, which is masked with it."""
        inside = [place for place, letter in enumerate(self.text) if fold(letter)]
        return self.text[: inside[0]], self.text[inside[-1] + 1 :]


def salt_of(spans: Iterable[Span]) -> str:
    """The salt of a stretch that shows parts of several spans: to check it takes all of their salts."""
    return "".join(sorted({span.salt for span in spans}))


@dataclass(frozen=True, slots=True)
class Hidden:
    """A stretch of a text that is masked, under the label of the first of its spans.

    ``spans`` are all that have a part in it; one alone where that covers the whole stretch.
    """

    start: int
    end: int
    spans: tuple[Span, ...]

    @property
    def span(self) -> Span:
        return self.spans[0]

    @property
    def salt(self) -> str:
        return salt_of(self.spans)


class Mask:
    """The private parts of a prompt, to be masked in every text of it that others read.

    Mask whole texts, before anything cuts, compares or formats them. Masking a masked text changes nothing.
    ``used`` collects the spans that masked something, and ``forms`` for each span the exact stretches that
    it alone masked: its reveal needs them.
    """

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self.spans = tuple(spans)
        self.forms: dict[Span, set[str]] = {span: set() for span in self.spans}
        self.used: set[Span] = set()
        self._budget = StepBudget(MOST_STEPS)
        self._known: dict[str, str] = {}  # the runs of one suite repeat its texts

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
        """The stretches to mask, in order; none of them touches a placeholder that is there already."""
        if not self.spans or not text:
            return []
        self._budget.begin(text)
        stretches = self._between_placeholders(text)
        return [one for start, end in stretches for one in self._found(text, start, end)]

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
        """In ``whole[start:end]``, as it stands and with its escapes read."""
        readings = [FoldedText(whole, start, end, with_escapes=reads) for reads in (False, True)]
        matches = {
            (*reading.place(first, last), span)
            for reading in readings
            for span in (self.spans if reading.differs else ())
            for first, last in self._matches(span, reading)
        }
        return _merged(whole[start:end], start, matches)

    def _matches(self, span: Span, reading: FoldedText) -> list[tuple[int, int]]:
        """As places in the folded text: all of it where the budget does not suffice to search it."""
        try:
            return list(_matches(span, reading, self._budget))
        except OverBudget:
            return [(0, len(reading.folded))]


def _matches(span: Span, reading: FoldedText, budget: StepBudget) -> Iterator[tuple[int, int]]:
    """The span as a whole, long parts of it, with values in it, and cut: as places in the folded text."""
    folded = reading.folded
    for form in span.forms:
        if not form.blocks:
            whole = [(at, at + len(form.letters)) for at in occurrences(folded, form.letters)]
            budget.take(len(whole))
            yield from joined(whole)
        elif blocks := sorted(at for block in form.blocks for at in occurrences(folded, block)):
            budget.take(len(blocks) * PART)
            yield from covered(folded, blocks, form)
        if len(form.letters) > CUT:
            yield from _cut(form, reading, budget)
    if span.around_variables and all(part in folded for part in span.around_variables):
        budget.take(len(folded))
        yield from chains(folded, span.around_variables)


def _cut(form: Form, reading: FoldedText, budget: StepBudget) -> Iterator[tuple[int, int]]:
    """Its beginning where the text breaks off after it, and its end where the text sets in with it."""
    folded = reading.folded
    if form.letters[:CUT] in folded:
        budget.take(_searched(reading.breaks, form))
        yield from joined(cut_off(folded, form, reading.breaks))
    if form.letters[-CUT:] in folded:
        budget.take(_searched(reading.beginnings, form))
        turned = [len(folded) - at for at in reversed(reading.beginnings)]
        for first, last in joined(cut_off(folded[::-1], form.backwards, turned)):
            yield len(folded) - last, len(folded) - first


def _searched(places: Sequence[int], form: Form) -> int:
    """How many letters ``cut_off`` goes through for these places."""
    return places[-1] - places[0] + len(form.letters) if places else 0


def _merged(text: str, offset: int, matches: Iterable[tuple[int, int, Span]]) -> list[Hidden]:
    """What is masked: matches that overlap are one stretch, labelled by the span with the longest match."""
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
