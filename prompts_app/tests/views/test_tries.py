"""The editor's Try: the buttons with and without JavaScript, what comes back, and whose it is."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from prompts_app.actions.exporting.bundle import export_bundle
from prompts_app.actions.prompts.save import delete_prompts
from prompts_app.actions.tries.asking import execute_try
from prompts_app.models import Case, Draft, Endpoint, Prompt, Try
from prompts_app.tests.actions.running import at
from prompts_app.tests.engine.servers import OddServer, answering
from prompts_app.tests.engine.streaming import FINISHED, says, streamed
from prompts_app.tests.factories import CaseFactory, PromptFactory, VersionFactory
from prompts_app.tests.people import alice, bob, client_of

pytestmark = pytest.mark.django_db

NEW = "/studio/prompts/new/"
EDIT = "/studio/prompts/words/"
HTMX = {"HX-Request": "true"}
YES = streamed(says(role="assistant", content=""), says(content="yes, "), says(content="indeed"), *FINISHED)


@pytest.fixture
def client() -> Client:
    return client_of(alice())


@pytest.fixture
def prompt() -> Prompt:
    prompt = PromptFactory(owner=alice(), slug="words", title="Words")
    VersionFactory(prompt=prompt, messages=[{"role": "user", "content": "Say {{word}}."}])
    return prompt


def typed(
    endpoint: Endpoint, *, text: str = "Say {{word}} aloud.", do: str = "try", **fields: Any
) -> dict[str, Any]:
    """The editor's form as it is posted, with a text that is saved nowhere."""
    return {
        "role": ["user"],
        "content": [text],
        "value_name": ["word"],
        "value": ["hello"],
        "places_shown": "yes",
        "place": [f"{endpoint.public_id} tiny"],
        "filled_with": "typed",
        "with": "typed",
        "do": do,
        **fields,
    }


def tried(client: Client, server: OddServer, path: str = EDIT, **fields: Any) -> Try:
    client.post(path, typed(at(server), **fields))
    one = Try.objects.get()
    execute_try(one.pk)
    one.refresh_from_db()
    return one


class TestPressingTry:
    def test_it_sends_the_text_as_it_stands_and_comes_back_to_the_answers(
        self, client: Client, prompt: Prompt
    ) -> None:
        with answering(YES) as server:
            answer = client.post(EDIT, typed(at(server)))
            one = Try.objects.get()
            execute_try(one.pk)
        assert answer["Location"] == f"{EDIT}?try={one.public_id}#answers"
        assert server.asked[0].json["messages"] == [{"role": "user", "content": "Say hello aloud."}]
        page = client.get(answer["Location"])
        assert "yes, indeed" in page.text
        assert "Say {{word}} aloud." in page.text  # what was typed is there still
        assert prompt.versions.count() == 1

    def test_htmx_gets_the_answers_which_ask_on_until_they_have_ended(
        self, client: Client, prompt: Prompt
    ) -> None:
        with answering(YES) as server:
            answer = client.post(EDIT, typed(at(server)), headers=HTMX)
            one = Try.objects.get()
            assert f'data-hx-get="/studio/tries/{one.public_id}/"' in answer.text
            waiting = client.get(f"/studio/tries/{one.public_id}/", headers=HTMX)
            assert (waiting.status_code, "waiting" in waiting.text) == (200, True)
            execute_try(one.pk)
        ended = client.get(f"/studio/tries/{one.public_id}/", headers=HTMX)
        assert ended.status_code == 286  # htmx asks no more
        assert "yes, indeed" in ended.text
        assert "data-hx-get" not in ended.text

    def test_it_works_before_anything_is_saved_and_goes_with_the_prompt_then(self, client: Client) -> None:
        with answering(YES) as server:
            one = tried(client, server, NEW, task="other")
        assert one.prompt is None
        client.post(NEW, typed(at_of(one), do="save", task="other", variable_name=["word"]))
        prompt = Prompt.objects.get(owner=alice())
        assert prompt.title == "Say {{word}} aloud."
        one.refresh_from_db()
        assert one.prompt == prompt

    def test_a_chosen_cases_values_are_sent_and_its_assertions_held(
        self, client: Client, prompt: Prompt
    ) -> None:
        case = CaseFactory(
            prompt=prompt, name="A case", variables={"word": "of the case"},
            assertions=[{"type": "contains", "value": "indeed"}, {"type": "contains", "value": "no"}],
        )  # fmt: skip
        with answering(YES) as server:
            one = tried(client, server, **{"with": case.public_id, "filled_with": "typed"})
        assert server.asked[0].json["messages"][0]["content"] == "Say of the case aloud."
        page = client.get(f"{EDIT}?try={one.public_id}")
        assert "1 of 2 hold" in page.text
        assert "fails" in page.text

    def test_values_that_were_typed_over_a_cases_are_sent(self, client: Client, prompt: Prompt) -> None:
        case = CaseFactory(prompt=prompt, variables={"word": "of the case"})
        with answering(YES) as server:
            tried(
                client, server, **{"with": case.public_id, "filled_with": case.public_id, "value": ["typed"]}
            )
        assert server.asked[0].json["messages"][0]["content"] == "Say typed aloud."

    def test_a_model_by_name_is_asked(self, client: Client, prompt: Prompt) -> None:
        with answering(YES) as server:
            endpoint = at(server)
            client.post(
                EDIT, typed(endpoint, place=[], other_endpoint=endpoint.public_id, other_model=" huge ")
            )
        assert Try.objects.get().answers.get().asked_model == "huge"


