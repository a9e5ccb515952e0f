"""Sealing: what becomes of a finished recorded run, so that nobody can change it unnoticed."""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from prompts_app.actions.pictures.case_pictures import case_pictures_changed
from prompts_app.actions.pictures.storage import pictures_changed
from prompts_app.actions.runs.counting import rebuild_evidence
from prompts_app.engine import seals
from prompts_app.engine.digests import digest
from prompts_app.engine.seals import SealFinding, Statement
from prompts_app.models import KeyUnreadable, Result, Run, Seal, SigningKey, Source, User
from prompts_app.models.encryption import encrypt
from prompts_app.models.endpoints import CHAT
from prompts_app.models.reading import reading
from prompts_app.models.suites import with_stored_suite

RECORD_FORMAT = "proofsheet-run/1"
RESULTS_AT_ONCE = 50  # in memory while a run is sealed

MOST_SEALED_AT_ONCE = 50  # of those that ended without a seal

# Why a run ended without a seal, as its page says.
UNREADABLE = (
    "This site’s signing key could not be read when the run ended, so nobody can check that the record is "
    "unchanged since. It is sealed once the person who runs this site has put the key back (ENDPOINT_KEYS)."
)
UNWRITABLE = "The record holds something that has no canonical form, so it could not be signed."

log = logging.getLogger(__name__)

# What no seal can show, said beside every check.
NOT_PROVEN = (
    "It does not prove that the answer is right, or that the cases are fair: the author chose them.",
    "It does not prove that the model said this: whoever operates a server could have sealed anything.",
    "It does not prove that this is all there is: runs can be left out, or deleted (which is counted).",
)


def key_set() -> dict[str, Any]:
    """The public keys as a JWK Set, newest first, retired ones included."""
    return {"keys": [key.public_jwk for key in SigningKey.objects.all()]}


def signing_key() -> SigningKey:
    """The key that signs now; made on the first call."""
    return SigningKey.objects.filter(retired_at=None).first() or new_signing_key()


@transaction.atomic
def new_signing_key() -> SigningKey:
    """A new key that signs from now on; the ones before are retired but stay in the key set."""
    SigningKey.objects.filter(retired_at=None).update(retired_at=timezone.now())
    jwk = seals.new_key()
    return SigningKey.objects.create(
        kid=jwk["kid"], public_jwk=seals.public_part(jwk), encrypted_jwk=encrypt(json.dumps(jwk))
    )


def names_of(run: Run) -> dict[str, Any]:
    """What may be renamed later: kept with the seal, so that the record stays what it was."""
    return {
        "site": settings.SITE_URL,
        "author": run.prompt.owner.handle,
        "prompt": {"slug": run.prompt.slug, "title": run.prompt.title},
    }


def record_of(run: Run, names: Mapping[str, Any]) -> dict[str, Any]:
    """Everything a run holds, as the JSON that is sealed. Money and latencies are text, so that every
    language computes the same canonical bytes."""
    return {**_head_of(run, names), "results": list(_result_records(run))}


def digest_of(run: Run, names: Mapping[str, Any]) -> str:
    """The digest of ``record_of``, computed without ever holding more than a few results."""
    return digest({**_head_of(run, names), "suite": iter(run.suite), "results": _result_records(run)})


def _head_of(run: Run, names: Mapping[str, Any]) -> dict[str, Any]:
    """The record without its results."""
    return {
        "format": RECORD_FORMAT,
        **names,
        "version": {
            "number": run.version.number,
            "digest": run.version.digest,
            "messages": run.version.messages,
            "variables": run.version.variables,
            "parameters": run.version.parameters,
        },
        "suite": run.suite,
        "suite_digest": run.suite_digest,
        "run": {
            "id": run.public_id,
            "source": run.source,
            "endpoint_host": run.endpoint_host,
            "model": run.model,
            "model_answered": run.model_answered,
            "parameters": run.parameters,
            "repeats": run.repeats,
            "created_at": _iso(run.created_at),
            "started_at": _iso(run.started_at),
            "finished_at": _iso(run.finished_at),
            **_later(
                suite_fixed_at=_iso(run.suite_fixed_at),
                asks=run.api if run.api != CHAT else "",
                judges_after_thinking=run.judges_after_thinking,
            ),
        },
        **_later(judge=_judge_record(run)),
    }


