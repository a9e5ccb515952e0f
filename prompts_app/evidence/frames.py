"""How one case of a run came out: its frame in a contact strip. A run has one letter a case, in the suite's
order; what a letter is called and how it is drawn has no other home."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class FrameState(StrEnum):
    PASSED = "p"
    FAILED = "f"
    NO_ANSWER = "e"
    WAITING = "w"
    UNJUDGED = "u"
    # These two are of a run under way, and never stored.
    ASKING = "n"
    NO_VERDICT = "j"  # answered, but its judge failed

    @property
    def word(self) -> str:
        return _SHOWN[self][0]

    @property
    def glyph(self) -> str:
        """The mark that stands for it."""
        return _SHOWN[self][1]

    @property
    def css(self) -> str:
        """The class it is drawn by, of ``.frames`` in components.css."""
        return _SHOWN[self][2]

    @classmethod
    def _missing_(cls, value: object) -> FrameState:
        """A letter nobody knows is none yet."""
        return cls.WAITING


_SHOWN = {
    FrameState.PASSED: ("passed", "✓", ""),
    FrameState.FAILED: ("failed", "✗", "fail"),
    FrameState.NO_ANSWER: ("no answer", "!", "error"),
    FrameState.WAITING: ("no output yet", "–", "wait"),
    FrameState.UNJUDGED: ("not judged", "–", "unjudged"),
    FrameState.ASKING: ("being asked, or next", "–", "now"),
    FrameState.NO_VERDICT: ("no verdict", "!", "error"),
}


class Frame(NamedTuple):
    """One case of a suite in one run. ``number`` counts from 1; ``href`` is where a click leads, "" for
    nowhere."""

    number: int
    state: FrameState
    href: str = ""
