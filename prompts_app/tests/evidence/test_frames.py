"""A frame's letter, word, mark and class have one home."""

import ast
from pathlib import Path

import pytest

from prompts_app.evidence.frames import FrameState

PRODUCT = Path(__file__).parents[2]


def test_each_is_its_letter_and_has_a_word_of_its_own() -> None:
    assert "".join(FrameState) == "pfewunj"
    assert len({state.word for state in FrameState}) == len(FrameState)
    assert FrameState("f") is FrameState.FAILED


@pytest.mark.parametrize("letter", ["", "x", "P"])
def test_a_letter_nobody_knows_is_none_yet(letter: str) -> None:
    assert FrameState(letter) is FrameState.WAITING


def _maps_letters(source: str) -> bool:
    """Whether a dictionary is written out that has letters of frames for its keys."""
    written = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Dict))
    keys = ({key.value for key in one.keys if isinstance(key, ast.Constant)} for one in written)
    return any(len(found & {"p", "f", "e", "w", "u"}) > 1 for found in keys)


def test_no_other_module_maps_their_letters() -> None:
    files = [file for file in PRODUCT.rglob("*.py") if not {"tests", "migrations"} & set(file.parts)]
    assert [file.name for file in files if _maps_letters(file.read_text())] == []
    assert _maps_letters('{"p": "passed", "f": "failed"}')
