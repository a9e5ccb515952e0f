"""``manage.py import_prompts``."""

import json
import shutil
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
    assert "Skipped, 1:\n  row 3 (line 3): The prompt is empty." in said
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


def test_a_missing_file_and_an_empty_folder_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match=r"no\.csv cannot be read: No such file"):
        run(tmp_path / "no.csv", capsys=capsys)
    with pytest.raises(CommandError, match=r"no file in it that holds a prompt\. Nothing was"):
        run(tmp_path, capsys=capsys)


def test_an_unknown_owner_is_named(csv_file: Path) -> None:
    with pytest.raises(CommandError, match="nobody with the handle “nobody”"):
        call_command("import_prompts", str(csv_file), "--owner", "nobody")


DATA = Path(__file__).parents[1] / "data" / "promptfoo"


def test_a_folder_and_a_file_with_what_it_names_are_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    folder: dict[str, Any] = json.loads(run(DATA / "everything", "--json", "--dry-run", capsys=capsys))
    file: dict[str, Any] = json.loads(
        run(DATA / "everything" / "promptfooconfig.yaml", "--json", "--dry-run", capsys=capsys)
    )
    for key in ("prompts", "versions", "cases", "assertions", "results", "unsupported"):
        assert folder[key] == file[key], key
    assert (file["prompts"], file["versions"], file["cases"]) == (1, 9, 20)


def test_all_of_promptfoos_examples_come_in_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    report: dict[str, Any] = json.loads(run(DATA / "examples", "--json", capsys=capsys))
    assert report["prompts"] == Prompt.objects.count() == 26
    assert all(set(one) == {"what", "where"} for one in report["unsupported"])
    assert all(set(one) == {"what", "why"} for one in report["skipped"])


def test_a_zip_is_read_as_the_folder_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(shutil.make_archive(str(tmp_path / "eval"), "zip", DATA / "everything"))
    assert "1 prompt imported for @alice" in run(path, capsys=capsys)


def test_variants_are_told_and_can_be_kept_apart(capsys: pytest.CaptureFixture[str]) -> None:
    folder = DATA / "examples" / "getting-started"
    assert "2 versions in all: prompts that one file compares" in run(folder, capsys=capsys)
    assert "2 prompts imported" in run(folder, "--separate", capsys=capsys)
    assert Prompt.objects.count() == 3


def test_results_are_told_with_their_level_and_where_they_went(capsys: pytest.CaptureFixture[str]) -> None:
    file = DATA / "results" / "promptfoo-results-v3-repeat2.json"
    said = run(file, capsys=capsys)
    assert "6 results, kept as the file has them (level 1, imported)." in said
    again = run(file, capsys=capsys)
    assert "Skipped, 1:" in again
    assert "It is already there: your prompt “" in again


def test_nothing_outside_the_folder_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "secret.txt").write_text("top secret")
    (tmp_path / "eval").mkdir()
    (tmp_path / "eval" / "link.txt").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "eval" / "promptfooconfig.yaml").write_text(
        "prompts: [Hi, file://../secret.txt, file://link.txt]\nproviders: [echo]\n"
        f"tests: [{{vars: {{x: 'file://{tmp_path}/secret.txt'}}}}]\n"
    )
    for path in (tmp_path / "eval", tmp_path / "eval" / "promptfooconfig.yaml"):
        report: dict[str, Any] = json.loads(run(path, "--json", "--dry-run", capsys=capsys))
        assert report["versions"] == 1
        assert len(report["unsupported"]) == 3
    run(tmp_path / "eval", capsys=capsys)
    assert "top secret" not in json.dumps(list(Version.objects.values_list("messages", flat=True)))
