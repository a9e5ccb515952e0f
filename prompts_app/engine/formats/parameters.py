"""Which settings of a file are model parameters: those of Chat Completions and its common extensions."""

from collections.abc import Mapping

from prompts_app.engine.formats.types import Problem
from prompts_app.engine.types import Json

KNOWN = frozenset(
    """frequency_penalty logit_bias logprobs max_completion_tokens max_tokens min_p modalities
    parallel_tool_calls presence_penalty reasoning reasoning_effort repetition_penalty response_format seed
    stop temperature tool_choice tools top_k top_logprobs top_p verbosity""".split()
)
# Other tools' spellings of the same settings.
_SPELLINGS = {
    "maxTokens": "max_tokens",
    "maxOutputTokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "topP": "top_p",
    "topK": "top_k",
    "frequencyPenalty": "frequency_penalty",
    "presencePenalty": "presence_penalty",
    "stopSequences": "stop",
    "stop_sequences": "stop",
}


def sort_out(settings: Mapping[str, Json], where: str) -> tuple[dict[str, Json], list[Problem]]:
    """The settings that can be sent to a model, by their standard names, and a problem for each other one."""
    kept: dict[str, Json] = {}
    problems: list[Problem] = []
    for name, value in settings.items():
        standard = _SPELLINGS.get(name, name)
        if value is None:
            continue
        if standard in KNOWN:
            kept[standard] = value
        else:
            problems.append(Problem(f"the setting “{name}”", where))
    return kept, problems
