"""Endpoints: addresses are checked, keys go in and never come out, a test says what to do next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from prompts_app.actions.run import practice_endpoint
from prompts_app.engine.endpoints.presets import PRESETS
from prompts_app.models import Endpoint, Run
from prompts_app.tests.factories import EndpointFactory, RunFactory
from prompts_app.tests.people import alice, client_of, dana

pytestmark = pytest.mark.django_db

LIST = "/studio/endpoints/"
NEW = f"{LIST}new/"
KEY = "sk-" + "sample-00000000003f9a"


class ModelServer(BaseHTTPRequestHandler):
    """Lists two models to whoever has the key."""

    def do_GET(self) -> None:
        if self.headers["Authorization"] != f"Bearer {KEY}":
            self.answer(401, {"error": {"message": "Incorrect API key provided."}})
        else:
            self.answer(200, {"object": "list", "data": [{"id": "small"}, {"id": "large"}]})

    def answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), ModelServer) as running:
        Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/v1"
        running.shutdown()


@pytest.fixture
def client() -> Client:
    return client_of(alice())


def mine(**fields: Any) -> Endpoint:
    return EndpointFactory(owner=alice(), name="Mine", **fields)


def url_of(endpoint: Endpoint, name: str = "studio_endpoint") -> str:
    return reverse(name, args=[endpoint.public_id])


def form(**fields: str) -> dict[str, str]:
    return {"name": "Mine", "base_url": "https://api.openai.com/v1", "key": "", "do": "save", **fields}


class TestList:
    def test_an_empty_one_offers_the_known_servers(self, client: Client) -> None:
        page = client.get(LIST).content.decode()
        for preset in PRESETS:
            assert preset.name in page

    def test_it_shows_whether_a_key_is_stored_but_not_the_key(self, client: Client) -> None:
        endpoint = mine()
        endpoint.set_key(KEY)
        endpoint.save()
        page = client.get(LIST).content.decode()
        assert "key stored" in page
        assert KEY not in page

    def test_practice_is_there_and_cannot_be_changed(self, client: Client) -> None:
        practice = practice_endpoint(alice())
        assert "never counts as evidence" in client.get(LIST).content.decode()
        assert client.get(url_of(practice))["Location"] == LIST

    def test_somebody_elses_are_not(self, client: Client) -> None:
        EndpointFactory(owner=dana(), name="Hers")
        assert "Hers" not in client.get(LIST).content.decode()


class TestPresets:
    @pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
    def test_one_fills_in_name_and_address(self, client: Client, preset: Any) -> None:
        page = client.get(NEW, {"preset": preset.name}).content.decode()
        assert f'value="{preset.name}"' in page
        assert f'value="{preset.base_url}"' in page

    def test_an_unknown_one_fills_in_nothing(self, client: Client) -> None:
        assert client.get(NEW, {"preset": "x"}).status_code == 200


class TestKeys:
    def test_one_is_stored_encrypted_and_never_shown(self, client: Client) -> None:
        client.post(NEW, form(key=KEY))
        endpoint = Endpoint.objects.get()
        assert endpoint.as_engine().key == KEY
        assert KEY.encode() not in bytes(endpoint.encrypted_key)
        page = client.get(url_of(endpoint)).content.decode()
        assert "A key is stored; leave this empty to keep it." in page
        assert KEY not in page

    def test_an_empty_field_keeps_it(self, client: Client) -> None:
        client.post(NEW, form(key=KEY))
        endpoint = Endpoint.objects.get()
        client.post(url_of(endpoint), form(name="Renamed"))
        endpoint.refresh_from_db()
        assert (endpoint.name, endpoint.as_engine().key) == ("Renamed", KEY)

    def test_a_tick_removes_it(self, client: Client) -> None:
        client.post(NEW, form(key=KEY))
        endpoint = Endpoint.objects.get()
        client.post(url_of(endpoint), form(forget_key="on"))
        endpoint.refresh_from_db()
        assert not endpoint.has_key

    def test_it_is_not_sent_to_another_address_unasked(self, client: Client) -> None:
        client.post(NEW, form(key=KEY))
        endpoint = Endpoint.objects.get()
        page = client.post(url_of(endpoint), form(base_url="https://elsewhere.net/v1")).content.decode()
        assert "The stored key is for api.openai.com." in page
        endpoint.refresh_from_db()
        assert endpoint.base_url == "https://api.openai.com/v1"

    def test_it_is_not_kept_with_the_typing_of_a_lost_session(self) -> None:
        client = client_of(None)
        client.post(NEW, form(key=KEY, name="Typed name"))
        assert KEY not in str(dict(client.session))
        client.force_login(alice(), backend="django.contrib.auth.backends.ModelBackend")
        assert 'value="Typed name"' in client.get(NEW).content.decode()


class TestWrongInput:
    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"name": ""}, "Fill this in."),
            ({"name": "x" * 61}, "At most 60 characters"),
            ({"name": "a\u200bb"}, "invisible character"),
            ({"name": "Taken"}, "You have an endpoint of this name already."),
            ({"base_url": ""}, "Fill this in."),
            ({"base_url": "ftp://example.com"}, "Base URL"),
            ({"base_url": "http://169.254.169.254/latest"}, "not a public address"),
            ({"base_url": "http://10.0.0.1/v1"}, "not a public address"),
            ({"base_url": "http://2130706433/v1"}, "Base URL"),
            ({"base_url": "https://user:pass@example.com/v1"}, "Base URL"),
            ({"base_url": "x" * 1_000_000}, "At most 300 characters"),
            ({"base_url": "https://exa\x00mple.com"}, "invisible character"),
            ({"key": "sk-with space"}, "This is no key"),
            ({"key": "schlüssel"}, "This is no key"),
            ({"key": "x" * 2001}, "At most 2000 characters"),
        ],
    )
    def test_is_told_beside_the_field(
        self, client: Client, settings: Any, fields: dict[str, str], sentence: str
    ) -> None:
        settings.PRIVATE_ENDPOINT_HOSTS = []
        EndpointFactory(owner=alice(), name="Taken")
        answer = client.post(NEW, form(**fields))
        assert answer.status_code == 200
        assert sentence in answer.content.decode()
        assert Endpoint.objects.count() == 1

    def test_another_author_may_use_the_same_name(self, client: Client) -> None:
        EndpointFactory(owner=dana(), name="Mine")
        client.post(NEW, form())
        assert Endpoint.objects.filter(name="Mine").count() == 2


class TestConnection:
    def test_it_lists_and_keeps_the_models_on_offer(self, client: Client, server: str) -> None:
        answer = client.post(NEW, form(base_url=server, key=KEY, do="test"), follow=True)
        assert "It answers, and offers 2 models." in answer.content.decode()
        endpoint = Endpoint.objects.get()
        assert endpoint.known_models == ["large", "small"]
        assert endpoint.last_tested_at is not None

    def test_a_refused_key_says_what_to_do(self, client: Client, server: str) -> None:
        endpoint = mine(base_url=server)
        page = client.post(url_of(endpoint, "studio_endpoint_test"), follow=True).content.decode()
        assert "the key was not accepted" in page
        assert "Enter a valid key for this endpoint" in page

    def test_nobody_there_says_what_to_do(self, client: Client) -> None:
        page = client.post(url_of(mine(), "studio_endpoint_test"), follow=True).content.decode()
        assert "nothing answered at this address" in page
        assert "Check the base URL" in page

    def test_a_key_this_server_cannot_read_any_more(self, client: Client, settings: Any) -> None:
        endpoint = mine()
        endpoint.set_key(KEY)
        endpoint.save()
        settings.ENDPOINT_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]
        page = client.post(url_of(endpoint, "studio_endpoint_test"), follow=True).content.decode()
        assert "Type the key again." in page

    def test_another_address_forgets_the_old_ones_models(self, client: Client) -> None:
        endpoint = mine(known_models=["old"])
        client.post(url_of(endpoint), form(base_url="https://elsewhere.net/v1"))
        endpoint.refresh_from_db()
        assert endpoint.known_models == []


class TestDelete:
    def test_it_asks_first_and_runs_keep_their_results(self, client: Client) -> None:
        endpoint = mine()
        run = RunFactory(endpoint=endpoint, endpoint_name="Mine")
        page = client.get(url_of(endpoint, "studio_endpoint_delete")).content.decode()
        assert "1 run made with it keeps its results" in page
        client.post(url_of(endpoint, "studio_endpoint_delete"))
        assert not Endpoint.objects.filter(pk=endpoint.pk).exists()
        assert Run.objects.get(pk=run.pk).endpoint_name == "Mine"


@pytest.mark.parametrize("name", ["studio_endpoint", "studio_endpoint_test", "studio_endpoint_delete"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_somebody_elses_endpoint_does_not_exist(client: Client, name: str, method: str) -> None:
    hers = EndpointFactory(owner=dana())
    assert getattr(client, method)(url_of(hers, name)).status_code in {404, 405}
    assert Endpoint.objects.count() == 1
