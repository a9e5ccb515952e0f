"""``manage.py export_prompts``."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from prompts_app.engine.formats import parse
from prompts_app.models import Prompt
from prompts_app.tests.people import alice
from prompts_app.tests.views.recorded import recorded_prompt

pytestmark = pytest.mark.django_db

SUFFIXES = {"bundle": ".json", "promptfoo": ".promptfoo.yaml", "messages": ".json", "md": ".md"}


@pytest.fixture
def prompt() -> Prompt:
    return recorded_prompt(owner=alice(), slug="reader", title="Reader")


def export(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    call_command("export_prompts", *arguments)
    return capsys.readouterr().out


@pytest.mark.parametrize("kind", SUFFIXES)
def test_every_format_can_be_read_again(
    kind: str, prompt: Prompt, capsys: pytest.CaptureFixture[str]
) -> None:
    text = export("alice/reader", "--format", kind, capsys=capsys)
    parsed = parse(f"reader{SUFFIXES[kind]}", text.encode())
    titles = [one.title for one in parsed.prompts] + [one.title for one in parsed.bundled]
    assert titles == ["Reader"]


def test_markdown_may_be_called_by_its_name(prompt: Prompt, capsys: pytest.CaptureFixture[str]) -> None:
    texts = [export("alice/reader", "--format", name, capsys=capsys) for name in ("md", "markdown")]
    assert texts[0] == texts[1] != ""


@pytest.mark.parametrize("kind", SUFFIXES)
def test_files_are_written_under_the_slug(kind: str, prompt: Prompt, tmp_path: Path) -> None:
    recorded_prompt(owner=alice(), slug="writer", title="Writer")
    call_command("export_prompts", "alice", "--format", kind, "--output", str(tmp_path / "out"))
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    many = [f"reader{SUFFIXES[kind]}", f"writer{SUFFIXES[kind]}"]
    assert names == (["alice.json"] if kind == "bundle" else many)


def test_several_files_need_a_folder(prompt: Prompt) -> None:
    recorded_prompt(owner=alice(), slug="writer", title="Writer")
    with pytest.raises(CommandError, match="Say where they go with --output FOLDER"):
        call_command("export_prompts", "alice", "--format", "md")


def test_the_bundle_has_every_output(prompt: Prompt, capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(export("alice", "--format", "bundle", capsys=capsys))
    assert data["prompts"][0]["runs"][0]["results"]


def test_promptfoo_gets_the_models_it_was_run_on(prompt: Prompt, capsys: pytest.CaptureFixture[str]) -> None:
    text = export("@alice/reader", "--format", "promptfoo", capsys=capsys)
    model = prompt.runs.values_list("model", flat=True)[0]
    assert f"- openai:chat:{model}\n" in text


@pytest.mark.parametrize(
    ("what", "sentence"), [("nobody", "nobody with the handle"), ("alice/gone", "no prompt with the address")]
)
def test_what_is_not_there_is_told(what: str, sentence: str) -> None:
    alice()
    with pytest.raises(CommandError, match=sentence):
        call_command("export_prompts", what)
