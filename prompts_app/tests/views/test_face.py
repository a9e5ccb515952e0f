"""An author's own picture: uploaded, shown, taken away; initials where there is none."""

import json
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from prompts_app.actions.accounts.deletion import delete_account
from prompts_app.models import Face, Profile, User, Visibility
from prompts_app.tests.engine.files import a_file, with_place
from prompts_app.tests.factories import PromptFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of, person
from prompts_app.tests.security.world import Tags

pytestmark = pytest.mark.django_db

ADDRESS = "/@alice/picture.webp"


def save(original: bytes | None = None, **more: Any) -> Any:
    typed = {
        "name": "Alice Author",
        "visibility": Profile.objects.get(user=alice()).visibility,
        "links-TOTAL_FORMS": "0",
        "links-INITIAL_FORMS": "0",
        **more,
    }
    if original is not None:
        typed["picture"] = SimpleUploadedFile("me.jpg", original)
    return client_of(alice()).post("/studio/profile/", typed)


def test_an_uploaded_picture_is_shown_as_a_square_without_its_secrets() -> None:
    assert save(with_place("JPEG")).status_code == 302
    answer = Client().get(ADDRESS)
    assert answer["Content-Type"] == "image/webp"
    assert b"Secret" not in answer.content
    size = Image.open(BytesIO(answer.content)).size
    assert size[0] == size[1] <= 256
    (shown,) = Tags(read_page(Client().get("/@alice/"))).named("img")
    assert (shown["src"], shown["alt"]) == (ADDRESS, "Picture of Alice Author")
    assert shown["width"] == shown["height"]


def test_without_one_there_are_initials_and_no_address() -> None:
    alice()
    page = read_page(Client().get("/@alice/"))
    assert '<p class="face" aria-hidden="true">AA</p>' in page
    assert Client().get(ADDRESS).status_code == 404


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("Ada King Lovelace", "AL"),
        ("Plato", "P"),
        ("", "Z"),
        ("élodie ß", "ÉS"),
        ("李 小龍", "李小"),
        ("🦊 Fox", "F"),
        ("🦊", "Z"),
        ("- -", "Z"),
    ],
)
def test_initials_are_of_the_first_and_the_last_name_else_of_the_handle(name: str, initials: str) -> None:
    assert person("zoe", name=name).profile.initials == initials


def test_it_can_be_replaced_and_taken_away() -> None:
    save(a_file("PNG", 300, 300))
    first = alice().profile.face_digest
    save(a_file("PNG", 90, 40))
    assert alice().profile.face_digest not in ("", first)
    assert Face.objects.count() == 1
    save()
    assert Face.objects.count() == 1, "saving the rest leaves it"
    save(remove_picture="on")
    assert (alice().profile.face_digest, Face.objects.count()) == ("", 0)
    assert Client().get(ADDRESS).status_code == 404


@pytest.mark.parametrize(
    ("original", "says"), [(b"<svg/>", "no PNG, JPEG or WebP"), (a_file("PNG")[:-20], "damaged")]
)
def test_what_is_no_picture_comes_back_with_a_sentence_and_what_was_typed(original: bytes, says: str) -> None:
    answer = save(original, name="Alice Typed")
    page = read_page(answer)
    assert answer.status_code == 200
    assert says in page
    assert "Alice Typed" in page
    assert alice().profile.name == "Alice Author"
    assert not Face.objects.exists()


def test_it_is_as_visible_as_the_profile() -> None:
    save(a_file())
    for visibility, status in (("public", 200), ("unlisted", 200), ("private", 404)):
        Profile.objects.update(visibility=visibility)
        for client in (Client(), client_of(bob())):
            answer = client.get(ADDRESS)
            assert answer.status_code == status
            assert visibility == "public" or answer.headers.get("Cache-Control") != (
                "public, max-age=0, must-revalidate"
            )
        assert client_of(alice()).get(ADDRESS).status_code == 200


def json_ld() -> Any:
    page = read_page(Client().get("/@alice/"))
    return json.loads(page.split('type="application/ld+json"')[1].split(">", 1)[1].split("</script>")[0])


def test_a_listed_profile_names_it_in_its_structured_data() -> None:
    PromptFactory(owner=alice(), visibility=Visibility.PUBLIC)
    assert "image" not in json_ld()["mainEntity"]
    save(a_file())
    assert json_ld()["mainEntity"]["image"].endswith(ADDRESS)


def test_it_goes_with_the_account() -> None:
    save(a_file())
    delete_account(User.objects.get(username="alice"))
    assert not Face.objects.exists()


def test_a_renamed_authors_picture_moves_along() -> None:
    save(a_file())
    client_of(alice()).post("/studio/account/handle/", {"handle": "alicia"})
    answer = Client().get(ADDRESS)
    assert (answer.status_code, answer["Location"]) == (301, "/@alicia/picture.webp")
