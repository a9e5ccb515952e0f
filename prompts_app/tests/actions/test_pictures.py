"""Runs whose outputs are pictures: asked of a real server, stored with their results, part of the seal."""

import base64
import json
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prompts_app.actions.pictures.storage import pictures_changed, store_pictures
from prompts_app.actions.runs import execute
from prompts_app.actions.runs.batches import BatchPlan
from prompts_app.actions.runs.execute import execute_run
from prompts_app.actions.runs.lifecycle import ask_again, practice_endpoint, start_batch
from prompts_app.actions.runs.progress import progress_of
from prompts_app.actions.runs.seal import record_of, sealed_file, verify
from prompts_app.engine.errors import Refused
from prompts_app.engine.faults import FAULTS
from prompts_app.engine.pictures import keep
from prompts_app.models import Case, PictureFile, Prompt, Result, Run
from prompts_app.models.endpoints import CHAT, IMAGES
from prompts_app.tests.actions.running import at, fresh
from prompts_app.tests.engine.files import a_file
from prompts_app.tests.engine.servers import OddServer, answering, http
from prompts_app.tests.factories import CaseFactory, PromptFactory, VersionFactory
from prompts_app.tests.people import alice

pytestmark = pytest.mark.django_db(transaction=True)

PNG = a_file("PNG", 64, 48)


def drawing(original: bytes = PNG) -> Any:
    return http(200, {"data": [{"b64_json": base64.b64encode(original).decode(), "revised_prompt": "A fox"}]})


def a_version(cases: int = 2, **case: Any) -> Any:
    version = VersionFactory(
        prompt=PromptFactory(owner=alice(), task="image"), parameters={"size": "1024x1024"}
    )
    for number in range(cases):
        usual = {
            "variables": {"word": f"fox {number}"},
            "assertions": [{"type": "latency", "threshold": 60_000}],
        }
        CaseFactory(prompt=version.prompt, **usual | case)
    return version


def a_picture_run(server: OddServer, cases: int = 2, **kwargs: Any) -> Run:
    version = a_version(cases)
    return start_batch(
        version.prompt, BatchPlan([version], at(server), ["gpt-image-1"], api=IMAGES, **kwargs)
    ).runs.get()


def run_through(*script: Any, cases: int = 2, **kwargs: Any) -> Run:
    with answering(*script) as server:
        run = a_picture_run(server, cases, **kwargs)
        execute_run(run.pk)
    return fresh(run)


def test_each_picture_is_stored_with_its_result_and_counted() -> None:
    run = run_through(drawing())
    assert (run.state, run.api, run.cases_passed, run.frames) == ("finished", IMAGES, 2, "pp")
    for result in run.results.all():
        file = PictureFile.objects.get(result=result)
        assert result.output == ""
        assert result.picture["original_sha256"] == sha256(PNG).hexdigest()
        assert result.picture["sha256"] == sha256(bytes(file.data)).hexdigest()
        assert result.picture["revised_prompt"] == "A fox"
        assert result.request["prompt"].startswith("Say fox")
        assert result.request["size"] == "1024x1024"


def test_different_pictures_of_one_case_are_told_apart() -> None:
    run = run_through(drawing(), drawing(a_file("PNG", 50, 40)), drawing(), cases=1, repeats=3)
    assert run.distinct == [2]


def test_a_picture_that_cannot_be_kept_is_a_labelled_row_beside_the_others() -> None:
    run = run_through(drawing(b"<svg/>"), drawing(), cases=2)
    kinds = sorted(run.results.values_list("error_kind", flat=True))
    assert kinds == ["", "bad_picture"]
    assert PictureFile.objects.count() == 1


def test_a_server_that_gives_addresses_stops_the_run_at_once_and_says_what_to_set(settings: Any) -> None:
    """Every further picture would be paid for and lost."""
    settings.ENDPOINT_CONCURRENCY = 1
    elsewhere = http(200, {"data": [{"url": "https://pictures.example/1.png"}]})
    with answering(elsewhere) as server:
        run = a_picture_run(server, cases=5)
        execute_run(run.pk)
        assert len(server.asked) == 1
    run = fresh(run)
    assert run.state == "stopped"
    assert "b64_json" in FAULTS["picture_address"].next_step


def test_asking_again_asks_only_what_is_missing() -> None:
    with answering(drawing(b"<svg/>"), drawing()) as server:
        run = a_picture_run(server)
        execute_run(run.pk)
        ask_again(fresh(run))
        execute_run(run.pk)
        assert len(server.asked) == 3
    assert fresh(run).results.exclude(picture={}).count() == 2
    assert not pictures_changed(fresh(run))


def test_a_result_that_is_stored_already_keeps_its_own_picture() -> None:
    """The same cell delivered twice: the second answer and its picture are both left out."""
    run = run_through(drawing(), cases=1)
    before = PictureFile.objects.get()
    again = Result(run=run, case_index=0, repeat=0, picture=keep(a_file("PNG", 9, 9)).about())
    Result.objects.bulk_create([again], ignore_conflicts=True)
    store_pictures({again.public_id: keep(a_file("PNG", 9, 9))})
    assert PictureFile.objects.get().pk == before.pk
    assert not pictures_changed(run)


