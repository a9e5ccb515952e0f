"""Endpoints: addresses are checked, keys go in and never come out, a test says what to do next."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from prompts_app.actions.runs.lifecycle import practice_endpoint
from prompts_app.engine.endpoints.presets import PRESETS
from prompts_app.models import Endpoint, Run
from prompts_app.tests.engine.servers import answering, http
from prompts_app.tests.factories import EndpointFactory, RunFactory
from prompts_app.tests.pages import read_page
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
        page = read_page(client.get(LIST))
        for preset in PRESETS:
            assert preset.name in page

    def test_it_shows_whether_a_key_is_stored_but_not_the_key(self, client: Client) -> None:
        endpoint = mine()
        endpoint.set_key(KEY)
        endpoint.save()
        page = read_page(client.get(LIST))
        assert "key stored" in page
        assert KEY not in page

    def test_practice_is_there_and_cannot_be_changed(self, client: Client) -> None:
        practice = practice_endpoint(alice())
        assert "never counts as evidence" in read_page(client.get(LIST))
        assert client.get(url_of(practice))["Location"] == LIST

    def test_somebody_elses_are_not(self, client: Client) -> None:
        EndpointFactory(owner=dana(), name="Hers")
        assert "Hers" not in read_page(client.get(LIST))


class TestTheApi:
    def test_texts_are_asked_for_at_chat_completions_until_its_author_says_otherwise(
        self, client: Client
    ) -> None:
        client.post(NEW, form())
        endpoint = Endpoint.objects.get(name="Mine")
        assert (endpoint.api, endpoint.as_engine().api) == ("chat", "chat")
        client.post(url_of(endpoint), form(api="responses"))
        endpoint.refresh_from_db()
        assert (endpoint.api, endpoint.as_engine().api) == ("responses", "responses")

    def test_a_form_without_it_leaves_it_as_it_is(self, client: Client) -> None:
        endpoint = mine(api="responses")
        client.post(url_of(endpoint), form())
        endpoint.refresh_from_db()
        assert endpoint.api == "responses"

    def test_another_is_refused(self, client: Client) -> None:
        assert "Select a valid choice" in read_page(client.post(NEW, form(api="images")))


class TestPresets:
    @pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
    def test_one_fills_in_name_and_address(self, client: Client, preset: Any) -> None:
        page = read_page(client.get(NEW, {"preset": preset.name}))
        assert f'value="{preset.name}"' in page
        assert f'value="{preset.base_url}"' in page

    def test_azures_asks_for_the_name_of_ones_own_resource_before_a_key_goes_there(
        self, client: Client
    ) -> None:
        (azure,) = (preset for preset in PRESETS if preset.name == "Azure OpenAI")
        page = read_page(client.post(NEW, form(base_url=azure.base_url, key=KEY)))
        assert "Put the name of your own resource in place of “your-resource”." in page
        assert not Endpoint.objects.exists()
        client.post(NEW, form(base_url=azure.base_url.replace("your-resource", "acme"), key=KEY))
        assert Endpoint.objects.get().base_url == "https://acme.openai.azure.com/openai/v1"

    def test_an_unknown_one_fills_in_nothing(self, client: Client) -> None:
        assert client.get(NEW, {"preset": "x"}).status_code == 200


class TestKeys:
    def test_one_is_stored_encrypted_and_never_shown(self, client: Client) -> None:
        client.post(NEW, form(key=KEY))
        endpoint = Endpoint.objects.get()
        assert endpoint.as_engine().key == KEY
        assert KEY.encode() not in bytes(endpoint.encrypted_key)
        page = read_page(client.get(url_of(endpoint)))
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

    @pytest.mark.parametrize(
        "moved",
        ["https://elsewhere.net/v1", "http://gate.example.com/team-a/v1", "https://gate.example.com:8443/team-a/v1",
         "https://gate.example.com/team-b/v1", "https://gate.example.com/team-a", "https://gate.example.com",
         "https://gate.example.com/team-a/v10"],
    )  # fmt: skip
    def test_it_is_dropped_when_the_address_changes(self, client: Client, moved: str) -> None:
        client.post(NEW, form(key=KEY, base_url="https://gate.example.com/team-a/v1"))
        endpoint = Endpoint.objects.get()
        page = read_page(client.post(url_of(endpoint), form(base_url=moved), follow=True))
        endpoint.refresh_from_db()
        assert (endpoint.base_url, endpoint.has_key) == (moved, False)
        assert "it was dropped. Enter the key for this one." in page

    @pytest.mark.parametrize(
        "same",
        [
            "https://Gate.Example.com:443/team-a/",
            "https://gate.example.com/team-a/v1",
            "https://gate.example.com/team-a",
        ],
    )
    def test_it_stays_where_the_address_is_the_same_or_below_it(self, client: Client, same: str) -> None:
        client.post(NEW, form(key=KEY, base_url="https://gate.example.com/team-a"))
        endpoint = Endpoint.objects.get()
        client.post(url_of(endpoint), form(base_url=same))
        endpoint.refresh_from_db()
        assert endpoint.as_engine().key == KEY

    def test_a_new_key_goes_with_a_new_address(self, client: Client) -> None:
        client.post(NEW, form(key=KEY))
        endpoint = Endpoint.objects.get()
        client.post(url_of(endpoint), form(base_url="https://elsewhere.net/v1", key=f"{KEY}2"))
        endpoint.refresh_from_db()
        assert endpoint.as_engine().key == f"{KEY}2"

    def test_it_is_not_kept_with_the_typing_of_a_lost_session(self) -> None:
        client = client_of(None)
        client.post(NEW, form(key=KEY, name="Typed name"))
        assert KEY not in str(dict(client.session))
        client.force_login(alice(), backend="django.contrib.auth.backends.ModelBackend")
        assert 'value="Typed name"' in read_page(client.get(NEW))


def rows(*given: tuple[str, str, str, str, str]) -> dict[str, str]:
    """Price rows as the form sends them: model, in, cached, out, day."""
    names = ("model", "tokens_in", "cached", "tokens_out", "as_of")
    sent = {
        f"prices-{n}-{name}": value
        for n, row in enumerate(given)
        for name, value in zip(names, row, strict=True)
    }
    return {"prices-TOTAL_FORMS": str(len(given)), "prices-INITIAL_FORMS": "0", **sent}


class TestAddresses:
    """What of a pasted address is kept; all spellings stand in tests/engine/test_azure.py."""

    def test_the_address_of_a_call_becomes_the_base_url(self, client: Client) -> None:
        call = (
            "https://mine.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"
        )
        client.post(NEW, form(base_url=call))
        kept = "https://mine.openai.azure.com/openai?api-version=2024-10-21"
        assert Endpoint.objects.get().base_url == kept

    def test_another_version_of_azures_api_keeps_the_key(self, client: Client) -> None:
        base = "https://mine.openai.azure.com/openai?api-version="
        client.post(NEW, form(base_url=f"{base}2024-10-21", key=KEY))
        client.post(url_of(Endpoint.objects.get()), form(base_url=f"{base}2025-04-01-preview"))
        assert Endpoint.objects.get().as_engine().key == KEY

    def test_any_other_query_is_refused(self, client: Client) -> None:
        page = read_page(client.post(NEW, form(base_url="https://api.openai.com/v1?key=1")))
        assert "Leave out everything from the “?” or “#” on." in page


class TestTimeLimit:
    def test_the_usual_one_is_ten_minutes(self, client: Client) -> None:
        client.post(NEW, form())
        assert Endpoint.objects.get().as_engine().time_limit_s == 600

    def test_the_author_sets_another(self, client: Client, settings: Any) -> None:
        settings.CALL_DEADLINE_S = 3600.0
        client.post(NEW, form(time_limit_s="1800"))
        assert Endpoint.objects.get().as_engine().time_limit_s == 1800

    def test_the_operators_bound_holds_whatever_was_set_before(self, client: Client, settings: Any) -> None:
        settings.CALL_DEADLINE_S = 90.0
        assert "lets a call take 90 seconds at most" in read_page(client.post(NEW, form(time_limit_s="91")))
        assert mine(time_limit_s=1800).as_engine().time_limit_s == 90
        assert EndpointFactory(owner=dana()).as_engine().time_limit_s == 90

    @pytest.mark.parametrize("limit", ["0", "-1", "soon", "1.5"])
    def test_one_that_is_none_is_told(self, client: Client, limit: str) -> None:
        assert client.post(NEW, form(time_limit_s=limit)).status_code == 200
        assert not Endpoint.objects.exists()


class TestPrices:
    def test_they_are_kept_and_shown_again(self, client: Client) -> None:
        client.post(NEW, form(**rows(("small", "0.15", "", "0.6", "2026-03-01"), ("", "1", "0.5", "2", ""))))
        endpoint = Endpoint.objects.get()
        small, others = endpoint.own_prices
        assert (small.model, str(small.tokens_in), small.cached, str(small.as_of)) == (
            "small",
            "0.15",
            None,
            "2026-03-01",
        )
        assert (others.model, str(others.cached), others.as_of) == ("", "0.5", timezone.now().date())
        page = read_page(client.get(url_of(endpoint)))
        assert 'value="0.15"' in page
        assert 'name="prices-2-tokens_in"' in page  # an empty one for the next

    def test_an_emptied_row_is_gone(self, client: Client) -> None:
        client.post(NEW, form(**rows(("small", "1", "", "2", ""))))
        endpoint = Endpoint.objects.get()
        client.post(url_of(endpoint), form(**rows(("", "", "", "", "2026-01-01"))))
        endpoint.refresh_from_db()
        assert endpoint.prices == []

    def test_a_form_without_rows_keeps_them(self, client: Client) -> None:
        client.post(NEW, form(**rows(("small", "1", "", "2", ""))))
        endpoint = Endpoint.objects.get()
        client.post(url_of(endpoint), form(name="Renamed"))
        endpoint.refresh_from_db()
        assert len(endpoint.prices) == 1

    @pytest.mark.parametrize(
        ("row", "sentence"),
        [
            ([("small", "1", "", "", "")], "Say what a million of these tokens cost"),
            ([("small", "", "", "", "")], "Say what a million of these tokens cost"),
            ([("small", "-1", "", "1", "")], "The least is 0."),
            ([("small", "cheap", "", "1", "")], "Enter a number"),
            ([("small", "1", "", "1", "yesterday")], "Enter a valid date"),
            ([("small", "1", "", "1", "2999-01-01")], "This day is still to come"),
            ([("small", "1", "", "1", ""), ("small", "2", "", "2", "")], "Two rows are for small."),
            ([("", "1", "", "1", ""), ("", "2", "", "2", "")], "Two rows are for every other model."),
        ],
    )
    def test_what_is_wrong_is_told_and_what_was_typed_stays(
        self, client: Client, row: list[tuple[str, str, str, str, str]], sentence: str
    ) -> None:
        page = read_page(client.post(NEW, form(**rows(*row))))
        assert sentence in page
        assert f'value="{row[0][1]}"' in page or not row[0][1]
        assert not Endpoint.objects.exists()


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
        assert sentence in read_page(answer)
        assert Endpoint.objects.count() == 1

    def test_another_author_may_use_the_same_name(self, client: Client) -> None:
        EndpointFactory(owner=dana(), name="Mine")
        client.post(NEW, form())
        assert Endpoint.objects.filter(name="Mine").count() == 2


class TestConnection:
    def test_it_lists_and_keeps_the_models_on_offer(self, client: Client, server: str) -> None:
        answer = client.post(NEW, form(base_url=server, key=KEY, do="test"), follow=True)
        assert "It answers, and offers 2 models." in read_page(answer)
        endpoint = Endpoint.objects.get()
        assert endpoint.known_models == ["large", "small"]
        assert endpoint.last_tested_at is not None

    def test_a_refused_key_says_what_to_do(self, client: Client, server: str) -> None:
        endpoint = mine(base_url=server)
        page = read_page(client.post(url_of(endpoint, "studio_endpoint_test"), follow=True))
        assert "the key was not accepted" in page
        assert "Enter a valid key for this endpoint" in page

    def test_a_servers_own_words_end_before_what_to_do(self, client: Client) -> None:
        elsewhere = {"detail": "Not Found"}
        with answering(http(404, elsewhere)) as odd:
            page = read_page(
                client.post(url_of(mine(base_url=odd.base_url), "studio_endpoint_test"), follow=True)
            )
        assert "The server answered 404: Not Found. Correct the endpoint’s base URL" in page

    def test_nobody_there_says_what_to_do(self, client: Client) -> None:
        page = read_page(client.post(url_of(mine(), "studio_endpoint_test"), follow=True))
        assert "nothing answered at this address" in page
        assert "Check the base URL" in page

    def test_a_key_this_server_cannot_read_any_more(self, client: Client, settings: Any) -> None:
        endpoint = mine()
        endpoint.set_key(KEY)
        endpoint.save()
        settings.ENDPOINT_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]
        page = read_page(client.post(url_of(endpoint, "studio_endpoint_test"), follow=True))
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
        page = read_page(client.get(url_of(endpoint, "studio_endpoint_delete")))
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
