"""A prompt with a JSON Schema for its answers: written, checked, saved, and shown."""

import json
from typing import Any

import pytest
from django.test import Client

from prompts_app.models import Prompt, Version
from prompts_app.tests.factories import PromptFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, client_of
from prompts_app.tests.views.test_prompt_edit import EDIT, form, latest

pytestmark = pytest.mark.django_db

SCHEMA = {
    "type": "object",
    "properties": {"total": {"type": "number"}},
    "required": ["total"],
    "additionalProperties": False,
}
LOOSE = {"type": "object", "properties": {"total": {"type": "number"}}}


def asked(schema: dict[str, Any] = SCHEMA, **more: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, **more}}


@pytest.fixture
def client() -> Client:
    return client_of(alice())


@pytest.fixture
def prompt() -> Prompt:
    prompt = PromptFactory(owner=alice(), slug="words", title="Words")
    VersionFactory(prompt=prompt)
    return prompt


def typed(version: Version, client: Client) -> dict[str, Any]:
    """The form's fields as a browser would send them back."""
    bound = client.get(EDIT).context["form"]
    fields = [*bound.number_fields, *bound.text_fields, *bound.schema_fields]
    return {field.name: field.value() for field in fields if field.value()}


class TestWriting:
    @pytest.mark.parametrize(
        ("fields", "sent"),
        [
            ({"schema": json.dumps(SCHEMA)}, asked()),
            ({"schema": json.dumps(SCHEMA), "schema_name": "bill", "schema_strict": "on"},
             asked(name="bill", strict=True)),
            ({"schema": json.dumps(asked(name="bill", strict=True))}, asked(name="bill", strict=True)),
            ({"schema": json.dumps({"name": "bill", "description": "D", "schema": SCHEMA})},
             asked(name="bill", description="D")),
            ({"schema": json.dumps({"type": "json_schema", "name": "bill", "schema": SCHEMA})},
             asked(name="bill")),
            ({"schema": json.dumps(asked(name="bill")), "schema_name": "mine"}, asked(name="mine")),
            ({"response_format": '{"type": "json_object"}'}, {"type": "json_object"}),
        ],
    )  # fmt: skip
    def test_it_is_sent_as_response_format(
        self, client: Client, prompt: Prompt, fields: dict[str, str], sent: dict[str, Any]
    ) -> None:
        client.post(EDIT, form("Changed") | fields)
        assert latest(prompt).parameters == {"response_format": sent}

    @pytest.mark.parametrize(
        "sent",
        [
            asked(),
            asked(strict=True),
            asked(strict=False),
            asked(description="D"),
            asked({}),
            {"type": "json_schema", "json_schema": {"schema": SCHEMA}},
            {"type": "json_object", "schema": SCHEMA},
            {"type": "json_object"},
        ],
    )
    def test_what_was_saved_comes_back_as_it_was(
        self, client: Client, prompt: Prompt, sent: dict[str, Any]
    ) -> None:
        version = VersionFactory(prompt=prompt, number=2, parameters={"response_format": sent})
        client.post(EDIT, form("Changed", **typed(version, client)))
        assert latest(prompt).number == 3
        assert latest(prompt).parameters == {"response_format": sent}

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"schema": '{"type": "object",}'}, "(line 1, column 18)"),
            ({"schema": "[1]"}, "must be a JSON object"),
            (
                {"schema": '{"properties": {"a": {"type": "strng"}}}'},
                "At properties/a/type: “strng” is no type",
            ),
            ({"schema": '{"required": "a"}'}, "This is not a valid JSON Schema: required:"),
            ({"schema": '{"$ref": "https://example.com/x.json"}'}, "cannot be followed here"),
            ({"schema": '{"allOf": [{"$ref": "#"}]}'}, "a part of it refers to itself"),
            ({"schema": "{}", "schema_name": "n" * 65}, "At most 64 characters"),
            ({"schema": json.dumps(SCHEMA), "response_format": '{"type": "text"}'}, "set twice"),
            ({"schema": json.dumps(SCHEMA), "more": '{"response_format": "b64_json"}'}, "set twice"),
            ({"response_format": json.dumps(asked({"type": "strng"}))}, "“strng” is no type"),
            ({"more": json.dumps({"text": {"format": asked({"type": "strng"})}})}, "“strng” is no type"),
        ],
    )
    def test_what_is_wrong_is_told_with_its_place_and_nothing_is_saved(
        self, client: Client, prompt: Prompt, fields: dict[str, str], sentence: str
    ) -> None:
        assert sentence in read_page(client.post(EDIT, form("Changed") | fields))
        assert prompt.versions.count() == 1


class TestStrict:
    def test_what_openai_would_refuse_is_named_while_one_writes(self, client: Client, prompt: Prompt) -> None:
        fields = {"schema": json.dumps(LOOSE), "schema_strict": "on"}
        page = read_page(client.post(EDIT, form("Changed", do="preview") | fields))
        assert "OpenAI’s strict mode would refuse it:</p><ul><li>At the top: it must say" in page
        fragments = read_page(
            client.post(EDIT, form("Changed", do="preview") | fields, headers={"HX-Request": "true"})
        )
        assert 'id="schema" data-hx-swap-oob="true"' in fragments

    def test_so_is_what_is_wrong(self, client: Client, prompt: Prompt) -> None:
        page = read_page(client.post(EDIT, form("Changed", do="preview") | {"schema": '{"type": "strng"}'}))
        assert "At type: “strng” is no type" in page

    def test_it_is_saved_all_the_same_since_others_take_it(self, client: Client, prompt: Prompt) -> None:
        fields = {"schema": json.dumps(LOOSE), "schema_strict": "on"}
        page = read_page(client.post(EDIT, form("Changed") | fields, follow=True))
        assert "Saved as v2." in page
        assert "OpenAI’s strict mode would refuse the schema. At the top:" in page
        assert latest(prompt).parameters == {"response_format": asked(LOOSE, strict=True)}

    def test_nothing_is_said_where_strict_is_not_asked_for(self, client: Client, prompt: Prompt) -> None:
        page = read_page(client.post(EDIT, form("Changed", do="preview") | {"schema": json.dumps(LOOSE)}))
        assert "would refuse it" not in page
