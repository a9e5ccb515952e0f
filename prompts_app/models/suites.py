"""The suite of a run, case by case."""

import json
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Any, overload

from django.db.models import TextField
from django.db.models.functions import Cast

from prompts_app.models.evidence import Run

type Case = dict[str, Any]


class StoredSuite(Sequence[Case]):
    """Stands for ``run.suite`` where a worker has it: the text as it is stored, of which each case is read
    when it is its turn. Thousands of cases read at once take many times as much memory.

    For the server's own work, not for pages: nothing in it is masked.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    def __iter__(self) -> Iterator[Case]:
        decoder, at = json.JSONDecoder(), _after_space(self._text, self._text.index("[") + 1)
        while self._text[at] != "]":
            case, at = decoder.raw_decode(self._text, at)
            yield case
            at = _after_space(self._text, at)
            if self._text[at] == ",":
                at = _after_space(self._text, at + 1)

    @cached_property
    def _count(self) -> int:
        return sum(1 for _ in self)

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> Case: ...
    @overload
    def __getitem__(self, place: slice) -> list[Case]: ...
    def __getitem__(self, place: int | slice) -> Case | list[Case]:
        if isinstance(place, slice):
            return list(self)[place]
        wanted = place if place >= 0 else len(self) + place
        for case in islice(self, max(0, wanted), None) if wanted >= 0 else ():
            return case
        raise IndexError(place)


_NOT_SPACE = re.compile(r"[^ \t\n\r]")


def _after_space(text: str, at: int) -> int:
    found = _NOT_SPACE.search(text, at)
    return found.start() if found else len(text)


def with_stored_suite(run: Run) -> Run:
    """``run``, which was loaded without its suite, with that as a StoredSuite."""
    texts = Run.objects.filter(pk=run.pk).annotate(suite_text=Cast("suite", TextField()))
    run.suite = StoredSuite(texts.values_list("suite_text", flat=True).get())
    return run
