"""What stands in for a model server, checked against a real one. Only on demand: see CONTRIBUTING.md.

    PROOFSHEET_REAL_SERVER=http://127.0.0.1:8111/v1 pytest prompts_app/tests/engine/test_verified_fake.py

The stand-ins may not claim anything of an answer that a real llama.cpp server does not say as well, in the
same place and of the same type; and our client has to read the same of both.
"""

import asyncio
import json
import os
from collections.abc import Iterator
from typing import Any
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import pytest
from llmock.testing import LLMockServer

from prompts_app.engine.endpoints import open_endpoint
from prompts_app.engine.finish_reasons import is_cut
from prompts_app.engine.response_format import asking_for
from prompts_app.engine.run import RunConfig, run_cells
from prompts_app.engine.schema_check import check_of_schema
from prompts_app.engine.types import (
    Answer,
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
from prompts_app.tests.engine.asking import ask, list_models
from prompts_app.tests.engine.judges import vectors
from prompts_app.tests.engine.servers import KEY, QUICK, answering, completion, http

BASE_URL = os.environ.get("PROOFSHEET_REAL_SERVER", "").rstrip("/")
MODEL = os.environ.get("PROOFSHEET_REAL_MODEL", "SmolLM2-135M-Instruct")
PATIENCE_S = 120.0
SHORT = {"max_tokens": 5, "temperature": 0}

# What other servers say and this one does not; our client takes it as unknown where it is absent.
NOT_EVERYWHERE = {"system_fingerprint"}

pytestmark = [
    pytest.mark.skipif(not BASE_URL, reason="PROOFSHEET_REAL_SERVER names no server to check against"),
    pytest.mark.slow,
]


def shape(value: Json, path: str = "") -> dict[str, str]:
    """``{"choices[].message.content": "str", …}``; numbers are one type, null fits any."""
    if isinstance(value, dict):
        return {
            place: kind
            for key, item in value.items()
            for place, kind in shape(item, f"{path}.{key}".lstrip(".")).items()
        }
    if isinstance(value, list):
        return {place: kind for item in value[:1] for place, kind in shape(item, f"{path}[]").items()}
    return {path: "number" if isinstance(value, int | float) else type(value).__name__}


def what_the_fake_made_up(fake: Json, real: Json) -> list[str]:
    known = shape(real)
    return [
        f"{place}: {kind}, in truth {known.get(place, 'not there')}"
        for place, kind in shape(fake).items()
        if place not in NOT_EVERYWHERE and known.get(place) not in {kind, "NoneType"}
    ]


@pytest.fixture(scope="module")
def real() -> EndpointConfig:
    host = BASE_URL.split("//")[1].split("/")[0].rpartition(":")[0]
    return EndpointConfig("openai-compatible", BASE_URL, "", frozenset({host}))


@pytest.fixture(scope="module")
def llmock() -> Iterator[EndpointConfig]:
    with LLMockServer() as server:
        yield EndpointConfig("openai-compatible", server.base_url("openai"), KEY, frozenset({"127.0.0.1"}))


def said(base_url: str, path: str, body: dict[str, Any] | None = None) -> Json:
    """The JSON of one plain exchange, without our client in between."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
    with urlopen(HttpRequest(base_url + path, data, headers), timeout=PATIENCE_S) as response:
        assert response.headers["Content-Type"].startswith("application/json")
        return json.load(response)


def chat(model: str) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "Say hello."}], **SHORT}


@pytest.fixture(scope="module")
def real_completion() -> Json:
    return said(BASE_URL, "/chat/completions", chat(MODEL))


def test_our_own_completion_claims_nothing_a_real_one_does_not_say(real_completion: Json) -> None:
    assert what_the_fake_made_up(completion(), real_completion) == []


def test_what_our_client_reads_of_a_completion_is_in_a_real_one(real_completion: Json) -> None:
    places = shape(real_completion)
    for place, kind in {
        "id": "str", "model": "str", "choices[].message.content": "str", "choices[].finish_reason": "str",
        "usage.prompt_tokens": "number", "usage.completion_tokens": "number",
    }.items():  # fmt: skip
        assert places[place] == kind


def test_llmocks_completion_has_all_our_client_reads_where_a_real_one_has_it(
    llmock: EndpointConfig, real_completion: Json
) -> None:
    fake = shape(said(llmock.base_url, "/chat/completions", chat("gpt-4o-mini")))
    real = shape(real_completion)
    for place in (
        "choices[].message.content",
        "choices[].finish_reason",
        "usage.prompt_tokens",
        "model",
        "id",
    ):
        assert fake[place] == real[place]


def test_our_client_reads_the_same_of_all(real: EndpointConfig, llmock: EndpointConfig) -> None:
    with answering(http(200, completion())) as ours:
        replies = [
            ask(ours.endpoint(), PATIENCE_S, parameters=SHORT),
            ask(llmock, PATIENCE_S, model="gpt-4o-mini", parameters=SHORT),
            ask(real, PATIENCE_S, model=MODEL, parameters=SHORT),
        ]
    for reply in replies:
        assert isinstance(reply, Reply), reply
        assert reply.output
        assert reply.model
        assert reply.response_id
        assert reply.finish_reason in {"stop", "length"}
        assert (reply.tokens_in or 0) > 0
        assert (reply.tokens_out or 0) > 0
        assert reply.latency_ms > 0


def test_our_client_joins_a_real_stream_to_an_answer(real: EndpointConfig) -> None:
    async def streamed() -> Reply | Fault:
        messages = (Message("user", "Say hello."),)
        async with open_endpoint(real, 1, QUICK) as asker:
            return await asker.ask(Request(MODEL, messages, SHORT, stream=True), PATIENCE_S)

    reply = asyncio.run(streamed())
    assert isinstance(reply, Reply), reply
    assert reply.output
    assert reply.finish_reason in {"stop", "length"}
    assert 0 < (reply.first_token_ms or 0) <= reply.latency_ms


def test_the_models_list(real: EndpointConfig, llmock: EndpointConfig) -> None:
    models = list_models(real, PATIENCE_S)
    assert isinstance(models, tuple)
    assert MODEL in models
    listed = said(BASE_URL, "/models")
    fake = {"object": "list", "data": [{"id": "tiny-1", "object": "model"}]}  # as in test_openai_compatible
    assert what_the_fake_made_up(fake, listed) == []
    assert shape(said(llmock.base_url, "/models"))["data[].id"] == shape(listed)["data[].id"]


def test_a_request_it_cannot_read_is_a_fault_in_words(real: EndpointConfig) -> None:
    fault = ask(real, PATIENCE_S, model=MODEL, parameters={"max_tokens": "many"})
    assert isinstance(fault, Fault)
    assert fault.kind in {"bad_request", "server_error"}
    assert fault.status in {400, 422, 500}


def test_a_wrong_base_url_is_told(real: EndpointConfig) -> None:
    nowhere = EndpointConfig("openai-compatible", f"{BASE_URL}/nowhere", "", real.allowed_private_hosts)
    fault = ask(nowhere, PATIENCE_S, model=MODEL)
    assert isinstance(fault, Fault)
    assert fault.kind == "wrong_path"


SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


@pytest.mark.parametrize("asked", [asking_for(SCHEMA), {"type": "json_object", "schema": SCHEMA}])
def test_a_schema_is_kept_to_or_refused_in_words_and_which_is_told(real: EndpointConfig, asked: Json) -> None:
    parameters = {"temperature": 0, "max_tokens": 60, "response_format": asked}
    came = ask(real, PATIENCE_S, model=MODEL, parameters=parameters)
    if isinstance(came, Fault):
        assert (came.kind, came.attempts) in {("no_such_format", 1), ("bad_schema", 1)}
        return
    check = check_of_schema(parameters, Answer(came.output, came.finish_reason))
    assert check is not None
    assert check.passed or is_cut(came.finish_reason)


def test_embeddings_where_the_server_offers_them(real: EndpointConfig) -> None:
    async def embed() -> Embedded | Fault:
        async with open_endpoint(real, 1, QUICK) as asker:
            return await asker.embed(MODEL, ("one", "two"), PATIENCE_S)

    found = asyncio.run(embed())
    if isinstance(found, Fault) and found.status != 200:  # started without embeddings: said in words
        assert found.kind in {"server_error", "bad_request", "model_not_found"}
        return
    listed = said(BASE_URL, "/embeddings", {"model": MODEL, "input": ["one"]})
    if isinstance(listed["data"][0]["embedding"][0], list):  # a chat model: a vector a token, not one a text
        assert isinstance(found, Fault)
        assert found.kind == "wrong_shape"
        return
    assert isinstance(found, Embedded)
    assert [len(vector) > 1 for vector in found.vectors] == [True, True]
    fake = json.loads(vectors((1.0, 0.0))[0].partition(b"\r\n\r\n")[2])  # type: ignore[union-attr]
    assert what_the_fake_made_up(fake, listed) == []


def test_a_tiny_model_as_the_judge_gives_a_verdict_or_an_error_but_never_breaks(real: EndpointConfig) -> None:
    case = CaseContent("c", assertions=(Assertion("llm-rubric", "Is a greeting."),))
    prompt = PromptContent((Message("user", "Say hello."),), parameters=SHORT)
    found: list[Outcome] = []
    asyncio.run(
        run_cells(
            RunConfig(prompt, MODEL, real, concurrency=1, judge=Judge(real, MODEL)), [Cell(0, 0, case)],
            on_outcome=found.append, stop_reason=lambda: None,
        )
    )  # fmt: skip
    [outcome] = found
    assert outcome.reply is not None
    [check] = outcome.checks
    assert check.judge is not None
    assert check.judge.calls[0].answer
    assert (outcome.fault is None) == (check.passed is not None)
