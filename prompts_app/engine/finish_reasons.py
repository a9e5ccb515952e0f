"""What a finish reason says: that the model came to its end, that a limit cut it off, or that there is no
answer because the provider failed.

Providers agree on "stop", "length", "tool_calls" and "content_filter", and on little else: OpenRouter,
Mistral and vLLM say "error", z.AI "network_error" and "sensitive", DeepSeek "insufficient_system_resource",
vLLM "abort", Gemini "SAFETY", "RECITATION" or "function_call_filter: MALFORMED_FUNCTION_CALL", Bedrock
"guardrail_intervened", Anthropic "refusal", Cohere "ERROR_TOXIC". So they are told by their words, in any
spelling, and one that is not known here is an ordinary end.
"""

import re

# In this order: "function_call_filter: MALFORMED_FUNCTION_CALL" is no content filter's doing.
_FAILED: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "malformed_call",
        re.compile(r"malformed|unexpected_tool|too_many_tool|invalid_(?:tool|function)|missing_thought"),
    ),
    (
        "content_filter",
        re.compile(
            r"filter|safety|sensitive|prohibited|blocklist|blocked|recitation|spii|guardrail|refusal|refused|"
            r"moderat|toxic|censor|violation|model_armor|unsafe|harmful|illegal|policy|denied|forbidden|"
            r"\Abann?e?d?\Z|\Alanguage\Z"
        ),
    ),
    ("rate_limited", re.compile(r"rate_limit|too_many_requests|quota|budget|throttl")),
    (
        "server_error",
        re.compile(
            r"error|fail|abort|cancel|time_?out|timed_out|unavailable|overload|insufficient|exhausted|interrupt|"
            r"disconnect|network|preempt|evict|crash|kill|exception|internal|memory|\Aoom|capacity|reject|"
            r"dropped|expired|dead|lost|\A5\d\d\Z"
        ),
    ),
)
_CUT = re.compile(
    r"length|max_\w*tokens?|token_limit|max_output|context_window|truncated|\Amax_\w+\Z|\Aincomplete\Z|\Alimit\Z|unfinished|not_finished"
)
_WINDOW = re.compile(r"context|model_length")
# Where nothing came, these say that nothing was to come: Ollama only loaded the model, Gemini does not say.
_NOTHING = frozenset({"load", "unload", "other", "unknown", "unspecified", "finish_reason_unspecified"})


def failure_of(reason: str | None, output: str) -> str | None:
    """The kind of fault (see ``engine.faults``) a finish reason tells of; ``None``: there is an answer."""
    word = _plain(reason)
    if not word:
        return None
    if _CUT.search(word):
        return "context_overflow" if _WINDOW.search(word) and not output else None
    kind = next((kind for kind, words in _FAILED if words.search(word)), None)
    return "server_error" if kind is None and not output and word in _NOTHING else kind


def is_cut(reason: str | None) -> bool:
    """Whether a limit ended the output, not the model."""
    return bool(_CUT.search(_plain(reason)))


def _plain(reason: str | None) -> str:
    return re.sub(r"[^a-z0-9]+", "_", (reason or "").lower()).strip("_")


def ending_in_words(
    output: str,
    reason: str | None,
    tokens_out: int | None = None,
    tokens_reasoning: int | None = None,
    reasoning_chars: int | None = None,
) -> str:
    """What a reader must know of how an answer ended, as a sentence; "" where it ended as answers do.

    ``tokens_reasoning`` of ``tokens_out`` went into thinking; where the server counts them not, the
    characters of thinking that came with the answer tell that there was some.
    """
    limit = (
        "the model’s context window was full"
        if _WINDOW.search(_plain(reason))
        else "the token limit ended it"
    )
    if output.strip():
        return f"Cut off: {limit}." if is_cut(reason) else ""
    thought = _thought(tokens_out, tokens_reasoning, reasoning_chars)
    ended = [part for part in (thought, limit if is_cut(reason) else "") if part]
    return f"No text: {', and '.join(ended)}." if ended else ""


def _thought(out: int | None, reasoning: int | None, chars: int | None) -> str:
    if reasoning:
        whole = f"of {out:,} " if out is not None and out >= reasoning else ""
        return f"{reasoning:,} {whole}tokens went into reasoning"
    return f"all that came was reasoning, {chars:,} characters of it" if chars else ""
