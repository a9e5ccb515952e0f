"""Our own export as text: nothing is lost on the way out and in, and a changed file is refused."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.errors import FormatError
from prompts_app.engine.formats.bundle import emit, from_json, parse
from prompts_app.engine.formats.bundle_types import (
    Bundle,
    BundledAuthor,
    BundledCase,
    BundledFailure,
    BundledPrompt,
    BundledResult,
    BundledRun,
    BundledVersion,
)
from prompts_app.engine.types import Assertion, CaseContent, Message, PromptContent, Variable

RECORDED = Path(__file__).parents[3] / "demo" / "recorded"
MOMENT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)

text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
name = text.filter(str.strip)
plain = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | text
moment = st.datetimes(timezones=st.just(UTC))
maybe_moment = st.none() | moment
count = st.integers(0, 2**31 - 1)
objects = st.dictionaries(text, plain | st.lists(plain, max_size=3), max_size=3)

assertions = st.builds(
    Assertion,
    type=name,
    value=plain | st.lists(text, max_size=3) | objects,
    threshold=st.none() | st.floats(0, 1e6),
    weight=st.sampled_from([0.0, 1.0, 2.5]),
    metric=text,
)
cases = st.builds(
    CaseContent,
    name=text,
    variables=st.dictionaries(text, text, max_size=3),
    turns=st.lists(text, max_size=2).map(tuple),
    assertions=st.lists(assertions, max_size=3).map(tuple),
)
checks = st.fixed_dictionaries({"type": name, "passed": st.booleans(), "reason": text, "value": plain})
versions = st.builds(
    BundledVersion,
    number=st.just(1),
    prompt=st.builds(
        PromptContent,
        messages=st.lists(
            st.builds(Message, st.sampled_from(["system", "user", "assistant"]), text), max_size=3
        ).map(tuple),
        variables=st.lists(st.builds(Variable, name, text, text), max_size=2).map(tuple),
        parameters=objects,
    ),
    note=text,
    created_at=maybe_moment,
)
results = st.builds(
    BundledResult,
    id=name,
    case_index=st.just(0),
    repeat=st.just(0),
    created_at=moment,
    request=objects,
    checks=st.lists(checks, max_size=2).map(tuple),
    passed=st.none() | st.booleans(),
    output=text,
    tokens_in=st.none() | count,
    latency_ms=st.none() | st.floats(0, 1e6),
    cost=st.none() | st.decimals(0, 1000, places=8),
    error_kind=text,
    error_message=text,
)
runs = st.builds(
    BundledRun,
    id=name,
    version=st.just(1),
    model=name,
    suite=st.lists(cases, min_size=1, max_size=2).map(tuple),
    source=name,
    state=name,
    created_at=moment,
    results=st.lists(results, max_size=1).map(tuple),
    endpoint=text,
    parameters=objects,
    finished_at=maybe_moment,
)


@st.composite
def with_failures(draw: st.DrawFn, prompts: st.SearchStrategy[BundledPrompt]) -> BundledPrompt:
    """Some of its cases stand on the failure shelf."""
    prompt = draw(prompts)
    places = {(run.id, place) for run in prompt.runs for place in range(len(run.suite))}
    ids = [run.id for run in prompt.runs]
    if len(set(ids)) < len(ids):
        return prompt
    return replace(
        prompt,
        known_failures=tuple(
            BundledFailure(run, place, draw(name)) for run, place in sorted(places) if draw(st.booleans())
        ),
    )


plain_prompts = st.builds(
    BundledPrompt,
    slug=name,
    title=name,
    versions=st.tuples(versions),
    cases=st.lists(st.builds(BundledCase, cases, maybe_moment), max_size=2).map(tuple),
    runs=st.lists(runs, max_size=2).map(tuple),
    summary=text,
    tags=st.lists(text, max_size=2).map(tuple),
    limits=text,
    published_at=maybe_moment,
    pin_position=st.none() | count,
    baseline=st.sampled_from([None, 1]),
    deleted_runs=count,
)
prompts = with_failures(plain_prompts)
links = st.fixed_dictionaries({"label": text, "url": name})
authors = st.builds(BundledAuthor, name, text, text, text, text, text, st.lists(links, max_size=2).map(tuple))
bundles = st.builds(Bundle, authors, st.lists(prompts, max_size=2).map(tuple))


@given(bundles)
def test_what_is_written_is_read_back_the_same(bundle: Bundle) -> None:
    assert parse(emit(bundle)) == bundle


@given(bundles)
def test_writing_twice_gives_the_same_text(bundle: Bundle) -> None:
    assert emit(parse(emit(bundle))) == emit(bundle)


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.json")), ids=lambda path: path.stem)
def test_what_an_earlier_release_wrote_is_read_and_written_byte_for_byte(path: Path) -> None:
    assert emit(parse(path.read_text())) == path.read_text()


def small() -> dict[str, Any]:
    """A bundle as JSON: one prompt, one case, one run, one result."""
    suite = (CaseContent("a", {"word": "yes"}, assertions=(Assertion("contains", "yes"),)),)
    result = BundledResult(
        id="r1",
        case_index=0,
        repeat=0,
        created_at=MOMENT,
        request={"model": "m"},
        checks=({"type": "contains", "passed": True, "reason": "It does.", "value": "yes"},),
        passed=True,
        output="yes",
        cost=Decimal("0.00000012"),
    )
    run = BundledRun("run1", 1, "m", suite, "recorded", "finished", MOMENT, (result,))
    version = BundledVersion(1, PromptContent((Message("user", "{{word}}"),)))
    prompt = BundledPrompt("echo", "Echo", (version,), (BundledCase(suite[0]),), (run,))
    data: dict[str, Any] = json.loads(emit(Bundle(BundledAuthor("ada"), (prompt,))))
    return data


def test_money_is_a_text_so_that_no_reader_rounds_it() -> None:
    assert small()["prompts"][0]["runs"][0]["results"][0]["cost"] == "0.00000012"


def test_a_suite_stands_once_however_many_runs_name_it() -> None:
    data = small()
    (prompt,) = data["prompts"]
    prompt["runs"].append({**prompt["runs"][0], "id": "run2"})
    assert len(json.loads(emit(from_json(data)))["prompts"][0]["suites"]) == 1


def test_a_case_changed_under_a_recorded_run_is_noticed() -> None:
    data = small()
    (suite,) = data["prompts"][0]["suites"].values()
    suite[0]["assertions"][0]["value"] = "no"
    with pytest.raises(FormatError, match=r"prompts\[0\]\.suites\.\w+ is not the digest of the cases"):
        from_json(data)


FAILURE = {"run": "run1", "case_index": 0, "diagnosis": "d"}
WRONG: list[tuple[list[str | int], Any, str]] = [
    (["format"], "promptfoo", "not a Proofsheet bundle"),
    (["version"], 2, "version 2; this site reads version 1"),
    (["author", "handle"], "", "author.handle is not filled in"),
    (["prompts"], {}, "prompts is not a list"),
    (["prompts", 0], "x", r"prompts\[0\] is not an object"),
    (["prompts", 0, "title"], None, r"prompts\[0\].title is not a text"),
    (["prompts", 0, "versions"], [], "at least one version"),
    (["prompts", 0, "versions", 0, "messages", 0, "role"], "robot", "not one of system, user, assistant"),
    (["prompts", 0, "baseline"], 7, "not the number of a version"),
    (
        ["prompts", 0, "known_failures"],
        [{"run": "run2", "case_index": 0, "diagnosis": "d"}],
        "runs that are in",
    ),
    (
        ["prompts", 0, "known_failures"],
        [{"run": "run1", "case_index": 1, "diagnosis": "d"}],
        "runs that are in",
    ),
    (["prompts", 0, "known_failures"], [{"run": "run1", "case_index": 0, "diagnosis": " "}], "not filled in"),
    (
        ["prompts", 0, "known_failures"],
        [{"run": "run1", "case_index": 0, "diagnosis": "d", "fixed_in": 1}],
        "a version after the one that failed",
    ),
    (
        ["prompts", 0, "known_failures"],
        [{"run": "run1", "case_index": 0, "diagnosis": "d"}] * 2,
        "each case of a run once",
    ),
    (["prompts", 0, "runs", 0, "version"], 7, "versions that are in the file"),
    (["prompts", 0, "runs", 0, "suite"], "0" * 64, "not the digest of a suite"),
    (["prompts", 0, "runs", 0, "created_at"], "yesterday", "not a time with its zone"),
    (["prompts", 0, "runs", 0, "created_at"], "2026-11-22T08:00:00", "not a time with its zone"),
    (["prompts", 0, "runs", 0, "results", 0, "case_index"], 1, "at most one result for each case"),
    (["prompts", 0, "runs", 0, "results", 0, "case_index"], -1, "not a whole number from 0 up"),
    (["prompts", 0, "runs", 0, "results", 0, "cost"], 0.1, "not an amount"),
    (["prompts", 0, "runs", 0, "results", 0, "cost"], "free", "not an amount"),
    (["prompts", 0, "runs", 0, "results", 0, "passed"], "yes", "not true, false or null"),
    (["prompts", 0, "runs", 0, "results", 0, "checks", 0, "passed"], "yes", "not true, false or null"),
    (["prompts", 0, "runs", 0, "results", 0, "latency_ms"], "fast", "not a number"),
    (["prompts", 0, "tags"], ["a", 1], "not a list of texts"),
    (["prompts", 0, "cases", 0, "assertions"], "contains", "cases"),
    (["prompts", 0, "runs", 0, "suite"], ["a"], "not the digest of a suite"),
    (["prompts", 0, "suites"], [], "suites is not an object"),
    (["prompts", 0, "slug"], 7, r"prompts\[0\].slug is not a text"),
    (["prompts", 0, "versions", 0, "parameters"], [], r"versions\[0\].parameters is not an object"),
    (["prompts", 0, "private"], [{"label": "a", "text": "b", "salt": "c"}], "salt is not 32 hexadecimal"),
]


@pytest.mark.parametrize(("place", "value", "sentence"), WRONG)
def test_a_wrong_shape_is_refused_with_its_place(place: list[Any], value: Any, sentence: str) -> None:
    data = small()
    inner = data
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    with pytest.raises(FormatError, match=sentence):
        from_json(data)


@pytest.mark.parametrize("bad", ["\0", "\ud800"])
def test_what_no_database_holds_is_refused(bad: str) -> None:
    data = small()
    data["prompts"][0]["runs"][0]["results"][0]["output"] = bad
    with pytest.raises(FormatError, match="cannot be stored"):
        from_json(data)


@pytest.mark.parametrize("data", [None, [], 3, "x", {}, {"format": "proofsheet-bundle"}])
def test_anything_else_is_no_bundle(data: Any) -> None:
    with pytest.raises(FormatError):
        from_json(data)
