"""What takes more than one request may have is told where it was sent, and what was typed stays."""

from typing import Any

import pytest
from django.test import Client

from prompts_app.actions.runs import paste
from prompts_app.engine.errors import Overrun
from prompts_app.engine.limited_process import TOO_MUCH, Limits
from prompts_app.forms import fields
from prompts_app.forms import import_ as import_form
from prompts_app.models import Face, Import, Result, Version
from prompts_app.tests.engine.files import a_file
from prompts_app.tests.factories import CaseFactory, PromptFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, client_of
from prompts_app.tests.views import test_cases, test_face, test_paste, test_prompt_edit
from prompts_app.views.studio import editor, trial
from prompts_app.views.studio import import_ as import_view

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser() -> Client:
    return client_of(alice())


@pytest.fixture
def version() -> Version:
    made: Version = VersionFactory(prompt=PromptFactory(owner=alice(), slug="words"))
    CaseFactory(prompt=made.prompt, name="First")
    return made


def dies(monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
    """The process that works for this module's pages is ended by the system."""

    def apart(limits: Limits, *args: Any, **kwargs: Any) -> None:
        raise Overrun(TOO_MUCH)

    monkeypatch.setattr(module, "apart", apart)


def shown(answer: Any) -> str:
    return read_page(answer)


def test_a_file_that_is_pasted(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    dies(monkeypatch, import_form)
    page = shown(browser.post("/studio/import/", {"text": "My words, all of them.", "kind": ""}))
    assert TOO_MUCH in page
    assert "My words, all of them." in page
    assert not Import.objects.exists()


def test_a_file_that_is_read_as_something_else(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    address = browser.post("/studio/import/", {"text": "My words.", "kind": ""}).headers["Location"]
    dies(monkeypatch, import_view)
    assert TOO_MUCH in shown(browser.post(address, {"as": "text"}, follow=True))


def test_the_preview_of_a_prompt(browser: Client, version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    dies(monkeypatch, editor)
    page = shown(browser.post("/studio/prompts/words/", test_prompt_edit.form("My words.", do="preview")))
    assert TOO_MUCH in page
    assert "My words." in page


def test_an_output_that_is_tried(browser: Client, version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    dies(monkeypatch, trial)
    typed = test_cases.form(("contains", "yes"), do="try", try_output="My output.")
    page = shown(browser.post("/studio/prompts/words/cases/new/", typed))
    assert TOO_MUCH in page
    assert "My output." in page


def test_an_output_that_is_pasted(browser: Client, version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    dies(monkeypatch, paste)
    page = shown(browser.post("/studio/prompts/words/paste/", test_paste.typed(output="My output.")))
    assert TOO_MUCH in page
    assert "My output." in page
    assert not Result.objects.exists()


def test_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    dies(monkeypatch, fields)
    assert TOO_MUCH in shown(test_face.save(a_file("JPEG"), headline="My headline"))
    assert not Face.objects.exists()
