"""/verify/, the key set, and the record of one run."""

import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from prompts_app.actions.runs.seal import seal_run
from prompts_app.engine.errors import RevealUnreadable
from prompts_app.forms.verify import read_blocks
from prompts_app.models import Run, Source
from prompts_app.tests.factories import ResultFactory, RunFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of

pytestmark = pytest.mark.django_db


def sealed_run(visibility: str = "public", **fields: object) -> Run:
    version = VersionFactory(prompt__owner=alice(), prompt__visibility=visibility, prompt__slug="invoice")
    run: Run = RunFactory(version=version, suite=[{"name": "One"}], **fields)
    ResultFactory(run=run, case_index=0)
    seal_run(run)
    return run


def address(run: Run) -> str:
    return reverse("run_record", args=["alice", "invoice", run.public_id])


def test_a_stranger_downloads_a_record_and_the_page_says_it_holds() -> None:
    downloaded = Client().get(address(sealed_run()))
    page = Client().post(reverse("verify"), {"text": read_page(downloaded)})
    assert page.status_code == 200
    assert "It holds" in read_page(page)
    assert "does not prove" in read_page(page)
    assert re.search(r"with this site’s key on \d+ [A-Z][a-z]{2} \d{4}, \d\d:\d\d UTC\.", read_page(page))


def test_an_uploaded_file_works_like_pasted_text() -> None:
    upload = SimpleUploadedFile("r.json", Client().get(address(sealed_run())).content)
    assert "It holds" in read_page(Client().post(reverse("verify"), {"file": upload}))


def test_a_changed_record_does_not_hold() -> None:
    sealed = Client().get(address(sealed_run())).json()
    sealed["record"]["results"][0]["output"] = "something better"
    page = Client().post(reverse("verify"), {"text": json.dumps(sealed)})
    assert "It does not hold" in read_page(page)


def test_a_mask_put_into_a_changed_record_does_not_make_it_hold() -> None:
    sealed = Client().get(address(sealed_run())).json()
    sealed["record"]["results"][0]["output"] = "something better"
    page = Client().post(reverse("verify"), {"text": json.dumps(sealed | {"private": {"parts": []}})})
    assert "Only its signature can be checked" in read_page(page)


def test_a_name_that_stands_twice_is_refused_because_readers_take_different_ones() -> None:
    text = read_page(Client().get(address(sealed_run())))
    twice = text.replace('"output": ', '"output": "something better", "output": ', 1)
    assert twice != text
    page = Client().post(reverse("verify"), {"text": twice})
    assert (page.status_code, "stands twice" in read_page(page)) == (422, True)


def test_what_no_seal_covers_is_named() -> None:
    sealed = Client().get(address(sealed_run())).json() | {"audited_by": "somebody"}
    page = read_page(Client().post(reverse("verify"), {"text": json.dumps(sealed)}))
    assert "No seal covers what else is in this file: “audited_by”." in page


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\x00", "nonsense"])
def test_what_is_no_json_comes_back_with_a_sentence(text: str) -> None:
    page = Client().post(reverse("verify"), {"text": text})
    assert page.status_code == 422
    assert "Not checked." in read_page(page)


def test_the_key_set_holds_public_keys_only() -> None:
    sealed_run()
    keys = Client().get("/.well-known/jwks.json").json()["keys"]
    assert [set(key) & {"d", "kid", "x"} for key in keys] == [{"kid", "x"}]


@pytest.mark.parametrize(("visibility", "status"), [("private", 404), ("unlisted", 200), ("public", 200)])
def test_a_record_is_as_visible_as_its_prompt(visibility: str, status: int) -> None:
    run = sealed_run(visibility)
    assert Client().get(address(run)).status_code == status
    assert client_of(bob()).get(address(run)).status_code == status
    assert client_of(alice()).get(address(run)).status_code == 200


def test_practice_has_no_record() -> None:
    run = sealed_run(source=Source.PRACTICE)
    assert Client().get(address(run)).status_code == 404
    assert client_of(alice()).get(address(run)).status_code == 404


@pytest.mark.parametrize(
    ("piece", "why"),
    [
        ('{"format": "x"} ', "too many values"),
        ("1 ", "more than 1,000 blocks"),
        ("[] ", "too many values"),
        ("[", "nested too deeply"),
        ('{"a":', "nested too deeply"),
        ("[1,2,3],", "too many values"),
    ],
)
def test_many_small_blocks_are_refused_and_each_is_read_once(piece: str, why: str) -> None:
    """Half a megabyte of them took 26 seconds: the rest was copied for each."""
    with pytest.raises(RevealUnreadable, match=why):
        read_blocks(piece * (500_000 // len(piece)))
