"""``manage.py import_prompts``."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from prompts_app.models import Prompt, Version
from prompts_app.tests.people import alice

pytestmark = pytest.mark.django_db


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.csv"
    path.write_text("act,prompt\nPoet,Write about ${topic}.\nEmpty,\n", encoding="utf-8")
    return path


def run(path: Path, *options: str, capsys: pytest.CaptureFixture[str]) -> str:
    alice()
    call_command("import_prompts", str(path), "--owner", "alice", *options)
    return capsys.readouterr().out


def test_it_says_in_words_what_it_did(csv_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(csv_file, capsys=capsys)
    assert "1 prompt imported for @alice, all private." in said
    assert "Skipped (The prompt is empty), 1:\n  row 3 (line 3)" in said
    assert Prompt.objects.get().title == "Poet"


def test_json_is_the_report_and_nothing_else(csv_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report: dict[str, Any] = json.loads(run(csv_file, "--json", capsys=capsys))
    assert report == {
        "prompts": 1, "versions": 1, "cases": 0, "assertions": 0, "results": 0, "unsupported": [],
        "skipped": [{"what": "row 3 (line 3)", "why": "The prompt is empty."}],
    }  # fmt: skip


def test_a_dry_run_saves_nothing(csv_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "1 prompt would be imported" in run(csv_file, "--dry-run", capsys=capsys)
    assert Prompt.objects.count() == 0


def test_a_second_time_everything_is_there(csv_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(csv_file, capsys=capsys)
    assert "0 prompts imported" in run(csv_file, capsys=capsys)
    assert Prompt.objects.count() == 1


@pytest.mark.parametrize(
    ("options", "text"), [((), "Write about {{topic}}."), (("--keep-placeholders",), "Write about ${topic}.")]
)
def test_placeholders_become_variables_unless_told_otherwise(
    csv_file: Path, options: tuple[str, ...], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(csv_file, *options, capsys=capsys)
    assert Version.objects.get().messages[0]["content"] == text


def test_long_lists_are_shortened_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.csv"
    path.write_text("act,prompt\n" + "x,\n" * 30, encoding="utf-8")
    assert "and 20 more; --json lists them all." in run(path, capsys=capsys)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        (
            "broken.csv",
            b'act,prompt\nA,a\nB,"open',
            "broken.csv: Row 3, which starts on line 3, opens a quotation",
        ),
        ("latin.txt", b"caf\xe9", "latin.txt: The file is not valid UTF-8"),
        ("empty.txt", b"", "empty.txt: The file is empty"),
    ],
)
def test_a_broken_file_is_one_sentence_and_changes_nothing(
    tmp_path: Path, name: str, data: bytes, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(CommandError, match=message):
        run(tmp_path / name, capsys=capsys)
    assert Prompt.objects.count() == 0


def test_a_missing_file_and_an_empty_folder_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match=r"no\.csv cannot be read: No such file"):
        run(tmp_path / "no.csv", capsys=capsys)
    with pytest.raises(CommandError, match="no file in it that holds a prompt. Nothing was imported"):
        run(tmp_path, capsys=capsys)


def test_an_unknown_owner_is_named(csv_file: Path) -> None:
    with pytest.raises(CommandError, match="nobody with the handle “nobody”"):
        call_command("import_prompts", str(csv_file), "--owner", "nobody")
