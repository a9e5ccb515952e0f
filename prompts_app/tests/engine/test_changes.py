"""Differences between texts: nothing is lost, nothing is invented."""

from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.changes import Change, changes

TEXT = st.text(max_size=200)


def test_a_changed_word_is_one_removed_and_one_added() -> None:
    assert changes("Answer in one word.", "Answer in two words.")[0] == Change("same", "Answer in ")


def test_equal_texts_are_the_same() -> None:
    assert changes("a", "a") == (Change("same", "a"),)
    assert changes("", "") == ()


@given(before=TEXT, after=TEXT)
def test_both_texts_can_be_put_together_again(before: str, after: str) -> None:
    found = changes(before, after)
    assert "".join(c.text for c in found if c.kind != "added") == before
    assert "".join(c.text for c in found if c.kind != "removed") == after
