"""What changed between two texts, word by word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from diff_match_patch import diff_match_patch

PATIENCE_S = 0.5  # after that the difference found is right, but not the smallest

type Kind = Literal["same", "added", "removed"]
_KINDS: dict[int, Kind] = {0: "same", 1: "added", -1: "removed"}


@dataclass(frozen=True, slots=True)
class Change:
    """A stretch of text that is in both, only in the new one, or only in the old one."""

    kind: Kind
    text: str


def changes(before: str, after: str) -> tuple[Change, ...]:
    """From ``before`` to ``after``: what is "same" or "removed" makes up the one, with "added" the other."""
    differ = diff_match_patch()
    differ.Diff_Timeout = PATIENCE_S
    found = differ.diff_main(before, after)
    differ.diff_cleanupSemantic(found)
    return tuple(Change(_KINDS[kind], text) for kind, text in found)
