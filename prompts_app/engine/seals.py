"""Seals: a signed statement about a record that anybody can check offline with public libraries.

A *record* is any JSON value. Its *digest* is the SHA-256 of its canonical form (RFC 8785). A *seal* is a
compact JWS (RFC 7515, algorithm ``Ed25519``) over the canonical JSON of a ``Statement``, which names that
digest, the author's previous seal, and the time. A *sealed file* is ``{"record": …, "seal": "<jws>"}``.

A seal proves that whoever holds the key made this statement about exactly these bytes. It does not prove
when, nor that the record tells what a model said: the holder of the key could have sealed anything.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from joserfc import jws
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import KeySet, OKPKey

from prompts_app.engine.budget import MOST_VALUES_JUDGED, load_json
from prompts_app.engine.digests import canonical, digest, plain
from prompts_app.engine.errors import SealError, TooMuch
from prompts_app.engine.json_texts import strings_in
from prompts_app.engine.reveals import IN_A_FILE, NO_SEAL, is_masked
from prompts_app.engine.types import Json

ALGORITHM = "Ed25519"
FORMAT = "proofsheet-seal/1"


@dataclass(frozen=True, slots=True)
class Statement:
    """What is signed. ``previous`` is the digest of the author's seal before this one, "" for the first;
    ``sequence`` counts the author's seals from 1; ``sealed_at`` is ISO 8601 in UTC."""

    author: str
    run: str
    digest: str
    previous: str
    sequence: int
    sealed_at: str
    format: str = FORMAT


def new_key() -> dict[str, Any]:
    """A fresh signing key as a private JWK with its thumbprint as ``kid``."""
    key = OKPKey.generate_key("Ed25519", {"use": "sig", "alg": ALGORITHM}, private=True, auto_kid=True)
    return dict(key.as_dict(private=True))


