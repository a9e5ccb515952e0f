"""Assertions that a model grades: promptfoo's names and meaning, our own words to the judge.

Each grader asks the judge by its ``JudgeClient`` and says what was found, or raises ``JudgeFailed``. Two
things are stricter than in promptfoo: a verdict that says neither pass nor fail is an error instead of a
pass, and a score out of range is an error instead of a score.
"""

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import fmean

from prompts_app.engine.assertions.judging import (
    JudgeClient,
    JudgedOutput,
    JudgePrompt,
    Material,
    cosine,
    read_object,
    read_score,
    read_texts,
    read_verdict,
    reason_in,
)
from prompts_app.engine.assertions.kinds import (
    SELECT_LATER,
    AssertionKind,
    Finding,
    Grade,
    by_degree,
    threshold_of,
    threshold_problem,
)
from prompts_app.engine.assertions.values import as_text, is_text, listed, number_of, quote
from prompts_app.engine.errors import JudgeFailed
from prompts_app.engine.types import Answer, Assertion, Json

USUAL_SIMILARITY = 0.75
NEARLY = 2.0**-52  # what a rounding may take from a score that just reaches its threshold
USUAL_G_EVAL = 0.7
USUAL_RELEVANCE = 0.7
G_EVAL_MOST = 10
MOST_CRITERIA = 20
QUESTIONS = 3

# What a judge is to put in, said in words: whoever copies the form says nothing.
VERDICT = '{"reason": "one or two sentences", "pass": "true or false", "score": "a number from 0 to 1"}'

# How the output relates to the reference (as in OpenAI's evals), and what that is worth if nothing is said.
_RELATIONS = {
    "A": ("subset", 1.0, "Says part of the reference and contradicts nothing in it."),
    "B": ("superset", 1.0, "Says all of the reference and more, and contradicts nothing in it."),
    "C": ("agree", 1.0, "Says the same as the reference."),
    "D": ("disagree", 0.0, "Contradicts the reference."),
    "E": ("differButFactual", 1.0, "Differs from the reference, but not in what is true."),
}
FACTUALITY = "factuality"  # the option that says with promptfoo's names, the first, what each is worth
_LETTER = re.compile(r"\W*([A-Ea-e])\b")
_ANOTHER = re.compile(r"\b[A-E]\b(?!\.\w)|(?:\b(?:or|and|to)\b|[/,|&])\W*(?:[b-e]\b|a\W*\Z)")


def rubric_of(value: Json) -> str:
    """A rubric as text; promptfoo takes objects and lists too."""
    return (
        json.dumps(value, ensure_ascii=False, indent=2) if isinstance(value, dict | list) else as_text(value)
    )


def output_of(judged: JudgedOutput) -> Material:
    return Material("The text to examine", judged.output, "the output")


def question_of(judged: JudgedOutput) -> Material:
    return Material("What it was an answer to", judged.prompt, "the messages as sent")


async def _llm_rubric(assertion: Assertion, judged: JudgedOutput, client: JudgeClient) -> Finding:
    """Pass or fail by the judge's word; with a threshold its score has to reach that as well."""
    rubric = rubric_of(assertion.value)
    task = f"Does the text fulfil this rubric?\n\nRubric:\n{rubric}"
    verdict = read_verdict(await client.ask(JudgePrompt(task, (output_of(judged),), VERDICT)))
    least = assertion.threshold
    if verdict.passed is None and least is None:
        raise JudgeFailed("The judge scored, but said neither pass nor fail, and no threshold was set.")
    passed = verdict.passed is not False and (least is None or verdict.score >= least)
    reason = verdict.reason if least is None else f"{verdict.reason} (Score {verdict.score:g}, of {least:g}.)"
    return Finding(passed, verdict.score, reason)


async def _closed_qa(assertion: Assertion, judged: JudgedOutput, client: JudgeClient) -> Finding:
    task = (
        "Does the answer meet the criterion? Look at the criterion alone, not at what else the answer "
        f"does well or badly.\n\nCriterion:\n{as_text(assertion.value)}"
    )
    verdict = read_verdict(
        await client.ask(JudgePrompt(task, (question_of(judged), output_of(judged)), VERDICT))
    )
    if verdict.passed is None:
        raise JudgeFailed("The judge said neither pass nor fail.")
    return Finding(verdict.passed, 1.0 if verdict.passed else 0.0, verdict.reason)


async def _factuality(assertion: Assertion, judged: JudgedOutput, client: JudgeClient) -> Finding:
    task = (
        "How do the facts in the text relate to those in the reference? Style, grammar and punctuation do "
        f"not matter.\n\nReference:\n{as_text(assertion.value)}\n\n"
        "A: the text says part of what the reference says, and contradicts nothing in it.\n"
        "B: the text says all the reference says and more, and contradicts nothing in it.\n"
        "C: the text says the same as the reference.\n"
        "D: the text and the reference contradict each other.\n"
        "E: they differ, but the difference does not matter for what is true."
    )
    form = '{"reason": "one or two sentences", "category": "one of the letters A, B, C, D, E"}'
    answer = await client.ask(JudgePrompt(task, (question_of(judged), output_of(judged)), form))
    found = read_object(answer, "category")
    letter = _letter_in(as_text(found["category"]))
    name, usual, sentence = _RELATIONS[letter]
    score = number_of((assertion.options.get(FACTUALITY) or {}).get(name, usual)) or 0.0  # 0 fails
    return Finding(score > 0, score, f"{sentence} {reason_in(found)}")


