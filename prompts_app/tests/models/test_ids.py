"""Public ids tell nothing, and are not found by trying."""

from collections import Counter

from prompts_app.models.ids import public_id

LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"


def test_twelve_letters_none_of_which_is_read_as_another() -> None:
    assert {len(public_id()) for _ in range(200)} == {12}
    assert not set("01loi") & set("".join(public_id() for _ in range(200)))


def test_every_letter_comes_in_every_place() -> None:
    made = [public_id() for _ in range(3100)]
    assert len(set(made)) == len(made)
    for place in range(12):
        counts = Counter(one[place] for one in made)
        assert set(counts) == set(LETTERS)
        assert max(counts.values()) < 200  # 100 on average: this far off is one in 10^14
