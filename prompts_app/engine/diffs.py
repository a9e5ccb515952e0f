"""What changed between two texts, word by word, and between the messages of two versions."""

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from diff_match_patch import diff_match_patch

from prompts_app.engine.types import Message, Role

type Change = Literal["same", "added", "removed"]
_CHANGES: dict[int, Change] = {-1: "removed", 0: "same", 1: "added"}
_WORD = re.compile(r"\w+|\s+|[^\w\s]")
_SURROGATES = range(0xD800, 0xE000)
MOST_SECONDS = 1.0  # beyond it the difference is told more coarsely, never wrongly


@dataclass(frozen=True, slots=True)
class DiffPiece:
    """A stretch of text that stayed, came or went."""

    change: Change
    text: str


@dataclass(frozen=True, slots=True)
class MessageDiff:
    """One message: ``change`` says whether it is in both versions, only the newer or only the older."""

    role: Role
    change: Change
    pieces: tuple[DiffPiece, ...]


def word_diff(before: str, after: str) -> tuple[DiffPiece, ...]:
    """The pieces in reading order. Without those added they join to ``before``, without those removed to
    ``after``."""
    differ = diff_match_patch()
    differ.Diff_Timeout = MOST_SECONDS
    letters: dict[str, str] = {}
    found = differ.diff_main(_as_letters(before, letters), _as_letters(after, letters), False)
    differ.diff_cleanupSemantic(found)
    words = {letter: word for word, letter in letters.items()}
    return tuple(
        DiffPiece(_CHANGES[change], "".join(words[letter] for letter in text))
        for change, text in found
        if text
    )


def _as_letters(text: str, letters: dict[str, str]) -> str:
    """Each different word as one letter of its own, so that words are compared instead of letters."""
    return "".join(letters.setdefault(word, _letter(len(letters))) for word in _WORD.findall(text))


def _letter(number: int) -> str:
    """The letter with this number; half surrogate pairs are no letters."""
    code = number + 1
    return chr(code if code < _SURROGATES.start else code + len(_SURROGATES))


def message_diff(before: Sequence[Message], after: Sequence[Message]) -> tuple[MessageDiff, ...]:
    """The messages of two versions side by side. Those that stayed word for word hold their places, so that a
    new example among old ones reads as new; what lies between them is paired by its roles' order."""
    return tuple(
        one
        for change, old, new in _stretches(before, after)
        for one in (_kept(after[new]) if change == "equal" else _between(before[old], after[new]))
    )


def _stretches[T: Hashable](before: Sequence[T], after: Sequence[T]) -> Iterator[tuple[str, slice, slice]]:
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for change, i1, i2, j1, j2 in matcher.get_opcodes():
        yield change, slice(i1, i2), slice(j1, j2)


def _kept(messages: Sequence[Message]) -> Iterator[MessageDiff]:
    for message in messages:
        pieces = (DiffPiece("same", message.content),) if message.content else ()
        yield MessageDiff(message.role, "same", pieces)


def _between(before: Sequence[Message], after: Sequence[Message]) -> Iterator[MessageDiff]:
    for _, old, new in _stretches([m.role for m in before], [m.role for m in after]):
        yield from _paired(before[old], after[new])


def _paired(before: Sequence[Message], after: Sequence[Message]) -> Iterator[MessageDiff]:
    if [m.role for m in before] == [m.role for m in after]:
        for old, new in zip(before, after, strict=True):
            yield MessageDiff(new.role, "same", word_diff(old.content, new.content))
        return
    for message in before:
        yield MessageDiff(message.role, "removed", (DiffPiece("removed", message.content),))
    for message in after:
        yield MessageDiff(message.role, "added", (DiffPiece("added", message.content),))
