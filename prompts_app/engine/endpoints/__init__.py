"""The registry of endpoint kinds. To add one, add its file and one line to ``KINDS``."""

from contextlib import AbstractAsyncContextManager

from prompts_app.engine.endpoints.kinds import Asker, Opener
from prompts_app.engine.endpoints.pacing import PACING, Pacing
from prompts_app.engine.endpoints.practice import open_practice
from prompts_app.engine.types import EndpointConfig

__all__ = ["KINDS", "PACING", "Asker", "Pacing", "open_endpoint"]


def _open_openai_compatible(
    endpoint: EndpointConfig, concurrency: int, pacing: Pacing
) -> AbstractAsyncContextManager[Asker]:
    # The openai package takes half a second and 40 MB, which no web process needs: only who calls loads it.
    from prompts_app.engine.endpoints.openai_compatible import open_openai_compatible

    return open_openai_compatible(endpoint, concurrency, pacing)


KINDS: dict[str, Opener] = {
    "openai-compatible": _open_openai_compatible,
    "practice": open_practice,
}


def open_endpoint(
    endpoint: EndpointConfig, concurrency: int, pacing: Pacing = PACING
) -> AbstractAsyncContextManager[Asker]:
    """Open an endpoint for ``concurrency`` calls at once. Raises ``ValueError`` for an unknown kind."""
    if endpoint.kind not in KINDS:
        raise ValueError(f"“{endpoint.kind}” is not a kind of endpoint; known are {', '.join(KINDS)}.")
    return KINDS[endpoint.kind](endpoint, concurrency, pacing)
