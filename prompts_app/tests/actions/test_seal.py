"""Sealing runs: chained per author, signed by the site, and honest about what changed since."""

import json
from decimal import Decimal
from hashlib import sha256

import pytest
import rfc8785

from prompts_app.actions.runs.counting import count_mended, count_run
from prompts_app.actions.runs.seal import (
    digest_of,
    key_set,
    names_of,
    new_signing_key,
    record_of,
    seal_if_possible,
    seal_run,
    seal_unsealed,
    sealed_file,
    signing_key,
    verify,
)
from prompts_app.models import Result, Run, Seal, SigningKey, Source
from prompts_app.tests.factories import ResultFactory, RunFactory, VersionFactory
from prompts_app.tests.people import alice, dana

pytestmark = pytest.mark.django_db


def a_run(owner=None, **fields) -> Run:  # type: ignore[no-untyped-def]  # fields are the factory's
    version = VersionFactory(prompt__owner=owner or alice())
    run: Run = RunFactory(version=version, suite=[{"name": "One"}, {"name": "Two"}], **fields)
    for index in range(2):
        ResultFactory(
            run=run,
            case_index=index,
            output="Ja, 12,50 €",
            latency_ms=201.25,
            cost=Decimal("0.00012"),
            checks=[{"type": "contains", "value": "Ja", "passed": True, "score": 1.0, "reason": "found"}],
        )
    return run


def findings(file: object) -> dict[str, bool | None]:
    return {finding.name: finding.holds for finding in verify(file).findings}


def downloaded(run: Run) -> dict[str, object]:
    """The sealed file as it comes back from a disk."""
    file: dict[str, object] = json.loads(json.dumps(sealed_file(run)))
    return file


def test_a_finished_recorded_run_is_sealed_and_holds() -> None:
    run = a_run()
    seal_run(run)
    assert findings(downloaded(run)) == {"signature": True, "content": True, "chain": True, "kept": True}
    run.refresh_from_db()
    assert run.level == 3


def test_the_digest_is_that_of_the_whole_record_though_it_is_never_whole_in_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = a_run(judge_model="judge-1")
    for index in range(2, 9):
        ResultFactory(run=run, case_index=index, output="é\u2028" * index, request={"b": [1, {"a": 0.1}]})
    monkeypatch.setattr("prompts_app.actions.runs.seal.RESULTS_AT_ONCE", 2)
    names = names_of(run)
    assert digest_of(run, names) == sha256(rfc8785.dumps(record_of(run, names))).hexdigest()


def test_the_judges_parameters_are_in_the_record_where_there_are_any() -> None:
    assert record_of(a_run(judge_model="judge-1"), {})["judge"] == {"model": "judge-1"}
    run = a_run(judge_model="judge-1", judge_parameters={"temperature": 0})
    assert record_of(run, {})["judge"] == {"model": "judge-1", "parameters": {"temperature": 0}}


def test_where_each_answer_was_asked_is_sealed_with_it() -> None:
    run = a_run()
    assert "asked_at" not in record_of(run, {})["results"][0]  # as in records from before it was kept
    run.results.update(asked_at="https://api.openai.com")
    seal_run(run)
    file = downloaded(run)
    assert file["record"]["results"][0]["asked_at"] == "https://api.openai.com"  # type: ignore[index]
    file["record"]["results"][0]["asked_at"] = "http://127.0.0.1:8000"  # type: ignore[index]
    assert findings(file)["content"] is False


def test_a_key_that_cannot_be_read_leaves_the_run_unsealed_and_says_so_until_it_is_put_back() -> None:
    run = a_run()
    readable = bytes(signing_key().encrypted_jwk)
    SigningKey.objects.update(encrypted_jwk=b"of another ENDPOINT_KEYS")
    seal_if_possible(run)
    run.refresh_from_db()
    assert (run.sealed_at, run.seals.count()) == (None, 0)
    assert "signing key could not be read" in run.unsealed_why
    assert seal_unsealed() == 0
    SigningKey.objects.update(encrypted_jwk=readable)
    assert seal_unsealed() == 1
    run.refresh_from_db()
    assert (run.level, run.unsealed_why) == (3, "")


@pytest.mark.parametrize("source", [Source.PASTED, Source.IMPORTED, Source.PRACTICE])
def test_only_recorded_runs_are_sealed(source: str) -> None:
    run = a_run(source=source)
    assert seal_run(run) is None
    assert sealed_file(run) is None


