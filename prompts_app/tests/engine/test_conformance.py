"""Our verdicts are promptfoo's, but for the differences that stand at /assertions/.

What promptfoo said is stored beside the rows; with PROOFSHEET_PROMPTFOO it is asked again (see CONTRIBUTING).
"""

import json
import os
from collections import Counter

import pytest

from prompts_app.engine.assertions import KINDS, kind_of
from prompts_app.engine.assertions.differences import DIFFERENCES, NOT_IN_ROWS
from prompts_app.engine.formats.promptfoo import assertions as promptfoo_assertions
from prompts_app.tests.engine.conformance import Row, ask_promptfoo, key_of, of_promptfoo, ours, rows, stored

ROWS = rows()
STORED = stored()
FOLDER = os.environ.get("PROOFSHEET_PROMPTFOO", "")
# Judged by several outputs, by a person, or by a judge that is asked in other words.
ELSEWHERE = frozenset(
    """human select-best max-score model-graded-closedqa answer-relevance context-faithfulness context-recall
    context-relevance conversation-relevance assert-set""".split()
)


def names(row: Row) -> str:
    about = row.get("assertion") or row["assert"]
    return " on ".join(json.dumps(one, ensure_ascii=False)[:60] for one in (about, row["output"]))


@pytest.mark.parametrize("row", ROWS, ids=names)
def test_a_verdict_is_promptfoos_or_differs_on_purpose(row: Row) -> None:
    theirs = [of_promptfoo(found) for found in STORED[key_of(row)]]
    found = ours(row)
    same = all(one.is_near(other) for one, other in zip(found, theirs, strict=True))
    assert same is ("difference" not in row), (found, theirs)


def test_each_kind_that_both_have_has_rows_enough() -> None:
    types = [row["assertion"]["type"] for row in ROWS if "assertion" in row]
    kinds = Counter(kind.name for type_ in types if (kind := kind_of(type_)))
    shared = {name for name in KINDS if promptfoo_assertions.is_promptfoos(name)} - ELSEWHERE
    assert {name: kinds[name] for name in shared if kinds[name] < 4} == {}
    assert len(ROWS) > 900
    assert sum("assert" in row for row in ROWS) > 60


def test_each_difference_is_seen_in_a_row_and_each_row_names_one() -> None:
    assert {row["difference"] for row in ROWS if "difference" in row} == set(DIFFERENCES) - NOT_IN_ROWS


def test_each_row_is_there_once_and_no_verdict_is_left_over() -> None:
    keys = [key_of(row) for row in ROWS]
    assert len(set(keys)) == len(keys)
    assert set(keys) == set(STORED)


@pytest.mark.skipif(not FOLDER, reason="PROOFSHEET_PROMPTFOO names no folder with promptfoo in it")
def test_the_real_promptfoo_says_what_is_stored() -> None:
    said = ask_promptfoo(FOLDER, ROWS)["verdicts"]
    assert {key: found for key, found in said.items() if found != STORED[key]} == {}
