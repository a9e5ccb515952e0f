"""Chat messages as JSON and JSON Lines."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.formats import FormatError, ImportedPrompt, Parsed, parse
from prompts_app.engine.types import Message

CHAT = [
    {"role": "system", "content": "You translate to {{language}}."},
    {"role": "user", "content": "{{text}}"},
]
MESSAGES = (Message("system", "You translate to {{language}}."), Message("user", "{{text}}"))


def read(value: Any, name: str = "translator-chat.json") -> Parsed:
    return parse(name, json.dumps(value).encode())


def only(value: Any, name: str = "translator-chat.json") -> ImportedPrompt:
    (prompt,) = read(value, name).prompts
    return prompt


@pytest.mark.parametrize("value", [CHAT, {"messages": CHAT}, [{"messages": CHAT}], [CHAT]])
def test_a_list_and_an_object_with_messages_are_the_same_prompt(value: Any) -> None:
    assert only(value).versions[0].prompt.messages == MESSAGES


def test_model_and_parameters_beside_the_messages_are_kept() -> None:
    prompt = only({"model": "gpt-4o-mini", "temperature": 0, "max_tokens": 9, "seed": None, "messages": CHAT})
    assert prompt.written_for == "gpt-4o-mini"
    assert prompt.versions[0].prompt.parameters == {"temperature": 0, "max_tokens": 9}


def test_a_setting_no_model_takes_is_named() -> None:
    parsed = read({"messages": CHAT, "stream": True, "foo": 1})
    assert [(p.what, p.where) for p in parsed.unsupported] == [
        ("the setting “stream”", "the file"),
        ("the setting “foo”", "the file"),
    ]


def test_json_lines_are_one_prompt_a_line() -> None:
    lines = "\n".join([json.dumps({"messages": CHAT}), "", json.dumps(CHAT[1:])])
    parsed = parse("train.jsonl", lines.encode())
    assert [p.where for p in parsed.prompts] == ["line 1", "line 3"]
    assert [p.title for p in parsed.prompts] == ["You translate to {{language}}.", "{{text}}"]


def test_json_lines_are_recognised_when_pasted() -> None:
    line = json.dumps({"messages": CHAT})
    assert len(parse("", f"{line}\n{line}\n".encode()).prompts) == 2


def test_lines_of_the_batch_api_are_unwrapped() -> None:
    prompt = only(
        {"custom_id": "Translate", "method": "POST", "url": "/v1/x", "body": {"model": "m", "messages": CHAT}}
    )
    assert (prompt.title, prompt.written_for) == ("Translate", "m")


def test_a_broken_line_is_named_and_nothing_is_read() -> None:
    with pytest.raises(FormatError, match="line 2, column"):
        parse("a.jsonl", b'{"messages": [{"role": "user", "content": "x"}]}\n{"messages": [\n')


def test_a_title_and_description_in_the_file_win_over_its_name() -> None:
    prompt = only({"name": "Translator", "description": "To any language.", "messages": CHAT})
    assert (prompt.title, prompt.summary) == ("Translator", "To any language.")
    assert only(CHAT).title == "Translator chat"


def test_parts_of_text_are_joined_and_other_parts_named() -> None:
    content = [{"type": "text", "text": "Look:"}, {"type": "image_url", "image_url": {"url": "https://x"}}]
    parsed = read([{"role": "user", "content": content}])
    assert parsed.prompts[0].versions[0].prompt.messages == (Message("user", "Look:"),)
    assert parsed.unsupported[0].what == "a part of the type “image_url” in a message"
    assert parsed.unsupported[0].where == "the file, message 1"


def test_the_developer_role_is_the_system_message() -> None:
    assert only([{"role": "developer", "content": "x"}]).versions[0].prompt.messages == (
        Message("system", "x"),
    )


def test_tool_calls_and_tool_messages_are_named_not_dropped_silently() -> None:
    value = [
        *CHAT,
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
        {"role": "tool", "content": "3"},
    ]
    parsed = read(value)
    assert parsed.prompts[0].versions[0].prompt.messages == MESSAGES
    assert [p.what for p in parsed.unsupported] == [
        "the field “tool_calls” of a message",
        "a message of the role “tool”",
    ]


def test_a_conversation_without_text_is_skipped() -> None:
    parsed = read([{"role": "tool", "content": "3"}])
    assert parsed.prompts == ()
    assert [s.why for s in parsed.skipped] == ["No message with text is left in it."]


def test_content_that_is_neither_text_nor_parts_is_refused() -> None:
    with pytest.raises(FormatError, match="The content of the file, message 1 is neither"):
        read([{"role": "user", "content": 3}])


def test_an_item_without_messages_among_others_is_refused() -> None:
    with pytest.raises(FormatError, match="no chat messages in item 2"):
        parse("a.json", json.dumps([{"messages": CHAT}, {"x": 1}]).encode(), hint="messages")


texts = st.text(alphabet=st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1)
chats = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": texts}),
    min_size=1,
    max_size=5,
)


@given(chats, st.booleans())
def test_every_message_comes_back_as_it_was(chat: list[dict[str, str]], ascii_only: bool) -> None:
    data = json.dumps({"messages": chat}, ensure_ascii=ascii_only).encode()
    (prompt,) = parse("a.json", data).prompts
    kept = [(m.role, m.content) for m in prompt.versions[0].prompt.messages]
    assert kept == [(m["role"], m["content"]) for m in chat]


@pytest.mark.parametrize("system", ["Be brief.", [{"type": "text", "text": "Be brief."}]])
def test_a_request_to_anthropics_api_has_its_system_message_beside_the_others(system: Any) -> None:
    body = {
        "model": "claude-sonnet-4-5", "max_tokens": 400, "system": system,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Sort: {{TICKET}}"}]}],
    }  # fmt: skip
    parsed = parse("request.json", json.dumps(body).encode())
    (prompt,), version = parsed.prompts, parsed.prompts[0].versions[0].prompt
    assert [(m.role, m.content) for m in version.messages] == [
        ("system", "Be brief."),
        ("user", "Sort: {{TICKET}}"),
    ]
    assert (dict(version.parameters), prompt.written_for) == ({"max_tokens": 400}, "claude-sonnet-4-5")
    assert parsed.unsupported == ()
