"""Writing a prompt: versions, variables, rows, drafts, stale edits, and everything one can type wrongly."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from prompts_app.models import Draft, FormerSlug, Prompt, Version
from prompts_app.models.prompts import LONGEST_MESSAGE
from prompts_app.tests.factories import CaseFactory, PromptFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of, dana

pytestmark = pytest.mark.django_db

NEW = "/studio/prompts/new/"
KEY = "sk-" + "proj-a8Kd03nfLq92mZx71bVt"


@pytest.fixture
def client() -> Client:
    return client_of(alice())


@pytest.fixture
def prompt() -> Prompt:
    prompt = PromptFactory(owner=alice(), slug="words", title="Words")
    VersionFactory(prompt=prompt)
    return prompt


def form(
    *contents: str, roles: Sequence[str] = (), names: Sequence[str] = (), **fields: Any
) -> dict[str, Any]:
    """A posted version: one message for each content, by the user where no role is said."""
    roles = roles or ["user"] * len(contents)
    variables = {"variable_name": names, "variable_default": [""] * len(names)}
    about = {"role": list(roles), "content": list(contents), **variables}
    return {**about, "variable_description": [""] * len(names), "do": "save", **fields}


def latest(prompt: Prompt) -> Version:
    return prompt.versions.order_by("-number")[0]


EDIT = "/studio/prompts/words/"


class TestNew:
    def test_a_prompt_is_made_private_with_all_its_parts(self, client: Client) -> None:
        answer = client.post(
            NEW,
            form(
                "You extract.",
                "Invoice: {{text}}",
                roles=["system", "user"],
                names=["text"],
                title="Invoice fields",
                summary="One invoice in.",
                task="extraction",
                tags="JSON, Invoice data,  json",
                temperature="0",
                max_tokens="300",
                stop="###\n\\n\\n",
                response_format='{"type": "json_object"}',
                more='{"frequency_penalty": 0.5}',
                note="First.",
            )
            | {"variable_default": ["none"], "variable_description": ["The invoice"]},
        )
        assert answer["Location"] == "/studio/prompts/invoice-fields/cases/new/"
        prompt = Prompt.objects.get()
        assert prompt.is_private
        assert sorted(tag.name for tag in prompt.tags.all()) == ["invoice-data", "json"]
        version = prompt.versions.get()
        assert version.messages == [
            {"role": "system", "content": "You extract."},
            {"role": "user", "content": "Invoice: {{text}}"},
        ]
        assert version.variables == [{"name": "text", "default": "none", "description": "The invoice"}]
        assert version.parameters == {
            "temperature": 0, "max_tokens": 300, "stop": ["###", "\n\n"],
            "response_format": {"type": "json_object"}, "frequency_penalty": 0.5,
        }  # fmt: skip

    def test_a_stranger_is_sent_to_sign_in(self) -> None:
        answer = client_of(None).get(NEW)
        assert answer["Location"].startswith("/accounts/login/")

    def test_two_prompts_of_one_title_get_two_addresses(self, client: Client) -> None:
        for _ in range(2):
            client.post(NEW, form("Hi", title="Same", task="other"))
        assert {p.slug for p in Prompt.objects.all()} == {"same", "same-2"}

    def test_a_prompt_called_new_can_still_be_opened(self, client: Client) -> None:
        client.post(NEW, form("Hi", title="New", task="other"))
        assert client.get("/studio/prompts/new-2/").status_code == 200

    @pytest.mark.parametrize("title", ["👩‍💻 Code reviewer", "نمی‌دانم", "क्‍ष", "翻訳"])
    def test_a_title_in_any_script_with_the_joiners_it_needs(self, client: Client, title: str) -> None:
        client.post(NEW, form("Text.", title=title, task="other", tags="請求書、Übersetzung, c++"))
        prompt = Prompt.objects.get()
        assert prompt.title == title
        assert {tag.name for tag in prompt.tags.all()} == {"請求書", "übersetzung", "c++"}
        for tag in prompt.tags.all():
            assert client.get(tag.get_absolute_url()).context["search"].tag == tag.name

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"title": "Wo\u200brds"}, "invisible character"),
            ({"title": "\u202ecixelsyd"}, "invisible character"),
            ({"title": "a\x00b"}, "invisible character"),
            ({"title": "x" * 121}, "At most 120 characters"),
            ({"summary": "x" * 1_000_000}, "At most 300 characters"),
            ({"task": "world-domination"}, "Select a valid choice"),
            ({"tags": ", ".join(f"t{n}" for n in range(11))}, "At most 10 tags"),
            ({"tags": "a\x00b"}, "cannot be a tag"),
            ({"tags": "🦄"}, "cannot be a tag"),
            ({"tags": "x" * 41}, "too long"),
            ({"note": "x" * 2001}, "At most 2000 characters"),
            ({"note": "a\x00b"}, "NUL character"),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_is_lost(
        self, client: Client, fields: dict[str, str], sentence: str
    ) -> None:
        answer = client.post(NEW, form("Typed text stays.", title="T", task="other") | fields)
        page = read_page(answer)
        assert answer.status_code == 200
        assert sentence in page
        assert 'id="form-errors"' in page
        assert 'aria-invalid="true"' in page
        assert "Typed text stays." in page
        assert not Prompt.objects.exists()


class TestMessages:
    @pytest.mark.parametrize(
        ("posted", "sentence"),
        [
            (form(), "Write at least one message."),
            (form("   "), "This message is empty."),
            (form(*["Hi"] * 41), "at most 40 messages; these are 41"),
            (form("x" * 1_000_000), f"has 1,000,000 characters; the most is {LONGEST_MESSAGE:,}"),
            (form("a\x00b"), "NUL character"),
            (form("Hi", roles=["tool"]), "Choose a role"),
        ],
    )
    def test_wrong_messages(
        self, client: Client, prompt: Prompt, posted: dict[str, Any], sentence: str
    ) -> None:
        answer = client.post(EDIT, posted)
        assert answer.status_code == 200
        assert sentence in read_page(answer)
        assert prompt.versions.count() == 1

    def test_hidden_characters_are_allowed_in_a_message_and_shown(
        self, client: Client, prompt: Prompt
    ) -> None:
        client.post(EDIT, form("a\u200bb \u202eright"))
        assert latest(prompt).messages[0]["content"] == "a\u200bb \u202eright"
        assert "U+200B" in read_page(client.get(EDIT))

    def test_line_ends_are_stored_as_one_character(self, client: Client, prompt: Prompt) -> None:
        client.post(EDIT, form("a\r\nb"))
        assert latest(prompt).messages[0]["content"] == "a\nb"

    def test_a_leading_empty_line_survives_the_form(self, client: Client, prompt: Prompt) -> None:
        client.post(EDIT, form("\n\nStart"))
        assert "<textarea" in (page := read_page(client.get(EDIT)))
        assert ">\n\n\nStart</textarea>" in page

    @pytest.mark.parametrize(
        ("do", "left"),
        [
            ("add:message", ["A", "B", "C", ""]),
            ("remove:message:2", ["A", "C"]),
            ("up:message:3", ["A", "C", "B"]),
            ("down:message:1", ["B", "A", "C"]),
            ("up:message:1", ["A", "B", "C"]),
            ("remove:message:99", ["A", "B", "C"]),
            ("nonsense", ["A", "B", "C"]),
        ],
    )
    @pytest.mark.parametrize("htmx", [True, False])
    def test_rows_are_changed_without_saving(
        self, client: Client, prompt: Prompt, do: str, left: list[str], htmx: bool
    ) -> None:
        headers = {"HX-Request": "true"} if htmx else {}
        answer = client.post(EDIT, form("A", "B", "C", do=do), headers=headers)
        assert [row.content for row in answer.context["form"].messages] == left
        assert prompt.versions.count() == 1
        assert answer.content.startswith(b"<!doctype") is not htmx

    def test_added_messages_take_turns(self, client: Client, prompt: Prompt) -> None:
        asked = client.post(EDIT, form("A", do="add:message")).context["form"]
        answered = client.post(EDIT, form("A", "B", roles=["user", "assistant"], do="add:message"))
        assert [row.role for row in asked.messages] == ["user", "assistant"]
        assert [row.role for row in answered.context["form"].messages] == ["user", "assistant", "user"]

    def test_a_removed_message_can_be_brought_back(self, client: Client, prompt: Prompt) -> None:
        gone = client.post(EDIT, form("A", "B", roles=["system", "user"], do="remove:message:1"))
        removed = gone.context["form"].removed
        assert [(row.role, row.content) for row in removed] == [("system", "A")]
        assert "Bring back the removed one" in gone.text
        kept = {"removed_role": ["system"], "removed_content": ["A"]}
        back = client.post(EDIT, form("B", do="add:removed", **kept)).context["form"]
        assert [(row.role, row.content) for row in back.messages] == [("user", "B"), ("system", "A")]
        assert back.removed == []

    def test_no_more_rows_than_a_prompt_may_have(self, client: Client, prompt: Prompt) -> None:
        answer = client.post(EDIT, form(*["Hi"] * 40, do="add:message"))
        assert len(answer.context["form"].messages) == 40


class TestVariables:
    def test_they_are_found_as_one_types(self, client: Client, prompt: Prompt) -> None:
        CaseFactory(prompt=prompt, variables={"word": "yes"})
        posted = form("{{word}} and {{other}}", names=["word"], do="preview")
        answer = client.post(EDIT, posted, headers={"HX-Request": "true"})
        page = read_page(answer)
        assert "other" in page
        assert "filled by 0 of 1 case" in page
        assert '<mark class="var">yes</mark>' in page
        assert '<b class="bad">{{other}}</b>' in page

    def test_one_that_a_filter_stands_in_for_everywhere_is_not_missed(
        self, client: Client, prompt: Prompt
    ) -> None:
        CaseFactory(prompt=prompt, variables={"word": "yes"})
        posted = form(
            "{{word}} {{a | default('x')}} {{b | default('x')}} {{b}}", names=["word"], do="preview"
        )
        page = " ".join(read_page(client.post(EDIT, posted, headers={"HX-Request": "true"})).split())
        assert page.count("filled by 0 of 1 case, else the filter’s default") == 1
        assert page.count("✗ filled by 0 of 1 case") == 1

    @pytest.mark.parametrize("wanted", ["", "nonsense", "a\x00b"])
    def test_a_case_that_is_not_there_is_the_first_one(
        self, client: Client, prompt: Prompt, wanted: str
    ) -> None:
        CaseFactory(prompt=prompt, variables={"word": "first"})
        posted = {**form("{{word}}", do="preview"), "with": wanted}
        assert '<mark class="var">first</mark>' in read_page(client.post(EDIT, posted))

    def test_the_table_is_left_alone_while_its_names_stay(self, client: Client, prompt: Prompt) -> None:
        posted = form("More {{word}}", names=["word"], do="preview")
        page = read_page(client.post(EDIT, posted, headers={"HX-Request": "true"}))
        assert 'id="preview"' in page
        assert 'id="variables"' not in page

    def test_a_default_outlives_a_name_that_is_gone_for_a_moment(
        self, client: Client, prompt: Prompt
    ) -> None:
        posted = form("{{wor", names=["word"], do="preview") | {"variable_default": ["typed before"]}
        page = read_page(client.post(EDIT, posted))
        assert '<input type="hidden" name="variable_default" value="typed before">' in page

    def test_only_those_in_the_messages_are_saved(self, client: Client, prompt: Prompt) -> None:
        posted = form("{{a}}", names=["a", "gone"]) | {"variable_default": ["1", "2"]}
        client.post(EDIT, posted | {"variable_description": ["", ""]})
        assert latest(prompt).variables == [{"name": "a", "default": "1", "description": ""}]

    def test_a_default_that_is_too_long_is_told(self, client: Client, prompt: Prompt) -> None:
        posted = form("{{a}}", names=["a"]) | {"variable_default": ["x" * 20_001]}
        assert "This default has 20,001 characters" in read_page(client.post(EDIT, posted))


class TestParameters:
    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"temperature": "hot"}, "Enter a number"),
            ({"temperature": "nan"}, "Enter a number"),
            ({"temperature": "3"}, "The most is 2."),
            ({"max_tokens": "0"}, "The least is 1."),
            ({"seed": "9" * 400}, "The most is"),
            ({"stop": "a\nb\nc\nd\ne"}, "At most 4 stop sequences"),
            ({"response_format": "json"}, "not valid JSON"),
            ({"response_format": "[1]"}, "must be a JSON object"),
            ({"more": '{"a": '}, "(line 1, column 6)"),
            ({"more": '{"a": NaN}'}, "cannot be stored"),
            ({"more": '{"a": 1e999}'}, "cannot be stored"),
            ({"more": '{"a": "\\u0000"}'}, "NUL character"),
            ({"more": '{"a": "\\ud800"}'}, "cannot be stored"),
            ({"more": '{"a":' * 2000 + "1" + "}" * 2000}, "JSON"),
            ({"more": '{"model": "x"}'}, "Take “model” out."),
            ({"more": '{"messages": []}'}, "Take “messages” out."),
            ({"more": '{"stream": true}'}, "Take “stream” out."),
            ({"more": '{"temperature": 1}', "temperature": "0"}, "set twice"),
            ({"more": "x" * 50_001}, "too long"),
        ],
    )
    def test_wrong_ones_are_told_beside_the_field(
        self, client: Client, prompt: Prompt, fields: dict[str, str], sentence: str
    ) -> None:
        answer = client.post(EDIT, form("Changed") | fields)
        assert answer.status_code == 200
        assert sentence in read_page(answer)
        assert prompt.versions.count() == 1

    def test_unknown_ones_are_kept_and_come_back_as_they_were(self, client: Client, prompt: Prompt) -> None:
        sent = {"top_k": 5, "stop": "END", "temperature": "hot", "seed": 7, "reasoning": {"effort": "low"}}
        VersionFactory(prompt=prompt, number=2, parameters=sent)
        bound = client.get(EDIT).context["form"]
        fields = {f.name: f.value() for f in [*bound.number_fields, *bound.text_fields] if f.value()}
        client.post(EDIT, form("Changed", **fields))
        assert latest(prompt).parameters == sent


class TestSaving:
    def test_it_makes_the_next_version(self, client: Client, prompt: Prompt) -> None:
        answer = client.post(EDIT, form("New text", seen_number="1", note="Why."), follow=True)
        assert "Saved as v2." in read_page(answer)
        assert (latest(prompt).number, latest(prompt).note) == (2, "Why.")

    def test_the_form_as_it_came_changes_nothing(self, client: Client, prompt: Prompt) -> None:
        posted = form("Say {{word}}.", names=["word"], seen_number="1")
        answer = client.post(EDIT, posted, follow=True)
        assert "Nothing has changed since v1" in read_page(answer)
        assert prompt.versions.count() == 1

    def test_a_note_alone_is_no_version_and_stays_in_the_form(self, client: Client, prompt: Prompt) -> None:
        posted = form("Say {{word}}.", names=["word"], note="A thought.")
        page = read_page(client.post(EDIT, posted))
        assert "Nothing has changed since v1" in page
        assert "A thought." in page

    def test_a_second_tab_is_told_keeps_its_text_and_may_save_on_top(
        self, client: Client, prompt: Prompt
    ) -> None:
        client.post(EDIT, form("From the first tab", seen_number="1"))
        told = read_page(client.post(EDIT, form("From the second tab", seen_number="1")))
        assert "v2 was saved meanwhile" in told
        assert "From the second tab</textarea>" in told
        assert '<ins class="ins">second</ins>' in told
        assert prompt.versions.count() == 2
        client.post(EDIT, form("From the second tab", seen_number="1", do="save-anyway"))
        assert latest(prompt).number == 3
        assert latest(prompt).messages[0]["content"] == "From the second tab"

    def test_changed_details_are_no_stale_version(self, client: Client, prompt: Prompt) -> None:
        Prompt.objects.update(revision=9)
        client.post(EDIT, form("New text", seen_number="1"))
        assert latest(prompt).number == 2

    def test_a_likely_secret_is_shown_while_the_prompt_is_private(
        self, client: Client, prompt: Prompt
    ) -> None:
        client.post(EDIT, form(f"Use {KEY}"))
        page = read_page(client.get(EDIT))
        assert "This looks like a secret (API key)" in page
        assert latest(prompt).number == 2

    def test_on_a_public_prompt_it_has_to_be_taken_out_or_ticked(
        self, client: Client, prompt: Prompt
    ) -> None:
        Prompt.objects.update(visibility="public")
        answer = client.post(EDIT, form(f"Use {KEY}"))
        assert "Take it out, or tick below" in read_page(answer)
        assert prompt.versions.count() == 1
        token = answer.context["findings"][0].token
        client.post(EDIT, form(f"Use {KEY}", harmless=token))
        assert latest(prompt).number == 2


class TestDrafts:
    def test_typing_is_kept_and_restored_and_can_be_discarded(self, client: Client, prompt: Prompt) -> None:
        answer = client.post(f"{EDIT}draft/", form("Half a sen", page="edit"))
        assert "Draft kept at" in read_page(answer)
        page = read_page(client.get(EDIT))
        assert "are restored" in page
        assert "Half a sen</textarea>" in page
        client.post(EDIT, {"do": "discard"})
        assert "Half a sen" not in read_page(client.get(EDIT))

    def test_saving_drops_it(self, client: Client, prompt: Prompt) -> None:
        client.post(f"{EDIT}draft/", form("Half", page="edit"))
        client.post(EDIT, form("Whole"))
        assert not Draft.objects.exists()

    def test_the_new_prompt_page_has_one_too(self, client: Client) -> None:
        client.post(f"{NEW}draft/", form("Half", title="Begun", task="code", page="edit"))
        page = read_page(client.get(NEW))
        assert 'value="Begun"' in page
        assert "Half</textarea>" in page

    def test_a_refused_save_is_kept_as_one(self, client: Client, prompt: Prompt) -> None:
        client.post(EDIT, form("Kept", temperature="hot"))
        page = read_page(client.get(EDIT))
        assert "Kept</textarea>" in page
        assert 'value="hot"' in page

    def test_what_a_database_cannot_hold_does_not_break_it(self, client: Client, prompt: Prompt) -> None:
        assert client.post(f"{EDIT}draft/", form("a\x00b", page="edit")).status_code == 200
        assert "a\N{REPLACEMENT CHARACTER}b" in read_page(client.get(EDIT))

    def test_too_much_is_told(self, client: Client, prompt: Prompt) -> None:
        answer = client.post(f"{EDIT}draft/", form("x" * 5_000_001, page="edit"))
        assert "too much text" in read_page(answer)

    @pytest.mark.parametrize("page", ["nonsense", "case-", "../x"])
    def test_there_are_no_other_pages(self, client: Client, prompt: Prompt, page: str) -> None:
        assert client.post(f"{EDIT}draft/", form("x", page=page)).status_code == 404

    def test_somebody_elses_is_not_shown(self, client: Client, prompt: Prompt) -> None:
        Draft.objects.create(
            owner=bob(), key=f"prompt:{prompt.pk}", data={"content": ["Bob’s"], "role": ["user"]}
        )
        assert "Bob’s" not in read_page(client.get(EDIT))


class TestLostSession:
    def test_a_form_posted_signed_out_is_back_after_signing_in(self, prompt: Prompt) -> None:
        client = client_of(None)
        answer = client.post(EDIT, form("Typed for an hour"))
        assert answer["Location"] == f"/accounts/login/?next={EDIT}"
        client.force_login(alice(), backend="django.contrib.auth.backends.ModelBackend")
        page = read_page(client.get(EDIT))
        assert "Typed for an hour</textarea>" in page
        assert prompt.versions.count() == 1

    def test_autosave_signed_out_says_so_in_the_page(self, prompt: Prompt) -> None:
        client = client_of(None)
        headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{EDIT}"}
        answer = client.post(f"{EDIT}draft/", form("Typed", page="edit"), headers=headers)
        assert answer["HX-Retarget"] == "#signed-out"
        assert "You are signed out" in read_page(answer)
        client.force_login(alice(), backend="django.contrib.auth.backends.ModelBackend")
        assert "Typed</textarea>" in read_page(client.get(EDIT))

    def test_what_is_too_long_for_a_session_is_shown_to_be_copied(self, prompt: Prompt) -> None:
        answer = client_of(None).post(EDIT, form("x" * 600_000))
        assert answer.status_code == 403
        assert "What you typed" in read_page(answer)


class TestDetails:
    URL = "/studio/prompts/words/details/"

    def posted(self, **fields: Any) -> dict[str, Any]:
        details = {
            "title": "Words",
            "slug": "words",
            "task": "other",
            "licence": "MIT",
            "impact_kind": "none",
        }
        return {**details, "revision": "1", "do": "save", **fields}

    def test_everything_is_saved(self, client: Client, prompt: Prompt) -> None:
        first = prompt.versions.get()
        sections = {"situation": "Whose?", "constraints": "C", "impact": "I", "limits": "L"}
        fields = {"title": "Better", "tags": "one, two", "baseline": first.pk, "pin_position": "2"}
        client.post(self.URL, self.posted(**fields, **sections, impact_kind="measured"))
        prompt.refresh_from_db()
        assert (prompt.title, prompt.licence, prompt.pin_position) == ("Better", "MIT", 2)
        assert prompt.baseline == first
        assert {name: getattr(prompt, name) for name in sections} == sections
        assert {tag.name for tag in prompt.tags.all()} == {"one", "two"}
        assert prompt.revision == 2

    def test_a_new_address_redirects_the_old_one(self, client: Client, prompt: Prompt) -> None:
        client.post(self.URL, self.posted(slug="Fresh"))
        assert client.get("/@alice/words/")["Location"] == "/@alice/fresh/"

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"slug": "taken"}, "“Taken” has this address already"),
            ({"slug": "new"}, "an address of the site itself"),
            ({"slug": "a b"}, "Use letters a–z"),
            ({"slug": "-a"}, "Use letters a–z"),
            ({"slug": "請求書"}, "Use letters a–z"),
            ({"slug": ""}, "Fill this in."),
            ({"slug": "x" * 81}, "At most 80 characters"),
            ({"title": ""}, "Give it a title."),
            ({"baseline": "9" * 30}, "Select a valid choice"),
            ({"baseline": "x"}, "Select a valid choice"),
            ({"pin_position": "0"}, "The least is 1."),
            ({"pin_position": "9" * 30}, "The most is 999."),
            ({"situation": "x" * 8001}, "At most 8000 characters"),
            ({"limits": "a\x00b"}, "NUL character"),
            ({"licence": "mine"}, "Select a valid choice"),
        ],
    )
    def test_wrong_input(self, client: Client, prompt: Prompt, fields: dict[str, str], sentence: str) -> None:
        PromptFactory(owner=alice(), slug="taken", title="Taken")
        answer = client.post(self.URL, self.posted(impact="Typed text stays.") | fields)
        page = read_page(answer)
        assert answer.status_code == 200
        assert sentence in page
        assert "Typed text stays." in page
        assert not FormerSlug.objects.exists()

    def test_another_prompts_version_is_no_baseline(self, client: Client, prompt: Prompt) -> None:
        other = VersionFactory(prompt__owner=alice())
        assert b"Select a valid choice" in client.post(self.URL, self.posted(baseline=other.pk)).content

    def test_a_second_tab_is_told_what_differs_and_may_save_anyway(
        self, client: Client, prompt: Prompt
    ) -> None:
        client.post(self.URL, self.posted(title="First tab"))
        told = read_page(client.post(self.URL, self.posted(title="Second tab")))
        assert "These details were saved meanwhile" in told
        assert "<td>First tab</td><td>Second tab</td>" in told
        client.post(self.URL, self.posted(title="Second tab", do="save-anyway"))
        prompt.refresh_from_db()
        assert prompt.title == "Second tab"

    def test_its_draft_is_kept_apart_from_the_editors(self, client: Client, prompt: Prompt) -> None:
        client.post(f"{EDIT}draft/", self.posted(title="Half a ti", page="details"))
        assert 'value="Half a ti"' in read_page(client.get(self.URL))
        assert "are restored" not in read_page(client.get(EDIT))


class TestDelete:
    URL = "/studio/prompts/words/delete/"

    def test_the_page_names_what_is_lost_and_deletes_nothing(self, client: Client, prompt: Prompt) -> None:
        CaseFactory.create_batch(3, prompt=prompt)
        page = read_page(client.get(self.URL))
        assert "1 version, 3 cases, 0 runs and 0 outputs" in page
        assert Prompt.objects.exists()

    def test_it_is_gone(self, client: Client, prompt: Prompt) -> None:
        client.post(self.URL)
        assert not Prompt.objects.exists()
        assert client.get(EDIT).status_code == 404


@pytest.mark.parametrize("name", ["studio_prompt", "studio_prompt_details", "studio_prompt_delete"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_somebody_elses_prompt_does_not_exist(client: Client, name: str, method: str) -> None:
    VersionFactory(prompt=PromptFactory(owner=dana(), slug="hers", visibility="public"))
    assert getattr(client, method)(reverse(name, args=["hers"])).status_code == 404
    assert Prompt.objects.count() == 1


class TestNamesThatAreNone:
    def test_one_is_shown_with_the_name_it_could_have(self, client: Client, prompt: Prompt) -> None:
        answer = client.post(EDIT, form("Dear {{user-name}}, {{ Standard Question }}", do="preview"))
        shown = read_page(client.get(EDIT)) if answer.status_code == 302 else read_page(answer)
        assert "{{user-name}}</code> is sent as it stands" in shown
        assert 'value="rename:message:2"' in shown
        assert "&#123;&#123;Standard_Question&#125;&#125;" in shown

    def test_pressing_it_renames_that_one_in_all_messages(self, client: Client, prompt: Prompt) -> None:
        typed = form("A {{user-name}} {{x y}}", "B {{ user-name }}", do="rename:message:1")
        shown = read_page(client.post(EDIT, typed))
        assert "A {{user_name}} {{x y}}" in shown
        assert "B {{user_name}}" in shown
        client.post(EDIT, form("A {{x y}}", do="rename:message:9"))  # there is none of that number
        assert latest(prompt).number == 1

    def test_the_cases_values_go_with_the_name_when_it_is_saved(self, client: Client, prompt: Prompt) -> None:
        CaseFactory(
            prompt=prompt,
            variables={"user-name": "Ann"},
            assertions=[{"type": "contains", "value": "{{user-name}}"}],
        )
        CaseFactory(prompt=prompt, variables={"user-name": "Old", "user_name": "Bob"})
        revision = Prompt.objects.get(pk=prompt.pk).suite_revision
        answer = client.post(
            EDIT, form("Dear {{user_name}}", names=["user_name"], seen_number=1), follow=True
        )
        assert "The values of 1 case have the new names." in read_page(answer)
        first, second = prompt.cases.in_order()
        assert first.variables == {"user_name": "Ann"}
        assert first.assertions[0]["value"] == "{{user_name}}"
        assert second.variables == {"user-name": "Old", "user_name": "Bob"}
        assert Prompt.objects.get(pk=prompt.pk).suite_revision == revision + 1
