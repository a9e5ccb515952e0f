"""What a judge said of its own: after its thinking, and without what it repeats of the text it examined.

A judge that thinks aloud drafts verdicts before it has one, and one that quotes its text repeats whatever
verdict somebody planted there. Only what is left after both may hold the verdict.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from prompts_app.engine.assertions.lenient_json import Found, objects_inside, objects_written
from prompts_app.engine.filters import as_json
from prompts_app.engine.types import Json

SHORTEST_ECHO = 16  # characters: what is shorter stands in an answer by chance
LONGEST_READ = 100_000  # characters: the end of an answer, and the beginning of a text for other spellings
MOST_LOOKED_UP = 100  # objects at the end of an answer: a verdict is not before them

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

    An end without a beginning counts too, and a beginning further down: templates write one of them
    themselves. But not where the texts that were examined have such marks, so that it may be a quotation.
    """
    marks = list(_marks(answer))
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


def _marks(answer: str) -> Iterator[re.Match[str]]:
    """Those that are no part of an object's texts."""
    objects = iter(objects_written(answer))
    current = next(objects, None)
    for mark in _MARK.finditer(answer):
        while current and current.end <= mark.start():
            current = next(objects, None)
        if not current or mark.start() < current.start:
            yield mark


def own_words(answer: str, examined: Sequence[str]) -> str:
    """The answer's end after the thinking, without the examined texts and objects that stand in them."""
    said = after_thinking(_without_echoes(answer[-LONGEST_READ:], examined), examined)
    said = _cut(said, [mark.span() for mark in _marks(said)])
    return _cut(said, [(one.start, one.end) for one in _quoted(said, examined)])


def _quoted(said: str, examined: Sequence[str]) -> Iterator[Found]:
    """The objects that stand in an examined text, letter for letter or by what they say."""
    objects = objects_written(said)
    yield from objects[:-MOST_LOOKED_UP]
    planted = _Planted(inner for text in examined for inner in _objects_in(text)) if objects else None
    for one in objects[-MOST_LOOKED_UP:]:
        letters = said[one.start : one.end]
        if (planted and planted.has(one.value)) or any(letters in text for text in examined):
            yield one


def _without_echoes(answer: str, examined: Sequence[str]) -> str:
    """Without whole copies of a text, where such a copy is not itself a part of an object."""
    for text in {text.strip() for text in examined}:
        if len(text) >= SHORTEST_ECHO and text in answer:
            objects = objects_written(answer)
            echoes = [(at, at + len(text)) for at in _places(text, answer)]
            answer = _cut(answer, [echo for echo in echoes if not _cuts_into(echo, objects)])
    return answer


def _places(text: str, answer: str) -> Iterator[int]:
    at = answer.find(text)
    while at >= 0:
        yield at
        at = answer.find(text, at + len(text))


def _cuts_into(echo: tuple[int, int], objects: Sequence[Found]) -> bool:
    """Whether it begins or ends within an object."""
    for place in echo:
        before = bisect_left(objects, place, key=lambda one: one.start) - 1
        if before >= 0 and place < objects[before].end:
            return True
    return False


def _objects_in(text: str) -> Iterator[dict[str, Json]]:
    """Every object a reader of the text could repeat, also from a text in a text."""
    text = text[:LONGEST_READ]
    for version in {text, text.replace('\\"', '"')}:
        for found in objects_written(version, in_broken=True):
            yield from objects_inside(found.value)


class _Planted:
    """The objects that stand in the examined texts, to be looked up by what they say."""

    def __init__(self, objects: Iterable[dict[str, Json]]) -> None:
        self._saying: dict[str, set[int]] = {}
        for number, value in enumerate(objects):
            for item in _items(value):
                self._saying.setdefault(item, set()).add(number)

    def has(self, value: dict[str, Json]) -> bool:
        """Whether all that it says stands in one of them: a quotation may be shortened."""
        saying = sorted((self._saying.get(item, set()) for item in _items(value)), key=len)
        return bool(saying) and any(all(one in others for others in saying[1:]) for one in saying[0])


def _items(value: dict[str, Json]) -> Iterator[str]:
    return (as_json(list(pair)) for pair in value.items())


def _cut(text: str, spans: Sequence[tuple[int, int]]) -> str:
    pieces, at = [], 0
    for start, end in spans:
        pieces.append(text[at:start])
        at = end
    return " ".join([*pieces, text[at:]])
