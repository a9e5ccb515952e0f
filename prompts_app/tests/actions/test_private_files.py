"""Private parts in files: masked for visitors, whole for their author, and told of when they come back."""

import json

import pytest
from django.core.management import call_command
from django.test import Client

from prompts_app.actions.exporting.bundle import export_bundle
from prompts_app.actions.prompts.private_parts import add_span
from prompts_app.engine.digests import case_json, suite_digest
from prompts_app.engine.formats import FormatError, bundle
from prompts_app.models import Prompt
from prompts_app.tests.actions.bundles import import_bundle
from prompts_app.tests.factories import CaseFactory, PromptFactory, ResultFactory, RunFactory, VersionFactory
from prompts_app.tests.people import alice, client_of, dana

pytestmark = pytest.mark.django_db

RULE = "Never promise a refund above 40 euros unless the shift leader agreed to it in writing"
LABEL = "[client rule, 16 words]"


@pytest.fixture
def prompt() -> Prompt:
    prompt: Prompt = PromptFactory(owner=alice(), slug="desk", title="Refund desk", visibility="public")
    version = VersionFactory(prompt=prompt, messages=[{"role": "user", "content": f"{RULE}. {{{{word}}}}"}])
    CaseFactory(prompt=prompt, assertions=[{"type": "not-contains", "value": RULE}])
    suite = prompt.suite()
    run = RunFactory(
        version=version, suite=[case_json(one) for one in suite], suite_digest=suite_digest(suite)
    )
    ResultFactory(run=run, case_index=0, output=f"Well: {RULE}.")
    add_span(prompt, "client rule", RULE)
    return prompt


def text_at(prompt: Prompt, end: str, client: Client | None = None, query: str = "") -> str:
    return (client or Client()).get(f"{prompt.stem}{end}{query}").content.decode()


@pytest.mark.parametrize("end", [".md", ".json", ".promptfoo.yaml"])
def test_a_visitors_file_names_what_is_masked_once_in_full(prompt: Prompt, end: str) -> None:
    text, span = text_at(prompt, end), prompt.private_spans.get()
    assert "shift leader" not in text
    assert LABEL in text
    assert text.count(span.digest) == 1
    assert span.salt not in text


@pytest.mark.parametrize("end", [".md", ".json", ".messages.json", ".promptfoo.yaml"])
def test_its_author_takes_it_away_in_full(prompt: Prompt, end: str) -> None:
    assert RULE in text_at(prompt, end, client_of(alice()), "?private=shown")
    assert RULE not in text_at(prompt, end, client_of(dana()), "?private=shown")


def test_the_full_bundle_brings_the_private_parts_back(prompt: Prompt) -> None:
    text = text_at(prompt, ".json", client_of(alice()), "?private=shown")
    assert bundle.emit(bundle.parse(text)) == text
    kept = import_bundle(dana(), bundle.parse(text).prompts)
    (theirs,) = kept.prompts
    Prompt.objects.filter(pk=theirs.pk).update(visibility="public")
    assert theirs.versions.get().messages[0]["content"].startswith(RULE)
    assert theirs.private_spans.get().digest == prompt.private_spans.get().digest
    assert "shift leader" not in Client().get(theirs.get_absolute_url()).content.decode()


def test_a_masked_bundle_is_kept_and_told_of(prompt: Prompt) -> None:
    parsed = bundle.parse(text_at(prompt, ".json"))
    assert parsed.prompts[0].is_masked
    (theirs,) = import_bundle(dana(), parsed.prompts).prompts
    assert theirs.versions.get().messages[0]["content"].startswith(LABEL)
    assert not theirs.private_spans.exists()


def test_ones_own_masked_bundle_adds_nothing_to_the_prompt_that_is_there(prompt: Prompt) -> None:
    parsed = bundle.parse(text_at(prompt, ".json"))
    kept = import_bundle(alice(), parsed.prompts)
    ((title, why),) = [(skip.what, skip.why) for skip in kept.skipped]
    assert title == "Refund desk"
    assert "masked in this file" in why
    assert prompt.versions.count() == prompt.cases.count() == prompt.runs.count() == 1
    assert alice().prompts.count() == 1


@pytest.mark.parametrize("end", [".md", ".json", ".messages.json", ".promptfoo.yaml"])
def test_the_report_names_the_labels(
    prompt: Prompt, end: str, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / f"desk{end}"  # type: ignore[operator]
    file.write_text(text_at(prompt, end))
    dana()
    call_command("import_prompts", str(file), owner="dana", json=True)
    report = json.loads(capsys.readouterr().out)
    assert report["prompts"] == 1
    assert "masked in this file" in str(report["unsupported"])


@pytest.mark.parametrize(
    "part",
    [
        {"label": "x", "text": "long enough", "salt": "z"},
        {"label": "", "text": "long enough"},
        {"text": "t"},
        "x",
        {"label": "x", "text": 7},
    ],
)
def test_a_bundle_with_a_broken_private_part_is_refused_with_its_place(prompt: Prompt, part: object) -> None:
    value = json.loads(text_at(prompt, ".json"))
    value["prompts"][0]["private"] = [part]
    with pytest.raises(FormatError):
        bundle.parse(json.dumps(value))


def test_without_a_reader_a_bundle_is_whole(prompt: Prompt) -> None:
    text = bundle.emit(export_bundle(alice(), Prompt.objects.filter(pk=prompt.pk), everything=True))
    assert RULE in text
    assert prompt.private_spans.get().salt in text
