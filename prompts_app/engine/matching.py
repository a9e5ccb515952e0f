"""Finds a text in another by its letters and digits alone: the search behind ``engine.masking``.

A text is *folded* first: case, accents, white space, punctuation and markup go, only letters and digits stay.
Both texts may be written by anybody, and every page that is served is searched. So each search is linear in
the letters of its texts, whatever they are: none backtracks.
"""

import re
import unicodedata
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from html import unescape
from itertools import accumulate

PART = 36  # letters and digits: a part of a text that is found alone, about eight words
CUT = 12  # the same where the text that is searched ends, or has an ellipsis, in the middle of the other
MOST_FILLED_IN = 4_000  # letters and digits of a value in the place of a variable
MOST_PLACES = 500_000  # of parts between variables; with more, all from the first to the last is taken
# Any PART letters in a row hold one whole block, if a block begins at every stride.
_BLOCK, _STRIDE = 18, 19

_ESCAPE = re.compile(
    r"(?<!\\)\\++(?:u[0-9a-fA-F]{4}|[nrtbfsSwWdDB\"/])"
    r"|&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});|%[0-7][0-9a-fA-F]"
)
_ELLIPSIS = re.compile(r"…|\.{3,}")


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
    """The same with escapes (of JSON, HTML, URLs, regular expressions) as the characters they stand for."""
    return fold(_ESCAPE.sub(lambda match: _character(match[0]), text))


def _character(escape: str) -> str:
    if escape.startswith("&"):
        return unescape(escape)
    if escape.startswith("%"):
        return chr(int(escape[1:], 16))
    code = escape.lstrip("\\")
    return chr(int(code[1:], 16)) if code.startswith("u") else ""


class FoldedText:
    """``whole[start:end]``, folded: as it stands, or with its escapes read first.

    ``differs`` is false where reading escapes changes nothing; then there is nothing to search.
    """

    def __init__(self, whole: str, start: int, end: int, *, with_escapes: bool) -> None:
        self._text, self._with_escapes = whole[start:end], with_escapes
        self._is_beginning, self._is_end = start == 0, end == len(whole)
        self.differs = not with_escapes or bool(_ESCAPE.search(self._text))
        self.folded = (fold_read if with_escapes else fold)(self._text) if self.differs else ""

    def place(self, first: int, last: int) -> tuple[int, int]:
        """Start and end, in the stretch, of the folded letters ``first`` to ``last`` (exclusive)."""
        return self._place_of(first)[0], self._place_of(last - 1)[1]

    @cached_property
    def breaks(self) -> list[int]:
        """The folded letters before which the text breaks off, ascending: at an ellipsis, whatever marks
        stand before it, and at its end."""
        found = [self._letters_before(found.start()) for found in _ELLIPSIS.finditer(self._text)]
        return [at for at in found if at] + [len(self.folded)] * self._is_end

    @cached_property
    def beginnings(self) -> list[int]:
        """The folded letters with which the text sets in: at its beginning, and after an ellipsis."""
        found = [self._letters_before(found.end()) for found in _ELLIPSIS.finditer(self._text)]
        return [0] * self._is_beginning + [at for at in found if at < len(self.folded)]

    @cached_property
    def _units(self) -> tuple[array[int], array[int]]:
        """Where each character, or each escape that is read, starts; and the letters up to its end."""
        starts, letters, at = array("I"), array("I"), 0
        for found in _ESCAPE.finditer(self._text) if self._with_escapes else ():
            starts.extend(range(at, found.start() + 1))
            letters.extend(map(len, map(_FOLDING.__getitem__, map(ord, self._text[at : found.start()]))))
            letters.append(len(fold(_character(found[0]))))
            at = found.end()
        starts.extend(range(at, len(self._text) + 1))
        letters.extend(map(len, map(_FOLDING.__getitem__, map(ord, self._text[at:]))))
        return starts, array("I", accumulate(letters))

    def _letters_before(self, place: int) -> int:
        starts, letters = self._units
        number = bisect_left(starts, place)
        return letters[number - 1] if number else 0

    def _place_of(self, letter: int) -> tuple[int, int]:
        """Start and end of the character or escape that a folded letter comes of."""
        starts, letters = self._units
        number = bisect_right(letters, letter)
        return starts[number], starts[number + 1]


class OverBudget(Exception):
    """A search wanted more steps than are left."""


class StepBudget:
    """How many letters may be searched: texts may be written to make searching them slow.

    Each text has an allowance by its length; what it takes beyond comes out of what all texts share.
    """

    def __init__(self, shared: int) -> None:
        self._shared, self._allowance = shared, 0

    def begin(self, text: str) -> None:
        self._allowance = 20_000 + 10 * len(text)

    def take(self, count: int) -> None:
        """Raises OverBudget."""
        paid = min(count, self._allowance)
        self._allowance -= paid
        self._shared -= count - paid
        if self._shared < 0:
            self._shared = 0
            raise OverBudget


# --- searching in folded letters --------------------------------------------------------------------------


