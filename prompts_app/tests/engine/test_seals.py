"""Seals: what is signed holds, and any changed byte is caught."""

import base64
import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.digests import digest
from prompts_app.engine.errors import SealError
from prompts_app.engine.seals import (
    Statement,
    check_file,
    check_picture,
    new_key,
    open_seal,
    public_part,
    seal_digest,
    sign,
)

KEY = new_key()
KEYS = {"keys": [public_part(KEY)]}
RECORD = {"run": "abc", "results": [{"output": "Ja, 12,50 €", "passed": True, "cost": None}], "n": 3}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def sealed(record: object) -> dict[str, object]:
    statement = Statement("alice", "abc", digest(record), "", 1, "2026-11-22T08:00:00Z")
    return {"record": record, "seal": sign(statement, KEY)}


def holds(file: object) -> dict[str, bool | None]:
    return {finding.name: finding.holds for finding in check_file(file, KEYS)[1]}


def test_an_untouched_record_holds() -> None:
    assert holds(sealed(RECORD)) == {"signature": True, "content": True}


def test_the_order_of_keys_and_white_space_do_not_matter() -> None:
    file = sealed(RECORD)
    again = json.loads(json.dumps(file, indent=4, sort_keys=True))
    assert holds(again) == {"signature": True, "content": True}


@given(json_values, json_values)
def test_any_other_record_is_caught(one: object, other: object) -> None:
    file = sealed(one)
    file["record"] = other
    assert holds(file)["content"] is (digest(one) == digest(other))


@given(st.data())
def test_any_changed_byte_of_the_seal_is_caught(data: st.DataObject) -> None:
    file = sealed(RECORD)
    seal = str(file["seal"])
    at = data.draw(st.integers(0, len(seal) - 1))
    to = data.draw(st.sampled_from("ABCDefgh0189-_.").filter(lambda c: c != seal[at]))
    changed = seal[:at] + to + seal[at + 1 :]
    if decoded(changed) == decoded(seal):
        return  # base64 has spare bits in a last character: the bytes are the same
    statement, findings = check_file({**file, "seal": changed}, KEYS)
    assert statement is None
    assert findings[0].holds is False


def decoded(seal: str) -> list[bytes | str]:
    parts: list[bytes | str] = []
    for part in seal.split("."):
        try:
            parts.append(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        except ValueError:
            parts.append(part)
    return parts


def test_a_changed_output_is_caught() -> None:
    file = copy.deepcopy(sealed(RECORD))
    file["record"]["results"][0]["passed"] = False  # type: ignore[index]  # the shape is RECORD's
    assert holds(file) == {"signature": True, "content": False}


def test_somebody_elses_key_does_not_count() -> None:
    other = new_key()
    statement = Statement("alice", "abc", digest(RECORD), "", 1, "2026-11-22T08:00:00Z")
    assert holds({"record": RECORD, "seal": sign(statement, other)}) == {"signature": False}


def test_an_old_key_still_counts_after_rotation() -> None:
    file = sealed(RECORD)
    rotated = {"keys": [public_part(new_key()), public_part(KEY)]}
    assert all(finding.holds for finding in check_file(file, rotated)[1])


def test_the_unsigned_algorithm_is_refused() -> None:
    header = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    body = str(sealed(RECORD)["seal"]).split(".")[1]
    with pytest.raises(SealError):
        open_seal(f"{header}.{body}.", KEYS)


@pytest.mark.parametrize(
    "junk", [None, 1, "x", [], {}, {"record": 1}, {"seal": "x"}, {"record": 1, "seal": 2}]
)
def test_what_is_no_sealed_record_says_so(junk: object) -> None:
    assert holds(junk) == {"shape": False}


def test_the_private_part_never_shows() -> None:
    assert "d" not in public_part(KEY)
    assert "d" in KEY


def test_seals_are_chained_by_digest() -> None:
    first = str(sealed(RECORD)["seal"])
    assert seal_digest(first) == digest(first)


@pytest.mark.parametrize(
    "sealed",
    [None, [], {}, {"record": None}, {"record": {"results": [None, {"picture": 5}, {"picture": {}}]}}],
)
def test_a_picture_is_looked_for_in_whatever_comes(sealed: object) -> None:
    assert check_picture(sealed, b"x").holds is False
