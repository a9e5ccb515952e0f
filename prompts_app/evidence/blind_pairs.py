"""Which two outputs a visitor reads blind. Drawn by a rule that the page states; nobody can pick.

The baseline and the shown version on its main model; where those two have no such pair, the shown version
on its first two models. Both runs were recorded by this server, are the ones the figures are made of, and
answered the same case; the first answer of each, where both are text and the texts differ. Which case, and
which of the two stands left, comes from a random word in the address, read with the site's key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from django.utils.crypto import constant_time_compare, salted_hmac

from prompts_app.evidence.records import Records
from prompts_app.models import Level, Run
from prompts_app.models.endpoints import IMAGES
from prompts_app.models.ids import public_id
from prompts_app.models.votes import Pair


@dataclass(frozen=True, slots=True)
class Duel:
    """Two runs, and every case of theirs that can be read blind: its place in the second run's suite."""

    one: Run
    other: Run
    cases: dict[Pair, int]

    @property
    def pairs(self) -> list[Pair]:
        return list(self.cases)

    @property
    def names(self) -> tuple[str, str]:
        """What tells the two apart: "v1" and "v5", else the models."""
        if self.one.version.number == self.other.version.number:
            return self.one.named, self.other.named
        return str(self.one.version), str(self.other.version)

    @property
    def is_over_versions(self) -> bool:
        return self.one.version.number != self.other.version.number

    def drawn(self, draw: str) -> Drawn:
        """The same pair in the same order each time, and nothing that could be told from ``draw``."""
        chance = _digest("blind-draw", f"{draw}:{self.one.pk}:{self.other.pk}")
        pair = self.pairs[int.from_bytes(chance[:8]) % len(self.cases)]
        return Drawn(draw, pair, self.cases[pair], is_swapped=bool(chance[8] & 1))

    def fresh_draw(self, among: Collection[Pair]) -> str:
        """A new word that draws one of these pairs; any other where chance is against it."""
        draw = public_id()
        for _ in range(10 * len(self.cases)):
            if self.drawn(draw).pair in among:
                break
            draw = public_id()
        return draw


@dataclass(frozen=True, slots=True)
class Drawn:
    draw: str
    pair: Pair
    case_index: int
    is_swapped: bool  # the first of the pair stands right

    @property
    def keys(self) -> tuple[int, int]:
        """The two results as they stand, left first."""
        return (self.pair.other, self.pair.one) if self.is_swapped else (self.pair.one, self.pair.other)

    @property
    def seal(self) -> str:
        """Goes with the form, so that a vote is about the outputs that were read."""
        return _digest("blind-pair", f"{self.draw}:{self.pair.one}:{self.pair.other}").hex()[:16]

    def is_sealed_by(self, seal: str) -> bool:
        return constant_time_compare(seal, self.seal)


def _digest(kind: str, text: str) -> bytes:
    return salted_hmac(kind, text, algorithm="sha256").digest()


def duel_of(records: Records) -> Duel | None:
    """None where nothing can be read blind. No outputs are read."""
    for one, other in _candidates(records):
        if _is_recorded(one) and _is_recorded(other) and (cases := _cases(records, one, other)):
            return Duel(one, other, cases)
    return None


def _candidates(records: Records) -> Iterator[tuple[Run, Run]]:
    if records.before and records.shown:
        yield records.before, records.shown[0]
    if len(records.shown) > 1:
        yield records.shown[1], records.shown[0]


def _is_recorded(run: Run) -> bool:
    return run.level is not None and run.level >= Level.RECORDED and run.api != IMAGES


def _cases(records: Records, one: Run, other: Run) -> dict[Pair, int]:
    """Every case both answered in words, where the words differ."""
    firsts, seconds = records.first_texts(one), records.first_texts(other)
    cases = {}
    for at_one, at_other in records.places(one, other):
        first, second = firsts.get(at_one), seconds.get(at_other)
        if first and second and first[1] != second[1]:
            cases[Pair(first[0], second[0])] = at_other
    return cases
