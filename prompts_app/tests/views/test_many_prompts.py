"""What is done with many of one's own prompts at once, and taken back."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from prompts_app.actions.prompts.case_pictures import add_pictures
from prompts_app.actions.prompts.many import purge_deleted
from prompts_app.engine.pictures import keep_to_send
from prompts_app.evidence.listings import refresh
from prompts_app.models import Listing, Prompt, Run, ShareLink, ShareLinkPrompt
from prompts_app.search import find
from prompts_app.tests.engine.files import a_file
from prompts_app.tests.factories import CaseFactory, PromptFactory, RunFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of

pytestmark = pytest.mark.django_db

MANY = "/studio/many/"


@pytest.fixture
def client() -> Client:
    return client_of(alice())


def written(slug: str, **fields: Any) -> Prompt:
    prompt = PromptFactory(owner=alice(), slug=slug, title=slug.title(), **fields)
    VersionFactory(prompt=prompt)
    refresh([prompt])
    return prompt


def do(client: Client, what: str, *slugs: str, query: str = "", **more: Any) -> str:
    answer = client.post(MANY + query, {"do": what, "prompt": slugs, **more}, follow=True)
    return " ".join(read_page(answer).split())


def tags(slug: str) -> set[str]:
    return set(Prompt.objects.get(slug=slug).tags.values_list("name", flat=True))


class TestTagsAndTasks:
    def test_a_tag_is_put_to_all_that_are_ticked_and_taken_off(self, client: Client) -> None:
        written("one"), written("two"), written("three")
        assert "2 prompts now tagged json, law." in do(client, "tag", "one", "two", tags="JSON, law")
        assert (tags("one"), tags("two"), tags("three")) == ({"json", "law"}, {"json", "law"}, set())
        assert "Taken off 1 prompt: law." in do(client, "untag", "one", "three", tags="law")
        assert (tags("one"), tags("two")) == ({"json"}, {"json", "law"})

    def test_a_tag_is_found_by_the_search_at_once(self, client: Client) -> None:
        prompt = written("one")
        do(client, "tag", "one", tags="quokka")
        assert find("quokka", author=alice().pk).prompts == [prompt.pk]

    def test_no_prompt_gets_more_tags_than_it_may_have(self, client: Client) -> None:
        written("full"), written("free")
        do(client, "tag", "full", tags=",".join(f"t{n}" for n in range(10)))
        assert "1 prompt had no room for more tags." in do(client, "tag", "full", "free", tags="new")
        assert "new" not in tags("full")

    def test_a_task_and_an_edit_in_another_tab_is_noticed(self, client: Client) -> None:
        before = written("one").revision
        assert "1 prompt now under Code and SQL." in do(client, "task", "one", task="code")
        now = Prompt.objects.get(slug="one")
        assert (now.task, now.revision) == ("code", before + 1)

    @pytest.mark.parametrize(
        ("what", "more", "said"),
        [
            ("tag", {}, "Type a tag first."),
            ("tag", {"tags": "<b>"}, "cannot be a tag"),
            ("task", {}, "Choose a task first."),
            ("task", {"task": "nonsense"}, "Select a valid choice"),
            ("visibility", {}, "Choose first who can see them."),
            ("nonsense", {}, "Select a valid choice"),
        ],
    )
    def test_what_is_missing_is_said(
        self, client: Client, what: str, more: dict[str, str], said: str
    ) -> None:
        written("one")
        assert said in do(client, what, "one", **more)

    def test_nothing_ticked(self, client: Client) -> None:
        written("one")
        assert "Tick at least one prompt first." in do(client, "archive")
        assert Prompt.objects.get().archived_at is None

    def test_all_that_are_found_not_the_page_alone(self, client: Client) -> None:
        PromptFactory.create_batch(60, owner=alice(), task="code")
        PromptFactory(owner=alice(), task="writing", slug="other")
        do(client, "archive", query="?task=code", every="1")
        assert Prompt.objects.filter(archived_at=None).get().slug == "other"

    def test_nobody_elses_are_touched(self, client: Client) -> None:
        his = PromptFactory(owner=bob(), slug="his")
        for what in ("archive", "delete", "export"):
            assert "Tick at least one" in do(client, what, "his")
        his.refresh_from_db()
        assert (his.archived_at, his.deleted_at) == (None, None)


class TestArchive:
    def test_no_list_names_it_but_its_address_stays(self, client: Client) -> None:
        prompt = written("one", visibility="public")
        do(client, "archive", "one")
        assert not Listing.objects.exists()
        assert find("one").prompts == []
        for address in ("/", "/prompts/", "/@alice/", "/sitemap-prompts-0.xml", "/feed/"):
            assert "/@alice/one/" not in read_page(Client().get(address))
        assert Client().get(prompt.get_absolute_url()).status_code == 200
        assert client.get("/studio/prompts/one/").status_code == 200

    def test_and_back(self, client: Client) -> None:
        written("one", visibility="public")
        do(client, "archive", "one")
        assert "1 prompt back in the lists." in do(client, "restore", "one", query="?show=archived")
        assert "/@alice/one/" in read_page(Client().get("/prompts/"))


class TestVisibility:
    def test_findings_are_shown_before_anything_is_changed(self, client: Client) -> None:
        written("one"), written("two")
        CaseFactory(
            prompt=Prompt.objects.get(slug="two"), variables={"k": "sk-proj-abcdefghijklmnop1234567890ABCD"}
        )
        page = do(client, "visibility", "one", "two", visibility="public")
        assert "Make 2 prompts public" in page
        assert "“Two”, " in page, "where it was found"
        assert set(Prompt.objects.values_list("visibility", flat=True)) == {"private"}
        page = do(client, "visibility", "one", "two", visibility="public", confirmed="1")
        assert "None was changed." in page
        assert set(Prompt.objects.values_list("visibility", flat=True)) == {"private"}
        assert "1 prompt now public." in do(client, "visibility", "one", visibility="public", confirmed="1")

    def test_what_was_ticked_as_harmless_goes_through(self, client: Client) -> None:
        written("one", summary="Write to jane.miller@gmail.com")
        answer = client.post(MANY, {"do": "visibility", "prompt": "one", "visibility": "unlisted"})
        tokens = [finding.token for group in answer.context["groups"] for finding in group.findings]
        assert tokens
        do(client, "visibility", "one", visibility="unlisted", confirmed="1", harmless=tokens)
        assert Prompt.objects.get().visibility == "unlisted"

    def test_that_pictures_cannot_be_searched_is_said(self, client: Client) -> None:
        case = CaseFactory(prompt=written("one"))
        assert "Pictures cannot be searched" not in do(client, "visibility", "one", visibility="public")
        add_pictures(case, "word", "", [keep_to_send(a_file())])
        assert "Pictures cannot be searched" in do(client, "visibility", "one", visibility="public")

    def test_private_needs_no_look(self, client: Client) -> None:
        written("one", visibility="public")
        assert "1 prompt now private." in do(client, "visibility", "one", visibility="private")
        assert Client().get("/@alice/one/").status_code == 404

    def test_one_without_a_version_stops_all(self, client: Client) -> None:
        written("one")
        PromptFactory(owner=alice(), slug="empty")
        do(client, "visibility", "one", "empty", visibility="public", confirmed="1")
        assert set(Prompt.objects.values_list("visibility", flat=True)) == {"private"}

    def test_too_many_to_look_through(self, client: Client) -> None:
        PromptFactory.create_batch(101, owner=alice())
        assert "At most 100 prompts are shown" in do(client, "visibility", every="1", visibility="public")


class TestDelete:
    def test_it_is_there_for_nobody_and_comes_back_as_it_was(self, client: Client) -> None:
        prompt = written("one", visibility="public")
        link = ShareLink.objects.create(owner=alice(), label="x", token_hash="x" * 64)
        ShareLinkPrompt.objects.create(link=link, prompt=prompt, position=0)
        page = do(client, "delete", "one")
        assert "1 prompt is deleted." in page
        assert 'action="/studio/undelete/"' in page
        for address in ("/@alice/one/", "/@alice/one.json", "/@alice/one/v1/"):
            assert client.get(address).status_code == Client().get(address).status_code == 404
        for name in ("studio_prompt", "studio_cases", "studio_publish", "studio_run_start"):
            assert client.get(reverse(name, args=["one"])).status_code == 404
        assert list(link.shown_prompts()) == []
        assert find("one", author=alice().pk).prompts == []
        when = client.get("/studio/").context["gone"][0].isoformat()
        back = read_page(client.post("/studio/undelete/", {"when": when}, follow=True))
        assert "1 prompt back, as before." in back
        assert Client().get("/@alice/one/").status_code == 200
        assert find("one").prompts == [prompt.pk]

    @pytest.mark.parametrize("when", ["", "nonsense", "2020-01-01T00:00:00Z"])
    def test_what_cannot_be_taken_back(self, client: Client, when: str) -> None:
        answer = client.post("/studio/undelete/", {"when": when}, follow=True)
        assert "nothing left to take back" in read_page(answer)

    def test_nobody_takes_back_what_another_deleted(self, client: Client) -> None:
        gone = timezone.now()
        PromptFactory(owner=bob(), deleted_at=gone)
        client.post("/studio/undelete/", {"when": gone.isoformat()})
        assert Prompt.objects.get().deleted_at == gone

    def test_one_that_runs_stops_all(self, client: Client) -> None:
        prompt = written("one")
        written("two")
        RunFactory(version=prompt.versions.get(), state=Run.State.RUNNING)
        assert "1 prompt of these runs now." in do(client, "delete", "one", "two")
        assert not Prompt.objects.exclude(deleted_at=None).exists()

    def test_after_a_day_it_is_gone_for_good(self, client: Client) -> None:
        written("one"), written("two")
        do(client, "delete", "one", "two")
        Prompt.objects.filter(slug="one").update(deleted_at=timezone.now() - timedelta(hours=25))
        assert purge_deleted() == 1
        assert [prompt.slug for prompt in Prompt.objects.all()] == ["two"]

    def test_its_address_is_not_given_to_another_meanwhile(self, client: Client) -> None:
        written("one")
        do(client, "delete", "one")
        client.post("/studio/prompts/new/", {"title": "One", "do": "save"})
        assert Prompt.objects.filter(owner=alice(), slug="one").count() == 1


class TestExport:
    def test_the_ticked_ones_as_a_bundle(self, client: Client) -> None:
        written("one"), written("two"), written("three")
        answer = client.post(MANY, {"do": "export", "prompt": ["one", "two"]})
        assert answer["Content-Disposition"] == 'attachment; filename="alice-2-prompts.json"'
        found = json.loads(answer.content)["prompts"]
        assert sorted(prompt["slug"] for prompt in found) == ["one", "two"]

    def test_too_many_for_one_file(self, client: Client) -> None:
        PromptFactory.create_batch(201, owner=alice())
        assert "At most 200 prompts go into one file" in do(client, "export", every="1")
