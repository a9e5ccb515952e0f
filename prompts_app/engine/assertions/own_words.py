"""The part of a judge's answer that may hold its verdict.

A judge that thinks aloud drafts verdicts before it has one, and one that quotes the text it examined repeats
whatever verdict somebody planted in that. So the thinking is cut out, and so is what the answer repeats of
the examined texts.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from prompts_app.engine.assertions.lenient_json import Found, objects_inside, objects_written
from prompts_app.engine.filters import as_json
from prompts_app.engine.types import Json

SHORTEST_QUOTATION = 16  # characters of a whole text: a shorter one stands in an answer by chance
LONGEST_READ = 100_000  # characters: of an answer its end, of an examined text its beginning
MOST_COMPARED = 100  # objects at the end of an answer; those before them hold no verdict

# How models mark where thinking begins and ends, with the names the families use: DeepSeek, Qwen, Mistral,
# Kimi, Seed, Cohere, OpenAI's harmony (also where a server lost its marks), Gemma.
_MARK = re.compile(
    r"""<(?P<xml>/?)\s?(?:seed:)?(?:think(?:ing)?|thoughts?|reasoning|analysis|reflection|scratchpad)
        (?:\s[^<>]{0,100})?>
    | \[(?P<square>/?)THINK(?:ING)?\]
    | ◁(?P<arrow>/?)think▷
    | <\|(?P<spoken>begin_of_thought|end_of_thought|START_THINKING|END_THINKING)\|>
    | <\|channel\|?>\s?(?P<channel>analysis|commentary|thought|final)
    | (?P<left><channel\|>)
    | assistant(?P<bare>final)(?=\s{0,9}[{`])
    """,
    re.VERBOSE | re.IGNORECASE,
)


def after_thinking(answer: str, examined: Sequence[str] = ()) -> str:
    """What follows the last end of the thinking; "" where the thinking never ended.

    Prompt templates write the beginning or the end themselves, so either may be missing. Where the examined
    texts have such marks, one of these may be a quotation: then an end counts only after a beginning, and a
    beginning only where nothing stands before it.
    """
    marks = _marks(answer)
    if not marks:
        return answer
    may_quote = any(_MARK.search(text) for text in examined)
    began = any(not _ends(mark) for mark in marks)
    last = next((mark for mark in reversed(marks) if _ends(mark)), None)
    start = last.end() if last and (began or not may_quote) else 0
    for mark in marks:
        leads = not answer[start : mark.start()].strip()
        if mark.start() >= start and not _ends(mark) and (leads or not may_quote):
            return answer[start : mark.start()]
    return answer[start:]


def _ends(mark: re.Match[str]) -> bool:
    word = next(filter(None, mark.groups()), "").lower()
    return word.startswith(("/", "end", "final", "<channel"))


def _marks(answer: str) -> list[re.Match[str]]:
    """Those that are not inside a JSON object."""
    objects = objects_written(answer)
    return [mark for mark in _MARK.finditer(answer) if not _is_inside(mark.start(), objects)]


def _is_inside(place: int, objects: Sequence[Found]) -> bool:
    before = bisect_left(objects, place, key=lambda one: one.start) - 1
    return before >= 0 and place < objects[before].end


def own_words(answer: str, examined: Sequence[str]) -> str:
    """The end of the answer, without the thinking and without what it repeats of the examined texts."""
    said = after_thinking(_without_quotations(answer[-LONGEST_READ:], examined), examined)
    said = _cut(said, [mark.span() for mark in _marks(said)])
    return _cut(said, [(one.start, one.end) for one in _quoted_objects(said, examined)])


def _without_quotations(answer: str, examined: Sequence[str]) -> str:
    """Without whole copies of a text, except those that begin or end inside a JSON object."""
    for text in {text.strip() for text in examined}:
        if len(text) >= SHORTEST_QUOTATION and text in answer:
            objects = objects_written(answer)
            copies = [copy.span() for copy in re.finditer(re.escape(text), answer)]
            answer = _cut(answer, [one for one in copies if not any(_is_inside(at, objects) for at in one)])
    return answer


def _quoted_objects(said: str, examined: Sequence[str]) -> Iterator[Found]:
    """The objects that stand in an examined text: letter for letter, or with all their members."""
    objects = objects_written(said)
    yield from objects[:-MOST_COMPARED]
    planted = _PlantedObjects(examined) if objects else None
    for one in objects[-MOST_COMPARED:]:
        letters = said[one.start : one.end]
        if (planted and planted.has(one.value)) or any(letters in text for text in examined):
            yield one


class _PlantedObjects:
    """Every object that a reader of the texts could repeat, also those in texts within them."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._with_member: dict[str, set[int]] = {}  # a member as JSON → numbers of objects
        beginnings = (text[:LONGEST_READ] for text in texts)
        versions = (version for text in beginnings for version in {text, text.replace('\\"', '"')})
        found = (one for version in versions for one in objects_written(version, in_broken=True))
        objects = (inner for one in found for inner in objects_inside(one.value))
        for number, value in enumerate(objects):
            for member in _members(value):
                self._with_member.setdefault(member, set()).add(number)

    def has(self, value: dict[str, Json]) -> bool:
        """Whether one of them has all members of ``value``, which may leave some out."""
        having = sorted((self._with_member.get(one, set()) for one in _members(value)), key=len)
        return bool(having) and any(all(one in others for others in having[1:]) for one in having[0])


def _members(value: dict[str, Json]) -> Iterator[str]:
    return (as_json(list(pair)) for pair in value.items())


def _cut(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text with a space in the place of each span."""
    pieces, at = [], 0
    for start, end in spans:
        pieces.append(text[at:start])
        at = end
    return " ".join([*pieces, text[at:]])