@pytest.mark.parametrize(
    "state", [Run.State.RUNNING, Run.State.CANCELLED, Run.State.CAPPED, Run.State.STOPPED]
)
def test_a_run_that_is_not_finished_is_not_sealed(state: str) -> None:
    assert seal_run(a_run(state=state)) is None


def test_sealing_twice_makes_one_seal() -> None:
    run = a_run()
    assert seal_run(run) == seal_run(run)
    assert Seal.objects.count() == 1


def test_seals_of_an_author_form_a_chain_and_authors_have_their_own() -> None:
    first, second = seal_run(a_run()), seal_run(a_run())
    other = seal_run(a_run(dana()))
    assert first
    assert second
    assert other
    assert (first.sequence, second.sequence, other.sequence) == (1, 2, 1)
    assert second.previous == first.digest
    assert (first.previous, other.previous) == ("", "")


def test_changing_a_stored_result_is_noticed() -> None:
    run = a_run()
    seal_run(run)
    before = downloaded(run)
    Result.objects.filter(run=run, case_index=1).update(output="Nein")
    assert findings(before)["kept"] is False
    assert findings(downloaded(run))["content"] is False


def test_renaming_the_prompt_or_the_author_breaks_no_seal() -> None:
    run = a_run()
    seal_run(run)
    run.prompt.title, run.prompt.slug = "Another title", "another"
    run.prompt.save()
    assert verify(downloaded(run)).holds


def test_a_deleted_run_leaves_its_place_in_the_chain() -> None:
    run = a_run()
    seal_run(run)
    file = downloaded(run)
    run.delete()
    second = a_run()
    seal_run(second)
    assert findings(file) == {"signature": True, "content": True, "chain": True, "kept": None}
    assert verify(downloaded(second)).holds


def test_a_run_that_went_on_is_sealed_again_and_the_old_seal_says_so() -> None:
    run = a_run()
    seal_run(run)
    old = downloaded(run)
    ResultFactory(run=run, case_index=2)
    seal_run(run)
    assert findings(old)["kept"] is None
    assert verify(downloaded(run)).holds


def test_old_seals_hold_after_the_signing_key_is_rotated() -> None:
    run = a_run()
    seal_run(run)
    new_signing_key()
    assert verify(downloaded(run)).holds
    second = a_run()
    seal_run(second)
    assert verify(downloaded(second)).holds
    assert len(key_set()["keys"]) == 2


def test_a_broken_chain_is_noticed() -> None:
    first, run = a_run(), a_run()
    seal_run(first)
    seal_run(run)
    Seal.objects.get(sequence=1).delete()
    assert findings(downloaded(run))["chain"] is False


def test_private_keys_are_stored_encrypted_and_never_in_the_key_set() -> None:
    key = new_signing_key()
    private = key.private_jwk()["d"]
    assert private not in json.dumps(key_set())
    assert private.encode() not in bytes(SigningKey.objects.get().encrypted_jwk)


@pytest.mark.parametrize("junk", [None, [], "x", {"record": {}, "seal": "a.b.c"}])
def test_junk_is_a_finding_not_an_error(junk: object) -> None:
    verdict = verify(junk)
    assert not verdict.holds
    assert all(finding.sentence for finding in verdict.findings)


@pytest.mark.parametrize(("was", "now"), [("answered", {"error_kind": "content_filter"}), ("failed", {})])
def test_a_record_stays_what_it_was_where_its_results_were_mended(was: str, now: dict[str, str]) -> None:
    """As the upgrade to a release that reads answers better left them: see Result.sealed_as."""
    run = RunFactory(suite=[{"name": "c", "variables": {}, "assertions": []}])
    result = ResultFactory(run=run, case_index=0, output="A part", passed=was == "answered")
    count_run(run)
    assert seal_run(run)
    before = sealed_file(run)
    assert before is not None
    sealed_as = {"error": "", "passed": result.passed, "checks": result.checks}
    run.results.update(sealed_as=sealed_as, passed=None, checks=[], **now)
    Run.objects.filter(pk=run.pk).update(frames="")
    assert not count_mended()
    run.refresh_from_db()
    assert run.frames == ("e" if now else "u")
    assert sealed_file(run) == before
    verdict = verify(before)
    assert verdict.holds
    assert any(f"1 that it sealed as {was}" in finding.sentence for finding in verdict.findings)
