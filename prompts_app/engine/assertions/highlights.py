"""Where in an output stands what broke an assertion, for the kinds that can tell."""

from collections.abc import Callable, Iterator
from itertools import chain, islice

import regex

from prompts_app.engine.assertions.patterns import compile_pattern
from prompts_app.engine.assertions.refusal import find_refusal
from prompts_app.engine.assertions.values import as_text, texts_of
from prompts_app.engine.types import Json

type Highlight = tuple[int, int]  # start and end in the output
type Fold = Callable[[str], str]
type Find = Callable[[Json, str], Iterator[Highlight]]

MOST = 50  # places in one output
TIMEOUT_S = 0.05  # for a regular expression: a page is waiting


def highlights_of(kind: str, value: Json, output: str) -> list[Highlight]:
    """What breaks a failed assertion of ``kind`` in ``output``, in no overlap and in order.

    Empty where nothing in the text is to blame: something is missing, or the kind measures the whole.
    """
    find = _FINDERS.get(kind)
    if find is None:
        return []
    try:
        found = sorted(islice((span for span in find(value, output) if span[1] > span[0]), MOST))
    except (ValueError, regex.error, TimeoutError, MemoryError, TypeError):  # a value as it came in a file
        return []
    apart: list[Highlight] = []
    for span in found:
        if not apart or span[0] >= apart[-1][1]:
            apart.append(span)
    return apart


def _word(fold: Fold) -> Find:
    return lambda value, output: _each(as_text(value), output, fold)


def _words(fold: Fold) -> Find:
    return lambda value, output: chain.from_iterable(_each(text, output, fold) for text in texts_of(value))


def _each(text: str, output: str, fold: Fold) -> Iterator[Highlight]:
    """Not by a pattern, which would begin anew at each letter. None where folding moves places."""
    wanted, folded = fold(text), fold(output)
    at = folded.find(wanted) if wanted and len(folded) == len(output) else -1
    while at >= 0:
        yield at, at + len(wanted)
        at = folded.find(wanted, at + len(wanted))


def _pattern(value: Json, output: str) -> Iterator[Highlight]:
    found = compile_pattern(as_text(value)).finditer(output, timeout=TIMEOUT_S, concurrent=True)
    return (match.span() for match in found)


def _beginning(value: Json, output: str) -> Iterator[Highlight]:
    yield 0, min(len(as_text(value)), len(output))


def _all_of_it(value: Json, output: str) -> Iterator[Highlight]:
    yield 0, len(output)


def _refusal(value: Json, output: str) -> Iterator[Highlight]:
    if found := find_refusal(output):
        yield found.span()


_AS_IT_IS, _ANY_CASE = str, str.lower
_FINDERS: dict[str, Find] = {
    "equals": _all_of_it,
    "not-equals": _all_of_it,
    "starts-with": _beginning,
    "not-starts-with": _beginning,
    "not-contains": _word(_AS_IT_IS),
    "not-icontains": _word(_ANY_CASE),
    "not-contains-any": _words(_AS_IT_IS),
    "not-icontains-any": _words(_ANY_CASE),
    "not-contains-all": _words(_AS_IT_IS),
    "not-icontains-all": _words(_ANY_CASE),
    "not-regex": _pattern,
    "not-is-json": _all_of_it,
    "not-is-refusal": _refusal,
}