def _letter_in(category: str) -> str:
    """The one letter it begins with, whatever it says of it. Raises ``JudgeFailed``."""
    letter = _LETTER.match(category)
    if letter is None:
        raise JudgeFailed(f"The judge’s category is none of A to E, but {quote(category)}.")
    if _ANOTHER.search(category, letter.end()):
        raise JudgeFailed(f"The judge named more than one category: {quote(category)}.")
    return letter[1].upper()


def _factuality_problem(assertion: Assertion) -> str | None:
    given = assertion.options.get(FACTUALITY) or {}
    numbers = [number_of(value) for value in given.values()] if isinstance(given, dict) else [None]
    if any(number is None or not 0 <= number <= 1 for number in numbers):
        return "What “factuality” says each relation is worth is a number from 0 to 1."
    return problem_of_text("Enter the facts the output must not contradict.")(assertion)


async def _g_eval(assertion: Assertion, judged: JudgedOutput, client: JudgeClient) -> Finding:
    """Each criterion by steps the judge makes for it first; the mean of the scores counts."""
    criteria = [as_text(one) for one in listed(assertion.value)]
    scores = [await _g_eval_one(criterion, judged, client) for criterion in criteria]
    score, reasons = fmean(value for value, _ in scores), " ".join(reason for _, reason in scores)
    return by_degree("Score", score, threshold_of(assertion, USUAL_G_EVAL), reasons)


async def _g_eval_one(criterion: str, judged: JudgedOutput, client: JudgeClient) -> tuple[float, str]:
    task = f"Write three or four short steps that tell how well a text meets this criterion:\n\n{criterion}"
    steps = read_texts(await client.ask(JudgePrompt(task, (), '{"steps": ["…", "…"]}')), "steps")
    listed = "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1))
    task = (
        "How well does the text meet the criterion? Go through the steps one after the other, then score: "
        f"{G_EVAL_MOST} is fully, 0 not at all.\n\nCriterion:\n{criterion}\n\nSteps:\n{listed}"
    )
    form = f'{{"reason": "what the steps showed", "score": "a whole number from 0 to {G_EVAL_MOST}"}}'
    answer = await client.ask(JudgePrompt(task, (question_of(judged), output_of(judged)), form))
    return read_score(answer, G_EVAL_MOST)


async def _answer_relevance(assertion: Assertion, judged: JudgedOutput, client: JudgeClient) -> Finding:
    """How close the questions this could be an answer to are to the question that was asked."""
    task = f"Write {QUESTIONS} different questions that the text could be the answer to."
    answer = await client.ask(JudgePrompt(task, (output_of(judged),), '{"questions": ["…", "…", "…"]}'))
    questions = read_texts(answer, "questions")[:QUESTIONS]
    asked = Material("The question asked", judged.query, "in the messages as sent")
    vectors = await client.embed(
        [asked, *(Material("A question made from the output", one) for one in questions)]
    )
    score = max(0.0, fmean(cosine(vectors[0], other) for other in vectors[1:]))
    return by_degree("Relevance", score, threshold_of(assertion, USUAL_RELEVANCE))


type Measure = Callable[[Sequence[float], Sequence[float]], float]


def _similar(measure: Measure, name: str = "Similarity") -> Grade:
    """By the closest of the references."""

    async def grade(assertion: Assertion, judged: JudgedOutput, client: JudgeClient) -> Finding:
        vectors = await _vectors(assertion, judged, client)
        score = max(measure(vectors[0], other) for other in vectors[1:])
        least = threshold_of(assertion, USUAL_SIMILARITY)
        said = f"{name} {score:.2f} by embeddings; the threshold is {least:g}."
        return Finding(score >= least - NEARLY, score, said)

    return grade


async def _near(assertion: Assertion, judged: JudgedOutput, client: JudgeClient) -> Finding:
    """The distance to the closest of the references is at most the threshold."""
    vectors = await _vectors(assertion, judged, client)
    distance = min(math.dist(vectors[0], other) for other in vectors[1:])
    most = threshold_of(assertion, USUAL_SIMILARITY)
    said = f"Distance {distance:.2f} by embeddings; the threshold is {most:g}."
    return Finding(distance <= most + NEARLY, 1 / (1 + distance), said)


async def _vectors(
    assertion: Assertion, judged: JudgedOutput, client: JudgeClient
) -> tuple[tuple[float, ...], ...]:
    """That of the output, then those of the references."""
    references = [as_text(one) for one in listed(assertion.value)]
    output = Material("The output", judged.output, "the output")
    return await client.embed([output, *(Material("A reference", one) for one in references)])


