"""Giving a case a picture in the studio, and who sees it where."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from prompts_app.actions.prompts.case_pictures import add_pictures, hide_picture
from prompts_app.actions.sharing.links import PromptChoice, create_link
from prompts_app.engine.pictures import keep_to_send
from prompts_app.models import Case, CasePictureFile, Prompt, Visibility
from prompts_app.tests.actions.test_case_pictures import DIGEST, PICTURE, a_case, a_run, exported, fresh
from prompts_app.tests.engine.files import a_file, with_place
from prompts_app.tests.engine.test_pdf_pages import a_pdf
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of
from prompts_app.tests.security.world import Tags

pytestmark = pytest.mark.django_db

PUBLIC = "/@alice/invoice/"
ADDRESS = f"{PUBLIC}pictures/{DIGEST}.jpg"
SMALL = f"{PUBLIC}pictures/{DIGEST}/small.jpg"


def page_of(case: Case) -> str:
    return f"/studio/prompts/invoice/cases/{case.public_id}/pictures/"


def give(case: Case, data: bytes, name: str = "file.jpg", **more: Any) -> Any:
    typed = {"variable": "invoice", "file": SimpleUploadedFile(name, data), "alt": "", **more}
    return client_of(alice()).post(page_of(case), {"do": "add", **typed}, follow=True)


def press(case: Case, do: str) -> str:
    return read_page(client_of(alice()).post(page_of(case), {"do": do}, follow=True))


# --- giving one -------------------------------------------------------------------------------------------


def test_a_picture_is_kept_without_its_secrets_and_shown_with_its_description() -> None:
    case = a_case()
    page = read_page(give(case, with_place("JPEG"), alt="A letter"))
    assert "Kept, and sent where {{invoice}} stands." in page
    assert {one["alt"] for one in Tags(page).named("img")} == {"An invoice", "A letter"}
    assert b"Secret" not in b"".join(bytes(one.data) for one in CasePictureFile.objects.all())


def test_pages_of_a_pdf_become_pictures_in_their_order() -> None:
    case = a_case()
    page = read_page(give(case, a_pdf(), "letter.pdf", first="2", last="3", alt="A letter"))
    assert [one["alt"] for one in fresh(case).pictures][1:] == ["A letter, page 2", "A letter, page 3"]
    assert "A letter, page 3" in page
    give(case, a_pdf(), "letter.pdf", first="1", last="2")
    assert [one["alt"] for one in fresh(case).pictures][3:] == ["Page 1", "Page 2"]


def test_of_a_pdf_the_first_page_where_none_is_named() -> None:
    give(case := a_case(), a_pdf(), "letter.pdf")
    assert len(fresh(case).pictures) == 2


@pytest.mark.parametrize(
    ("data", "more", "said"),
    [
        (b"<svg/>", {}, "This is no PNG, JPEG or WebP."),
        (a_file()[:100], {}, "damaged"),
        (b"%PDF-1.7 nothing", {}, "This PDF is damaged"),
        (a_pdf(), {"first": "7"}, "This PDF has 3 pages."),
        (a_file(), {"variable": "another"}, "Select a valid choice"),
        (b"", {}, "This file is empty."),
    ],
)
def test_what_cannot_be_kept_is_told_beside_its_field(data: bytes, more: dict[str, str], said: str) -> None:
    case = a_case()
    answer = give(case, data, **more)
    assert answer.status_code == 422
    assert said in read_page(answer)
    assert len(fresh(case).pictures) == 1


def test_a_secret_in_the_description_is_asked_about_where_others_read_it() -> None:
    case = a_case()
    answer = give(case, a_file(), alt="key sk-proj-Zx81kTq0vB7nR4mW2pLs6dHy3cJf9gAe")
    assert answer.status_code == 422
    assert "looks like a secret" in read_page(answer)


def test_before_publishing_the_author_is_told_that_nobody_looked_at_the_pictures() -> None:
    case = a_case()
    said = "look at it yourself"
    publish = client_of(alice()).get("/studio/prompts/invoice/publish/")
    assert said in read_page(publish)
    assert "1 picture put in" in " ".join(read_page(publish).split())
    hide_picture(case.prompt, DIGEST)
    assert said not in read_page(client_of(alice()).get("/studio/prompts/invoice/publish/"))


def test_without_a_variable_nothing_is_asked_for() -> None:
    case = a_case()
    VersionFactory(prompt=case.prompt, number=9, messages=[{"role": "user", "content": "Hi"}], variables=[])
    assert "The prompt has no variable" in read_page(client_of(alice()).get(page_of(case)))


def test_one_is_removed_and_a_second_press_changes_nothing() -> None:
    case = a_case()
    assert "Removed." in press(case, "remove-0")
    assert fresh(case).pictures == []
    assert client_of(alice()).post(page_of(case), {"do": "remove-0"}).status_code == 400


def test_the_editor_shows_it_and_saving_keeps_it() -> None:
    case = a_case()
    client = client_of(alice())
    address = f"/studio/prompts/invoice/cases/{case.public_id}/"
    page = read_page(client.get(address))
    assert SMALL in page
    assert page_of(case) in page
    typed = {
        "do": "save",
        "name": "June",
        "value_name": "invoice",
        "value": "",
        "revision": str(case.revision),
    }
    assert client.post(address, typed).status_code == 302
    assert (fresh(case).name, fresh(case).pictures) == ("June", case.pictures)
    assert SMALL in read_page(client.get("/studio/prompts/invoice/cases/"))


# --- who sees it ------------------------------------------------------------------------------------------


def test_its_addresses_give_a_picture_and_nothing_that_could_run() -> None:
    a_case()
    answer = Client().get(ADDRESS)
    assert (answer["Content-Type"], answer.content) == ("image/jpeg", PICTURE.data)
    assert "sandbox" in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert Client().get(SMALL).content == PICTURE.small
    assert Client().get(ADDRESS, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    assert Client().get(f"{PUBLIC}pictures/{'0' * 64}.jpg").status_code == 404


def test_the_result_shows_what_was_sent_by_its_digest() -> None:
    run = a_run()
    page = read_page(Client().get(f"{PUBLIC}results/{run.results.get().public_id}/"))
    assert [one["alt"] for one in Tags(page).named("img") if one["src"] == SMALL] == ["An invoice"] * 2
    assert "the record names pictures by their SHA-256" in page
    assert "base64" not in page


def test_lists_of_cases_show_it_small() -> None:
    a_run()
    assert SMALL in read_page(Client().get(f"{PUBLIC}results/"))


def test_the_form_to_fill_in_says_that_a_picture_stood_there_in_place_of_a_text() -> None:
    run = a_run()
    run.suite[0]["variables"] = {"invoice": "not sent"}
    run.save()
    page = read_page(Client().get(PUBLIC))
    assert "In case 1 a picture stands here." in page
    assert 'value="not sent"' not in page


def test_who_judges_by_hand_sees_what_was_asked_with() -> None:
    result = a_run().results.get()
    assert SMALL in read_page(client_of(alice()).get(f"/studio/results/{result.public_id}/verdict/"))


def test_of_a_private_prompt_nobody_else_gets_it() -> None:
    case = a_case()
    Prompt.objects.filter(pk=case.prompt_id).update(visibility=Visibility.PRIVATE)
    assert Client().get(ADDRESS).status_code == client_of(bob()).get(SMALL).status_code == 404
    assert client_of(alice()).get(ADDRESS).status_code == 200


def test_readers_of_a_share_link_get_it_below_the_link_unless_it_is_private() -> None:
    run = a_run()
    _, token = create_link(alice(), PromptChoice("for Acme", [run.prompt]))
    page = read_page(Client().get(f"/s/{token}/invoice/results/{run.results.get().public_id}/"))
    below = f"/s/{token}/invoice/pictures/{DIGEST}/small.jpg"
    assert {one["src"] for one in Tags(page).named("img")} == {below}
    assert Client().get(below).content == PICTURE.small
    hide_picture(run.prompt, DIGEST)
    assert Client().get(below).status_code == 404


def test_a_private_picture_is_a_label_for_everybody_else_on_every_address() -> None:
    run = a_run()
    case = run.prompt.cases.get()
    result = f"{PUBLIC}results/{run.results.get().public_id}/"
    assert SMALL in read_page(Client().get(result))
    assert "Nobody but you sees it" in press(case, "hide-0")
    for client in (Client(), client_of(bob())):
        assert client.get(ADDRESS).status_code == client.get(SMALL).status_code == 404
        page = read_page(client.get(result))
        assert "A picture its author keeps private." in page
        pages = (result, PUBLIC, f"{PUBLIC}results/", f"{PUBLIC}runs/{run.public_id}.json")
        for address in (*pages, "/@alice/invoice.json", "/@alice/invoice.promptfoo.yaml"):
            assert DIGEST not in client.get(address).content.decode(), address
    assert client_of(alice()).get(ADDRESS).status_code == 200
    assert SMALL in read_page(client_of(alice()).get(page_of(case)))
    assert "Whoever may read the prompt sees it." in press(case, "show-0")
    assert Client().get(ADDRESS).status_code == 200


def test_a_visitors_bundle_has_no_private_picture_and_the_authors_has() -> None:
    case = a_case()
    add_pictures(case, "invoice", "", [keep_to_send(a_file("PNG", 30, 30))])
    hide_picture(case.prompt, DIGEST)
    public = Client().get("/@alice/invoice.json").json()["prompts"][0]
    assert len(public["pictures"]) == 1
    assert DIGEST not in public["pictures"]
    assert DIGEST in exported().pictures


def test_the_editor_counts_a_picture_as_a_value_and_shows_where_it_is_sent() -> None:
    a_case()
    page = read_page(client_of(alice()).get("/studio/prompts/invoice/"))
    assert "filled by 1 of 1 case" in page
    assert ">[picture]<" in page
