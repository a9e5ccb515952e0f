"""Work in the background whose truth is its row (ADR 0001): who works on it, and until when.

A worker that vanishes says nothing. Its lease runs out instead, and another goes on. Each write names the
claim it believes in, so that a worker which slept through the end of its lease cannot undo what its successor
did.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar, Self

from django.db import models, transaction
from django.db.models import Exists, F, OuterRef, Q

from prompts_app.models.clock import now_plus
from prompts_app.models.ids import public_id
from prompts_app.models.reading import MaskedQuerySet


class LeasedQuerySet[M: Leased](MaskedQuerySet[M]):  # which changes nothing but for rows that are masked
    def under_way(self) -> Self:
        return self.filter(state__in=self.model.UNDER_WAY)

    def held(self) -> Self:
        """A worker has them, by the database's clock."""
        return self.under_way().filter(self._is_held())

    def abandoned(self) -> Self:
        """Under way, but no worker holds them: their lease ran out, or nobody ever took them up."""
        return self.under_way().exclude(self._is_held())

    def claimable(self) -> Self:
        """Abandoned, and not to wait for another row (``ONE_AT_A_TIME``) that is at work."""
        return self.abandoned().exclude(self._must_wait()) if self.model.ONE_AT_A_TIME else self.abandoned()

    def next_in_line(self) -> list[int]:
        """The numbers of those that a worker may take up: the oldest of those that go one after the other."""
        lane = F(self.model.ONE_AT_A_TIME or "pk")
        rows = self.claimable().order_by("created_at", "pk").values_list(lane, "pk")
        return list(dict(reversed(rows)).values())

    def claim(self, pk: int, worker: str, **columns: Any) -> bool:
        """Take it for ``worker`` where it is claimable, and write these. Asked twice by the same worker, the
        answer is the same."""
        with transaction.atomic():
            self._stand_in_line(pk)
            taken = self.claimable().filter(pk=pk).update(claim=worker, lease_until=self._end(), **columns)
            return bool(taken) or self._of(pk, worker).exists()

    def renew(self, pk: int, worker: str, **columns: Any) -> bool:
        """Write these and hold it for another while. False, and nothing written, where it is no longer this
        worker's."""
        return bool(self._of(pk, worker).update(lease_until=self._end(), **columns))

    def give_back(self, pk: int, worker: str, **columns: Any) -> bool:
        """Write these, with which it may end, and leave it to others. False as in ``renew``."""
        return bool(self._of(pk, worker).update(claim="", lease_until=None, **columns))

    def _must_wait(self) -> Exists:
        lane, rows = self.model.ONE_AT_A_TIME, type(self)(self.model)
        return Exists(rows.held().filter(~Q(pk=OuterRef("pk")), **{lane: OuterRef(lane)}))

    def _stand_in_line(self, pk: int) -> None:
        """Of two that go one after the other and are claimed in the same instant, the second waits here for
        the first to commit, and then sees its lease. SQLite has one writer at a time anyway."""
        if lane := self.model.ONE_AT_A_TIME:
            of_both: Any = self.model._meta.get_field(lane).related_model
            line = self.filter(pk=pk).values(lane)
            list(of_both.objects.select_for_update(no_key=True).filter(pk__in=line).values_list("pk"))

    def _of(self, pk: int, worker: str) -> Self:
        return self.under_way().filter(pk=pk, claim=worker)

    def _end(self) -> Any:
        return now_plus(self.model.lease_s())

    def _is_held(self) -> Q:
        """A lease further ahead than two of its lengths was written by a clock that was wrong: it holds
        nothing."""
        return Q(lease_until__range=(now_plus(0), now_plus(2 * self.model.lease_s())))


class Leased(models.Model):
    """Taken by compare-and-set, renewed while it is worked on, free again when the lease runs out. A subclass
    has a ``state``, and ``created_at``."""

    UNDER_WAY: ClassVar[Collection[str]]  # states
    ONE_AT_A_TIME: ClassVar[str] = ""  # a foreign key: of those with the same, one is held at a time

    state: models.CharField[Any, str]
    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    claim = models.CharField(max_length=36, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    @classmethod
    def lease_s(cls) -> float:
        """Longer than a worker is ever silent."""
        return 60.0

    @property
    def is_under_way(self) -> bool:
        return self.state in self.UNDER_WAY
