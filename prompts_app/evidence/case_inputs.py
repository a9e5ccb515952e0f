"""What a case puts in, as pages show it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prompts_app.engine.case_pictures import CasePicture, case_picture_from_json, digest_of

MOST_OF_A_VALUE = 4_000  # characters

type Input = tuple[str, str | CasePicture]


def inputs_of(case: Mapping[str, Any]) -> list[Input]:
    """Each text and picture under its name; a picture stands in place of a text."""
    pictures = [(one.variable, one) for one in pictures_of(case)]
    named = [(str(name), str(value)) for name, value in (case.get("variables") or {}).items()]
    named = [(name, value) for name, value in named if value or name not in dict(pictures)]
    turns = [(f"turn {number}", str(turn)) for number, turn in enumerate(case.get("turns") or (), 1)]
    texts = [
        (name, value if len(value) <= MOST_OF_A_VALUE else value[:MOST_OF_A_VALUE] + "…")
        for name, value in named + turns
    ]
    return [*texts, *pictures]


def pictures_of(case: Mapping[str, Any]) -> tuple[CasePicture, ...]:
    return tuple(map(case_picture_from_json, case.get("pictures") or ()))


def pieces_of(content: Any, pictures: Sequence[CasePicture]) -> Iterator[Any]:
    """A message's content as it was sent, piece by piece: texts and the case's pictures among them. What a
    file brought in may have any shape."""
    known = {one.sha256: one for one in pictures}
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, dict) and (found := known.get(digest_of(part))):
            yield found
        elif isinstance(part, dict) and part.keys() == {"type", "text"}:
            yield part["text"]
        else:
            yield part