# --- what is wrong with an assertion ------------------------------------------------------------------------


def problem_of_text(missing: str, *, lists: bool = False) -> Callable[[Assertion], str | None]:
    def problem(assertion: Assertion) -> str | None:
        values = listed(assertion.value) if lists else [assertion.value]
        if not values or not all(map(is_text, values)):
            return missing
        if len(values) > MOST_CRITERIA:
            return f"At most {MOST_CRITERIA} at a time."
        return threshold_problem(assertion)

    return problem


def _similar_problem(lowest: float | None) -> Callable[[Assertion], str | None]:
    """A dot product may be any number, a distance none below 0."""

    def problem(assertion: Assertion) -> str | None:
        if assertion.threshold is not None and lowest is not None and assertion.threshold < lowest:
            return "A distance cannot be negative."
        return problem_of_text("Enter at least one text to compare with, one per line.", lists=True)(
            replace(assertion, threshold=None)
        )

    return problem


def _rubric_problem(assertion: Assertion) -> str | None:
    if assertion.value is None or not rubric_of(assertion.value).strip():
        return "Enter the rubric: what a good output does, in your own words."
    return threshold_problem(assertion)


_BY_MODEL = "graded by a model"

KINDS = (
    AssertionKind(
        "llm-rubric", _BY_MODEL, "A judge model finds that the output fulfils this rubric.", "prose", None,
        _rubric_problem, "Is polite, and names the refund period.", has_threshold=True, grade=_llm_rubric,
        asks=True,
        passes=Answer("Thank you for writing. Your money is back within five days."), fails=Answer("No."),
    ),
    AssertionKind(
        "model-graded-closedqa", _BY_MODEL, "A judge model finds that the answer meets this one criterion.",
        "prose", None, problem_of_text("Enter the criterion the answer has to meet."),
        "Says how long delivery takes.", grade=_closed_qa, asks=True,
        passes=Answer("Delivery takes two days."), fails=Answer("We deliver everywhere."),
    ),
    AssertionKind(
        "factuality", _BY_MODEL, "A judge model finds nothing in the output that contradicts this reference.",
        "prose", None, _factuality_problem, "The capital of Australia is Canberra.", grade=_factuality,
        asks=True, options=(FACTUALITY,),
        passes=Answer("Canberra is the capital."), fails=Answer("Sydney is the capital."),
    ),
    AssertionKind(
        "g-eval", _BY_MODEL,
        "A judge model makes steps for each criterion, follows them and scores; the mean has to reach the "
        "threshold. One criterion a line.", "lines", None,
        problem_of_text("Enter at least one criterion, one per line.", lists=True),
        ["Is friendly", "Uses no jargon"], usual_threshold=USUAL_G_EVAL, grade=_g_eval, asks=True,
        passes=Answer("Happy to help: your money is back within five days."),
        fails=Answer("The refund pipeline is idempotent."),
    ),
    AssertionKind(
        "answer-relevance", _BY_MODEL,
        "Questions a judge model makes from the output are close in meaning to what was asked.", "none", None,
        threshold_problem, usual_threshold=USUAL_RELEVANCE, grade=_answer_relevance, asks=True, embeds=True,
        passes=Answer("Canberra is the capital of Australia."), fails=Answer("Kangaroos hop."),
    ),
    AssertionKind(
        "similar", _BY_MODEL,
        "The output is close in meaning to one of these texts, by a model’s embeddings. One text a line.",
        "lines", None, problem_of_text("Enter at least one text to compare with, one per line.", lists=True),
        "Your order has shipped.", usual_threshold=USUAL_SIMILARITY, grade=_similar(cosine), embeds=True,
        passes=Answer("We have sent you your order."), fails=Answer("We lost your parcel."),
    ),
    AssertionKind(
        "similar:dot", _BY_MODEL,
        "The dot product of the output’s embedding with that of one of these texts reaches the threshold. "
        "One text a line.", "lines", None, _similar_problem(None), "Your order has shipped.", unit="units",
        usual_threshold=USUAL_SIMILARITY, grade=_similar(math.sumprod, "Dot product"), embeds=True,
        passes=Answer("We have sent you your order."), fails=Answer("We lost your parcel."),
    ),
    AssertionKind(
        "similar:euclidean", _BY_MODEL,
        "The output’s embedding is at most this far from that of one of these texts. One text a line.",
        "lines", None, _similar_problem(0), "Your order has shipped.", unit="units",
        usual_threshold=USUAL_SIMILARITY, grade=_near, embeds=True,
        passes=Answer("We have sent you your order."), fails=Answer("We lost your parcel."),
    ),
    AssertionKind(
        "select-best", _BY_MODEL,
        "A judge model picks this output as the best of all versions and models that run together.", "prose",
        None, problem_of_text("Enter by what the best output is chosen."),
        "The shortest that is still polite.", has_opposite=False, asks=True, waiting=SELECT_LATER,
        passes=Answer("Sorry: your money is back within five days."),
        fails=Answer("We are really very sorry, and we assure you that we are."),
    ),
)  # fmt: skip
