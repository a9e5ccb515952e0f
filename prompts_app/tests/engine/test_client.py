"""The ``openai`` client: what of this machine and this process leaves with a call, and who loads it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from prompts_app.engine.endpoints import Pacing
from prompts_app.engine.types import Fault, Reply
from prompts_app.tests.engine.asking import ask, list_models
from prompts_app.tests.engine.servers import KEY, OddServer, answering, completion, http

OURS = {
    "OPENAI_API_KEY": "secret-1",
    "OPENAI_ADMIN_KEY": "secret-2",
    "OPENAI_ORG_ID": "secret-3",
    "OPENAI_PROJECT_ID": "secret-4",
    "OPENAI_WEBHOOK_SECRET": "secret-5",
    "OPENAI_BASE_URL": "http://127.0.0.1:1/secret-6",
    "OPENAI_CUSTOM_HEADERS": "X-Team: secret-7\nAuthorization: Bearer secret-8\nUser-Agent: secret-9\n"
    "api-key: secret-10\nHost: secret-11\nAccept: secret-12\nCookie: secret-13\nContent-Type: secret-14",
    "OPENAI_API_VERSION": "secret-15",
    "AZURE_OPENAI_API_KEY": "secret-16",
    "AZURE_OPENAI_AD_TOKEN": "secret-17",
    "AZURE_OPENAI_ENDPOINT": "http://127.0.0.1:1/secret-18",
    "HTTP_PROXY": "http://secret-19:x@127.0.0.1:1",
    "ALL_PROXY": "http://secret-20:x@127.0.0.1:1",
}


def all_that_came(server: OddServer) -> str:
    return " ".join(f"{one.method} {one.path} {one.headers} {one.body!r}" for one in server.asked)


@pytest.mark.parametrize("query", ["", "?api-version=2024-10-21"])
@pytest.mark.parametrize("key", ["", KEY])
def test_nothing_of_this_process_reaches_a_server_of_an_author(
    monkeypatch: pytest.MonkeyPatch, key: str, query: str
) -> None:
    for name, value in OURS.items():
        monkeypatch.setenv(name, value)
    with answering(http(200, completion())) as server:
        endpoint = server.endpoint(key=key, base_url=f"{server.base_url}{query}")
        assert isinstance(ask(endpoint), Reply)
        list_models(endpoint)
    came = all_that_came(server)
    assert len(server.asked) == 2
    assert "secret" not in came
    assert "stainless" not in came.lower()  # what machine and Python this is
    assert {one.headers["host"] for one in server.asked} == {f"127.0.0.1:{server.port}"}
    keys = [{name: one.headers.get(name) for name in ("authorization", "api-key")} for one in server.asked]
    wanted = (
        {"authorization": None, "api-key": key}
        if query
        else {"authorization": f"Bearer {key}", "api-key": None}
    )
    assert keys == [wanted if key else {"authorization": None, "api-key": None}] * 2


def test_the_client_starts_no_process_to_find_out_about_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def looked() -> str:
        raise AssertionError("the client looked what machine this is")

    monkeypatch.setattr("openai._base_client.get_platform", looked)
    with answering(http(200, completion())) as server:
        assert isinstance(ask(server.endpoint()), Reply)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
@pytest.mark.parametrize("headers", [{}, {"x-should-retry": "true", "Retry-After": "0"}])
def test_the_client_asks_nothing_again_by_itself(status: int, headers: dict[str, str]) -> None:
    with answering(http(status, "", headers)) as server:
        fault = ask(server.endpoint(), pacing=Pacing(attempts=1))
    assert isinstance(fault, Fault)
    assert (len(server.asked), fault.attempts, fault.status) == (1, 1, status)


def test_no_redirect_is_followed_and_no_cookie_kept() -> None:
    with answering(http(200, completion())) as elsewhere:
        moved = {"Location": f"{elsewhere.base_url}/chat/completions", "Set-Cookie": "session=1"}
        with answering(http(307, "", moved)) as server:
            faults = [ask(server.endpoint()) for _ in range(2)]
    assert [isinstance(one, Fault) and one.kind for one in faults] == ["redirect"] * 2
    assert elsewhere.asked == []
    assert "cookie" not in all_that_came(server).lower()


def test_the_openai_package_is_loaded_by_who_calls_a_server_and_not_by_the_site(tmp_path: Path) -> None:
    """A web process imports all of this and no more; so does a worker that has not run anything yet."""
    code = (
        "import django, sys; django.setup(); import portfolio.urls, prompts_app.tasks; "
        "print([name for name in ('openai', 'httpx2') if name in sys.modules])"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "portfolio.settings", "DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