class Form:
    """The folded letters of a text that is searched for, and what searching needs, made when it is needed."""

    def __init__(self, letters: str) -> None:
        self.letters = letters

    @cached_property
    def blocks(self) -> tuple[str, ...]:
        """Short parts, each once, of which every PART letters hold one: these are searched for first."""
        starts = range(0, len(self.letters) - _BLOCK + 1, _STRIDE) if len(self.letters) > PART else ()
        return tuple(dict.fromkeys(self.letters[at : at + _BLOCK] for at in starts))

    @cached_property
    def windows(self) -> frozenset[str]:
        """Every part of PART letters."""
        return frozenset(self.letters[at : at + PART] for at in range(len(self.letters) - PART + 1))

    @cached_property
    def prefixes(self) -> list[int]:
        """Of each prefix the length of the longest shorter prefix it ends with (Knuth, Morris and Pratt's
        failure function)."""
        form, found, length = self.letters, [0] * len(self.letters), 0
        for at in range(1, len(form)):
            while length and form[at] != form[length]:
                length = found[length - 1]
            length += form[at] == form[length]
            found[at] = length
        return found

    @cached_property
    def backwards(self) -> "Form":
        return Form(self.letters[::-1])


def occurrences(text: str, part: str) -> Iterator[int]:
    """Every place where ``part`` begins, those that overlap too."""
    if len(part) <= PART:
        at = text.find(part)
        while at >= 0:
            yield at
            at = text.find(part, at + 1)
    elif part in text:
        matched = _matched_prefixes(text, Form(part))
        yield from (end - len(part) for end, length in enumerate(matched, 1) if length == len(part))


def joined(stretches: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The stretches, which come in order, with those that overlap made one."""
    first = last = -1
    for begin, end in stretches:
        if begin < last:
            last = max(last, end)
            continue
        if last >= 0:
            yield first, last
        first, last = begin, end
    if last >= 0:
        yield first, last


def covered(text: str, blocks: Iterable[int], form: Form) -> Iterator[tuple[int, int]]:
    """The stretches of which all parts of PART letters stand in ``form``.

    ``blocks``: where in the text one of its blocks begins, ascending. Only around these it is looked.
    """
    windows = form.windows
    first = last = -1
    tried = 0
    for block in blocks:
        for at in range(max(tried, block + _BLOCK - PART, 0), min(block, len(text) - PART) + 1):
            if text[at : at + PART] not in windows:
                continue
            if at != last + 1 and first >= 0:
                yield first, last + PART
            first, last = (first if at == last + 1 and first >= 0 else at), at
        tried = max(tried, block + 1)
    if first >= 0:
        yield first, last + PART


def _matched_prefixes(text: str, form: Form) -> Iterator[int]:
    """After each letter of the text, the length of the longest prefix of ``form`` that ends there."""
    letters, prefixes, length = form.letters, form.prefixes, 0
    for letter in text:
        if length == len(letters):
            length = prefixes[length - 1]
        while length and letter != letters[length]:
            length = prefixes[length - 1]
        length += letter == letters[length]
        yield length


def cut_off(text: str, form: Form, breaks: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Prefixes of ``form``, of CUT letters or more, that end where the text breaks off: at one of ``breaks``,
    ascending."""
    if not breaks or text.find(form.letters[:CUT]) < 0:
        return
    start, wanted = max(0, breaks[0] - len(form.letters)), set(breaks)
    for end, length in enumerate(_matched_prefixes(text[start : breaks[-1]], form), start + 1):
        if length >= CUT and end in wanted:
            yield end - length, end


def chains(text: str, parts: Sequence[str], between: int = MOST_FILLED_IN) -> Iterator[tuple[int, int]]:
    """Where ``parts`` follow one another with at most ``between`` letters from one to the next.

    As the regular expression ``part.{0,between}?part…`` finds them, from the left and without overlap.
    """
    if not all(part in text for part in parts):
        return
    places = {part: list(occurrences(text, part)) for part in dict.fromkeys(parts)}
    if sum(len(places[part]) for part in parts) > MOST_PLACES:
        first, last = places[parts[0]][0], places[parts[-1]][-1] + len(parts[-1])
        if first < last:
            yield first, last
        return
    lengths = [len(part) for part in parts]
    yield from _first_chains(_followed_places([places[part] for part in parts], lengths, between), lengths)


def _followed_places(rows: list[list[int]], lengths: list[int], between: int) -> list[list[int]]:
    """The places of each part from which all further parts can follow."""
    for number in range(len(rows) - 2, -1, -1):
        after, kept, at = rows[number + 1], list[int](), 0
        for place in rows[number]:
            end = place + lengths[number]
            while at < len(after) and after[at] < end:
                at += 1
            if at < len(after) and after[at] - end <= between:
                kept.append(place)
        rows[number] = kept
    return rows


def _first_chains(rows: list[list[int]], lengths: list[int]) -> Iterator[tuple[int, int]]:
    """From each place of the first part on, every further part at its first place behind the one before."""
    looked, done = [0] * len(rows), 0
    for first in rows[0]:
        if first < done:
            continue
        end = first + lengths[0]
        for number in range(1, len(rows)):
            row = rows[number]
            while row[looked[number]] < end:
                looked[number] += 1
            end = row[looked[number]] + lengths[number]
        yield first, end
        done = end
