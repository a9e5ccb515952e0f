"""What is refused is told in one way: as a page, as a part of one, or to a program; typing is given back."""

import ast
import pickle
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django import forms
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path

import prompts_app
from portfolio.urls import urlpatterns as ours
from prompts_app.actions.prompts import publish as publishing
from prompts_app.actions.prompts import save as saving
from prompts_app.actions.prompts.save import StaleEdit
from prompts_app.engine.errors import Refused, why_not
from prompts_app.engine.formats import FormatError
from prompts_app.forms.details import DetailsForm
from prompts_app.forms.refusals import refusals_on
from prompts_app.models import Prompt
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, client_of

SENTENCE = "There are <3> already. Take one off."


def refuses(request: HttpRequest) -> HttpResponse:
    raise Refused("too_many", SENTENCE)


def cannot_read(request: HttpRequest) -> HttpResponse:
    raise FormatError("No file this site can read.")


urlpatterns = [path("refuses/", refuses), path("cannot-read/", cannot_read), *ours]


@pytest.fixture
def site(client: Client) -> Iterator[Client]:
    with override_settings(ROOT_URLCONF=__name__):
        yield client


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("module", "name", "address"), [(saving, "save_details", "details/"), (publishing, "publish", "publish/")]
)
def test_what_is_deleted_while_it_is_changed_gives_back_what_was_typed(
    module: ModuleType, name: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = VersionFactory(prompt__owner=alice()).prompt
    change = getattr(module, name)
    sent = {one.name: one.value() or "" for one in DetailsForm(prompt)}
    sent |= {"title": "Two hours’ work", "do": "save", "visibility": "public"}

    def deleted_before(prompt: Prompt, *args: Any, **more: Any) -> Any:
        Prompt.objects.filter(pk=prompt.pk).delete()
        return change(prompt, *args, **more)

    monkeypatch.setattr(module, name, deleted_before)
    response = client_of(alice()).post(f"/studio/prompts/{prompt.slug}/{address}", sent)
    assert response.status_code == 409
    assert "is not there any more" in read_page(response)
    assert "Two hours’ work" in read_page(response)


@pytest.mark.django_db
class TestWhatNoViewSaysElsewhere:
    def test_a_page_says_it_and_gives_back_what_was_typed_but_no_secret(self, site: Client) -> None:
        response = site.post("/refuses/", {"title": "Two hours’ work", "api_key": "sk-secret"})
        page = read_page(response)
        assert response.status_code == 409
        assert "There are &lt;3&gt; already. Take one off." in page
        assert "Two hours’ work" in page
        assert 'href="/prompts/">Browse tested prompts</a>' in page  # a way on
        assert "sk-secret" not in page
        assert "no-store" in response["Cache-Control"]

    def test_a_part_of_a_page_gets_the_sentence_alone(self, site: Client) -> None:
        response = site.post("/refuses/", headers={"HX-Request": "true"})
        assert response.status_code == 409
        assert read_page(response).startswith("<p")
        assert "Take one off." in read_page(response)

    def test_a_program_gets_the_code_too(self, site: Client) -> None:
        response = site.get("/refuses/", headers={"Accept": "application/json"})
        assert response.status_code == 409
        assert response.json() == {"error": "too_many", "message": SENTENCE}

    def test_the_status_goes_by_the_code(self, site: Client) -> None:
        assert site.get("/cannot-read/").status_code == 422


class TestInAForm:
    def test_it_stands_at_the_field_it_is_about_else_at_the_one_that_is_named(self) -> None:
        form = forms.Form({})
        form.fields["label"] = forms.CharField(required=False)
        assert form.is_valid()
        with refusals_on(form):
            raise Refused("private_part", "Too short.", "label")
        with refusals_on(form):
            raise Refused("run", "Nothing to run.")
        with refusals_on(form, "label", more="Ask again."):
            raise Refused("run", "Not now.")
        assert form.errors == {"label": ["Too short.", "Not now. Ask again."], "__all__": ["Nothing to run."]}

    def test_a_fault_of_ours_goes_on_its_way(self) -> None:
        with pytest.raises(ZeroDivisionError), refusals_on(forms.Form({})):
            raise ZeroDivisionError


def test_it_comes_out_of_another_process_as_it_went_in() -> None:
    for refused in (Refused("slug", "Taken.", "slug"), FormatError("No."), StaleEdit("Saved meanwhile.")):
        there = pickle.loads(pickle.dumps(refused))
        assert (type(there), there.code, str(there), there.field) == (
            type(refused),
            refused.code,
            str(refused),
            refused.field,
        )


def test_a_check_can_be_asked_for_its_sentence() -> None:
    def check(number: int) -> None:
        if number > 1:
            raise Refused("too_many", "One is the most.")

    assert why_not(check, 1) == ""
    assert why_not(check, 2) == "One is the most."


# Raised above the engine without being a no to a person: where something went, and faults of ours.
NO_REFUSALS = set(
    "Moved _Lost JudgeGone MaskedRowKept TextsOnlyAsRows PromptVersionError PrivatePartShown Stop".split()
)


def test_whoever_says_no_to_a_person_says_it_with_refused() -> None:
    found = set()
    for folder in ("access.py", "actions", "forms", "views", "models", "management"):
        where = Path(prompts_app.__file__).parent / folder
        for file in [where] if where.suffix else where.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef) and {"Exception", "ValueError"} & {
                    base.id for base in node.bases if isinstance(base, ast.Name)
                }:
                    found.add(node.name)
    assert found - NO_REFUSALS == set()
