"""A judge on loopback: a model server that says what a test tells it to."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from prompts_app.engine.grading import JudgeSetup
from prompts_app.engine.run import RunConfig, run_cells
from prompts_app.engine.types import (
    Assertion,
    CaseContent,
    Cell,
    Embedded,
    EndpointConfig,
    Fault,
    Json,
    Judge,
    Message,
    Outcome,
    PromptContent,
    Reply,
    Request,
)
from prompts_app.tests.engine.servers import QUICK, OddServer, Step, answering, completion, http

PROMPT = PromptContent(
    (Message("system", "Be kind."), Message("user", "What is the capital of {{country}}?"))
)
FRANCE = {"country": "France"}


def says(value: Json, **changes: Json) -> list[Step]:
    """A judge's answer; what is not text is sent as JSON text."""
    text = value if isinstance(value, str) else json.dumps(value)
    return http(200, completion(text, **{"model": "judge-1-2026", **changes}))


def vectors(*rows: Sequence[float], **changes: Json) -> list[Step]:
    data = [{"index": place, "embedding": list(row)} for place, row in enumerate(rows)]
    body = {"data": data, "model": "embed-1", "usage": {"prompt_tokens": 5, "total_tokens": 5}, **changes}
    return http(200, body)


def graded(
    assertions: Assertion | Sequence[Assertion],
    *script: list[Step],
    output: str = "Paris.",
    variables: Mapping[str, str] = FRANCE,
    **more: Any,
) -> tuple[Outcome, OddServer]:
    """One case asked of a model that says ``output``, put before a judge that answers from ``script``."""
    listed = (assertions,) if isinstance(assertions, Assertion) else tuple(assertions)
    case = CaseContent("c", variables, assertions=listed)
    found: list[Outcome] = []
    with answering(http(200, completion(output))) as model, answering(*script) as judge_server:
        embedding = more.pop("embedding_model", "")
        judge = Judge(judge_server.endpoint(), "judge-1", embedding, more.pop("parameters", {}))
        on_price = more.pop("on_price", lambda price: None)
        asyncio.run(
            run_cells(
                RunConfig(
                    PROMPT, "tiny-1", model.endpoint(), concurrency=2, judge=judge, pacing=QUICK, **more
                ),
                [Cell(0, 0, case)], on_outcome=found.append, stop_reason=lambda: None,
                on_price=on_price,
            )
        )  # fmt: skip
    return found[0], judge_server


def why_no_verdict(outcome: Outcome) -> Fault:
    """The fault of a case whose judge failed."""
    assert outcome.reply is not None  # the answer is there all the same
    assert outcome.passed is None
    assert outcome.fault is not None
    assert outcome.fault.kind == "judge_error"
    return outcome.fault


class Scripted:
    """An asker that says what it was given, one text after the other, and has the vectors it was given."""

    origin = "https://judge.example"

    def __init__(self, answers: Sequence[str], vectors: Mapping[str, Sequence[float]]) -> None:
        self._answers, self._vectors = list(answers), vectors

    async def ask(self, request: Request, deadline_s: float) -> Reply | Fault:
        if not self._answers:
            return Fault("server_error", "Nothing left to say.")
        return Reply(self._answers.pop(0), "stop", "judge-1", None, None, 1, 1, 1.0)

    async def embed(self, model: str, texts: tuple[str, ...], deadline_s: float) -> Embedded | Fault:
        return Embedded(tuple(tuple(self._vectors[text]) for text in texts), model, 1, 1.0)

    async def list_models(self, deadline_s: float) -> tuple[str, ...] | Fault:
        return ()


def judge_setup_of(
    answers: Sequence[str], vectors: Mapping[str, Sequence[float]] | None = None
) -> JudgeSetup:
    judge = Judge(EndpointConfig("openai", "https://judge.example/v1"), "judge-1", "embed-1")
    return JudgeSetup(judge, Scripted(answers, vectors or {}), 5.0)
