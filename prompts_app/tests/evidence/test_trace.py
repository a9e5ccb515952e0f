"""What came beside an output, as readers are told it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.types import Json
from prompts_app.evidence.trace import MOST_ITEMS, MOST_SHOWN, trace_of
from prompts_app.tests.engine.responding import SEARCH, message, reasoning

CITED = [
    {"type": "output_text", "text": "12.", "annotations": [{"title": "Yr", "url": "https://yr.example"}]}
]


@pytest.mark.parametrize(
    ("item", "what", "text"),
    [
        (reasoning("First."), "thinking, as the provider tells it", "First."),
        (
            reasoning("First.", content=[{"type": "reasoning_text", "text": "All of it."}]),
            "thinking, as the provider tells it",
            "All of it.",
        ),
        (reasoning(encrypted_content="gAAAA"), "thinking, as the provider tells it", ""),
        (SEARCH, "web search by the provider", "weather Oslo\nhttps://yr.example"),
        (
            {"type": "code_interpreter_call", "code": "6 * 7", "outputs": [{"type": "logs", "logs": "42"}]},
            "code run by the provider",
            "6 * 7\n42",
        ),
        (
            {
                "type": "mcp_call",
                "server_label": "docs",
                "name": "find",
                "arguments": "{}",
                "output": "None.",
                "error": None,
            },
            "tool of a server, called by the provider",
            "docs\nfind\n{}\nNone.",
        ),
        (
            {"type": "file_search_call", "queries": ["refund"], "results": [{"filename": "terms.pdf"}]},
            "file search by the provider",
            "refund\nterms.pdf",
        ),
        (message(content=CITED), "the answer, with what it cites", "Yr: https://yr.example"),
        (message("I’ll look.", phase="commentary"), "said on the way", "I’ll look."),
        ({"type": "apply_patch_call", "operation": {}}, "apply patch call", ""),
        ({}, "item", ""),
    ],
)
def test_an_item_is_told_in_words_and_is_there_as_it_came(item: Json, what: str, text: str) -> None:
    (told,) = trace_of([item])
    assert (told.what, told.text) == (what, text)
    assert told.raw.startswith("{")


def test_what_is_long_is_cut_and_said() -> None:
    (told,) = trace_of([reasoning("x" * (MOST_SHOWN + 1))])
    assert told.text.endswith("… (1 more characters)")
    assert len(trace_of([{}] * (MOST_ITEMS + 1))) == MOST_ITEMS


ANYTHING = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(
                ("type", "summary", "content", "action", "queries", "results", "outputs", "annotations")
            ),
            inner | st.sampled_from(("reasoning", "message", "web_search_call", "file_search_call")),
        )
    ),
)


@given(st.lists(ANYTHING) | ANYTHING)
def test_whatever_a_file_holds_is_told_without_a_mishap(items: Json) -> None:
    assert all(isinstance(one.text, str) for one in trace_of(items))