def public_part(private_jwk: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a key that may be shown."""
    return dict(OKPKey.import_key(dict(private_jwk)).as_dict(private=False))


def sign(statement: Statement, private_jwk: Mapping[str, Any]) -> str:
    """The seal: a compact JWS."""
    key = OKPKey.import_key(dict(private_jwk))
    header = {"alg": ALGORITHM, "kid": private_jwk["kid"]}
    return jws.serialize_compact(header, canonical(asdict(statement)), key, algorithms=[ALGORITHM])


def seal_digest(seal: str) -> str:
    """What the next seal names as its ``previous``."""
    return digest(seal)


def open_seal(seal: str, key_set: Mapping[str, Any]) -> Statement:
    """The statement of a seal whose signature is by a key of ``key_set``. Raises SealError."""
    try:
        opened = jws.deserialize_compact(seal, KeySet.import_key_set(dict(key_set)), algorithms=[ALGORITHM])  # type: ignore[arg-type]  # a JWKS as loaded from JSON
    except BadSignatureError:
        raise SealError("The signature does not fit: the seal was changed after it was signed.") from None
    except (JoseError, ValueError, TypeError, KeyError):
        raise SealError("The seal is not signed by a key of this site, or it is not a seal at all.") from None
    return _statement(opened.payload)


def _statement(payload: bytes) -> Statement:
    try:
        statement = Statement(**json.loads(payload))
    except (ValueError, TypeError):
        raise SealError("The seal is signed by this site, but it is not about a run.") from None
    if statement.format != FORMAT:
        raise SealError(f"The seal has the format {statement.format!r}, which this version cannot read.")
    return statement


def file_of(record: Json, seal: str) -> dict[str, Json]:
    """A sealed file. Whole numbers beyond 2^53 stand in it as the doubles they were sealed as: the public
    libraries refuse to write them down otherwise."""
    return {"record": plain(record), "seal": seal}


def read_file(raw: bytes) -> Json:
    """A sealed file as JSON. Raises SealError for what is none, or what two readers may read differently."""
    try:
        text = raw.decode(json.detect_encoding(raw), "surrogatepass")
        return load_json(text, MOST_VALUES_JUDGED, object_pairs_hook=_object, parse_constant=None)
    except TooMuch as why:
        raise SealError(f"{why} Check it where you are: docs/evidence.md has ten lines for it.") from None
    except ValueError:
        raise SealError("This is not JSON. Give the whole file, from the first { to the last }.") from None


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """Of a name that stands twice some readers take the first value and some the last: a seal over the one
    would vouch for a file in which people see the other."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise SealError("A name stands twice in one object of this file: no record of this site has that.")
    return found


@dataclass(frozen=True, slots=True)
class SealFinding:
    """One thing that was checked: ``holds`` is None where it could not be checked here."""

    name: str
    holds: bool | None
    sentence: str


def check_file(sealed: Json, key_set: Mapping[str, Any]) -> tuple[Statement | None, tuple[SealFinding, ...]]:
    """What holds of a sealed file, as findings in plain words; the statement where the signature holds.

    Never raises: a file of the wrong shape is a finding too.
    """
    if is_masked(sealed) and sealed.get("seal") is None:
        return None, (SEAL_LEFT_OUT,)
    if not isinstance(sealed, Mapping) or "record" not in sealed or not isinstance(sealed.get("seal"), str):
        sentence = "This is no sealed record: it should be JSON with “record” and “seal”."
        return None, (SealFinding("shape", False, sentence),)
    try:
        statement = open_seal(sealed["seal"], key_set)
    except SealError as why:
        return None, (SealFinding("signature", False, str(why)),)
    signed = SealFinding(
        "signature", True, f"Signed with this site’s key on {_in_words(statement.sealed_at)}."
    )
    content = MASKED if is_masked(sealed) else _content(sealed["record"], statement)
    return statement, (signed, content, *_beside(sealed.keys() - {"record", "seal", "private"}))


def _in_words(moment: str) -> str:
    """ "22 Nov 2026, 10:00 UTC"; what is no time is told as it stands."""
    try:
        at = datetime.fromisoformat(moment).astimezone(UTC)
    except ValueError:
        return moment
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def _beside(names: Iterable[str]) -> tuple[SealFinding, ...]:
    if listed := ", ".join(f"“{name[:40]}”" for name in sorted(names)[:5]):
        return (SealFinding("beside", None, f"No seal covers what else is in this file: {listed}."),)
    return ()


SEAL_LEFT_OUT = SealFinding("signature", None, NO_SEAL)
MASKED = SealFinding(
    "content",
    None,
    f"{IN_A_FILE} Until then it says nothing of the rest either: anything in this file could be changed.",
)


_AS = {
    "sha256": "the picture that is shown",
    "small_sha256": "the small picture that lists show",
    "original_sha256": "the file that came, before it was drawn anew",
}


def check_picture(sealed: Json, picture: bytes) -> SealFinding:
    """Whether these bytes are one of the pictures the record speaks of, and of which result. Never raises."""
    found = sha256(picture).hexdigest()
    record = sealed.get("record") if isinstance(sealed, Mapping) else None
    results = record.get("results") if isinstance(record, Mapping) else None
    for result in results if isinstance(results, list) else []:
        about = result.get("picture") if isinstance(result, Mapping) else None
        known = about if isinstance(about, Mapping) else {}
        if words := next((words for name, words in _AS.items() if known.get(name) == found), ""):
            return SealFinding("picture", True, f"It is {words}, of result {result.get('id')}.")
    suite = record.get("suite") if isinstance(record, Mapping) else None
    if isinstance(suite, list) and any(found in strings_in(case) for case in suite):
        return SealFinding("picture", True, "It is a picture that a case of this record was asked with.")
    return SealFinding("picture", False, "No result or case of this record has a picture with this SHA-256.")


def _content(record: Json, statement: Statement) -> SealFinding:
    try:
        same = digest(record) == statement.digest
    except (ValueError, TypeError, RecursionError):
        same = False
    if same:
        return SealFinding("content", True, "Every byte of the record is as it was when it was sealed.")
    return SealFinding("content", False, "The record is not what was sealed: something in it was changed.")
