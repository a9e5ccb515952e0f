"""What an endpoint kind has to offer."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from prompts_app.engine.endpoints.pacing import Pacing
from prompts_app.engine.types import Embedded, EndpointConfig, Fault, Reply, Request


class Asker(Protocol):
    """An opened endpoint: connections are kept between calls."""

    @property
    def origin(self) -> str:
        """Scheme, host and port every call goes to, as ``Target.origin``; "" where nothing is called."""
        ...

    async def ask(self, request: Request, deadline_s: float) -> Reply | Fault:
        """One answer. Each attempt has ``deadline_s`` seconds; never raises but for cancellation."""
        ...

    async def embed(self, model: str, texts: tuple[str, ...], deadline_s: float) -> Embedded | Fault:
        """A vector for each text, by the same rules as ``ask``."""
        ...

    async def list_models(self, deadline_s: float) -> tuple[str, ...] | Fault:
        """The names of the models on offer, sorted."""
        ...


type Opener = Callable[[EndpointConfig, int, Pacing], AbstractAsyncContextManager[Asker]]
