"""Outputs that are pictures, on the pages and at their own addresses."""

from hashlib import sha256
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from prompts_app.actions.pictures.storage import replace_picture
from prompts_app.actions.prompts.private_parts import add_span
from prompts_app.actions.prompts.publish import findings_of
from prompts_app.actions.runs.counting import count_run, rebuild_evidence
from prompts_app.actions.runs.lifecycle import delete_runs
from prompts_app.actions.runs.paste import paste_output
from prompts_app.actions.sharing.links import PromptChoice, create_link
from prompts_app.engine.digests import case_json, suite_digest
from prompts_app.engine.pictures import keep
from prompts_app.models import (
    Batch,
    Case,
    KnownFailure,
    PictureFile,
    Prompt,
    Result,
    Run,
    Version,
    Visibility,
)
from prompts_app.tests.engine.files import a_file, with_place
from prompts_app.tests.factories import CaseFactory, PromptFactory, ResultFactory, RunFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of
from prompts_app.tests.security.world import Tags

pytestmark = pytest.mark.django_db

ORIGINAL = a_file("PNG", 600, 400)


def a_pictured(visibility: str = Visibility.PUBLIC, passed: bool | None = False) -> Result:
    """The only result of Alice's prompt "fox": a picture, by default one that failed."""
    prompt: Prompt = PromptFactory(
        owner=alice(), slug="fox", title="Fox", visibility=visibility, published_at=timezone.now()
    )
    CaseFactory(prompt=prompt, name="A red fox")
    suite = prompt.suite()
    run: Run = RunFactory(
        version=VersionFactory(prompt=prompt),
        model="gpt-image-1",
        api="images",
        suite=[case_json(case) for case in suite],
        suite_digest=suite_digest(suite),
        finished_at=timezone.now(),
    )
    check = {"type": "human", "value": None, "passed": passed, "score": 0.0, "reason": "It has three ears."}
    picture = keep(ORIGINAL, "a red fox in the snow")
    result: Result = ResultFactory(
        run=run, case_index=0, output="", picture=picture.about(), passed=passed, checks=[check]
    )
    replace_picture(result, picture)
    count_run(run)
    rebuild_evidence(prompt)
    return result


def at(result: Result, name: str = "result_picture") -> str:
    return reverse(name, args=["alice", "fox", result.public_id])


def images(page: Any) -> list[dict[str, str | None]]:
    return Tags(read_page(page)).named("img")


# --- the picture's own address ---


@pytest.mark.parametrize(("name", "size"), [("result_picture", (600, 400)), ("result_thumbnail", (320, 213))])
def test_it_is_given_out_as_what_it_is_and_may_do_nothing(name: str, size: tuple[int, int]) -> None:
    answer = Client().get(at(a_pictured(), name))
    assert answer.status_code == 200
    assert Image.open(BytesIO(answer.content)).size == size
    assert answer["Content-Type"] == "image/webp"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert answer["Cache-Control"] == "public, max-age=0, must-revalidate"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"


