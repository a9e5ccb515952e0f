"""Masked records and what makes them whole again: with every part revealed, a seal holds as it did."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from prompts_app.actions.prompts.private_parts import add_span, remove_span
from prompts_app.actions.prompts.reveal import reveal_of, verify_with
from prompts_app.actions.runs.seal import seal_run, verify
from prompts_app.engine.digests import case_json, suite_digest
from prompts_app.engine.errors import RevealUnreadable
from prompts_app.engine.reveals import Reveal, is_masked, merged, read_reveals
from prompts_app.models import PrivateSpan, Prompt, Run
from prompts_app.tests.factories import CaseFactory, PromptFactory, ResultFactory, RunFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of

pytestmark = pytest.mark.django_db

RULE = "Never promise a refund above 40 euros unless the shift leader agreed to it in writing"
NAME = "Grimbaldi Lamps"


@pytest.fixture
def run() -> Run:
    """A sealed run whose text, case, request, answers and checks hold the rule in several spellings."""
    prompt: Prompt = PromptFactory(owner=alice(), slug="desk", title="Refund desk", visibility="public")
    version = VersionFactory(prompt=prompt, messages=[{"role": "system", "content": f"{NAME}. {RULE}."}])
    CaseFactory(
        prompt=prompt, variables={"word": RULE.upper()}, assertions=[{"type": "contains", "value": RULE}]
    )
    suite = prompt.suite()
    run: Run = RunFactory(
        version=version, suite=[case_json(one) for one in suite], suite_digest=suite_digest(suite)
    )
    for repeat, output in enumerate(
        (f"So: {RULE}!", RULE.replace(" ", "\n"), json.dumps([f"{RULE}\n"]), "No.")
    ):
        request = {"messages": [{"role": "system", "content": f"{NAME}. {RULE}."}]}
        check = {
            "type": "contains",
            "value": RULE,
            "passed": True,
            "score": 1.0,
            "reason": f"has “{RULE[:50]}…”",
        }
        ResultFactory(run=run, case_index=0, repeat=repeat, output=output, request=request, checks=[check])
    assert seal_run(run)
    run.refresh_from_db()
    return run


def downloaded(run: Run, client: Client | None = None, query: str = "") -> dict[str, Any]:
    address = reverse("run_record", args=["alice", "desk", run.public_id])
    file: dict[str, Any] = (client or Client()).get(address + query).json()
    return file


def test_visitors_get_the_record_masked_with_a_plain_word_about_the_seal(run: Run) -> None:
    whole = downloaded(run)
    span = add_span(run.prompt, "rule", RULE)
    file = downloaded(run)
    assert "shift" not in json.dumps(file).casefold()
    assert whole["seal"]
    assert file["seal"] is None
    assert "over the full record" in file["private"]["note"]
    (part,) = file["private"]["parts"]
    assert (part["label"], part["words"], part["sha256"]) == ("rule", 16, span.digest)
    assert file["record"]["version"]["digest"] == file["record"]["suite_digest"] == ""


def test_a_record_with_nothing_private_in_it_is_the_very_same(run: Run) -> None:
    whole = downloaded(run)
    add_span(run.prompt, "price", "The lamp costs twelve euros")
    assert downloaded(run) == whole
    assert verify(whole).in_words == "It holds"


def test_a_masked_record_is_not_called_changed(run: Run) -> None:
    add_span(run.prompt, "rule", RULE)
    verdict = verify_with(downloaded(run), [])
    assert verdict.in_words == "It holds as far as it can be checked"
    said = {finding.name: finding for finding in verdict.findings}
    assert said["content"].holds is None
    assert "only when each part is revealed" in said["content"].sentence
    assert said["signature"].holds
    assert said["kept"].holds
    assert said["shown"].holds
    assert "changed" not in str([f.sentence for f in verdict.findings if f.name != "content"])


def test_with_the_part_revealed_the_seal_holds(run: Run) -> None:
    span = add_span(run.prompt, "rule", RULE)
    verdict = verify_with(downloaded(run), [reveal_of(span)])
    assert verdict.in_words == "It holds"
    assert verdict.findings[0].name == "revealed"
    assert all(finding.holds for finding in verdict.findings)


def test_each_of_several_parts_is_needed(run: Run) -> None:
    spans = [
        add_span(run.prompt, "rule", RULE),
        add_span(run.prompt, "client", f"{NAME} of 12 Harbour Road in Old Town"),
    ]
    VersionFactory(prompt=run.prompt, number=2)
    file = downloaded(run)
    assert verify_with(file, [reveal_of(spans[1])]).in_words == "It holds as far as it can be checked"
    assert verify_with(file, [reveal_of(span) for span in spans]).in_words == "It holds"


def test_a_changed_masked_record_does_not_hold_once_it_is_revealed(run: Run) -> None:
    span = add_span(run.prompt, "rule", RULE)
    file = downloaded(run)
    file["record"]["results"][3]["output"] = "Yes."
    verdict = verify_with(file, [])
    assert verdict.in_words == "It cannot be checked"
    said = {finding.name: finding for finding in verdict.findings}
    assert said["shown"].holds is None
    assert verify_with(file, [reveal_of(span)]).in_words == "It does not hold"


def test_a_wrong_reveal_puts_nothing_back(run: Run) -> None:
    add_span(run.prompt, "rule", RULE)
    file = downloaded(run)
    for wrong in (Reveal(RULE, "0" * 32), Reveal(RULE + "!", run.prompt.private_spans.get().salt)):
        whole, left = merged(file, [wrong])
        assert left > 0
        assert is_masked(whole)
        assert not verify_with(file, [wrong]).findings[-1].holds


@pytest.mark.parametrize("text", [NAME, RULE])
def test_the_seal_is_left_out_however_long_the_part(run: Run, text: str) -> None:
    """An unsalted digest over a record in which only this is unknown would confirm the right guess."""
    span = add_span(run.prompt, "client", text)
    file = downloaded(run)
    assert file["seal"] is None
    assert "guess" in file["private"]["note"]
    assert verify_with(file, []).in_words == "It holds as far as it can be checked"
    full = downloaded(run, client_of(alice()), "?private=shown")
    assert verify_with(full, []).in_words == "It holds"
    assert not any(value and value in json.dumps(file) for value in (run.suite_digest, run.version.digest))
    assert run.suite_digest[:4] not in re.findall(
        "<code>([0-9a-f]{4}) ", read_page(Client().get("/@alice/desk/"))
    )
    remove_span(span)
    assert verify_with(downloaded(run), []).in_words == "It holds"


def test_its_author_downloads_the_full_record(run: Run) -> None:
    whole = downloaded(run)
    add_span(run.prompt, "rule", RULE)
    assert downloaded(run, client_of(alice()), "?private=shown") == whole
    assert downloaded(run, client_of(alice())) != whole
    assert downloaded(run, client_of(bob()), "?private=shown") == downloaded(run)


def test_the_command_says_the_same(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_span(run.prompt, "rule", RULE)
    file = tmp_path / "masked.json"
    file.write_text(json.dumps(downloaded(run)))
    call_command("verify_evidence", str(file))
    assert "unknown content: Private parts" in capsys.readouterr().out
    changed = downloaded(run)
    changed["record"]["results"][3]["output"] = "Yes."
    file.write_text(json.dumps(changed))
    with pytest.raises(CommandError, match="does not hold"):
        call_command("verify_evidence", str(file))


# --- the page ---


def check(**typed: str) -> Any:
    return Client().post(reverse("verify"), typed)


def test_the_page_puts_revealed_parts_back(run: Run) -> None:
    span = add_span(run.prompt, "rule", RULE)
    file, reveal = json.dumps(downloaded(run)), json.dumps(reveal_of(span).as_json())
    assert "It holds as far as it can be checked" in read_page(check(text=file))
    response = check(text=file, reveals=reveal)
    assert '<h2 id="verdict-h">It holds</h2>' in read_page(response)
    wrong = check(text=file, reveals="{not json")
    assert wrong.status_code == 422
    assert "{not json" in read_page(wrong)


@pytest.mark.parametrize("way", ["block", "text and salt", "hash"])
def test_a_part_is_found_where_it_stands(run: Run, way: str) -> None:
    span = add_span(run.prompt, "rule", RULE)
    typed = {
        "block": {"block": json.dumps(reveal_of(span).as_json())},
        "text and salt": {"block": RULE + "\r\n", "salt": span.salt.upper()},
        "hash": {"hash": span.digest},
    }[way]
    response = check(part="1", **typed)
    said = read_page(response)
    assert response.status_code == 200
    assert "stands behind [rule, 16 words] on" in said
    assert "/@alice/desk/" in said
    assert "What this does not prove" in said
    assert (RULE in said) == (way != "hash")


def test_of_a_prompt_that_cannot_be_seen_it_is_not_said(run: Run) -> None:
    span = add_span(run.prompt, "rule", RULE)
    Prompt.objects.filter(pk=run.prompt_id).update(visibility="private")
    known, unknown = (read_page(check(part="1", hash=one)) for one in (span.digest, "f" * 64))
    assert "Nothing public has it" in known
    assert known.replace(span.digest, "f" * 64) == unknown
    mine = read_page(client_of(alice()).post(reverse("verify"), {"part": "1", "hash": span.digest}))
    assert "stands behind" in mine


def test_a_text_that_does_not_fit_is_said_to(run: Run) -> None:
    span = add_span(run.prompt, "rule", RULE)
    response = check(part="1", block=RULE.upper(), salt=span.salt, hash=span.digest)
    assert "It does not match" in read_page(response)
    assert "Nothing public has it" in read_page(check(part="1", block=RULE.upper(), salt=span.salt))


@pytest.mark.parametrize(
    "typed",
    [
        {},
        {"block": "just a text"},
        {"block": "{}"},
        {"block": "[]"},
        {"block": "[[[" * 5_000},
        {"block": '{"format": "proofsheet-reveal/1", "text": 1, "salt": "x"}'},
        {"block": RULE, "salt": "zz"},
        {"hash": "abc"},
        {"hash": "nul\x00"},
        {"block": "\ud800"},
        {"block": "x" * 1_100_000},
    ],
)  # fmt: skip
def test_nonsense_comes_back_with_a_word_on_what_to_do(typed: dict[str, str]) -> None:
    typed = {name: value.encode("utf-8", "replace").decode() for name, value in typed.items()}
    response = check(part="1", **typed)
    assert response.status_code == 422
    assert "Not checked." in read_page(response)


@pytest.mark.parametrize("private", ["x", [], {}, {"parts": "x"}, {"parts": [1, {"label": ["x"]}]}, None])
def test_files_that_only_look_masked_are_no_error(private: object, run: Run) -> None:
    file = downloaded(run) | {"private": private}
    assert check(text=json.dumps(file)).status_code == 200
    reveal = json.dumps(Reveal(RULE, "0" * 32, "rule").as_json())
    assert check(text=json.dumps(file), reveals=reveal).status_code == 200
    assert check(text=json.dumps(file | {"seal": 1})).status_code == 200


def test_reveals_are_read_one_or_many() -> None:
    one = Reveal(RULE, "0" * 32, "rule", ("A", "B"))
    assert read_reveals(one.as_json()) == (one,)
    assert read_reveals([one.as_json(), one.as_json()]) == (one, one)
    with pytest.raises(RevealUnreadable):
        read_reveals([])


# --- without this site ---


def test_the_five_lines_of_the_documentation_give_the_same_hash(run: Run, tmp_path: Path) -> None:
    span = add_span(run.prompt, "rule", RULE + " – naïvely “so”")
    page = (settings.BASE_DIR / "docs" / "evidence.md").read_text()
    script = re.search(r"    import hashlib, json, sys\n\n    part = .*\n    print\(.*\n", page)
    assert script
    (tmp_path / "check.py").write_text(re.sub("(?m)^    ", "", script[0]))
    (tmp_path / "part.json").write_text(json.dumps(reveal_of(span).as_json(), ensure_ascii=False))
    done = subprocess.run(
        [sys.executable, "check.py", "part.json"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == span.digest == PrivateSpan.objects.get().digest
