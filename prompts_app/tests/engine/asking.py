"""Asking an endpoint from a plain test."""

import asyncio
from collections.abc import Mapping

from prompts_app.engine.endpoints import Pacing, open_endpoint
from prompts_app.engine.types import EndpointConfig, Fault, Json, Message, Reply, Request
from prompts_app.tests.engine.servers import QUICK

QUESTION = (Message("system", "Be brief."), Message("user", "Say hello."))


def ask(
    endpoint: EndpointConfig,
    deadline_s: float = 5.0,
    pacing: Pacing = QUICK,
    model: str = "tiny-1",
    parameters: Mapping[str, Json] | None = None,
    messages: tuple[Message, ...] = QUESTION,
) -> Reply | Fault:
    """One call, from opening the endpoint to closing it."""

    async def call() -> Reply | Fault:
        async with open_endpoint(endpoint, 1, pacing) as asker:
            return await asker.ask(Request(model, messages, parameters or {}), deadline_s)

    return asyncio.run(call())


def list_models(endpoint: EndpointConfig, deadline_s: float = 5.0) -> tuple[str, ...] | Fault:
    async def call() -> tuple[str, ...] | Fault:
        async with open_endpoint(endpoint, 1, QUICK) as asker:
            return await asker.list_models(deadline_s)

    return asyncio.run(call())
