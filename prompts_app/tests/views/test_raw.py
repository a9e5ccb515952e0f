"""``.md`` and ``.json``: a prompt for programs; what counts is in it, what is private is not."""

import json
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prompts_app.engine.formats import parse
from prompts_app.models import Prompt
from prompts_app.tests.factories import EndpointFactory, VersionFactory
from prompts_app.tests.people import alice, bob, client_of
from prompts_app.tests.views.recorded import (
    improved_prompt,
    practice_run,
    public_prompt,
    recorded_prompt,
    recorded_run,
)

pytestmark = pytest.mark.django_db


def raw(prompt: Prompt, kind: str) -> Any:
    response = Client().get(f"{prompt.get_absolute_url().rstrip('/')}.{kind}")
    assert response.status_code == 200
    return response


def markdown(prompt: Prompt) -> str:
    text: str = raw(prompt, "md").content.decode()
    return text


class TestMarkdown:
    def test_is_text_shown_in_place_and_never_guessed_at(self) -> None:
        headers = raw(recorded_prompt(slug="reader"), "md").headers
        assert headers["Content-Type"] == "text/markdown; charset=utf-8"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Disposition"] == 'inline; filename="reader.md"'

    def test_has_the_newest_version_and_how_it_tested(self) -> None:
        text = markdown(
            improved_prompt(title="Invoice reader", summary="Reads invoices.", owner=alice(), slug="r")
        )
        assert "title: Invoice reader" in text
        assert "## User\n\nSay {{word}}.\n" in text
        assert "v3 on main-model: 9/10 cases pass (60–98%), recorded" in text
        assert "http://127.0.0.1:8000/@alice/r/" in text

    def test_untested_is_said(self) -> None:
        prompt = public_prompt()
        VersionFactory(prompt=prompt)
        assert "Not tested yet." in markdown(prompt)

    def test_a_prompt_without_text_is_404(self) -> None:
        assert Client().get(f"{public_prompt().get_absolute_url().rstrip('/')}.md").status_code == 404

    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.text(
            alphabet=st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), min_size=1
        )
    )
    def test_comes_back_as_it_was(self, content: str) -> None:
        if not content.strip():
            return
        prompt = public_prompt()
        VersionFactory(prompt=prompt, messages=[{"role": "user", "content": content}], variables=[])
        back = parse("prompt.md", raw(prompt, "md").content).prompts[0]
        assert [(m.role, m.content) for m in back.versions[-1].prompt.messages] == [("user", content)]
        prompt.delete()


class TestJson:
    def test_has_versions_cases_runs_and_outputs(self) -> None:
        response = raw(improved_prompt(), "json")
        assert response.headers["Content-Type"] == "application/json; charset=utf-8"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        data = json.loads(response.content)
        prompt = data["prompts"][0]
        assert [version["number"] for version in prompt["versions"]] == [1, 2, 3]
        assert len(prompt["runs"]) == 4
        assert "PAID, wrong output of case 4" in response.content.decode()

    def test_practice_addresses_keys_and_endpoints_are_not_in_it(self) -> None:
        prompt = recorded_prompt(owner=alice())
        practice_run(prompt.versions.get())
        endpoint = EndpointFactory(owner=alice(), name="Cellar box", base_url="http://10.0.0.7/v1")
        endpoint.set_key("sk-very-secret")
        endpoint.save()
        recorded_run(
            prompt.versions.get(),
            "other",
            endpoint=endpoint,
            endpoint_name="Cellar box",
            endpoint_host="10.0.0.7",
        )
        text = raw(prompt, "json").content.decode()
        for secret in ("practice", "Cellar box", "10.0.0.7", "sk-very-secret", "alice@example.com"):
            assert secret not in text, secret


@pytest.mark.parametrize("kind", ["md", "json"])
class TestWhoMaySee:
    def test_private_is_404_for_all_but_its_owner(self, kind: str) -> None:
        address = (
            recorded_prompt(owner=alice(), visibility="private").get_absolute_url().rstrip("/") + f".{kind}"
        )
        assert Client().get(address).status_code == 404
        assert client_of(bob()).get(address).status_code == 404
        assert client_of(alice()).get(address).headers["Cache-Control"] == "private, no-store"

    def test_unlisted_is_kept_by_nobody(self, kind: str) -> None:
        response = raw(recorded_prompt(visibility="unlisted"), kind)
        assert response.headers["Cache-Control"] == "private, no-store"
        assert response.headers["X-Robots-Tag"] == "noindex"


class TestPromptfoo:
    def test_is_text_shown_in_place_with_how_it_tested(self) -> None:
        response = raw(recorded_prompt(slug="reader"), "promptfoo.yaml")
        assert response.headers["Content-Type"] == "application/yaml; charset=utf-8"
        assert response.headers["Content-Disposition"] == 'inline; filename="reader.promptfoo.yaml"'
        assert "cases pass" in response.content.decode()

    def test_has_every_version_and_case_and_comes_back_the_same(self) -> None:
        prompt = improved_prompt(title="Invoice reader", owner=alice(), slug="r")
        (found,) = parse("r.promptfoo.yaml", raw(prompt, "promptfoo.yaml").content).prompts
        versions = prompt.versions.order_by("number")
        assert [one.prompt for one in found.versions] == [version.as_engine() for version in versions]
        assert found.cases == prompt.suite()

    def test_names_no_model_of_a_practice_run(self) -> None:
        prompt = public_prompt(owner=alice(), slug="p")
        practice_run(VersionFactory(prompt=prompt))
        assert "providers:\n- echo\n" in raw(prompt, "promptfoo.yaml").content.decode()

    def test_a_prompt_without_a_version_has_none(self) -> None:
        prompt = public_prompt(owner=alice(), slug="p")
        prompt.versions.all().delete()
        assert Client().get(f"{prompt.get_absolute_url().rstrip('/')}.promptfoo.yaml").status_code == 404


class TestMessages:
    def test_is_the_body_a_chat_api_takes(self) -> None:
        response = raw(improved_prompt(title="Invoice reader", slug="reader"), "messages.json")
        assert response.headers["Content-Disposition"] == 'inline; filename="reader.messages.json"'
        body = json.loads(response.content)
        assert body["title"] == "Invoice reader"
        assert body["messages"] == [{"role": "user", "content": "Say {{word}}."}]

    def test_comes_back_as_the_same_prompt(self) -> None:
        prompt = recorded_prompt()
        (found,) = parse("r.messages.json", raw(prompt, "messages.json").content).prompts
        newest = prompt.versions.get().as_engine()
        assert found.versions[0].prompt.messages == newest.messages

    def test_a_prompt_without_text_is_404(self) -> None:
        prompt = public_prompt()
        assert Client().get(f"{prompt.get_absolute_url().rstrip('/')}.messages.json").status_code == 404

    def test_the_page_offers_it(self) -> None:
        prompt = recorded_prompt(owner=alice(), slug="reader")
        assert (
            'href="/@alice/reader.messages.json"' in Client().get(prompt.get_absolute_url()).content.decode()
        )