def _result_records(run: Run) -> Iterator[dict[str, Any]]:
    results = run.results.order_by("case_index", "repeat")
    return map(_result_record, results.iterator(chunk_size=RESULTS_AT_ONCE))


def _later(**values: Any) -> dict[str, Any]:
    """What records did not have from the beginning is left out where it is empty, so that those sealed
    before stay what they were."""
    return {name: value for name, value in values.items() if value}


def _judge_record(run: Run) -> dict[str, Any]:
    return _later(
        model=run.judge_model,
        embedding_model=run.judge_embedding_model,
        parameters=run.judge_parameters,
    )


def _result_record(result: Result) -> dict[str, Any]:
    return {
        "id": result.public_id,
        "case": result.case_index,
        "repeat": result.repeat,
        "request": result.request,
        "output": result.output,
        "finish_reason": result.finish_reason,
        "model": result.model,
        "response_id": result.response_id,
        "fingerprint": result.fingerprint,
        "tokens_in": result.tokens_in,
        "tokens_out": result.tokens_out,
        "latency_ms": _text(result.latency_ms),
        "attempts": result.attempts,
        "cost": _dollars(result.cost),
        "cost_source": result.cost_source,
        "error": result.error_kind,
        "checks": result.checks,
        "passed": result.passed,
        "at": _iso(result.created_at),
        **_later(
            judge_cost=_dollars(result.judge_cost),
            picture=result.picture,
            asked_at=result.asked_at,
            unanswered=result.unanswered,
            trace=result.trace,
            tokens_reasoning=result.tokens_reasoning,
            reasoning_chars=result.reasoning_chars,
            first_token_ms=_text(result.first_token_ms),
        ),
        **result.sealed_as,  # a sealed record stays what it was, though its verdict counts no more
    }


def _dollars(cost: Decimal | None) -> str | None:
    return None if cost is None else format(cost.normalize(), "f")


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="microseconds")


def _text(number: float | None) -> str | None:
    return None if number is None else repr(float(number))


def can_seal(run: Run) -> bool:
    """Only what this server recorded, and only once it is finished."""
    return run.source == Source.RECORDED and run.state == Run.State.FINISHED


@reading(None)
@transaction.atomic
def seal_run(run: Run) -> Seal | None:
    """Seals a finished recorded run; None where ``can_seal`` says no. Sealing the same content twice makes
    one seal. The author's row is locked, so that a chain has no two seals in the same place."""
    owner = User.objects.select_for_update().get(pk=run.prompt.owner_id)
    run = Run.objects.select_related("prompt__owner", "version").defer("suite").get(pk=run.pk)
    if not can_seal(run):
        return None
    run = with_stored_suite(run)
    existing = run.seals.last()
    if existing and digest_of(run, existing.names) == existing.record_digest:
        return existing
    return _add_to_chain(owner, run)


def seal_if_possible(run: Run) -> None:
    """A run that cannot be sealed is finished all the same: it stays at the level below."""
    why = ""
    try:
        seal_run(run)
    except KeyUnreadable:
        log.exception("Run %s could not be sealed.", run.public_id)
        why = UNREADABLE
    except ValueError:
        log.exception("Run %s could not be sealed.", run.public_id)
        why = UNWRITABLE
    # Said on its page: without a seal it looks like a run nobody ever meant to seal.
    Run.objects.filter(pk=run.pk).exclude(unsealed_why=why).update(unsealed_why=why)
    run.unsealed_why = why


def seal_unsealed() -> int:
    """Try again with the runs that ended without a seal; how many have one now."""
    left = Run.objects.finished().exclude(unsealed_why="").filter(sealed_at=None)
    runs = list(left.only("public_id", "unsealed_why").order_by("pk")[:MOST_SEALED_AT_ONCE])
    for run in runs:
        seal_if_possible(run)
        if not run.unsealed_why:
            rebuild_evidence(run.prompt)
    return sum(not run.unsealed_why for run in runs)


