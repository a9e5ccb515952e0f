"""Asking an endpoint from a plain test."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prompts_app.engine.endpoints import Pacing, open_endpoint
from prompts_app.engine.run import RunConfig, run_cells
from prompts_app.engine.types import (
    Api,
    Cell,
    EndpointConfig,
    Fault,
    Json,
    Message,
    Outcome,
    Price,
    PromptContent,
    Reply,
    Request,
    Sent,
)
from prompts_app.tests.engine.servers import QUICK

QUESTION = (Message("system", "Be brief."), Message("user", "Say hello."))


def ask(
    endpoint: EndpointConfig,
    deadline_s: float = 5.0,
    pacing: Pacing = QUICK,
    model: str = "tiny-1",
    parameters: Mapping[str, Json] | None = None,
    messages: tuple[Sent, ...] = QUESTION,
    api: Api = "chat",
    stream: bool = False,
) -> Reply | Fault:
    """One call, from opening the endpoint to closing it."""

    async def call() -> Reply | Fault:
        async with open_endpoint(endpoint, 1, pacing) as asker:
            return await asker.ask(Request(model, messages, parameters or {}, api, stream), deadline_s)

    return asyncio.run(call())


def ask_cells(
    prompt: PromptContent,
    cells: Sequence[Cell],
    endpoint: EndpointConfig,
    *,
    model: str = "tiny-1",
    pacing: Pacing = QUICK,
    stop_reason: Callable[[], str | None] = lambda: None,
    on_price: Callable[[Price], None] = lambda price: None,
    **more: Any,
) -> list[Outcome]:
    """The outcomes of a run over these cells; ``more`` is as ``RunConfig`` takes it."""
    outcomes = list[Outcome]()
    asked = run_cells(
        RunConfig(prompt, model, endpoint, concurrency=4, pacing=pacing, **more), cells,
        on_outcome=outcomes.append, stop_reason=stop_reason, on_price=on_price,
    )  # fmt: skip
    asyncio.run(asked)
    return outcomes


def list_models(endpoint: EndpointConfig, deadline_s: float = 5.0) -> tuple[str, ...] | Fault:
    async def call() -> tuple[str, ...] | Fault:
        async with open_endpoint(endpoint, 1, QUICK) as asker:
            return await asker.list_models(deadline_s)

    return asyncio.run(call())
