"""/studio/import/: upload, preview, yes, report."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags

from prompts_app.actions.importing.job import run_import
from prompts_app.models import Import, Prompt, Version
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, client_of, dana

pytestmark = pytest.mark.django_db

UPLOAD = "/studio/import/"
CSV = b"act,prompt\nPoet,Write about ${topic:rain} for {reader}.\nEmpty,\n"


def send(client: Client, data: bytes = CSV, name: str = "prompts.csv", **fields: Any) -> Any:
    return client.post(UPLOAD, {"file": SimpleUploadedFile(name, data), **fields})


def page(response: Any) -> str:
    text: str = read_page(response)
    return text


@pytest.fixture
def browser() -> Client:
    return client_of(alice())


def test_a_file_is_shown_before_anything_is_saved(browser: Client) -> None:
    response = send(browser)
    draft = Import.objects.get()
    assert response.url == f"/studio/import/{draft.public_id}/"
    shown = page(browser.get(response.url))
    assert "prompts.csv" in shown
    assert "Poet" in shown
    assert "1 new prompt" in shown
    assert "The prompt is empty." in shown
    assert "${topic:rain} becomes {{topic}}" in shown
    assert Prompt.objects.count() == 0


def test_a_preview_that_was_left_is_found_again(browser: Client) -> None:
    preview = send(browser).url
    shown = page(browser.get(UPLOAD))
    assert f'<a href="{preview}">' in shown
    assert "Not imported yet" in shown
    assert "Earlier imports" not in page(client_of(dana()).get(UPLOAD))


def test_neither_of_two_fields_is_called_optional_where_one_is_needed(browser: Client) -> None:
    page = read_page(browser.get(UPLOAD))
    labels = [" ".join(strip_tags(one).split()) for one in re.findall("<label.*?</label>", page)]
    assert labels == ["File", "Or paste text", "Read it as (optional)"]


def test_saying_yes_imports_it_and_reports_with_links(browser: Client) -> None:
    preview = send(browser).url
    response = browser.post(preview, {"styles": ["dollar"]}, follow=True)
    assert response.redirect_chain[-1][0] == preview
    prompt = Prompt.objects.get(owner=alice())
    assert Version.objects.get().messages[0]["content"] == "Write about {{topic}} for {reader}."
    shown = page(response)
    assert "1 prompt imported" in shown
    assert "It is private." in shown
    assert f'href="/studio/prompts/{prompt.slug}/"' in shown
    assert "The prompt is empty." in shown
    assert not Import.objects.get().data


def test_pressing_the_button_twice_leads_to_the_report_and_makes_no_doubles(browser: Client) -> None:
    preview = send(browser).url
    browser.post(preview, {"styles": []})
    again = browser.post(preview, {"styles": []})
    assert again.headers["Location"] == preview
    assert Prompt.objects.count() == 1


def test_pasted_text_is_imported_too(browser: Client) -> None:
    posted = browser.post(UPLOAD, {"text": "## System\n\nBe brief.\n\n## User\n\n{{question}}"})
    preview = posted.headers["Location"]
    assert "Pasted text" in page(browser.get(preview))
    browser.post(preview)
    assert [m["role"] for m in Version.objects.get().messages] == ["system", "user"]


def test_a_file_can_be_read_as_what_the_author_says(browser: Client) -> None:
    preview = send(browser, b"## User\n\nx", "a.md", kind="text").url
    browser.post(preview)
    assert Version.objects.get().messages == [{"role": "user", "content": "## User\n\nx"}]


def test_discarding_removes_the_file_and_imports_nothing(browser: Client) -> None:
    preview = send(browser).url
    response = browser.post(f"{preview}discard/", follow=True)
    assert "Nothing was imported" in page(response)
    assert (Import.objects.count(), Prompt.objects.count()) == (0, 0)


def test_a_file_with_nothing_new_has_no_button(browser: Client) -> None:
    for _ in range(2):
        preview = send(browser).url
        shown = page(browser.get(preview))
        browser.post(preview)
    assert "There is nothing new in it." in shown
    assert "btn-main" not in shown


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "Choose a file, or paste text."),
        ({"text": " \n "}, "Choose a file, or paste text."),
        ({"text": "x", "file": SimpleUploadedFile("a.txt", b"y")}, "Choose one of them"),
        ({"text": "act,prompt\nA,&quot;"}, ""),
        ({"text": 'act,prompt\nA,"open'}, "opens a quotation mark that is never closed"),
        ({"text": "a\x00b"}, "Null characters are not allowed"),
        ({"text": "{ not json", "kind": "messages"}, "This is not valid JSON: line 1"),
        ({"text": "x", "kind": "word"}, "Select a valid choice"),
        ({"file": SimpleUploadedFile("a.txt", b"")}, "This file is empty"),
        ({"file": SimpleUploadedFile("a.txt", b"caf\xe9")}, "byte 3 (line 1) cannot be read"),
        ({"file": SimpleUploadedFile("a.png", b"\x89PNG\r\n\x1a\n\x00")}, "not valid UTF-8"),
    ],
)
def test_what_cannot_be_read_is_told_beside_the_field_and_the_text_kept(
    browser: Client, fields: dict[str, Any], message: str
) -> None:
    response = browser.post(UPLOAD, fields)
    if not message:
        assert response.status_code == 302
        return
    assert response.status_code == 200
    assert message in page(response).replace("&#x27;", "'")
    assert Import.objects.count() == 0
    if typed := fields.get("text", "").strip().replace("\x00", ""):
        assert typed[:4] in page(response).replace("&quot;", '"')


def test_text_in_the_file_is_escaped_wherever_it_shows(browser: Client) -> None:
    row = b'act,prompt\n<script>alert(1)</script>,"<img src=x onerror=alert(1)> \xe2\x80\xae{name}"\n<b>,\n'
    preview = send(browser, row, "<i>.csv").url
    done = browser.post(preview, follow=True)
    for shown in (page(browser.get(send(browser, row).url)), page(done)):
        assert "<script>alert" not in shown
        assert "<img src=x" not in shown
        assert "<b>" not in shown.split("<main")[1]


def test_somebody_elses_file_does_not_exist(browser: Client) -> None:
    preview = send(browser).url
    stranger = client_of(dana())
    assert stranger.get(preview).status_code == 404
    assert stranger.post(preview).status_code == 404
    assert stranger.post(f"{preview}discard/").status_code == 404
    assert Import.objects.count() == 1


@pytest.mark.parametrize("path", [UPLOAD, f"{UPLOAD}abcdefghjkmn/"])
def test_signed_out_people_are_sent_to_sign_in(path: str) -> None:
    assert "/accounts/login/" in client_of(None).get(path).headers["Location"]


def test_discarding_takes_a_button_not_a_link(browser: Client) -> None:
    assert browser.get(f"{send(browser).url}discard/").status_code == 405


def test_files_nobody_came_back_for_go(browser: Client) -> None:
    for number in range(4):
        send(browser, name=f"{number}.csv")
    assert [d.name for d in Import.objects.order_by("pk")] == ["1.csv", "2.csv", "3.csv"]
    Import.objects.update(created_at=timezone.now() - timedelta(days=2))
    send(browser, name="new.csv")
    assert [d.name for d in Import.objects.all()] == ["new.csv"]


def test_one_that_an_earlier_release_kept_unread_is_to_be_sent_again(browser: Client) -> None:
    row = Import.objects.create(owner=alice(), name="prompts.csv", data=CSV)
    response = browser.get(f"/studio/import/{row.public_id}/", follow=True)
    assert response.redirect_chain == [("/studio/import/", 302)]
    assert "This site was renewed since the file was sent. Send it again." in page(response)
    browser.post(f"/studio/import/{row.public_id}/", {"styles": []})
    assert not Prompt.objects.exists()


def test_a_large_file_shows_its_first_rows_and_counts_the_rest(browser: Client) -> None:
    rows = "".join(f"Title {n},Text {n}\n" for n in range(100)) + "x,\n" * 60
    preview = send(browser, b"act,prompt\n" + rows.encode()).url
    shown = page(browser.get(preview))
    assert "100 new prompts" in shown
    assert "the first 50 of 100" in shown
    assert "Title 49" in shown
    assert "Title 50" not in shown
    assert "60 parts of the file, and why: the first 50." in shown
    done = page(browser.post(preview, follow=True))
    assert "The first 50 of 100; all are in the list of your prompts." in done


ODD = (
    b'{"prompts": ["Dear {{user-name}}: {{Standard Question}}"], "providers": ["echo"], "tests": '
    b'[{"vars": {"user-name": "Ann", "Standard Question": "Why?"}}]}'
)


def test_names_that_are_none_here_are_shown_with_what_they_become(browser: Client) -> None:
    shown = page(browser.get(send(browser, ODD, "promptfooconfig.json").url))
    assert "{{user-name}} becomes {{user_name}}" in shown
    assert "{{Standard Question}} becomes {{Standard_Question}}" in shown
    assert "(in its cases too)" in shown


@pytest.mark.parametrize(
    ("chosen", "text", "names"),
    [
        (["names"], "Dear {{user_name}}: {{Standard_Question}}", {"user_name", "Standard_Question"}),
        ([], "Dear {{user-name}}: {{Standard Question}}", {"user-name", "Standard Question"}),
    ],
)
def test_they_are_renamed_where_that_is_chosen(
    browser: Client, chosen: list[str], text: str, names: set[str]
) -> None:
    browser.post(send(browser, ODD, "promptfooconfig.json").url, {"styles": chosen})
    prompt = Prompt.objects.get(owner=alice())
    assert Version.objects.get().messages[0]["content"] == text
    assert set(prompt.cases.get().variables) == names


CHAT = "You said:\nShorten this mail.\nChatGPT said:\nWhich mail?\nYou said:\nThe one about the delivery."


class TestACopiedChat:
    """Several messages, or one: the author chooses."""

    def test_it_is_offered_as_messages_and_as_one(self, browser: Client) -> None:
        there = browser.post(UPLOAD, {"text": CHAT}).headers["Location"]
        shown = page(browser.get(there))
        assert "3 messages" in shown
        assert "Read as a copied chat, as messages." in shown
        browser.post(there, {})
        assert [m["role"] for m in Version.objects.get().messages] == ["user", "assistant", "user"]

    def test_as_one_it_is_the_text_as_it_stands(self, browser: Client) -> None:
        there = browser.post(UPLOAD, {"text": CHAT}).headers["Location"]
        shown = page(browser.post(there, {"as": "text"}, follow=True))
        assert "Read as plain text." in shown
        browser.post(there, {})
        assert Version.objects.get().messages == [{"role": "user", "content": CHAT}]

    def test_a_kind_there_is_not_changes_nothing(self, browser: Client) -> None:
        there = browser.post(UPLOAD, {"text": CHAT}).headers["Location"]
        assert "3 messages" in page(browser.post(there, {"as": "word"}, follow=True))


class TestALargeFile:
    """A worker brings it in; the page looks again by itself, with a script or without."""

    def test_it_is_watched_and_then_reported(self, browser: Client) -> None:
        rows = "".join(f"Title {n},Text {n}\n" for n in range(150))
        there = send(browser, b"act,prompt\n" + rows.encode()).url
        watched = page(browser.post(there, follow=True))
        assert "Waiting for a worker." in watched
        assert "0 of 150" in watched
        assert f'data-hx-get="{there}"' in watched
        assert 'http-equiv="refresh"' in watched
        assert "js/studio.js" in watched
        part = browser.get(there, headers={"hx-request": "true"})
        assert page(part).lstrip().startswith("<div")
        run_import(Import.objects.get().pk)
        ended = browser.get(there, headers={"hx-request": "true"})
        assert (ended.status_code, ended.headers["HX-Refresh"]) == (286, "true")
        assert "150 prompts imported" in page(browser.get(there))

    def test_it_is_stopped_and_taken_back(self, browser: Client) -> None:
        rows = "".join(f"Title {n},Text {n}\n" for n in range(150))
        there = send(browser, b"act,prompt\n" + rows.encode()).url
        browser.post(there)
        assert "Undoing" in page(browser.post(f"{there}stop/", follow=True))
        run_import(Import.objects.get().pk)
        assert "was undone" in page(browser.get(there))
        assert Prompt.objects.count() == 0


class TestUndo:
    def test_it_says_what_goes_and_what_was_worked_on_since(self, browser: Client) -> None:
        there = send(browser).url
        browser.post(there)
        assert f'href="{there}undo/"' in page(browser.get(there))
        assert "You have worked on" not in page(browser.get(f"{there}undo/"))
        Prompt.objects.update(visibility="public")
        asked = page(browser.get(f"{there}undo/"))
        assert "You have worked on 1 of them since" in asked
        kept = page(browser.post(f"{there}undo/", {"keep": "1"}, follow=True))
        assert "but for the 1 you kept" in kept
        assert Prompt.objects.count() == 1

    def test_it_is_listed_with_what_came_of_it(self, browser: Client) -> None:
        browser.post(send(browser).url)
        assert "prompts.csv" in page(browser.get(UPLOAD))
        assert "Imported, 1 prompt" in page(browser.get(UPLOAD))

    def test_twice_does_no_harm(self, browser: Client) -> None:
        there = send(browser).url
        browser.post(there)
        for _ in range(2):
            browser.post(f"{there}undo/")
        assert "was undone" in page(browser.get(there))
