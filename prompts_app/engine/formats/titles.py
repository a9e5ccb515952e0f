"""A title where a file gives none."""

import re

LONGEST = 70  # characters; a made-up title has no reason to be longer


def from_file_name(stem: str) -> str:
    """``invoice-field_extractor`` → ``Invoice field extractor``."""
    words = " ".join(re.split(r"[\s_-]+", stem)).strip()
    return words[:1].upper() + words[1:]


def from_text(text: str) -> str:
    """The first line with words in it, without Markdown's marks, cut after a word."""
    for line in text.splitlines():
        words = re.sub(r"^[\s#>*_`~\-–—=|]+|[\s*_`]+$", "", line)
        if any(c.isalnum() for c in words):
            return cut(words, LONGEST)
    return "Untitled"


def cut(line: str, longest: int) -> str:
    """At most ``longest`` characters, with an ellipsis where something is gone."""
    line = " ".join(line.split())
    if len(line) <= longest:
        return line
    kept = line[: longest - 1]
    head, space, _ = kept.rpartition(" ")
    return (head if space and len(head) > longest // 2 else kept).rstrip(" ,;:.–-") + "…"
