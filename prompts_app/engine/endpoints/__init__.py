"""The registry of endpoint kinds. To add one, add its file and one line to ``KINDS``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from prompts_app.engine.types import Endpoint, Fault, Reply, Request


class Asker(Protocol):
    """An opened endpoint: connections are kept between calls."""

    async def ask(self, request: Request, deadline_s: float) -> Reply | Fault:
        """One answer. Each attempt has ``deadline_s`` seconds; never raises but for cancellation."""
        ...

    async def list_models(self, deadline_s: float) -> tuple[str, ...] | Fault:
        """The names of the models on offer, sorted."""
        ...


@dataclass(frozen=True, slots=True)
class Pacing:
    """How patiently to ask again, in seconds. ``wait_budget_s`` is the sum of all waits of one call."""

    attempts: int = 4
    first_wait_s: float = 0.5
    wait_budget_s: float = 60.0


PACING = Pacing()

type Opener = Callable[[Endpoint, int, Pacing], AbstractAsyncContextManager[Asker]]

KINDS: dict[str, Opener] = {}


def open_endpoint(
    endpoint: Endpoint, concurrency: int, pacing: Pacing = PACING
) -> AbstractAsyncContextManager[Asker]:
    """Open an endpoint for ``concurrency`` calls at once. Raises ``ValueError`` for an unknown kind."""
    raise NotImplementedError
