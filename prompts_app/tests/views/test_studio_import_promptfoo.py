"""/studio/import/: promptfoo's files, zips and bundles, and two people's worth of hurry."""

import io
import json
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from prompts_app import access
from prompts_app.actions.exporting.export import export
from prompts_app.actions.importing import job
from prompts_app.models import Import, Prompt, Run
from prompts_app.tests.factories import PromptFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, client_of

pytestmark = pytest.mark.django_db

DATA = Path(__file__).parents[1] / "data" / "promptfoo"
RESULTS = (DATA / "results" / "two-prompts-two-providers.json").read_bytes()


def zip_of(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in folder.rglob("*"):
            archive.write(path, f"top/{path.relative_to(folder)}")
    return buffer.getvalue()


def send(client: Client, data: bytes, name: str) -> Any:
    return client.post("/studio/import/", {"file": SimpleUploadedFile(name, data)})


def page(response: Any) -> str:
    text: str = read_page(response)
    return text


@pytest.fixture
def browser() -> Client:
    return client_of(alice())


def test_a_zip_of_a_configuration_is_shown_with_what_is_not_carried(browser: Client) -> None:
    shown = page(browser.get(send(browser, zip_of(DATA / "everything"), "eval.zip").url))
    assert "Everything a configuration can say" in shown
    assert "1 new prompt" in shown
    assert "9 versions" in shown
    assert "20 cases" in shown
    assert "9 variants in it were made to be compared on the same cases" in shown
    assert "this site has no “python”" in shown
    assert "sk-secret" not in shown
    assert Prompt.objects.count() == 0


def test_variants_become_versions_or_prompts_as_the_author_says(browser: Client) -> None:
    data = b"prompts: ['Say {{x}}', 'Shout {{x}}']\nproviders: [openai:gpt-5]\ntests: [{vars: {x: a}}]\n"
    browser.post(send(browser, data, "promptfooconfig.yaml").url, {})
    assert [prompt.versions.count() for prompt in Prompt.objects.all()] == [2]
    Prompt.objects.all().delete()
    browser.post(send(browser, data, "promptfooconfig.yaml").url, {"separate": "on"})
    assert [prompt.versions.count() for prompt in Prompt.objects.all()] == [1, 1]


def test_results_are_imported_and_reported(browser: Client) -> None:
    preview = send(browser, RESULTS, "out.json").url
    assert "level 1, imported" in page(browser.get(preview))
    done = page(browser.post(preview, {}, follow=True))
    assert "16 results, level 1" in done
    assert Run.objects.count() == 4


def test_results_of_a_prompt_that_is_there_are_added_to_it(browser: Client) -> None:
    browser.post(
        send(browser, json.dumps(json.loads(RESULTS)["config"]).encode(), "promptfooconfig.json").url, {}
    )
    preview = send(browser, RESULTS, "out.json").url
    shown = page(browser.get(preview))
    assert "You have “" in shown
    assert "Nothing you have is changed." in shown
    assert "Import what is new" in shown
    done = page(browser.post(preview, {}, follow=True))
    assert "What was new was added to what you have." in done
    assert "Added to" in done


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"PK\x03\x04nonsense", "This zip is damaged"),
        (b"prompts: [file://gone.txt]\ntests: []\n", "bring in the whole folder"),
        (b'{"format": "proofsheet-bundle", "version": 99}', "this site reads version 1"),
    ],
)
def test_what_cannot_be_read_is_told_beside_the_field(browser: Client, data: bytes, sentence: str) -> None:
    assert sentence in page(send(browser, data, "promptfooconfig.yaml"))
    assert Import.objects.count() == 0


def test_a_bundle_that_cannot_be_kept_leads_back_with_the_reason(browser: Client) -> None:
    version = {"number": 1, "messages": [{"role": "user", "content": "x"}]}
    data = {
        "format": "proofsheet-bundle", "version": 1, "author": {"handle": "alice"},
        "prompts": [{"slug": "a", "title": "x" * 121, "versions": [version]}],
    }  # fmt: skip
    response = browser.get(send(browser, json.dumps(data).encode(), "b.json").url, follow=True)
    assert response.redirect_chain[-1][0] == "/studio/import/"
    assert "cannot be kept: title" in page(response)


class TestTwoAtOnce:
    """The button pressed twice: the second request is under way when the first is done."""

    DATA = b"# Poet\n\nWrite."

    def test_the_slower_lands_on_the_report_when_it_was_imported_already(
        self, browser: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        preview = send(browser, self.DATA, "poet.md").url
        self.meanwhile(browser, preview, monkeypatch, access, "_one")
        response = browser.post(preview, {})
        assert (response.status_code, response["Location"]) == (302, preview)
        assert "1 prompt imported" in page(browser.get(preview))
        assert Prompt.objects.count() == 1

    def test_and_when_it_goes_while_it_is_read(
        self, browser: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        preview = send(browser, self.DATA, "poet.md").url
        self.meanwhile(browser, preview, monkeypatch, job, "start")
        response = browser.post(preview, {})
        assert (response.status_code, response["Location"]) == (302, preview)
        assert "1 prompt imported" in page(browser.get(preview))
        assert Prompt.objects.count() == 1

    def test_a_file_that_was_discarded_is_not_found(self, browser: Client) -> None:
        preview = send(browser, self.DATA, "poet.md").url
        browser.post(f"{preview}discard/")
        assert browser.post(preview, {}).status_code == 404

    @staticmethod
    def meanwhile(
        browser: Client, preview: str, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str
    ) -> None:
        """Another request of the same browser is answered in full before ``name`` is called."""
        real = getattr(module, name)

        def late(*args: Any, **more: Any) -> Any:
            monkeypatch.setattr(module, name, real)
            other = Client()
            other.cookies.update(browser.cookies)
            assert other.post(preview, {}).status_code == 302
            return real(*args, **more)

        monkeypatch.setattr(module, name, late)


def test_a_bundle_of_ones_own_prompt_says_what_is_new_in_it_and_then_that_nothing_is(browser: Client) -> None:
    prompt = PromptFactory(owner=alice(), slug="greeting", title="Greeting")
    VersionFactory(prompt=prompt)
    later = VersionFactory(prompt=prompt, number=2, messages=[{"role": "user", "content": "Second."}])
    ((_, parts),) = export(alice(), Prompt.objects.filter(pk=prompt.pk), "bundle")
    text = "".join(parts)
    later.delete()
    preview = send(browser, text.encode(), "bundle.json").url
    shown = page(browser.get(preview))
    assert "You have “" in shown
    assert "New to it: 1 version." in shown
    done = page(browser.post(preview, {}, follow=True))
    assert "What was new was added to what you have." in done
    assert ": 1 version</li>" in done
    again = page(browser.get(send(browser, text.encode(), "bundle.json").url))
    assert "Nothing to import" in again
    assert "It is already there: your prompt “" in again
    assert prompt.versions.count() == 2
