"""A difference loses nothing: its pieces give both texts back."""

from hypothesis import given, settings
from hypothesis import strategies as st

from prompts_app.engine.diffs import DiffPiece, message_diff, word_diff
from prompts_app.engine.types import Message

TEXT = st.text(max_size=300) | st.text(alphabet="ab \n.{}", max_size=300)
MESSAGES = st.lists(st.builds(Message, st.sampled_from(["system", "user", "assistant"]), TEXT), max_size=6)


@settings(deadline=None)
@given(TEXT, TEXT)
def test_the_pieces_give_both_texts_back(before: str, after: str) -> None:
    pieces = word_diff(before, after)
    assert "".join(p.text for p in pieces if p.change != "added") == before
    assert "".join(p.text for p in pieces if p.change != "removed") == after


@settings(deadline=None)
@given(TEXT)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    assert all(piece.change == "same" for piece in word_diff(text, text))


def test_words_not_letters() -> None:
    assert word_diff("Answer in prose.", "Answer in JSON.") == (
        DiffPiece("same", "Answer in "),
        DiffPiece("removed", "prose"),
        DiffPiece("added", "JSON"),
        DiffPiece("same", "."),
    )


def test_more_different_words_than_there_are_letters_before_the_surrogates() -> None:
    before = " ".join(f"w{n}" for n in range(60_000))
    after = before + " end"
    assert [p.change for p in word_diff(before, after)] == ["same", "added"]


def test_a_long_text_takes_little_time() -> None:
    before = "word " * 20_000 + "a b c " * 3000
    after = "word " * 19_000 + "c b a d " * 3000
    pieces = word_diff(before, after)
    assert "".join(p.text for p in pieces if p.change != "removed") == after


@settings(deadline=None)
@given(MESSAGES, MESSAGES)
def test_messages_give_both_versions_back(before: list[Message], after: list[Message]) -> None:
    found = message_diff(before, after)
    for other, side, messages in (("added", "removed", before), ("removed", "added", after)):
        kept = [one for one in found if one.change != other]
        texts = ["".join(p.text for p in one.pieces if p.change in {"same", side}) for one in kept]
        assert [(one.role, text) for one, text in zip(kept, texts, strict=True)] == [
            (m.role, m.content) for m in messages
        ]


def test_a_new_system_message_leaves_the_user_message_beside_its_old_self() -> None:
    before = [Message("user", "Do it.")]
    after = [Message("system", "Be brief."), Message("user", "Do it now.")]
    assert [(one.role, one.change) for one in message_diff(before, after)] == [
        ("system", "added"),
        ("user", "same"),
    ]


def test_examples_that_stayed_hold_their_places_and_new_ones_read_as_new() -> None:
    kept = [Message("user", "A cough?"), Message("assistant", "Ask our pharmacist.")]
    new = [Message("user", "Open on Saturday?"), Message("assistant", "Until 18.")]
    last = [Message("user", "{{question}}")]
    told = [
        (one.change, "".join(p.text for p in one.pieces))
        for one in message_diff(kept + last, new + kept + last)
    ]
    assert told == [
        ("added", "Open on Saturday?"),
        ("added", "Until 18."),
        ("same", "A cough?"),
        ("same", "Ask our pharmacist."),
        ("same", "{{question}}"),
    ]
