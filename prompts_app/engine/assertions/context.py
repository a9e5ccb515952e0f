"""Assertions a model grades on what an answer was made from: its context, and the conversation before it.

promptfoo's measures (those of RAGAS and DeepEval), our own words to the judge. The context is the case's
variable "context", a text or a JSON list of texts; the question its variable "query", else what the user
said last.
"""

import re
from collections.abc import Mapping, Sequence

from prompts_app.engine.assertions.graded import NEARLY, output_of, problem_of_text
from prompts_app.engine.assertions.judging import (
    JudgeClient,
    JudgedOutput,
    JudgePrompt,
    Material,
    read_object,
    read_texts,
    reason_in,
    truth,
)
from prompts_app.engine.assertions.kinds import (
    AssertionKind,
    Finding,
    by_degree,
    threshold_of,
    threshold_problem,
)
from prompts_app.engine.assertions.values import as_text, number_of, parse_json
from prompts_app.engine.errors import CannotTell, JudgeFailed
from prompts_app.engine.types import Answer, Assertion, Json

USUAL = 0.5
WINDOW = 5  # exchanges that are looked at together
MOST_STATEMENTS = 100
NO_CONTEXT = "This case has no variable “context” to hold the output to."

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_BY_CONTEXT = "graded by a model, with its context"


def context_of(judged: JudgedOutput) -> list[str]:
    """The pieces of the context. Raises ``CannotTell`` where there is none."""
    text = judged.values.get("context", "")
    pieces = _listed(text) or [text]
    if not any(piece.strip() for piece in pieces):
        raise CannotTell(NO_CONTEXT)
    return [piece for piece in pieces if piece.strip()]


def _listed(text: str) -> list[str]:
    """The texts of a JSON list; [] where it is none."""
    try:
        value = parse_json(text)
    except ValueError:
        return []
    return value if isinstance(value, list) and all(isinstance(one, str) for one in value) else []


def units_of(pieces: Sequence[str]) -> list[str]:
    """What is counted of a context: its pieces; of a single one its lines; of a single line its sentences."""
    if len(pieces) > 1:
        return list(pieces)
    lines = [line.strip() for line in pieces[0].split("\n") if line.strip()]
    return lines if len(lines) > 1 else [one for one in _SENTENCE_END.split(lines[0]) if one.strip()]


def _numbered(texts: Sequence[str]) -> str:
    return "\n".join(f"{number}. {one}" for number, one in enumerate(texts, 1))


def _shown(pieces: Sequence[str]) -> Material:
    return Material("The context", "\n\n".join(pieces), "the variable “context”")


def _asked(judged: JudgedOutput) -> Material:
    return Material("The question", judged.query, "in the messages as sent")


def _share(assertion: Assertion, holding: int, count: int, what: str, why: str = "") -> Finding:
    said = f"{holding} of {count} {what}: score"
    return by_degree(said, holding / count, threshold_of(assertion, USUAL), why, slack=NEARLY)


async def _faithful(assertion: Assertion, judged: JudgedOutput, client: JudgeClient) -> Finding:
    """The share of the output's statements that follow from the context."""
    pieces = context_of(judged)
    task = "Break the text down into short statements, each of which can be understood by itself."
    prompt = JudgePrompt(task, (_asked(judged), output_of(judged)), '{"statements": ["…", "…"]}')
    statements = read_texts(await client.ask(prompt), "statements")[:MOST_STATEMENTS]
    task = "Which of the numbered statements follow from the context alone, whatever else is true?"
    materials = (_shown(pieces), Material("The statements", _numbered(statements)))
    verdicts = await _verdicts(client, JudgePrompt(task, materials, _FORM), len(statements))
    return _share(assertion, sum(verdicts), len(verdicts), "statements follow")


async def _recalled(assertion: Assertion, judged: JudgedOutput, client: JudgeClient) -> Finding:
    """The share of the expected answer's sentences that the context (else what was sent) supports."""
    try:
        material = _shown(context_of(judged))
    except CannotTell:
        material = Material("The context", judged.prompt, "the messages as sent")
    sentences = units_of([as_text(assertion.value)])[:MOST_STATEMENTS]
    task = f"Which of these numbered sentences can be attributed to the context?\n\n{_numbered(sentences)}"
    verdicts = await _verdicts(client, JudgePrompt(task, (material,), _FORM), len(sentences))
    return _share(assertion, sum(verdicts), len(verdicts), "sentences are in the context")


_FORM = '{"verdicts": ["true or false for each, in their order"], "reason": "one or two sentences"}'


async def _verdicts(client: JudgeClient, prompt: JudgePrompt, count: int) -> list[bool]:
    """One for each of ``count``. Raises ``JudgeFailed`` where the judge gave more or fewer."""
    found = read_object(await client.ask(prompt), "verdicts")["verdicts"]
    if not isinstance(found, list) or len(found) != count:
        raise JudgeFailed(f"The judge did not give one verdict for each of the {count}.")
    return [truth(one) for one in found]


