"""Where one text stands in another by its letters and digits alone: the looking behind ``engine.masking``.

Both texts may be anybody's, and every reader's page is looked through. So nothing here goes back and tries
again: each search takes as many steps as there are letters, whatever they are.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from html import unescape
from itertools import accumulate

PART = 36  # letters and digits of a text that are found alone, about eight words
CUT = 12  # the same where the text looked through ends, or has an ellipsis, in the middle of it
MOST_FILLED_IN = 4_000  # letters and digits of a value in the place of a variable
MOST_STEPS = 500_000  # places of parts between variables; with more, all from the first to the last is taken
_CHUNK = 64  # characters folded at once
_BLOCK, _STRIDE = 18, 19  # PART letters hold a whole one of the blocks at every stride

_ESCAPE = re.compile(
    r"(?<!\\)\\++(?:u[0-9a-fA-F]{4}|[nrtbfsSwWdDB\"/])"
    r"|&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});|%[0-7][0-9a-fA-F]"
)
_MARKS_AFTER, _MARKS_BEFORE = "\"'”’»", "\"'“‘«"  # may stand between a letter and an ellipsis
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
    """The same with escapes (of JSON, HTML, addresses, patterns) as the characters they stand for."""
    return fold(_ESCAPE.sub(lambda match: _character(match[0]), text))


class _Places:
    """Where in a text the letters of its folding stand. Stretches are folded whole, and letter by letter
    only around what is asked for: a megabyte takes a moment."""

    def __init__(self, text: str, *, with_escapes: bool) -> None:
        self._text = text
        self._stretches = list(_stretches(text, with_escapes))  # (start, end, folded letters, is an escape)
        self._starts = [start for start, _, _, _ in self._stretches]
        self._ends = list(accumulate(count for _, _, count, _ in self._stretches))

    def place(self, first: int, last: int) -> tuple[int, int]:
        """The beginning and the end, in the text, of the folded letters from ``first`` to ``last``."""
        return self.letter(first)[0], self.letter(last - 1)[1]

    def before(self, place: int) -> int:
        """How many folded letters stand before a place of the text."""
        number = bisect_left(self._starts, place) - 1
        if number < 0:
            return 0
        start, end, count, _ = self._stretches[number]
        if place >= end:
            return self._ends[number]
        return self._ends[number] - count + len(fold(self._text[start:place]))

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


class FoldedText:
    """A stretch of a text as it is looked through: as it stands, or with its escapes read."""

    def __init__(self, whole: str, start: int, end: int, *, with_escapes: bool) -> None:
        self._text, self._with_escapes = whole[start:end], with_escapes
        self._is_beginning, self._is_end = start == 0, end == len(whole)
        self.is_another = not with_escapes or bool(_ESCAPE.search(self._text))
        self.folded = (fold_read if with_escapes else fold)(self._text) if self.is_another else ""

    @cached_property
    def places(self) -> _Places:
        return _Places(self._text, with_escapes=self._with_escapes)

    @cached_property
    def breaks(self) -> list[int]:
        """The folded letters before which the text breaks off, ascending: at an ellipsis, and at its end."""
        found = [self._letters_to(found.start()) for found in _ELLIPSIS.finditer(self._text)]
        return [at for at in found if at] + [len(self.folded)] * self._is_end

    @cached_property
    def beginnings(self) -> list[int]:
        """The folded letters with which the text sets in: at its beginning, and after an ellipsis."""
        found = [self._letters_from(found.end()) for found in _ELLIPSIS.finditer(self._text)]
        return [0] * self._is_beginning + [at for at in found if at < len(self.folded)]

    def _letters_to(self, place: int) -> int:
        """How many letters there are before, where one stands right there; else 0."""
        while place and (self._text[place - 1] in _MARKS_AFTER or self._text[place - 1].isspace()):
            place -= 1
        count = self.places.before(place)
        if not self._with_escapes:
            return count if place and fold(self._text[place - 1]) else 0
        return count if count and self.places.letter(count - 1)[1] == place else 0

    def _letters_from(self, place: int) -> int:
        """The letter that stands right there; none is as far as there are letters."""
        text = self._text
        while place < len(text) and (text[place] in _MARKS_BEFORE or text[place].isspace()):
            place += 1
        count, most = self.places.before(place), len(self.folded)
        if not self._with_escapes:
            return count if place < len(text) and fold(text[place]) else most
        return count if count < most and self.places.letter(count)[0] == place else most


class Spent(Exception):
    """More steps were wanted than there are."""


class Steps:
    """How much looking may be done, in letters: whoever wrote the texts may have written them for that.

    Every text has its share, by its length; what one wants beyond it comes out of what all have together.
    """

    def __init__(self, beyond: int) -> None:
        self._beyond, self._share = beyond, 0

    def share(self, text: str) -> None:
        self._share = 20_000 + 10 * len(text)

    def take(self, count: int) -> None:
        """Raises Spent."""
        paid = min(count, self._share)
        self._share -= paid
        self._beyond -= count - paid
        if self._beyond < 0:
            self._beyond = 0
            raise Spent


# --- searching in letters -------------------------------------------------------------------------------


def occurrences(text: str, part: str) -> Iterator[int]:
    """Every place where ``part`` begins, those that overlap too."""
    if len(part) <= PART:
        at = text.find(part)
        while at >= 0:
            yield at
            at = text.find(part, at + 1)
    elif part in text:
        known = _beginnings_at(text, part, failing(part))
        yield from (end - len(part) for end, length in enumerate(known, 1) if length == len(part))


def joined(stretches: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Stretches in order as they are, but those that overlap as one."""
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


