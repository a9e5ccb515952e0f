"""What is sent to the Responses API: a prompt's messages and parameters, by its names and in its shapes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import ResponseCreateParams
from pydantic import TypeAdapter

from prompts_app.engine.responses_body import messages_in, responses_body, sent_back, text_in, translated
from prompts_app.engine.tool_types import ToolMessage
from prompts_app.engine.types import AnswerMessage, Json, Message, Request
from prompts_app.tests.engine.responding import SEARCH, call, message, reasoning

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL = {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}}
CALL = {"id": "call_a", "type": "function", "function": {"name": "f", "arguments": '{"city": "Oslo"}'}}

PARAMETERS: list[tuple[str, dict[str, Json], dict[str, Json]]] = [
    ("the old limit", {"max_tokens": 9}, {"max_output_tokens": 9}),
    ("the new limit", {"max_completion_tokens": 9}, {"max_output_tokens": 9}),
    ("both limits", {"max_completion_tokens": 9, "max_tokens": 5}, {"max_output_tokens": 9}),
    ("its own limit", {"max_output_tokens": 9}, {"max_output_tokens": 9}),
    ("effort", {"reasoning_effort": "high"}, {"reasoning": {"effort": "high"}}),
    (
        "effort beside a summary that is asked for",
        {"reasoning": {"summary": "auto", "effort": "low"}, "reasoning_effort": "high"},
        {"reasoning": {"summary": "auto", "effort": "high"}},
    ),
    ("verbosity", {"verbosity": "low"}, {"text": {"verbosity": "low"}}),
    (
        "a schema",
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "a", "schema": SCHEMA, "strict": True},
            }
        },
        {"text": {"format": {"type": "json_schema", "name": "a", "schema": SCHEMA, "strict": True}}},
    ),
    (
        "a schema that stands beside its type, and verbosity",
        {"response_format": {"type": "json_schema", "name": "a", "schema": SCHEMA}, "verbosity": "low"},
        {"text": {"format": {"type": "json_schema", "name": "a", "schema": SCHEMA}, "verbosity": "low"}},
    ),
    ("JSON", {"response_format": {"type": "json_object"}}, {"text": {"format": {"type": "json_object"}}}),
    (
        "a tool, which is not strict unless it says so",
        {"tools": [TOOL]},
        {
            "tools": [
                {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA, "strict": False}
            ]
        },
    ),
    (
        "a strict tool",
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA, "strict": True}}]},
        {"tools": [{"type": "function", "name": "f", "parameters": SCHEMA, "strict": True}]},
    ),
    (
        "a tool of the provider’s",
        {"tools": [{"type": "web_search"}, TOOL["function"]]},
        {"tools": [{"type": "web_search"}, TOOL["function"]]},
    ),
    (
        "one tool is to be called",
        {"tool_choice": {"type": "function", "function": {"name": "f"}}},
        {"tool_choice": {"type": "function", "name": "f"}},
    ),
    ("a tool is to be called", {"tool_choice": "required"}, {"tool_choice": "required"}),
    (
        "one of some tools",
        {
            "tool_choice": {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "auto",
                    "tools": [{"type": "function", "function": {"name": "f"}}],
                },
            }
        },
        {
            "tool_choice": {
                "type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]
            }
        },
    ),
    (
        "what has no other name",
        {"temperature": 0.2, "seed": 1, "include": ["reasoning.encrypted_content"], "stop": ["x"]},
        {"temperature": 0.2, "seed": 1, "include": ["reasoning.encrypted_content"], "stop": ["x"]},
    ),
    ("tools that are no list", {"tools": "all"}, {"tools": "all"}),
    ("a format that is no object", {"response_format": "json"}, {"text": {"format": "json"}}),
    (
        "nothing fits into it",
        {"reasoning": "much", "reasoning_effort": "high"},
        {"reasoning": "much", "reasoning_effort": "high"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("_name", "written", "sent"), PARAMETERS, ids=[row[0] for row in PARAMETERS])
def test_parameters_have_its_names(_name: str, written: dict[str, Json], sent: dict[str, Json]) -> None:
    assert translated(written) == sent


def body(*messages: Any, **parameters: Json) -> dict[str, Json]:
    return Request("gpt-5", messages, parameters, "responses").body()


def test_messages_are_items_in_their_order_and_nothing_is_to_be_kept_there() -> None:
    sent = body(Message("system", "Be brief."), Message("user", "Hi."), temperature=0.2)
    assert sent == {
        "model": "gpt-5",
        "input": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi."}],
        "store": False,
        "temperature": 0.2,
    }


def test_who_wants_it_kept_at_the_provider_says_so() -> None:
    assert body(Message("user", "Hi."), store=True)["store"] is True


def test_a_stream_is_asked_for_without_the_options_of_chat_completions() -> None:
    sent = Request("gpt-5", (Message("user", "Hi."),), {}, "responses", stream=True).body()
    assert sent["stream"] is True
    assert "stream_options" not in sent


def test_calls_and_results_are_items_of_their_own() -> None:
    steps = (ToolMessage("assistant", "Let me look.", (CALL,)), ToolMessage("tool", "12", (), "call_a"))
    assert body(Message("user", "Hi."), *steps)["input"][1:] == [
        {"role": "assistant", "content": "Let me look."},
        {"type": "function_call", "call_id": "call_a", "name": "f", "arguments": '{"city": "Oslo"}'},
        {"type": "function_call_output", "call_id": "call_a", "output": "12"},
    ]


def test_pictures_and_texts_of_a_message_are_parts_by_its_names() -> None:
    parts = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}},
        {"type": "input_file", "file_id": "f"},
    ]
    said = Message("user", parts)  # type: ignore[arg-type]  # a content of parts
    assert body(said)["input"][0]["content"] == [
        {"type": "input_text", "text": "What is it?"},
        {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "auto"},
        {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low"},
        {"type": "input_file", "file_id": "f"},
    ]


# --- an answer's items, sent back -------------------------------------------------------------------------


def test_encrypted_thinking_goes_back_without_the_ids_of_what_nobody_kept() -> None:
    """ "Item with id 'rs_…' not found. Items are not persisted when `store` is set to false."
    (github.com/vercel/ai/issues/7543); Azure refuses the id even beside the text (…/ai/pull/12941)."""
    thought = reasoning("First…", encrypted_content="gAAAA", content=None)
    assert sent_back([thought, SEARCH, call("f", "{}"), message("Done.")]) == (
        {
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "First…"}],
            "encrypted_content": "gAAAA",
        },
        SEARCH,
        {"type": "function_call", "call_id": "call_a", "name": "f", "arguments": "{}"},
        {"role": "assistant", "content": "Done."},
    )


def test_thinking_that_no_server_knows_stays_away_with_all_that_hangs_on_it() -> None:
    assert sent_back([reasoning("First…"), SEARCH, call("f", "{}"), message("Done.")]) == (
        {"type": "function_call", "call_id": "call_a", "name": "f", "arguments": "{}"},
        {"role": "assistant", "content": "Done."},
    )


def test_the_phase_of_a_message_goes_back_with_it() -> None:
    assert sent_back([message("Looking.", phase="commentary")]) == (
        {"role": "assistant", "content": "Looking.", "phase": "commentary"},
    )


def test_a_call_without_an_id_goes_back_as_the_message_that_was_given_one() -> None:
    assert sent_back([call("f", "{}", call_id="")]) == ()
    assert sent_back([]) == ()


def test_items_stand_in_the_place_of_their_message() -> None:
    items = ({"role": "assistant", "content": "as it came"},)
    steps = (ToolMessage("assistant", "x", (CALL,), items=items), AnswerMessage("assistant", "x", items))
    assert body(*steps)["input"] == [*items, *items]


# --- read again -------------------------------------------------------------------------------------------


def test_what_was_sent_is_read_again_as_messages() -> None:
    steps = (
        Message("user", "Weather?"),
        ToolMessage("assistant", "Let me look.", (CALL,)),
        ToolMessage("tool", "12", (), "call_a"),
        Message("assistant", "12 degrees."),
    )
    assert messages_in(body(*steps)) == [step.as_json() for step in steps]


TEXTS = st.text(min_size=1)
MESSAGES = st.lists(st.builds(Message, st.sampled_from(("system", "user", "assistant")), TEXTS))


@given(MESSAGES)
def test_messages_survive_the_way_there_and_back(messages: list[Message]) -> None:
    assert messages_in(body(*messages)) == [one.as_json() for one in messages]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(
            ("type", "role", "content", "input", "messages", "text", "call_id", "function", "name")
        ),
        inner,
    ),
)  # fmt: skip


@given(ANYTHING)
def test_whatever_a_file_holds_is_read_without_a_mishap(value: Json) -> None:
    assert isinstance(messages_in({"input": value}), list)
    assert isinstance(messages_in(value), list)
    assert isinstance(text_in(value), str)
    assert isinstance(sent_back(value if isinstance(value, list) else [value]), tuple)
    assert isinstance(translated({"tools": value, "tool_choice": value, "response_format": value}), dict)


# --- held to the openai package’s own types ---------------------------------------------------------------


def test_a_whole_request_is_one_by_the_packages_own_types() -> None:
    thought = reasoning("First…", encrypted_content="gAAAA")
    answered = ToolMessage("assistant", "", (CALL,), items=sent_back([thought, SEARCH, call("f", "{}")]))
    sent = body(
        Message("system", "Be brief."),
        Message("user", "Weather?"),
        answered,
        ToolMessage("tool", "12", (), "call_a"),
        AnswerMessage("assistant", "12.", sent_back([message("12.")])),
        Message("user", "And now?"),
        tools=[TOOL, {"type": "web_search"}],
        tool_choice={"type": "function", "function": {"name": "f"}},
        response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}},
        reasoning_effort="low",
        verbosity="low",
        max_tokens=9,
    )
    # Its types want the id, which Azure refuses where nothing is kept (github.com/vercel/ai/pull/12941).
    sent["input"][2]["id"] = "rs_1"
    adapter: TypeAdapter[Any] = TypeAdapter(ResponseCreateParams)
    adapter.validate_python(sent)
    with pytest.raises(ValueError, match="input"):
        adapter.validate_python({**sent, "input": [{"role": "tool", "content": "12"}]})


def test_responses_body_takes_no_message_but_items() -> None:
    assert responses_body("m", [], {}, stream=False) == {"model": "m", "input": [], "store": False}