class TestNothingIsSent:
    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"place": []}, "Tick at least one model"),
            ({"place": ["nobody tiny"]}, "There is no such endpoint"),
            ({"value": [""]}, "has no value"),
            ({"text": ""}, "This message is empty"),
            ({"temperature": "hot"}, "Enter a number"),
        ],
    )
    @pytest.mark.parametrize("headers", [HTMX, {}])
    def test_and_the_page_says_why(
        self, client: Client, prompt: Prompt, fields: dict[str, Any], sentence: str, headers: dict[str, str]
    ) -> None:
        with answering(YES) as server:
            answer = client.post(EDIT, typed(at(server), **fields), headers=headers)
        assert answer.status_code == 200
        assert sentence in answer.text
        assert server.asked == []
        assert not Try.objects.exists()


class TestFromATry:
    def test_its_text_can_be_used_again(self, client: Client, prompt: Prompt) -> None:
        with answering(YES) as server:
            one = tried(client, server, temperature="0.5")
        answer = client.post(EDIT, typed(at_of(one), text="Something else", do=f"use:{one.public_id}"))
        form = client.get(answer["Location"]).context["form"]
        assert [row.content for row in form.messages] == ["Say {{word}} aloud."]
        assert form["temperature"].value() == "0.5"

    def test_a_schema_comes_back_with_it_as_it_was(self, client: Client, prompt: Prompt) -> None:
        schema = '{"type": "object", "properties": {"é": {"type": "string"}}}'
        with answering(YES) as server:
            one = tried(client, server, schema=schema)
        answer = client.post(EDIT, typed(at_of(one), text="Other", do=f"use:{one.public_id}"))
        form = client.get(answer["Location"]).context["form"]
        assert json.loads(form["schema"].value()) == json.loads(schema)

    def test_a_case_is_made_of_it(self, client: Client, prompt: Prompt) -> None:
        with answering(YES) as server:
            one = tried(client, server)
        answer = client.post(EDIT, typed(at_of(one), do=f"case:{one.answers.get().public_id}"))
        form = client.get(answer["Location"]).context["form"]
        assert [(row.name, row.value) for row in form.values] == [("word", "hello")]
        assert [(row.kind, row.value) for row in form.assertions] == [("equals", "yes, indeed")]
        assert not Case.objects.exists()
        assert Draft.objects.filter(key=f"prompt:{prompt.pk}").exists()  # what was typed in the editor

    def test_stop_is_asked_for(self, client: Client, prompt: Prompt) -> None:
        with answering(YES) as server:
            client.post(EDIT, typed(at(server)))
            one = Try.objects.get()
            client.post(EDIT, typed(at_of(one), do=f"stop:{one.public_id}"))
        one.refresh_from_db()
        assert one.cancel_requested


def at_of(one: Try) -> Endpoint:
    endpoint = one.answers.get().endpoint
    assert endpoint is not None
    return endpoint


class TestStartingFromAnotherVersion:
    def test_its_text_is_there_and_what_was_typed_can_be_brought_back(
        self, client: Client, prompt: Prompt
    ) -> None:
        VersionFactory(prompt=prompt, number=2, messages=[{"role": "user", "content": "The second"}])
        answer = client.post(
            EDIT, {"role": ["user"], "content": ["Typed"], "do": "from", "from_version": "1"}
        )
        form = client.get(answer["Location"]).context["form"]
        assert [row.content for row in form.messages] == ["Say {{word}}."]
        assert [row.content for row in form.removed] == ["Typed"]
        assert prompt.versions.count() == 2

    @pytest.mark.parametrize("number", ["", "99", "x", "²", "9" * 30])
    def test_one_that_is_not_there(self, client: Client, prompt: Prompt, number: str) -> None:
        posted = {"role": ["user"], "content": ["Typed"], "do": "from", "from_version": number}
        assert client.post(EDIT, posted).status_code == 404


class TestWhoseItIs:
    @pytest.mark.parametrize("verb", ["stop", "use", "case"])
    def test_nobody_else_acts_on_it(self, client: Client, prompt: Prompt, verb: str) -> None:
        with answering(YES) as server:
            one = tried(client, server)
        PromptFactory(owner=bob(), slug="words")
        VersionFactory(prompt=Prompt.objects.get(owner=bob()))
        which = one.answers.get().public_id if verb == "case" else one.public_id
        answer = client_of(bob()).post(EDIT, {"role": "user", "content": "x", "do": f"{verb}:{which}"})
        assert answer.status_code == 404

    def test_nor_sees_it_by_its_name_on_a_page_of_their_own(self, client: Client, prompt: Prompt) -> None:
        with answering(YES) as server:
            one = tried(client, server)
        PromptFactory(owner=bob(), slug="words")
        page = client_of(bob()).get(f"{EDIT}?try={one.public_id}")
        assert "yes, indeed" not in page.text

    def test_it_is_in_no_file_of_the_prompt(self, client: Client, prompt: Prompt) -> None:
        with answering(YES) as server:
            tried(client, server, text="{{word}} marmoset")
        everything = export_bundle(alice(), Prompt.objects.filter(pk=prompt.pk), everything=True)
        assert "marmoset" not in str(everything)
        for name in ("prompt_json", "prompt_promptfoo", "prompt_messages", "prompt_md"):
            answer = client.get(reverse(name, args=["alice", "words"]))
            assert answer.status_code == 200
            assert b"marmoset" not in b"".join(answer)

    def test_deleting_the_prompt_deletes_it(self, client: Client, prompt: Prompt) -> None:
        with answering(YES) as server:
            tried(client, server)
        delete_prompts(alice(), [prompt])
        assert not Try.objects.exists()


@pytest.mark.parametrize("which", ["", "x", "a\x00b", "ü" * 400])
def test_a_button_that_names_nothing_is_not_found(client: Client, prompt: Prompt, which: str) -> None:
    answer = client.post(EDIT, {"role": "user", "content": "x", "do": f"use:{which}"})
    assert answer.status_code == 404