def test_who_has_it_already_is_not_sent_it_again() -> None:
    address = at(a_pictured())
    etag = Client().get(address)["ETag"]
    assert Client().get(address, headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize("visibility", [Visibility.UNLISTED, Visibility.PRIVATE])
def test_what_is_not_public_is_kept_by_nobody(visibility: str) -> None:
    address = at(a_pictured(visibility))
    answer = (Client() if visibility == Visibility.UNLISTED else client_of(alice())).get(address)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["X-Robots-Tag"] == "noindex"


@pytest.mark.parametrize("name", ["result_picture", "result_thumbnail"])
def test_a_private_picture_is_a_404_to_everybody_else_even_with_its_etag(name: str) -> None:
    result = a_pictured(Visibility.PRIVATE)
    etag = f'"{result.picture["sha256"]}"'
    for client in (Client(), client_of(bob())):
        answer = client.get(at(result, name), headers={"If-None-Match": etag})
        assert answer.status_code == 404


def test_a_readers_of_a_share_link_gets_it_below_the_link() -> None:
    result = a_pictured(Visibility.PRIVATE)
    _, token = create_link(alice(), PromptChoice("for Bob", [result.run.prompt], although_private=True))
    page = Client().get(f"/s/{token}/fox/results/{result.public_id}/")
    (shown,) = images(page)
    assert shown["src"] == f"/s/{token}/fox/results/{result.public_id}/picture.webp"
    answer = Client().get(shown["src"])
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/webp"
    assert answer["Cache-Control"] == "private, no-store"


def test_a_text_has_no_picture() -> None:
    result = a_pictured()
    Result.objects.update(picture={})
    assert Client().get(at(result)).status_code == 404


def test_a_picture_that_was_changed_is_not_shown() -> None:
    result = a_pictured()
    PictureFile.objects.update(data=keep(a_file("PNG", 50, 50)).data)
    assert Client().get(at(result)).status_code == 404
    assert Client().get(at(result, "result_thumbnail")).status_code == 200


def test_a_practice_picture_is_seen_by_its_author_only() -> None:
    result = a_pictured()
    Run.objects.update(source="practice")
    assert Client().get(at(result)).status_code == 404
    assert client_of(alice()).get(at(result)).status_code == 200


# --- on the pages ---


def test_the_result_page_shows_it_with_its_size_and_what_it_is_of() -> None:
    result = a_pictured()
    page = Client().get(result.get_absolute_url())
    (shown,) = images(page)
    assert shown["alt"] == "Picture: A red fox, gpt-image-1"
    assert (shown["width"], shown["height"], shown["loading"]) == ("600", "400", "lazy")
    text = read_page(page)
    assert sha256(ORIGINAL).hexdigest() in text
    assert result.picture["sha256"] in text
    assert "a red fox in the snow" in text
    assert "The output is empty" not in text


def test_lists_show_the_small_one() -> None:
    result = a_pictured()
    shown = images(Client().get("/@alice/fox/"))[0]
    assert (shown["src"], shown["alt"]) == (
        f"results/{result.public_id}/thumbnail.webp",
        "Picture: A red fox, gpt-image-1",
    )


def test_the_verdict_page_and_the_runs_page_show_it() -> None:
    result = a_pictured()
    page = client_of(alice()).get(reverse("studio_verdict", args=[result.public_id]))
    assert [image["src"] for image in images(page)] == [at(result)]


def test_both_sides_of_a_comparison_show_theirs() -> None:
    old = a_pictured()
    version = Version.objects.create(prompt=old.run.prompt, number=2, messages=old.run.version.messages)
    run = RunFactory(
        version=version, model="gpt-image-1", suite=old.run.suite, suite_digest=old.run.suite_digest
    )
    picture = keep(a_file("PNG", 90, 60))
    new = ResultFactory(run=run, case_index=0, output="", picture=picture.about(), checks=[], passed=True)
    replace_picture(new, picture)
    for one in (old.run, run):
        count_run(one)
    rebuild_evidence(run.prompt)
    page = Client().get("/@alice/fox/compare/v1...v2/")
    assert [image["src"] for image in images(page)] == [at(old), at(new)]
    before_after = [image["src"] for image in images(Client().get("/@alice/fox/"))]
    assert {at(old), at(new)} <= set(before_after)


def test_a_picture_only_its_digest_is_known_of_is_said_to_be_missing() -> None:
    result = a_pictured()
    Result.objects.update(picture={"original_sha256": "ab" * 32})
    page = Client().get(result.get_absolute_url())
    assert images(page) == []
    assert "A picture that is not here" in read_page(page)


# --- uploaded ---


def upload(original: bytes, name: str = "fox.png", **more: Any) -> Any:
    case, version = Case.objects.get(), Version.objects.get()
    typed = {
        "version": str(version.number),
        "case": case.public_id,
        "model": "midjourney-7",
        "date": "2026-03-01",
        "output": "",
        "picture": SimpleUploadedFile(name, original),
        **more,
    }
    return client_of(alice()).post("/studio/prompts/fox/paste/", typed)


@pytest.fixture
def prompt() -> Prompt:
    made: Prompt = PromptFactory(owner=alice(), slug="fox", title="Fox")
    VersionFactory(prompt=made)
    CaseFactory(prompt=made, name="A red fox", assertions=[{"type": "human"}])
    return made


def test_an_uploaded_picture_is_an_output_of_level_0_with_the_digest_of_its_file(prompt: Prompt) -> None:
    original = with_place("JPEG")
    assert upload(original, "fox.jpg").status_code == 302
    result = Result.objects.get()
    assert (result.run.source, result.output, result.passed) == ("pasted", "", None)
    assert result.picture["original_sha256"] == sha256(original).hexdigest()
    assert b"Secret" not in bytes(PictureFile.objects.get().data)
    page = read_page(client_of(alice()).get(result.get_absolute_url()))
    assert "The author uploaded this picture." in page
    assert "as it was uploaded" in page


def test_a_picture_takes_the_place_of_a_text_and_the_other_way_round(prompt: Prompt) -> None:
    upload(ORIGINAL)
    upload(a_file("PNG", 90, 60))
    result = Result.objects.get()
    assert (result.picture["width"], PictureFile.objects.count()) == (90, 1)
    paste_output(
        prompt, Version.objects.get(), Case.objects.get(), model="midjourney-7", output="text",
        date=timezone.now().date(),
    )  # fmt: skip
    result.refresh_from_db()
    assert (result.output, result.picture, PictureFile.objects.count()) == ("text", {}, 0)


@pytest.mark.parametrize(
    ("original", "more", "says"),
    [
        (b"<svg onload=alert(1)>", {}, "no PNG, JPEG or WebP"),
        (a_file("GIF"), {}, "GIF"),
        (ORIGINAL[:-30], {}, "damaged"),
        (b"x" * (8 * 2**20 + 1), {}, "8 MB is the most"),
        (ORIGINAL, {"output": "and a text"}, "a text or a picture"),
        (ORIGINAL, {"model": ""}, "Fill this in"),
    ],
)
def test_what_cannot_be_kept_comes_back_with_a_sentence_and_what_was_typed(
    prompt: Prompt, original: bytes, more: dict[str, str], says: str
) -> None:
    answer = upload(original, **{"finish_reason": "what was typed"} | more)
    page = read_page(answer)
    assert answer.status_code == 200
    assert says in page
    assert "what was typed" in page
    assert not Result.objects.exists()
    assert not PictureFile.objects.exists()


# --- deleted ---


@pytest.mark.parametrize("what", ["result", "run", "prompt", "account"])
def test_a_picture_goes_with_whatever_it_belongs_to(what: str) -> None:
    result = a_pictured()
    if what == "result":
        result.delete()
    elif what == "run":
        delete_runs(result.run.prompt, [result.run])
    elif what == "prompt":
        result.run.prompt.delete()
    else:
        alice().delete()
    assert not PictureFile.objects.exists()


def test_the_request_is_shown_as_the_one_text_it_was() -> None:
    result = a_pictured()
    Result.objects.update(request={"model": "gpt-image-1", "prompt": "A red fox, please", "n": 1})
    page = read_page(Client().get(result.get_absolute_url()))
    assert "A red fox, please" in page
    assert "Nothing was recorded of it" not in page


def test_a_revised_prompt_is_looked_through_for_secrets_before_publishing() -> None:
    result = a_pictured(Visibility.PRIVATE)
    key = "sk-proj-" + "a1B2c3D4e5F6g7H8" * 3
    Result.objects.update(picture={**result.picture, "revised_prompt": f"A fox with {key}"})
    (found,) = findings_of(result.run.prompt)
    assert found.places == ("picture of v1 on gpt-image-1, case 1",)


def test_private_words_are_masked_in_what_the_server_says_it_drew() -> None:
    result = a_pictured()
    Result.objects.update(
        picture={**result.picture, "revised_prompt": "a fox for the Northwind account, in snow"}
    )
    add_span(result.run.prompt, "client", "the Northwind account")
    page = Client().get(result.get_absolute_url())
    assert "Northwind" not in read_page(page)
    assert "in snow" in read_page(page)
    assert images(page)[0]["src"] == at(result)
    assert Client().get(at(result)).status_code == 200


def test_all_pictures_of_a_run_stand_side_by_side_on_the_prompts_page_and_the_runs() -> None:
    result = a_pictured()
    page = read_page(Client().get("/@alice/fox/"))
    assert '<a href="#pictures">Pictures</a>' in page
    sheet = page.split('id="pictures"')[1].split("</section>")[0]
    assert "A red fox" in sheet
    assert "✗ fails" in sheet
    assert f'src="results/{result.public_id}/thumbnail.webp"' in sheet
    batch = Batch.objects.create(prompt=result.run.prompt)
    Run.objects.update(batch=batch)
    shown = images(client_of(alice()).get(batch.get_absolute_url()))
    assert {image["src"] for image in shown} == {at(result, "result_thumbnail")}


def test_a_prompt_of_texts_has_no_pictures() -> None:
    a_pictured()
    Result.objects.update(picture={}, output="a fox")
    page = read_page(Client().get("/@alice/fox/"))
    assert 'id="pictures"' not in page
    assert "#pictures" not in page


def test_a_failure_on_the_shelf_shows_its_picture() -> None:
    result = a_pictured()
    prompt = result.run.prompt
    KnownFailure.objects.create(prompt=prompt, run=result.run, case_index=0, diagnosis="Too many ears.")
    shelf = read_page(Client().get("/@alice/fox/")).split('id="shelf"')[1].split("</section>")[0]
    assert at(result, "result_thumbnail") in shelf
    assert "an empty output" not in shelf
    page = client_of(alice()).get(
        reverse("studio_failure_new", args=[prompt.slug, result.run.public_id, 1]), follow=True
    )
    assert page.status_code == 200
