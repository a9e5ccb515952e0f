"""What holds for every file, whatever its format: encodings, broken bytes, recognition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.budget import MOST_BYTES
from prompts_app.engine.formats import FORMATS, FormatError, parse
from prompts_app.engine.types import Message

NAMES = [
    "",
    "a.txt",
    "a.md",
    "a.csv",
    "a.json",
    "a.jsonl",
    "a.yaml",
    "a.prompty",
    "a.prompt",
    "noextension",
    "a.exe",
]
# Beginnings that lead deep into each parser before the noise comes.
STARTS = [
    b"",
    b"act,prompt\n",
    b'[{"role":"user","content":',
    b'{"messages":[',
    b"---\n",
    b"---\ntitle: x\n---\n",
    b"## User\n",
]


def text_of(data: bytes, name: str = "") -> str:
    (prompt,) = parse(name, data).prompts
    (message,) = prompt.versions[0].prompt.messages
    return message.content


@pytest.mark.parametrize(
    "encoded",
    [
        "Grüße, 世界".encode(),
        b"\xef\xbb\xbf" + "Grüße, 世界".encode(),
        "Grüße, 世界".encode("utf-16"),
        b"\xfe\xff" + "Grüße, 世界".encode("utf-16-be"),
        "Grüße, 世界".encode("utf-32"),
    ],
    ids=["utf-8", "utf-8 with mark", "utf-16 little-endian", "utf-16 big-endian", "utf-32"],
)
def test_text_is_read_in_the_encodings_that_say_what_they_are(encoded: bytes) -> None:
    assert text_of(encoded) == "Grüße, 世界"


def test_another_encoding_is_refused_with_the_place_of_the_first_wrong_byte() -> None:
    with pytest.raises(FormatError, match=r"not valid UTF-8: byte 8 \(line 2\)"):
        parse("a.txt", b"line 1\nx\xfcy")


def test_line_ends_of_windows_and_old_macs_become_plain_ones() -> None:
    assert text_of(b"one\r\ntwo\rthree") == "one\ntwo\nthree"


def test_a_nul_character_is_refused_with_its_line() -> None:
    with pytest.raises(FormatError, match="NUL character on line 2"):
        parse("a.txt", b"one\ntw\x00o")


@pytest.mark.parametrize("escape", [r"\u0000", r"\ud800"])
def test_what_json_smuggles_in_by_an_escape_is_refused_too(escape: str) -> None:
    with pytest.raises(FormatError, match="cannot be stored"):
        parse("a.json", b'[{"role": "user", "content": "x' + escape.encode() + b'"}]')


@pytest.mark.parametrize("data", [b"", b"\n \t\n", b"\xef\xbb\xbf"])
def test_an_empty_file_says_so(data: bytes) -> None:
    with pytest.raises(FormatError, match="empty"):
        parse("a.txt", data)


def test_a_file_over_20_mb_is_refused_before_it_is_read() -> None:
    with pytest.raises(FormatError, match="larger than 20 MB"):
        parse("a.txt", b"x" * (MOST_BYTES + 1))


def test_json_of_no_known_shape_names_the_kinds_that_can_be_read() -> None:
    with pytest.raises(FormatError, match=r"none of the kinds .*prompts\.chat CSV"):
        parse("package.json", b'{"name": "x", "version": 1}')


def test_broken_json_says_where() -> None:
    with pytest.raises(FormatError, match="line 2, column 1"):
        parse("a.json", b'{"messages": [\n}')


def test_a_named_format_is_taken_whatever_the_file_is_called() -> None:
    assert parse("a.bin", b"act,prompt\nA,B\n", hint="prompts-chat").prompts[0].title == "A"


def test_an_unknown_format_name_is_refused() -> None:
    with pytest.raises(FormatError, match="no format “word”"):
        parse("a.doc", b"x", hint="word")


def test_every_format_has_a_key_of_its_own() -> None:
    assert len({kind.key for kind in FORMATS}) == len(FORMATS)


def parse_or_refuse(name: str, data: bytes, hint: str) -> None:
    try:
        parsed = parse(name, data, hint=hint)
    except FormatError as error:
        refusal = str(error)
    else:
        refusal = "Read."
        for prompt in parsed.prompts:
            assert prompt.title
            assert all(version.prompt.messages for version in prompt.versions)
    assert refusal.endswith(".")


@given(st.sampled_from(NAMES), st.sampled_from(STARTS), st.binary(max_size=200))
def test_arbitrary_bytes_are_read_or_refused_with_a_sentence(name: str, start: bytes, noise: bytes) -> None:
    parse_or_refuse(name, start + noise, "")


@given(
    st.sampled_from(STARTS),
    st.text(alphabet='{}[]":,\\-#` \nausr0.eE&*!|>~%@', max_size=120),
    st.sampled_from([kind.key for kind in FORMATS]),
)
def test_arbitrary_text_is_read_or_refused_by_each_format(start: bytes, noise: str, hint: str) -> None:
    parse_or_refuse("", start + noise.encode(), hint)


@pytest.mark.parametrize("hint", [kind.key for kind in FORMATS])
@pytest.mark.parametrize(
    "data",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"---\na: " + b"[" * 20_000 + b"\n---\nx",
        b"[1e999]",
        b"[" + b"9" * 5000 + b"]",
        b"[NaN]",
    ],
    ids=["lists", "objects", "front matter", "infinite", "a number of 5,000 digits", "not a number"],
)
def test_bottomless_files_are_refused_or_taken_as_text(hint: str, data: bytes) -> None:
    parse_or_refuse("", data, hint)


@given(
    st.text(alphabet=st.characters(exclude_characters="\x00\r", exclude_categories=["Cs"])).filter(str.strip)
)
def test_plain_text_keeps_every_character_but_blank_lines_around_it(text: str) -> None:
    (prompt,) = parse("a.txt", text.encode(), hint="text").prompts
    if not text.startswith("\ufeff"):
        assert prompt.versions[0].prompt.messages == (Message("user", text.strip("\n")),)
