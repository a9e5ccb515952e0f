"""Computed sentences say what the figures say, and never more."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.evidence.checks import StoredCheck, excerpt, first_failing, marked
from prompts_app.evidence.listings import measure_of
from prompts_app.evidence.summary import Summary, VersionEvidence
from prompts_app.evidence.wording import as_text, headline
from prompts_app.tests.evidence.summaries import a_model, a_summary, a_version


def item(
    version: int, passed: int, cases: int, tokens: float | None = 100, digest: str = "a"
) -> VersionEvidence:
    return a_version(version, passed=passed, cases=cases, tokens_in=tokens, suite_digest=digest)


@st.composite
def evidence(draw: st.DrawFn) -> Summary:
    cases = draw(st.integers(1, 60))
    count = draw(st.integers(1, 5))
    history = [
        item(
            number,
            draw(st.integers(0, cases)),
            cases,
            draw(st.none() | st.integers(1, 500)),
            draw(st.sampled_from("aab")),
        )
        for number in range(1, count + 1)
    ]
    models = [a_model("main", passed=history[-1].passed, cases=cases)]
    for name in draw(st.lists(st.sampled_from(["small", "large"]), unique=True)):
        of_model = draw(st.integers(1, cases))
        models.append(a_model(name, passed=draw(st.integers(0, of_model)), cases=of_model))
    level = draw(st.integers(0, 4))
    return a_summary(*history, models=models, level=level, errors=draw(st.integers(0, 3)))


class TestHeadline:
    @given(evidence())
    def test_every_figure_in_it_is_in_the_rows(self, given_evidence: Summary) -> None:
        said = as_text(headline(given_evidence, given_evidence.before))
        known = {(item.passed, item.cases) for item in [*given_evidence.history, *given_evidence.models]}
        assert {(int(a), int(b)) for a, b in re.findall(r"(\d+) of (\d+)(?! models)", said)} <= known
        assert said.endswith(".")

    @given(evidence())
    def test_up_means_up_on_the_same_cases(self, given_evidence: Summary) -> None:
        before = given_evidence.before
        said = as_text(headline(given_evidence, before))
        if " up from " in said:
            assert before
            assert before.suite_digest == given_evidence.suite_digest
            assert given_evidence.passed / given_evidence.cases > before.passed / before.cases
        if " down from " in said:
            assert before
            assert given_evidence.passed / given_evidence.cases < before.passed / before.cases

    @given(evidence())
    def test_never_below_holds_for_every_model(self, given_evidence: Summary) -> None:
        found = re.search(
            r"never below (\d+) of (\d+) on (\d+) models", as_text(headline(given_evidence, None))
        )
        if found:
            assert all(model.passed >= int(found[1]) for model in given_evidence.models)
            assert int(found[3]) == len(given_evidence.models)

    @given(evidence())
    def test_fewer_tokens_only_where_it_does_no_worse(self, given_evidence: Summary) -> None:
        found = re.search(r"(\d+)% fewer tokens than v(\d+)", as_text(headline(given_evidence, None)))
        if found:
            other = given_evidence.history[int(found[2]) - 1]
            assert other.passed <= given_evidence.passed
            assert other.suite_digest == given_evidence.suite_digest
            assert given_evidence.tokens_in
            assert other.tokens_in
            assert round(100 * (1 - given_evidence.tokens_in / other.tokens_in)) == int(found[1])

    def test_what_was_only_pasted_says_so(self) -> None:
        pasted = a_summary(item(1, 3, 3), models=[a_model(passed=3, cases=3)], level=0, main_model="m")
        assert as_text(headline(pasted, None)) == "3 of 3 cases pass on m (44–100%), pasted only."


class TestRise:
    """What lists say was gained: ``Listing.rise`` is of this."""

    def test_baseline_to_last(self) -> None:
        before = measure_of(a_summary(item(1, 2, 10), item(2, 9, 10)))
        assert before
        assert (before.passed, before.cases) == (2, 10)

    def test_none_where_the_cases_changed_or_there_is_one_version(self) -> None:
        assert measure_of(a_summary(item(1, 2, 10), item(2, 9, 10, digest="b"))) is None
        assert measure_of(a_summary(item(1, 2, 10))) is None


class TestChecks:
    @pytest.mark.parametrize(
        ("check", "said"),
        [
            ({"type": "not-contains", "value": "PAID"}, "not-contains PAID"),
            ({"type": "is-json", "value": None}, "is-json"),
            ({"type": "is-json", "value": {"type": "object"}}, "is-json by schema"),
            ({"type": "latency", "threshold": 5000}, "latency ≤ 5.0 s"),
            ({"type": "cost", "threshold": 0.002}, "cost ≤ $0.0020"),
            ({"type": "contains-any", "value": ["a", "b"]}, "contains-any a, b"),
            ({"type": "levenshtein", "value": "x", "threshold": 3}, "levenshtein x ≥ 3"),
            ({}, ""),
        ],
    )
    def test_in_words(self, check: dict[str, Any], said: str) -> None:
        assert StoredCheck.from_json(check).words == said

    def test_a_long_value_is_cut(self) -> None:
        assert len(StoredCheck("equals", "x" * 5000).words) < 120

    def test_text_is_blamed_before_a_limit(self) -> None:
        slow, wrong = StoredCheck("latency", passed=False), StoredCheck("contains", passed=False)
        assert first_failing([slow, wrong]) == wrong
        assert first_failing([slow]) == slow
        assert first_failing([StoredCheck("equals", passed=True)]) is None

    @given(
        st.text(max_size=400),
        st.text(max_size=20),
        st.sampled_from(["not-contains", "not-icontains", "equals", "is-json"]),
    )
    def test_an_excerpt_is_short_and_marks_only_what_broke_it(
        self, output: str, value: str, kind: str
    ) -> None:
        pieces = excerpt(output, StoredCheck(kind, value))
        assert sum(len(piece.text) for piece in pieces) <= 300
        if kind == "not-contains" and value.strip() and value in output:
            hit = next(piece.text for piece in pieces if piece.hit)
            assert hit == re.sub(r"\s+", " ", value)

    @pytest.mark.parametrize(
        ("applied_to", "hits"), [("and PAID again", ["PAID"]), ("AND PAID AGAIN", []), ("", [])]
    )
    def test_a_check_that_looks_at_a_part_is_broken_in_that_part(
        self, applied_to: str, hits: list[str]
    ) -> None:
        check = StoredCheck(
            "not-contains", "PAID", passed=False, transform="output.slice(5)", applied_to=applied_to
        )
        pieces = marked("PAID and PAID again", [check])
        assert [piece.text for piece in pieces if piece.hit] == hits
        assert pieces[0].text.startswith("PAID ")
