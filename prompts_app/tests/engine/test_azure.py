"""Azure OpenAI: a path for each deployment, a dated version of the API, and a key in a header of its own."""

import asyncio

import pytest

from prompts_app.engine.endpoints import open_endpoint
from prompts_app.engine.endpoints.addresses import base_url_in, is_below, parse_url, same_address
from prompts_app.engine.types import Embedded, EndpointConfig, Fault, Message, Reply, Request
from prompts_app.tests.engine.asking import ask, list_models
from prompts_app.tests.engine.servers import KEY, QUICK, OddServer, answering, completion, http

VERSION = "api-version=2024-10-21"
NO_DEPLOYMENT = "The API deployment for this resource does not exist."
NO_KEY = "Access denied due to invalid subscription key or wrong API endpoint."
FILTERED = "The response was filtered due to the prompt triggering Azure OpenAI's content management policy."
TOO_OLD = "Model o3 is enabled only for api versions 2024-12-01-preview and later"


def azure(server: OddServer, path: str = "/openai") -> EndpointConfig:
    return server.endpoint(base_url=f"http://127.0.0.1:{server.port}{path}?{VERSION}")


def test_a_model_is_asked_by_the_path_of_its_deployment() -> None:
    with answering(http(200, completion("Hello"))) as server:
        reply = ask(azure(server), model="my gpt/4")
    assert isinstance(reply, Reply)
    assert reply.output == "Hello"
    (asked,) = server.asked
    assert (asked.method, asked.path) == (
        "POST",
        f"/openai/deployments/my%20gpt%2F4/chat/completions?{VERSION}",
    )
    assert asked.json["model"] == "my gpt/4"
    assert asked.headers["api-key"] == KEY
    assert "authorization" not in asked.headers
    assert set(asked.headers) == {
        "host", "accept", "accept-encoding", "user-agent", "api-key", "content-type", "content-length",
    }  # fmt: skip


def test_pictures_and_embeddings_go_by_deployment_too_and_what_could_be_deployed_is_no_model() -> None:
    async def all_three(endpoint: EndpointConfig) -> Embedded | Fault:
        async with open_endpoint(endpoint, 1, QUICK) as asker:
            await asker.ask(Request("draws", (Message("user", "a tree"),), {}, "images"), 5.0)
            return await asker.embed("embeds", ("text",), 5.0)

    with answering(http(200, {"data": [{"index": 0, "embedding": [1.0]}, {"id": "gpt-4o"}]})) as server:
        asyncio.run(all_three(azure(server)))
        assert list_models(azure(server)) == ()
    assert [one.path for one in server.asked] == [
        f"/openai/deployments/draws/images/generations?{VERSION}",
        f"/openai/deployments/embeds/embeddings?{VERSION}",
        f"/openai/models?{VERSION}",
    ]


@pytest.mark.parametrize("path", ["/models", "/openai/v1", "/openai/deployments/mine"])
def test_other_paths_with_a_version_are_asked_as_they_are(path: str) -> None:
    """Azure's models of other makers, its newer API, and a gateway before one deployment."""
    with answering(http(200, completion())) as server:
        assert isinstance(ask(azure(server, path)), Reply)
    assert server.asked[0].path == f"{path}/chat/completions?{VERSION}"
    assert server.asked[0].headers["api-key"] == KEY


@pytest.mark.parametrize(
    ("status", "code", "words", "kind"),
    [
        (404, "DeploymentNotFound", NO_DEPLOYMENT, "model_not_found"),
        (404, "404", "Resource not found", "wrong_path"),
        (401, "401", NO_KEY, "auth"),
        (400, "content_filter", FILTERED, "content_filter"),
        (400, "BadRequest", TOO_OLD, "bad_request"),
    ],
)
def test_its_faults_are_told_as_what_they_are(status: int, code: str, words: str, kind: str) -> None:
    with answering(http(status, {"error": {"code": code, "message": words}})) as server:
        fault = ask(azure(server))
    assert isinstance(fault, Fault)
    assert (fault.kind, fault.status) == (kind, status)
    assert words in fault.message


@pytest.mark.parametrize(
    ("pasted", "base"),
    [
        (f"https://mine.openai.azure.com/openai/deployments/gpt-4o/chat/completions?{VERSION}",
         f"https://mine.openai.azure.com/openai?{VERSION}"),
        (f"https://mine.openai.azure.com/openai/deployments/ada/embeddings?{VERSION}",
         f"https://mine.openai.azure.com/openai?{VERSION}"),
        (f"https://mine.openai.azure.com/openai/deployments/ada?{VERSION}",
         f"https://mine.openai.azure.com/openai?{VERSION}"),
        (f"https://mine.services.ai.azure.com/models/chat/completions?{VERSION}",
         f"https://mine.services.ai.azure.com/models?{VERSION}"),
        ("https://mine.openai.azure.com/openai/v1/", "https://mine.openai.azure.com/openai/v1"),
        ("https://api.openai.com/v1/chat/completions/", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/images/generations", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("https://gate.example/deployments/x/v1", "https://gate.example/deployments/x/v1"),
        ("nonsense", "nonsense"),
    ],
)  # fmt: skip
def test_the_address_of_a_call_that_was_pasted_becomes_a_base_url(pasted: str, base: str) -> None:
    assert base_url_in(pasted) == base


def test_another_version_is_another_address_and_the_key_may_go_there() -> None:
    one, other = (f"https://mine.openai.azure.com/openai?api-version={v}" for v in ("2024-10-21", "preview"))
    assert parse_url(one).api_version == "2024-10-21"
    assert not same_address(one, other)
    assert is_below(one, other)


@pytest.mark.parametrize(
    "query",
    [
        "?",
        "?api-version=",
        "?api-version=a b",
        "?api-version=1&x=2",
        "?x=1&api-version=1",
        "?api-version=1#x",
    ],
)
def test_any_other_query_is_refused(query: str) -> None:
    with pytest.raises(ValueError, match=r"Leave out|Remove the spaces"):
        parse_url(f"https://mine.openai.azure.com/openai{query}")