def test_a_write_that_fails_half_way_leaves_neither_result_nor_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(kept: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(execute, "store_pictures", fails)
    with answering(drawing()) as server:
        run = a_picture_run(server, cases=1)
        with pytest.raises(RuntimeError):
            execute_run(run.pk)
    assert not Result.objects.exists()
    assert not PictureFile.objects.exists()


def test_a_case_with_further_turns_is_refused_before_anything_is_asked() -> None:
    version = a_version(1, turns=["Now in red."])
    with pytest.raises(Refused, match="takes one text"):
        start_batch(
            version.prompt, BatchPlan([version], practice_endpoint(alice()), ["practice-1"], api=IMAGES)
        )
    start_batch(version.prompt, BatchPlan([version], practice_endpoint(alice()), ["practice-1"], api=CHAT))


def test_a_case_that_only_looks_at_text_is_not_judged_and_the_page_says_what_would() -> None:
    with answering(drawing()) as server:
        version = a_version(1, assertions=[{"type": "not-contains", "value": "dog"}])
        batch = start_batch(version.prompt, BatchPlan([version], at(server), ["gpt-image-1"], api=IMAGES))
        execute_run(batch.runs.get().pk)
    (need,) = progress_of(batch).needs
    assert (need.run.frames, need.run.cases_passed) == ("u", 0)
    assert "no picture" in need.next_step


def test_a_run_from_the_terminal_can_ask_for_pictures() -> None:
    prompt = a_version(1, variables={"word": "a hen"}).prompt
    out = StringIO()
    call_command(
        "run_suite", f"alice/{prompt.slug}", endpoint="practice", model=["practice-1"], pictures=True,
        wait=True, json=True, stdout=out,
    )  # fmt: skip
    assert json.loads(out.getvalue())["runs"][0]["cases"]["passed"] == 1
    assert PictureFile.objects.count() == 1


def test_practice_draws_and_is_never_evidence() -> None:
    version = a_version()
    batch = start_batch(
        version.prompt, BatchPlan([version], practice_endpoint(alice()), ["practice-1"], api=IMAGES)
    )
    run = batch.runs.get()
    execute_run(run.pk)
    assert fresh(run).results.exclude(picture={}).exists()
    assert Prompt.objects.get().evidence == {}


# --- the seal ---


def test_the_record_holds_the_digests_and_a_changed_byte_is_caught() -> None:
    run = run_through(drawing())
    file = json.loads(json.dumps(sealed_file(run)))
    stored = PictureFile.objects.first()
    assert stored is not None
    assert sha256(bytes(stored.data)).hexdigest() in {
        r["picture"]["sha256"] for r in file["record"]["results"]
    }
    assert file["record"]["run"]["asks"] == IMAGES
    assert verify(file).holds

    PictureFile.objects.filter(pk=stored.pk).update(data=bytes(stored.data)[:-1] + b"\x00\x01")
    kept = {finding.name: finding for finding in verify(file).findings}["kept"]
    assert kept.holds is False
    assert "picture" in kept.sentence


@pytest.mark.parametrize("of", ["data", "small", "original", "other"])
def test_a_picture_in_hand_is_told_from_any_other(of: str, tmp_path: Path) -> None:
    run = run_through(drawing(), cases=1)
    record, picture, out = tmp_path / "record.json", tmp_path / "picture", StringIO()
    record.write_text(json.dumps(sealed_file(run)))
    file = PictureFile.objects.get()
    known = {"data": bytes(file.data), "small": bytes(file.small), "original": PNG}
    picture.write_bytes(known.get(of, a_file("PNG", 9, 9)))
    if of == "other":
        with pytest.raises(CommandError, match="does not hold"):
            call_command("verify_evidence", str(record), picture=picture, stdout=out)
        assert "FAILS   picture" in out.getvalue()
    else:
        call_command("verify_evidence", str(record), picture=picture, stdout=out)
        assert f"of result {run.results.get().public_id}" in out.getvalue()


def test_a_picture_that_is_gone_or_a_changed_digest_is_caught() -> None:
    run = run_through(drawing())
    file = json.loads(json.dumps(sealed_file(run)))
    result = run.results.all()[0]
    Result.objects.filter(pk=result.pk).update(picture={**result.picture, "original_sha256": "0" * 64})
    assert not verify(file).holds
    Result.objects.filter(pk=result.pk).update(picture=result.picture)
    assert verify(file).holds
    PictureFile.objects.filter(result=result).delete()
    assert not verify(file).holds


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), flip=st.integers(1, 255), small=st.booleans())
def test_any_changed_byte_is_caught(place: int, flip: int, small: bool) -> None:
    run = Run.objects.first() or run_through(drawing(), cases=1)
    stored = PictureFile.objects.get()
    column = "small" if small else "data"
    original = bytes(getattr(stored, column))
    changed = bytearray(original)
    changed[place % len(changed)] ^= flip
    PictureFile.objects.update(**{column: bytes(changed)})
    assert pictures_changed(run)
    PictureFile.objects.update(**{column: original})
    assert not pictures_changed(run)


def test_the_record_of_a_run_of_texts_is_as_it_always_was() -> None:
    text = http(200, {"choices": [{"message": {"content": "fox"}}]})
    with answering(text) as server:
        version = a_version(1)
        run = start_batch(version.prompt, BatchPlan([version], at(server), ["tiny"])).runs.get()
        execute_run(run.pk)
    record = record_of(fresh(run), {})
    assert "asks" not in record["run"]
    assert "picture" not in record["results"][0]
    assert Case.objects.count() == 1