async def _relevant(assertion: Assertion, judged: JudgedOutput, client: JudgeClient) -> Finding:
    """The share of the context's parts that are needed to answer the question."""
    units = units_of(context_of(judged))
    task = (
        "Which parts of the context are absolutely needed to answer the question? None, where it cannot be "
        "answered from them."
    )
    materials = (_asked(judged), Material("The context, its parts numbered", _numbered(units)))
    form = '{"needed": ["the numbers of the parts that are needed"], "reason": "one or two sentences"}'
    found = read_object(await client.ask(JudgePrompt(task, materials, form)), "needed")
    needed = _numbers(found["needed"], len(units))
    what = "parts of the context are needed"
    return _share(assertion, len(needed), len(units), what, reason_in(found))


def _numbers(value: Json, most: int) -> set[int]:
    numbers = [number_of(one) for one in value] if isinstance(value, list) else [None]
    if any(one is None or not one.is_integer() or not 1 <= one <= most for one in numbers):
        raise JudgeFailed(f"The judge named a part that is none of the {most}.")
    return {int(one) for one in numbers if one is not None}


async def _conversation(assertion: Assertion, judged: JudgedOutput, client: JudgeClient) -> Finding:
    """The share of the answers that are to the point of what was said before, each with some exchanges."""
    exchanges = [*judged.exchanges, (judged.query, judged.output)]
    size = window_of(assertion)
    verdicts, reasons = list[bool](), list[str]()
    for last in range(1, len(exchanges) + 1):
        found = await _looked_at(exchanges[max(0, last - size) : last], client)
        verdicts.append(truth(found["relevant"]))
        if not verdicts[-1]:
            reasons.append(reason_in(found))
    why = " ".join(reasons[:3])
    return _share(assertion, sum(verdicts), len(verdicts), "answers are to the point", why)


async def _looked_at(exchanges: Sequence[tuple[str, str]], client: JudgeClient) -> Mapping[str, Json]:
    said = "\n\n".join(f"User: {asked}\n\nAssistant: {answered}" for asked, answered in exchanges)
    task = (
        "Is the assistant’s last message relevant to the conversation? Only one that has nothing to do with "
        "it is not; a vague answer to a vague message is."
    )
    form = '{"relevant": "true or false", "reason": "one sentence"}'
    return read_object(
        await client.ask(JudgePrompt(task, (Material("The conversation", said),), form)), "relevant"
    )


def window_of(assertion: Assertion) -> int:
    """How many exchanges are looked at together. Raises ``ValueError`` where it is no number from 1 to 50."""
    config = assertion.options.get("config")
    size = number_of(config.get("windowSize", WINDOW) if isinstance(config, dict) else WINDOW)
    if size is None or not 1 <= size <= 50 or not size.is_integer():
        raise ValueError("“windowSize” is a whole number from 1 to 50.")
    return int(size)


def _conversation_problem(assertion: Assertion) -> str | None:
    window_of(assertion)
    return threshold_problem(assertion)


_ANSWER = "The library opens at nine and closes at six."

KINDS = (
    AssertionKind(
        "context-faithfulness", _BY_CONTEXT,
        "A judge model finds that the output’s statements follow from the case’s variable “context”: the "
        "share of those that do.", "none", None, threshold_problem, usual_threshold=USUAL, grade=_faithful,
        asks=True,
        passes=Answer(_ANSWER), fails=Answer("The library was built in 1905 by a tea merchant."),
    ),
    AssertionKind(
        "context-recall", _BY_CONTEXT,
        "A judge model finds what this expected answer says in the variable “context”, or in what was sent: "
        "the share of its sentences. It looks at the context, not at the output.",
        "prose", None, problem_of_text("Enter the answer that the context should support."),
        _ANSWER, usual_threshold=USUAL, grade=_recalled, asks=True,
        passes=Answer("(context) Opening hours: 9 to 18, Monday to Saturday."),
        fails=Answer("(context) Dogs have to wait outside."),
    ),
    AssertionKind(
        "context-relevance", _BY_CONTEXT,
        "A judge model finds how much of the variable “context” is needed to answer the question: the share "
        "of its parts. It looks at the context, not at the output.", "none", None, threshold_problem,
        usual_threshold=USUAL, grade=_relevant, asks=True,
        passes=Answer("(asked: when do you open?) (context) We open at nine."),
        fails=Answer("(asked: when do you open?) (context) Dogs wait outside. Tea is free. The roof is new."),
    ),
    AssertionKind(
        "conversation-relevance", _BY_CONTEXT,
        "A judge model finds that each answer of the conversation is to the point of what was said before: "
        "the share of those that are.", "none", None, _conversation_problem, usual_threshold=USUAL,
        grade=_conversation, asks=True, options=("config",),
        passes=Answer(_ANSWER), fails=Answer("Kangaroos hop."),
    ),
)  # fmt: skip
