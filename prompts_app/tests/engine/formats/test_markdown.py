"""Markdown in, and out again."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.formats import FormatError, ImportedPrompt, ImportedVersion, parse
from prompts_app.engine.formats.markdown import emit
from prompts_app.engine.types import Message, PromptContent, Variable


def only(text: str, name: str = "haiku-writer.md") -> ImportedPrompt:
    (prompt,) = parse(name, text.encode()).prompts
    return prompt


def messages_of(text: str, name: str = "haiku-writer.md") -> list[tuple[str, str]]:
    return [(m.role, m.content) for m in only(text, name).versions[0].prompt.messages]


def test_the_heading_gives_the_title_and_stays_in_the_text() -> None:
    prompt = only("# Haiku writer\n\nWrite a haiku about {{topic}}.\n\n- No rhymes\n")
    assert prompt.title == "Haiku writer"
    assert prompt.versions[0].prompt.messages == (
        Message("user", "# Haiku writer\n\nWrite a haiku about {{topic}}.\n\n- No rhymes"),
    )


@pytest.mark.parametrize("name", ["rules.md", "rules.txt", ""])
@pytest.mark.parametrize(
    "text",
    [
        "# House rules\n\nAnswer in two sentences.\n\n## Tone\nFriendly.",
        "# House rules\n\nHow to:\n\n## System\nRestart it.\n\n## User\nWait.",  # chapters, not roles
        "Intro.\n\n## User\n\nx",
        "## Tone\n\nKind.\n\n## User\n\nx",
        "# T\n\n## User\n\n\n\n## Rules",
        "Title\n=====\n\n* one\n\ttwo  \n\n<!-- kept -->\n\n---\n\nlast",
        "#hashtag\n# Title #\ntext",
    ],
)
def test_markdown_is_never_changed(text: str, name: str) -> None:
    assert messages_of(f"{text}\n", name) == [("user", text)]


def test_a_file_that_begins_with_a_role_is_divided_at_roles() -> None:
    text = "\n## System\nBe brief.\n\n## User\n\nHello\n\n## Assistant\n\nHi\n\n## user:\n\nBye\n"
    for name in ("haiku.md", "haiku.txt", ""):
        assert messages_of(text, name) == [
            ("system", "Be brief."),
            ("user", "Hello"),
            ("assistant", "Hi"),
            ("user", "Bye"),
        ]


def test_comments_before_front_matter_are_skipped_and_others_are_text() -> None:
    head = "<!-- Copyright 2026\nthe authors -->\n\n<!-- SPDX -->\n---\ntitle: T\n---\n"
    assert (only(f"{head}# A\n\nx").title, messages_of(f"{head}# A\n\nx")) == ("T", [("user", "# A\n\nx")])
    alone = "<!-- a comment -->\n\nText\n---\nmore: x\n---"
    assert messages_of(alone) == [("user", alone)]
    heading = "# No comment in Markdown\n---\ntitle: T\n---\nx"
    assert messages_of(heading) == [("user", heading)]


def test_other_headings_belong_to_the_message_they_stand_in() -> None:
    assert messages_of("## User\n\n# Task\n\n## Rules\n\n- one\n") == [
        ("user", "# Task\n\n## Rules\n\n- one")
    ]


def test_a_document_of_several_chapters_keeps_its_first_heading() -> None:
    text = "# Role\n\nYou are a critic.\n\n# Task\n\nJudge {{poem}}."
    assert messages_of(text) == [("user", text)]


def test_a_heading_inside_a_code_fence_is_text() -> None:
    text = "## User\n\nAn example:\n\n```md\n## System\nx\n```\n"
    assert messages_of(text) == [("user", "An example:\n\n```md\n## System\nx\n```")]


def test_a_fence_that_is_never_closed_hides_nothing() -> None:
    assert [role for role, _ in messages_of("## System\n\n```\nx\n\n## User\n\ny\n")] == ["system", "user"]


def test_front_matter_fills_the_fields() -> None:
    prompt = only(
        "---\ntitle: Haiku\nsummary: Short poems.\ntask: writing\ntags: [poetry, short]\nlicence: MIT\n"
        "model: gpt-4o\nparameters: {temperature: 0.2}\nvariables: {topic: autumn}\nnote: First try.\n---\n"
        "Write about {{topic}}.\n"
    )
    assert (prompt.title, prompt.summary, prompt.task, prompt.tags) == (
        "Haiku",
        "Short poems.",
        "writing",
        ("poetry", "short"),
    )
    assert (prompt.licence, prompt.written_for) == ("MIT", "gpt-4o")
    (version,) = prompt.versions
    assert version.note == "First try."
    assert version.prompt == PromptContent(
        (Message("user", "Write about {{topic}}."),), (Variable("topic", "autumn"),), {"temperature": 0.2}
    )


def test_a_front_matter_field_that_means_nothing_here_is_named() -> None:
    parsed = parse("s.md", b"---\nname: x\nallowed-tools: Bash\n---\nText\n")
    assert [(p.what, p.where) for p in parsed.unsupported] == [
        ("the front matter field “allowed-tools”", "s.md")
    ]


def test_broken_front_matter_is_told_with_its_line() -> None:
    with pytest.raises(FormatError, match=r"not valid YAML: line [34], column"):
        parse("s.md", b"---\ntitle: x\nbad: [1\n---\nText\n")


def test_a_rule_at_the_top_is_no_front_matter() -> None:
    assert messages_of("---\nJust prose\n---\nmore\n") == [("user", "---\nJust prose\n---\nmore")]


@pytest.mark.parametrize(
    "text", ["---\ntitle: x\n---\n", "## User\n\n\n", "---\nproofsheet: 1\n---\n\n# T\n\n## User\n\n\n"]
)
def test_a_file_without_prompt_text_says_so(text: str) -> None:
    with pytest.raises(FormatError, match="no prompt text"):
        parse("t.md", text.encode())


def test_pasted_sections_are_recognised_and_pasted_prose_is_plain_text() -> None:
    assert parse("", b"## System\n\nx\n\n## User\n\ny\n").format == "markdown"
    assert parse("", b"# Title\n\nProse").format == "text"


@pytest.mark.parametrize(
    ("written", "read"),
    [("2026-01-02", "2026-01-02"), ("yes", "yes"), ("12:30", "12:30"), ("1e3", "1000.0"), ("0x10", "16")],
)
def test_front_matter_is_yaml_as_other_tools_read_it(written: str, read: str) -> None:
    assert only(f"---\ntitle: {written}\n---\nx\n").title == read


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["a: &a [x,x,x,x,x,x,x,x,x,x]"] + [
        f"{b}: &{b} [{','.join([f'*{a}'] * 10)}]" for a, b in zip("abcdefg", "bcdefgh", strict=True)
    ]
    with pytest.raises(FormatError, match="aliases that multiply"):
        parse("t.md", ("---\n" + "\n".join(lines) + "\n---\nx\n").encode())


def test_yaml_cannot_make_objects() -> None:
    with pytest.raises(FormatError, match="not valid YAML"):
        parse("t.md", b"---\na: !!python/object/apply:os.getcwd []\n---\nx\n")


text = st.text(alphabet=st.characters(exclude_characters="\x00\r", exclude_categories=["Cs"]), max_size=40)
line = text.map(lambda s: "".join(c for c in s if c.isprintable()).strip() or "x")
tricky = st.sampled_from(
    ["## User", "\\## User", "# T", "```", "---", "", "## system:", "{{x}}", "null", "1e3", "yes", " x "]
)
content = st.lists(st.one_of(text, tricky), min_size=1, max_size=6).map("\n".join)
json_scalars = st.one_of(
    st.integers(-(10**6), 10**6), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), content
)


@given(
    title=st.one_of(line, tricky.map(str.strip).filter(bool)),
    summary=st.one_of(st.just(""), line),
    tags=st.lists(line, max_size=3),
    note=line,
    messages=st.lists(
        st.builds(Message, st.sampled_from(["system", "user", "assistant"]), content), min_size=1, max_size=4
    ),
    variables=st.lists(st.builds(Variable, line, content, content), max_size=3),
    settings=st.dictionaries(st.sampled_from(["temperature", "stop", "seed"]), json_scalars),
)
def test_what_is_written_out_comes_back_to_the_character(
    title: str,
    summary: str,
    tags: list[str],
    note: str,
    messages: list[Message],
    variables: list[Variable],
    settings: dict[str, object],
) -> None:
    if not any(m.content.strip() for m in messages):
        messages = [*messages, Message("user", "x")]
    version = ImportedVersion(PromptContent(tuple(messages), tuple(variables), settings), note)
    written = ImportedPrompt(
        title, (version,), summary, "writing", tuple(tags), "Markdown file p.md", "p.md", "gpt-4o", "CC0-1.0"
    )
    written = replace(
        written, is_templated=True, forked_from="Mother v2 by Ada, CC0 1.0, https://example.org/"
    )
    parsed = parse("p.md", emit(written, remark="24/25 cases pass --> <b>\n## User").encode())
    assert parsed.prompts == (written,)
    assert parsed.unsupported == ()
