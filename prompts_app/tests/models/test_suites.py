"""A worker's view of a suite: the same cases, read one by one from the stored text."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.models import Run
from prompts_app.models.suites import StoredSuite, with_stored_suite
from prompts_app.tests.factories import RunFactory

json_values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(json_values, max_size=5), st.sampled_from([None, 0, 2]), st.booleans())
def test_it_is_what_reading_the_whole_text_gives(cases: list[Any], indent: int | None, escaped: bool) -> None:
    text = json.dumps(cases, indent=indent, ensure_ascii=escaped)
    suite = StoredSuite(text)
    assert (list(suite), list(suite), len(suite)) == (cases, cases, len(cases))
    assert [suite[place] for place in range(len(cases))] == cases
    assert [suite[-place] for place in range(1, len(cases) + 1)] == cases[::-1]
    assert suite[1:3] == cases[1:3]
    for place in (len(cases), -len(cases) - 1):
        with pytest.raises(IndexError):
            suite[place]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "cases", [[], [{"name": "Ü “1”", "variables": {"a": "]}, {["}, "n": [1.5, 1e30, 2**60]}] * 3]
)
def test_it_is_read_from_the_database(cases: list[Any], django_assert_num_queries: Any) -> None:
    stored = Run.objects.defer("suite").get(pk=RunFactory(suite=cases).pk)
    whole = Run.objects.get().suite  # Postgres writes some numbers otherwise than they came
    with django_assert_num_queries(1):
        run = with_stored_suite(stored)
        assert list(run.suite) == whole
        assert run.expected_results == len(cases)
    run.save(update_fields=["frames"])
    assert Run.objects.get().suite == whole


@pytest.mark.django_db
def test_it_cannot_be_saved_by_mistake() -> None:
    run = with_stored_suite(RunFactory(suite=[{"name": "One"}]))
    with pytest.raises(TypeError):
        run.save()
