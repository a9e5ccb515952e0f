"""Characters that nobody sees: which they are, and where one has a use that can be seen.

A name or a title refuses those without one, and a page marks them. A joiner inside an emoji or a word of a
script that needs it (Persian, Hindi …) is part of the spelling.
"""

import re
import unicodedata
from itertools import groupby

# Fillers that are letters or marks by name and blank on the page, and what must not reach a browser.
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u180e\u2800\u3164\uffa0"
# Format characters that do draw something (Arabic number signs and the like).
_DRAWN = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
_JOINERS = "\u200c\u200d"
SUSPECTS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f"
    r"\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\U000110bd\U000110cd\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff\ud800-\udfff" + _BLANK + r"]+|[\ufe00-\ufe0f]{2,}"
)
# The flags of England, Scotland and Wales are spelled with tags behind a black flag.
_FLAG = "\U0001f3f4"
_FLAG_TAGS = frozenset(
    "".join(chr(0xE0000 + ord(letter)) for letter in name) + "\U000e007f"
    for name in ("gbeng", "gbsct", "gbwls")
)


def belongs(text: str, match: re.Match[str]) -> bool:
    """Whether this stands where it has a visible use."""
    if all(letter in _DRAWN for letter in match[0]):
        return True
    if match[0] in _FLAG_TAGS:
        return text[match.start() - 1 : match.start()] == _FLAG
    return (
        match[0] in _JOINERS
        and _joins(text[max(0, match.start() - 2) : match.start()])
        and _joins(text[match.end() : match.end() + 1])
    )


# Scripts whose letters take another shape beside a joiner: Arabic to Myanmar, Khmer and Mongolian among the
# next, the later Indic blocks, Arabic's own shapes, and the old scripts of the second plane.
_CURSIVE = ((0x0600, 0x10A0), (0x1700, 0x1CD0), (0xA800, 0xAC00), (0xFB50, 0xFF00), (0x10800, 0x12000))


def _joins(neighbour: str) -> bool:
    """An emoji, or a letter of a script that knows joiners."""
    letter = neighbour.rstrip("\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")[-1:]
    if not letter:
        return bool(neighbour)
    kind = unicodedata.category(letter)
    return kind == "So" or (kind[0] in "LM" and any(a <= ord(letter) < b for a, b in _CURSIVE))


def codes_of(letters: str) -> str:
    """ "U+200B U+202E×12": the same one again is only counted."""
    runs = ((letter, len(list(same))) for letter, same in groupby(letters))
    return " ".join(f"U+{ord(letter):04X}" + (f"×{count}" if count > 1 else "") for letter, count in runs)


def hides_something(text: str) -> bool:
    """Whether there is a character in it that nobody sees, and that has no use there."""
    return any(not belongs(text, match) for match in SUSPECTS.finditer(text))


def without_hidden(text: str) -> str:
    """The same with those characters gone."""
    return SUSPECTS.sub(lambda match: match[0] if belongs(text, match) else "", text)


def plain_line(text: object) -> str:
    """``shown_plainly`` on one line."""
    return " ".join(shown_plainly(text).split())


def shown_plainly(text: object) -> str:
    """For plain text: invisible characters as ⟨U+200B⟩; line ends and tabs stay."""
    source = str(text).replace("\r\n", "\n")
    return SUSPECTS.sub(
        lambda match: match[0] if belongs(source, match) else f"⟨{codes_of(match[0])}⟩", source
    )