def _add_to_chain(owner: User, run: Run) -> Seal:
    names = names_of(run)
    content = digest_of(run, names)
    last, now = owner.seals.last(), timezone.now()
    statement = Statement(
        author=owner.handle,
        run=run.public_id,
        digest=content,
        previous=last.digest if last else "",
        sequence=last.sequence + 1 if last else 1,
        sealed_at=now.isoformat(timespec="seconds"),
    )
    jws = seals.sign(statement, signing_key().private_jwk())
    Run.objects.filter(pk=run.pk).update(sealed_at=now)
    return Seal.objects.create(
        owner=owner,
        run=run,
        run_id_then=run.public_id,
        names=names,
        sequence=statement.sequence,
        record_digest=content,
        previous=statement.previous,
        jws=jws,
        digest=seals.seal_digest(jws),
        sealed_at=now,
    )


def sealed_file(run: Run) -> dict[str, Any] | None:
    """The run's record with its newest seal, to be downloaded and checked anywhere; None without a seal."""
    seal = run.seals.last()
    return None if seal is None else seals.file_of(record_of(run, seal.names), seal.jws)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check came to. ``holds`` is true when every finding that could be checked holds."""

    findings: tuple[SealFinding, ...]
    statement: Statement | None = None

    @property
    def holds(self) -> bool:
        return self.statement is not None and all(f.holds is not False for f in self.findings)

    @property
    def vouches(self) -> bool:
        """Whether it holds for what stands in the file. A signature alone says nothing of that: anybody can
        put another text, and a mask, into a file."""
        return self.holds and any(f.holds for f in self.findings if f.name in ("content", "shown"))

    @property
    def in_words(self) -> str:
        content = {finding.holds for finding in self.findings if finding.name in ("content", "signature")}
        if content == {None}:
            return "It cannot be checked"
        if self.holds and not self.vouches:
            return "Only its signature can be checked"
        if self.holds and None in content:
            return "It holds as far as it can be checked"
        return "It holds" if self.holds else "It does not hold"


@reading(None)  # what is compared is the full record; nothing of it is in the findings
def verify(sealed: Any) -> Verdict:
    """What holds of a sealed file, checked against this site's keys and its chain of seals."""
    statement, findings = seals.check_file(sealed, key_set())
    verdict = Verdict(findings, statement)
    if statement is None:
        return verdict
    return replace(verdict, findings=(*findings, *_in_chain(sealed["seal"], statement)))


def _in_chain(jws: str, statement: Statement) -> tuple[SealFinding, ...]:
    """Where the seal stands among the seals this site has."""
    seal = Seal.objects.filter(digest=seals.seal_digest(jws)).select_related("run").first()
    if seal is None:
        gone = "This site has no such seal any more; the account it belonged to may have been deleted."
        return (SealFinding("chain", None, gone),)
    before = Seal.objects.filter(owner_id=seal.owner_id, sequence=seal.sequence - 1).first()
    whole = (before.digest if before else "") == statement.previous
    chained = (
        f"It is number {seal.sequence} in the author’s chain, and follows the one before."
        if whole
        else "The chain is broken before it: the seal it names as the one before is not there."
    )
    return (SealFinding("chain", whole, chained), _still_there(seal))


def _but_for(run: Run) -> str:
    """What an earlier release sealed as answers, and is none; and as failed, and could not be known."""
    other = run.results.exclude(sealed_as={})
    said = ""
    if count := other.exclude(error_kind="").count():
        said += (
            f", but for {count} that it sealed as answered: the provider had failed, as the finish reason "
            "says, and they count no more"
        )
    if count := other.filter(error_kind="").count():
        said += (
            f", but for {count} that it sealed as failed: what an assertion asked could not be known, "
            "and it counts no more"
        )
    return said


def _still_there(seal: Seal) -> SealFinding:
    if seal.run is None:
        return SealFinding("kept", None, "The author has deleted this run since; the deletion is counted.")
    run = Run.objects.select_related("prompt__owner", "version").get(pk=seal.run.pk)
    if run.seals.last() != seal:
        return SealFinding("kept", None, "The run was continued later and has a newer seal.")
    if pictures_changed(run) or case_pictures_changed(run):
        return SealFinding(
            "kept", False, "A picture this site holds of the run is not the one that was sealed."
        )
    if digest_of(run, seal.names) == seal.record_digest:
        today = f"What this site shows of the run today is what was sealed{_but_for(run)}."
        return SealFinding("kept", True, today)
    return SealFinding("kept", False, "What this site holds of the run today differs from what was sealed.")
