"""What was parsed of a file is kept and read again: nothing is lost, and a run has its prompt's own cases."""

from pathlib import Path

import pytest

from prompts_app.engine.formats import FormatError, parse
from prompts_app.engine.formats.parsed_file import IN_A_PART, in_parts, read_file, unpacked

DATA = Path(__file__).parents[2] / "data"
RECORDED = Path(__file__).parents[3] / "demo" / "recorded"
FILES = [path for folder in (DATA, RECORDED) for path in sorted(folder.rglob("*.*")) if path.is_file()]
RESULTS = DATA / "promptfoo" / "results" / "two-prompts-two-providers.json"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_read_again_is_what_was_parsed(path: Path) -> None:
    data = path.read_bytes()
    try:
        parsed = parse(path.name, data)
    except FormatError:
        return  # other tests say what of these cannot be read
    assert list(map(unpacked, read_file(path.name, data).parts)) == list(in_parts(parsed))


def test_a_runs_suite_holds_the_very_cases_of_its_prompt() -> None:
    (part,) = read_file(RESULTS.name, RESULTS.read_bytes()).parts
    (prompt,) = unpacked(part).prompts
    own = {id(case) for case in prompt.cases}
    assert {id(case) for run in prompt.runs for case in run.suite} == own


def test_a_part_has_a_hundred_prompts_and_the_first_tells_what_was_left_out() -> None:
    rows = "".join(f"Title {n},Text {n}\n" for n in range(IN_A_PART + 1)) + "Empty,\n"
    first, second = map(unpacked, read_file("a.csv", f"act,prompt\n{rows}".encode()).parts)
    assert (len(first.prompts), len(second.prompts)) == (IN_A_PART, 1)
    assert (len(first.skipped), second.skipped) == (1, ())


def test_a_file_with_nothing_in_it_has_one_part_that_says_why() -> None:
    (part,) = read_file("a.csv", b"act,prompt\nEmpty,\n").parts
    assert (unpacked(part).prompts, len(unpacked(part).skipped)) == ((), 1)