def blocks_of(form: str) -> tuple[str, ...]:
    """Stretches of which every part of PART letters holds one, each once."""
    return tuple({form[at : at + _BLOCK]: 0 for at in range(0, len(form) - _BLOCK + 1, _STRIDE)})


def windows_of(form: str) -> frozenset[str]:
    """Every part of PART letters."""
    return frozenset(form[at : at + PART] for at in range(len(form) - PART + 1))


def shared(text: str, found: Iterable[int], windows: Collection[str]) -> Iterator[tuple[int, int]]:
    """The stretches all of whose parts of PART letters are among ``windows``. ``found``: where blocks of
    them stand in the text."""
    first = last = -1
    tried = 0
    for block in found:
        for at in range(max(tried, block + _BLOCK - PART, 0), min(block, len(text) - PART) + 1):
            if text[at : at + PART] not in windows:
                continue
            if at != last + 1 and first >= 0:
                yield first, last + PART
            first, last = (first if at == last + 1 and first >= 0 else at), at
        tried = max(tried, block + 1)
    if first >= 0:
        yield first, last + PART


def failing(form: str) -> list[int]:
    """For each beginning of ``form`` the longest shorter one it ends with (Knuth, Morris and Pratt)."""
    found, length = [0] * len(form), 0
    for at in range(1, len(form)):
        while length and form[at] != form[length]:
            length = found[length - 1]
        length += form[at] == form[length]
        found[at] = length
    return found


def _beginnings_at(text: str, form: str, fails: Sequence[int]) -> Iterator[int]:
    """After each letter of the text, how long the longest beginning of ``form`` is that ends there."""
    length = 0
    for letter in text:
        if length == len(form):
            length = fails[length - 1]
        while length and letter != form[length]:
            length = fails[length - 1]
        length += letter == form[length]
        yield length


def cut_off(text: str, form: str, fails: Sequence[int], breaks: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Beginnings of ``form``, CUT letters or more, where the text breaks off after them."""
    if not breaks or text.find(form[:CUT]) < 0:
        return
    start, wanted = max(0, breaks[0] - len(form)), set(breaks)
    for end, length in enumerate(_beginnings_at(text[start : breaks[-1]], form, fails), start + 1):
        if length >= CUT and end in wanted:
            yield end - length, end


def chains(text: str, parts: Sequence[str], between: int = MOST_FILLED_IN) -> Iterator[tuple[int, int]]:
    """Where ``parts`` stand one after the other with at most so many letters between two: from the first
    place on, each part at its first place from which all others can follow. Stretches do not overlap."""
    if not all(part in text for part in parts):
        return
    places = {part: list(occurrences(text, part)) for part in dict.fromkeys(parts)}
    if sum(len(places[part]) for part in parts) > MOST_STEPS:
        first, last = places[parts[0]][0], places[parts[-1]][-1] + len(parts[-1])
        if first < last:
            yield first, last
        return
    rows = _that_can_go_on([places[part] for part in parts], [len(part) for part in parts], between)
    yield from _followed(rows, [len(part) for part in parts])


def _that_can_go_on(rows: list[list[int]], lengths: list[int], between: int) -> list[list[int]]:
    """Of each part the places after which the next one stands near enough, and all further ones."""
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


def _followed(rows: list[list[int]], lengths: list[int]) -> Iterator[tuple[int, int]]:
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
