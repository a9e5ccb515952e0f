"""Giving a prompt's own message a picture in the studio, and who sees it where."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from prompts_app.actions.sharing.links import PromptChoice, create_link
from prompts_app.models import CasePictureFile, Prompt, Visibility
from prompts_app.tests.actions.test_case_pictures import DIGEST
from prompts_app.tests.actions.test_message_pictures import a_prompt, a_run, newest
from prompts_app.tests.engine.files import a_file, with_place
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of
from prompts_app.tests.security.world import Tags

pytestmark = pytest.mark.django_db

PAGE = "/studio/prompts/invoice/pictures/"
EDITOR = "/studio/prompts/invoice/"
PUBLIC = "/@alice/invoice/"
ADDRESS, SMALL = f"{PUBLIC}pictures/{DIGEST}.jpg", f"{PUBLIC}pictures/{DIGEST}/small.jpg"


def give(data: bytes, **more: Any) -> Any:
    typed = {"variable": "invoice", "file": SimpleUploadedFile("file.jpg", data), "alt": "", **more}
    return client_of(alice()).post(PAGE, {"do": "add", **typed}, follow=True)


def press(do: str) -> str:
    return read_page(client_of(alice()).post(PAGE, {"do": do}, follow=True))


# --- giving one -------------------------------------------------------------------------------------------


def test_a_picture_is_kept_without_its_secrets_as_a_new_version() -> None:
    prompt = a_prompt()
    page = read_page(give(with_place("JPEG"), alt="A letter"))
    assert "Kept, and sent where {{invoice}} stands." in page
    assert {one["alt"] for one in Tags(page).named("img")} == {"An invoice", "A letter"}
    assert newest(prompt).number == 3
    assert b"Secret" not in b"".join(bytes(one.data) for one in CasePictureFile.objects.all())


@pytest.mark.parametrize(
    ("data", "more", "said"),
    [
        (b"<svg/>", {}, "This is no PNG, JPEG or WebP."),
        (a_file()[:100], {}, "damaged"),
        (a_file(), {"variable": "another"}, "Select a valid choice"),
        (b"", {}, "This file is empty."),
        (a_file(), {"alt": "key sk-proj-Zx81kTq0vB7nR4mW2pLs6dHy3cJf9gAe"}, "looks like a secret"),
    ],
)
def test_what_cannot_be_kept_makes_no_version(data: bytes, more: dict[str, str], said: str) -> None:
    prompt = a_prompt()
    answer = give(data, **more)
    assert answer.status_code == 422
    assert said in read_page(answer)
    assert newest(prompt).number == 2


def test_one_is_removed_by_a_new_version_and_a_second_press_changes_nothing() -> None:
    prompt = a_prompt()
    assert "Removed." in press("remove-0")
    assert newest(prompt).pictures == []
    assert client_of(alice()).post(PAGE, {"do": "remove-0"}).status_code == 400
    assert newest(prompt).number == 3


def test_the_editor_shows_it_and_saving_keeps_it() -> None:
    prompt = a_prompt()
    client = client_of(alice())
    page = read_page(client.get(EDITOR))
    assert SMALL in page
    assert PAGE in page
    assert "[picture]" in page
    typed = {
        "do": "save", "role": "user", "content": "Read {{invoice}} aloud", "seen_number": "2",
        "variable_name": "invoice", "variable_default": "", "variable_description": "",
    }  # fmt: skip
    assert client.post(EDITOR, typed).status_code == 302
    assert (newest(prompt).number, newest(prompt).pictures) == (3, prompt.versions.get(number=2).pictures)


# --- who sees it ------------------------------------------------------------------------------------------


def test_the_prompt_its_version_and_the_result_show_it_small() -> None:
    run = a_run()
    for address in (PUBLIC, f"{PUBLIC}v2/", f"{PUBLIC}results/{run.results.get().public_id}/"):
        page = read_page(Client().get(address))
        assert [one["alt"] for one in Tags(page).named("img") if one["src"] == SMALL] == ["An invoice"], (
            address
        )
        assert "base64" not in page
    assert SMALL not in read_page(Client().get(f"{PUBLIC}v1/"))
    assert "the record names pictures by their SHA-256" in page


def test_of_a_private_prompt_nobody_else_gets_it() -> None:
    prompt = a_prompt()
    Prompt.objects.filter(pk=prompt.pk).update(visibility=Visibility.PRIVATE)
    assert Client().get(ADDRESS).status_code == client_of(bob()).get(SMALL).status_code == 404
    assert client_of(bob()).get(PAGE).status_code == 404
    assert client_of(alice()).get(ADDRESS).status_code == 200


def test_readers_of_a_share_link_get_it_below_the_link() -> None:
    prompt = a_prompt()
    _, token = create_link(alice(), PromptChoice("for Acme", [prompt]))
    page = read_page(Client().get(f"/s/{token}/invoice/"))
    below = f"/s/{token}/invoice/pictures/{DIGEST}/small.jpg"
    assert below in {one["src"] for one in Tags(page).named("img")}
    assert Client().get(below).status_code == 200
    press("hide-0")
    assert Client().get(below).status_code == 404


def test_a_private_picture_is_a_label_for_everybody_else_on_every_address() -> None:
    run = a_run()
    result = f"{PUBLIC}results/{run.results.get().public_id}/"
    assert "Nobody but you sees it" in press("hide-0")
    for client in (Client(), client_of(bob())):
        assert client.get(ADDRESS).status_code == client.get(SMALL).status_code == 404
        assert "A picture its author keeps private." in read_page(client.get(result))
        files = ("/@alice/invoice.json", "/@alice/invoice.promptfoo.yaml", "/@alice/invoice.md")
        for address in (result, PUBLIC, f"{PUBLIC}v2/", f"{PUBLIC}runs/{run.public_id}.json", *files):
            assert DIGEST not in client.get(address).content.decode(), address
    assert client_of(alice()).get(ADDRESS).status_code == 200
    assert "Whoever may read the prompt sees it." in press("show-0")
    assert Client().get(ADDRESS).status_code == 200
