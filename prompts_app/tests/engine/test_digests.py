"""The same suite always has the same digest, and any change gives another."""

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.digests import (
    assertion_from_json,
    assertion_json,
    canonical,
    canonical_pieces,
    case_from_json,
    case_json,
    digest,
    suite_digest,
)
from prompts_app.engine.types import Assertion, CaseContent, Json

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
ASSERTIONS = st.builds(
    Assertion,
    type=TEXT,
    value=VALUES,
    threshold=st.none() | st.floats(0, 10_000),
    weight=st.sampled_from([0.0, 1.0, 2.5]),
    metric=TEXT,
)
CASES = st.builds(
    CaseContent,
    name=TEXT,
    variables=st.dictionaries(TEXT, TEXT, max_size=3),
    turns=st.lists(TEXT, max_size=2).map(tuple),
    assertions=st.lists(ASSERTIONS, max_size=3).map(tuple),
)


def test_canonical_json_is_rfc_8785() -> None:
    assert canonical({"b": [1.0, 1e30, "€\n"], "a": None}) == '{"a":null,"b":[1,1e+30,"€\\n"]}'.encode()


def test_a_digest_is_sha_256_in_hex() -> None:
    assert digest({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {1: 2}, object(), 10**400])
def test_what_is_not_json_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        canonical(value)


def test_huge_whole_numbers_are_read_as_every_json_reader_does() -> None:
    assert canonical(2**63) == canonical(float(2**63))
    assert canonical(True) == b"true"


ANY_JSON = st.recursive(
    VALUES | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXT, ANY_JSON, max_size=5), TEXT, st.lists(ANY_JSON, max_size=5))
def test_a_list_written_item_by_item_has_the_bytes_of_the_whole(
    members: dict[str, Json], name: str, items: list[Json]
) -> None:
    whole = rfc8785.dumps({**members, name: items})
    assert b"".join(canonical_pieces({**members, name: iter(items)})) == whole
    assert b"".join(canonical_pieces(iter([{**members, name: iter(items)}]))) == b"[" + whole + b"]"
    assert (
        digest({**members, name: iter(items)})
        == sha256(whole).hexdigest()
        == digest({**members, name: items})
    )


@given(st.dictionaries(TEXT, TEXT, max_size=3), st.sampled_from([1, None, "\ud800"]))
def test_what_is_not_json_is_refused_item_by_item_too(members: dict[str, str], odd: Any) -> None:
    with pytest.raises(ValueError):
        list(canonical_pieces({**members, odd: 1, "results": iter([1])}))
    with pytest.raises(ValueError):
        list(canonical_pieces({"results": iter([float("nan")])}))
    with pytest.raises(ValueError):
        list(canonical_pieces({"nested": {"results": iter([1])}}))


def test_a_case_as_json_holds_only_what_is_set() -> None:
    case = CaseContent(
        "Refund",
        {"message": "Hi"},
        ("And now?",),
        (Assertion("contains", "refund"), Assertion("latency", threshold=100, weight=0, metric="speed")),
    )
    assert case_json(case) == {
        "name": "Refund",
        "variables": {"message": "Hi"},
        "turns": ["And now?"],
        "assertions": [
            {"type": "contains", "value": "refund"},
            {"type": "latency", "threshold": 100, "weight": 0, "metric": "speed"},
        ],
    }


@given(CASES)
def test_a_case_survives_json_and_back(case: CaseContent) -> None:
    assert case_from_json(json.loads(json.dumps(case_json(case)))) == case


@given(st.lists(CASES, max_size=3))
def test_the_suite_digest_does_not_depend_on_spelling(cases: list[CaseContent]) -> None:
    again = [case_from_json(json.loads(canonical(case_json(case)))) for case in cases]
    assert suite_digest(again) == suite_digest(cases)


@given(CASES, TEXT)
def test_any_change_changes_the_suite_digest(case: CaseContent, name: str) -> None:
    other = replace(case, name=case.name + name + "x")
    assert suite_digest([case]) != suite_digest([other])
    assert suite_digest([case, other]) != suite_digest([other, case])


@pytest.mark.parametrize(
    "data",
    [None, [], "x", {"variables": ["x"]}, {"turns": "x"}, {"assertions": {"a": 1}}, {"assertions": [{}]},
     {"assertions": [{"type": "x", "threshold": "9"}]}, {"assertions": [{"type": "x", "weight": True}]}],
)  # fmt: skip
def test_a_wrong_shape_is_told(data: Json) -> None:
    with pytest.raises(ValueError):
        case_from_json(data)


def test_everything_but_the_shape_is_optional() -> None:
    assert case_from_json({}) == CaseContent("")
    assert case_from_json({"variables": {"n": 5, "o": {"a": 1}}}).variables == {"n": "5", "o": '{"a": 1}'}


def test_an_assertion_survives_alone_too() -> None:
    assertion = Assertion("not-regex", "a+", weight=2)
    assert assertion_from_json(assertion_json(assertion)) == assertion


def test_a_case_without_a_system_message_of_its_own_has_the_digest_it_always_had() -> None:
    plain = CaseContent("c", {"a": "b"}, ("more",))
    assert "system" not in case_json(plain)
    own = CaseContent("c", {"a": "b"}, ("more",), system="Shout.")
    assert case_from_json(case_json(own)) == own
    assert suite_digest([own]) != suite_digest([plain])
