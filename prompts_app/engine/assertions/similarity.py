"""Assertions that compare the output with a reference by degree: levenshtein, rouge-n, bleu."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from math import exp, log

from prompts_app.engine.assertions.kinds import CannotTell, Finding, Kind, as_text, fact
from prompts_app.engine.assertions.values import texts_of
from prompts_app.engine.types import Answer, Assertion, Json

USUAL_EDITS = 5.0
USUAL_ROUGE = 0.75
USUAL_BLEU = 0.5
MOST_STEPS = 2_000_000  # about a second of comparing
BLEU_ORDER = 4
ALMOST_NOTHING = 1e-7  # stands for a precision of zero, whose logarithm does not exist

_WORD_OR_MARK = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")


def edits_between(a: str, b: str, most: int) -> int | None:
    """Levenshtein's distance, or ``None`` where it is more than ``most``.

    Only the diagonal band that can still stay within ``most`` is walked, in two rows that are used in turn:
    what stands outside the band was never less than ``most + 1``.
    """
    a, b = _without_common_ends(a, b)
    if abs(len(a) - len(b)) > most:
        return None
    previous, current = list(range(len(b) + 1)), [most + 1] * (len(b) + 1)
    for row, letter in enumerate(a, start=1):
        low, high = max(1, row - most), min(len(b), row + most)
        current[low - 1] = row if low == 1 else most + 1
        for column in range(low, high + 1):
            swap = previous[column - 1] + (letter != b[column - 1])
            current[column] = min(swap, previous[column] + 1, current[column - 1] + 1)
        previous, current = current, previous
    return previous[len(b)] if previous[len(b)] <= most else None


def _without_common_ends(a: str, b: str) -> tuple[str, str]:
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    a, b = a[start:], b[start:]
    end = 0
    while end < min(len(a), len(b)) and a[-1 - end] == b[-1 - end]:
        end += 1
    return (a[: len(a) - end], b[: len(b) - end]) if end else (a, b)


def _levenshtein(assertion: Assertion, answer: Answer) -> Finding:
    wanted, most = as_text(assertion.value), int(_threshold(assertion, USUAL_EDITS))
    is_near = abs(len(wanted) - len(answer.output)) <= most  # else there is nothing to count
    if is_near and max(len(wanted), len(answer.output)) * (2 * most + 1) > MOST_STEPS:
        raise CannotTell("The output or the limit is too long for counting edits.")
    edits = edits_between(answer.output, wanted, most)
    if edits is None:
        return Finding(False, 0.0, f"More than {most} edits away from the reference.")
    return fact(
        True, f"{edits} {'edit' if edits == 1 else 'edits'} from the reference; the limit is {most}.", ""
    )


def _grams(words: list[str], size: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[at : at + size]) for at in range(len(words) - size + 1))


def rouge_n(output: str, reference: str, size: int = 1) -> float:
    """How much of the reference's n-grams the output holds, 0..1 (recall, each counted as often as it is
    there; Lin 2004). Case counts; punctuation marks are words."""
    wanted = _grams(_WORD_OR_MARK.findall(reference), size)
    found = _grams(_WORD_OR_MARK.findall(output), size)
    total = wanted.total()
    return (wanted & found).total() / total if total else 0.0


def bleu(output: str, references: list[str]) -> float:
    """BLEU-4 against the best reference, 0..1 (Papineni et al. 2002): case does not count, words are what
    white space separates."""
    words = output.lower().split()
    others = [reference.lower().split() for reference in references]
    if not words or not others:
        return 0.0
    closest = min((len(other) for other in others), key=lambda length: (abs(length - len(words)), length))
    penalty = 1.0 if len(words) > closest else exp(1 - closest / len(words))
    logs = (log(_precision(words, others, size) or ALMOST_NOTHING) for size in range(1, BLEU_ORDER + 1))
    return penalty * exp(sum(logs) / BLEU_ORDER)


def _precision(words: list[str], others: list[list[str]], size: int) -> float:
    grams = _grams(words, size)
    shared = max(_shared(grams, _grams(other, size)) for other in others)
    return shared / grams.total() if grams else 0.0


def _shared(grams: Counter[tuple[str, ...]], others: Counter[tuple[str, ...]]) -> int:
    """How many they have in common, in as many steps as the second has: of references there are many."""
    return sum(min(count, grams[gram]) for gram, count in others.items() if gram in grams)


def _rouge(assertion: Assertion, answer: Answer) -> Finding:
    return _by_degree(
        "ROUGE-1", rouge_n(answer.output, as_text(assertion.value)), _threshold(assertion, USUAL_ROUGE)
    )


def _bleu(assertion: Assertion, answer: Answer) -> Finding:
    score = bleu(answer.output, references_of(assertion.value))
    return _by_degree("BLEU", score, _threshold(assertion, USUAL_BLEU))


def references_of(value: Json) -> list[str]:
    """BLEU takes one reference or a list; a comma in a text is only a comma."""
    return [value] if isinstance(value, str) else texts_of(value)


def _by_degree(name: str, score: float, least: float) -> Finding:
    return Finding(score >= least, score, f"{name} {score:.2f}; the threshold is {least:g}.")


def _threshold(assertion: Assertion, usual: float) -> float:
    return usual if assertion.threshold is None else assertion.threshold


def _problem(most: float | None, shape: Callable[[Json], bool]) -> Callable[[Assertion], str | None]:
    def problem(assertion: Assertion) -> str | None:
        if not shape(assertion.value):
            return "Enter the reference text to compare with."
        threshold = assertion.threshold
        if threshold is not None and (threshold < 0 or (most is not None and threshold > most)):
            return (
                f"The threshold is between 0 and {most:g}." if most else "The threshold cannot be negative."
            )
        return None

    return problem


def _is_reference(value: Json) -> bool:
    return isinstance(value, str | int | float) and as_text(value).strip() != ""


def _is_references(value: Json) -> bool:
    return all(map(_is_reference, value)) and bool(value) if isinstance(value, list) else _is_reference(value)


_REFERENCE = "Your order has shipped."

KINDS = (
    Kind(
        "levenshtein", "similarity", "The output is at most this many edits away from this text.", "text",
        _levenshtein, _problem(None, _is_reference), _REFERENCE, _REFERENCE,
        unit="edits", usual_threshold=USUAL_EDITS,
        passes=Answer("Your order was shipped."), fails=Answer("We lost your parcel."),
    ),
    Kind(
        "rouge-n", "similarity", "The output holds at least this share of the reference’s words (ROUGE-1).",
        "text", _rouge, _problem(1.0, _is_reference), _REFERENCE, _REFERENCE, usual_threshold=USUAL_ROUGE,
        passes=Answer("Your order has shipped today."), fails=Answer("We lost your parcel."),
    ),
    Kind(
        "bleu", "similarity", "The output’s wording is at least this close to a reference (BLEU-4).",
        "text", _bleu, _problem(1.0, _is_references), _REFERENCE, _REFERENCE, usual_threshold=USUAL_BLEU,
        passes=Answer("Your order has shipped."), fails=Answer("We lost your parcel."),
    ),
)  # fmt: skip
