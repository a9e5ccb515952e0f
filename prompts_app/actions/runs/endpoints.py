"""Endpoints and the outside world: asking one which models it offers."""

import asyncio
from dataclasses import dataclass

from django.utils import timezone

from prompts_app.engine.endpoints import open_endpoint
from prompts_app.engine.endpoints.pacing import Pacing
from prompts_app.engine.faults import FAULTS, FaultKind
from prompts_app.engine.types import EndpointConfig, Fault
from prompts_app.models import Endpoint, KeyUnreadable

DEADLINE_S = 10.0  # somebody is waiting for the page
MOST_KNOWN = 2000  # models
LONGEST_NAME = 200  # characters: what a run's model column takes


@dataclass(frozen=True, slots=True)
class Untested:
    """Why no models could be listed: ``label`` is a fragment, ``message`` and ``next_step`` sentences."""

    label: str
    message: str
    next_step: str


def test_connection(endpoint: Endpoint) -> list[str] | Untested:
    """The models on offer, which are stored with the endpoint. Takes at most about DEADLINE_S."""
    try:
        answer = asyncio.run(_list_models(endpoint.as_engine()))
    except KeyUnreadable as unreadable:
        return Untested("the stored key cannot be read", str(unreadable), FAULTS["auth"].next_step)
    if isinstance(answer, Fault):
        kind = FAULTS.get(answer.kind, FAULTS["internal"])
        return _untested(kind, answer.message)
    offered = [name for name in answer if name and len(name) <= LONGEST_NAME][:MOST_KNOWN]
    Endpoint.objects.filter(pk=endpoint.pk).update(
        known_models=offered, last_tested_at=timezone.now(), learned={}
    )
    return offered


async def _list_models(endpoint: EndpointConfig) -> tuple[str, ...] | Fault:
    try:
        async with asyncio.timeout(DEADLINE_S + 2):
            async with open_endpoint(endpoint, concurrency=1, pacing=Pacing(attempts=1)) as asker:
                return await asker.list_models(DEADLINE_S)
    except TimeoutError:
        return Fault("timeout", f"No list of models within {DEADLINE_S:.0f} seconds.")


def _untested(kind: FaultKind, message: str) -> Untested:
    return Untested(kind.label, message, kind.next_step)
