"""Assertions that compare the output with a reference by degree: levenshtein, rouge-n, bleu, gleu, meteor."""

from collections.abc import Callable

from prompts_app.engine.assertions.kinds import AssertionKind, Finding, by_degree, fact, threshold_of
from prompts_app.engine.assertions.overlap import bleu, gleu, meteor, rouge_n, rouge_recall
from prompts_app.engine.assertions.values import as_text, number_of, texts_of
from prompts_app.engine.assertions.words import check_spaced
from prompts_app.engine.errors import CannotTell
from prompts_app.engine.types import Answer, Assertion, Json

USUAL_EDITS = 5.0
USUAL_ROUGE = 0.75
USUAL_BLEU = 0.5
MOST_STEPS = 2_000_000  # about a second of comparing
MOST_COMPARED = 1_000_000  # characters of the output and a reference, for all references together
F1, RECALL = "f1", "recall"
METEOR_USUAL = {"alpha": 0.9, "beta": 3.0, "gamma": 0.5}


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
    wanted, most = as_text(assertion.value), int(threshold_of(assertion, USUAL_EDITS))
    is_near = abs(len(wanted) - len(answer.output)) <= most  # else there is nothing to count
    if is_near and max(len(wanted), len(answer.output)) * (2 * most + 1) > MOST_STEPS:
        raise CannotTell("The output or the limit is too long for counting edits.")
    edits = edits_between(answer.output, wanted, most)
    if edits is None:
        return Finding(False, 0.0, f"More than {most} edits away from the reference.")
    return fact(True, f"{edits} {'edit' if edits == 1 else 'edits'} from the reference; the limit is {most}.")


def _rouge(assertion: Assertion, answer: Answer) -> Finding:
    reference, by_recall = as_text(assertion.value), measure_of(assertion) == RECALL
    measure = rouge_recall if by_recall else rouge_n
    score = _spaced(measure(answer.output, reference), answer.output, reference)
    name = "ROUGE-1 by recall" if by_recall else "ROUGE-1"
    return by_degree(name, score, threshold_of(assertion, USUAL_ROUGE))


def measure_of(assertion: Assertion) -> Json:
    """What ``rouge-n`` measures: ``"f1"`` as promptfoo does today, or ``"recall"`` as this site once did."""
    config = assertion.options.get("config")
    return config.get("measure", F1) if isinstance(config, dict) else F1


def _rouge_problem(assertion: Assertion) -> str | None:
    if measure_of(assertion) not in (F1, RECALL):
        return f"What ROUGE measures is “{F1}” or “{RECALL}”."
    return _problem(1.0, _is_reference)(assertion)


def _overlap(name: str, measure: Callable[[str, list[str]], float]) -> Callable[[Assertion, Answer], Finding]:
    def find(assertion: Assertion, answer: Answer) -> Finding:
        references = _references(assertion, answer)
        score = _spaced(measure(answer.output, references), answer.output, *references)
        return by_degree(name, score, threshold_of(assertion, USUAL_BLEU))

    return find


def _meteor(assertion: Assertion, answer: Answer) -> Finding:
    references = _references(assertion, answer)
    if not answer.output.strip():
        return by_degree("METEOR", 0.0, threshold_of(assertion, USUAL_BLEU))
    check_spaced(answer.output, *references)
    score = meteor(answer.output, references, *(meteor_option(assertion, name) for name in METEOR_USUAL))
    return by_degree("METEOR", score, threshold_of(assertion, USUAL_BLEU))


def meteor_option(assertion: Assertion, name: str) -> float:
    """Raises ``ValueError`` where it is no number from 0 (``beta`` to 10, else to 1)."""
    number = number_of(assertion.options.get(name, METEOR_USUAL[name]))
    if number is None or not 0 <= number <= (10 if name == "beta" else 1):
        raise ValueError(f"“{name}” is a number from 0 to {10 if name == 'beta' else 1}.")
    return number


def _meteor_problem(assertion: Assertion) -> str | None:
    for name in METEOR_USUAL:
        meteor_option(assertion, name)
    return _problem(1.0, _is_references)(assertion)


def _spaced(score: float, *texts: str) -> float:
    """``score``, unless words had to be told apart that no space divides: then raises ``CannotTell``. What is
    the same is the same whatever it is written in."""
    if score < 1:
        check_spaced(*texts)
    return score


def _references(assertion: Assertion, answer: Answer) -> list[str]:
    """Those to compare the output with. Raises ``CannotTell`` where that would take too long."""
    references = references_of(assertion.value)
    lengths = sum(max(len(one), len(answer.output)) for one in references)
    if lengths > MOST_COMPARED:
        raise CannotTell("The references are too many, or too long, to compare with this output.")
    return references


def references_of(value: Json) -> list[str]:
    """BLEU takes one reference or a list; a comma in a text is only a comma."""
    return [value] if isinstance(value, str) else texts_of(value)


def _problem(most: float | None, shape: Callable[[Json], bool]) -> Callable[[Assertion], str | None]:
    def problem(assertion: Assertion) -> str | None:
        threshold = 0.0 if assertion.threshold is None else assertion.threshold
        if not shape(assertion.value):
            return "Enter the reference text to compare with."
        if threshold < 0 or threshold > (most or threshold):
            limits = f"is between 0 and {most:g}" if most else "cannot be negative"
            return f"The threshold {limits}."
        return None

    return problem


def _is_reference(value: Json) -> bool:
    return isinstance(value, str | int | float) and as_text(value).strip() != ""


def _is_references(value: Json) -> bool:
    return all(map(_is_reference, value)) and bool(value) if isinstance(value, list) else _is_reference(value)


_REFERENCE = "Your order has shipped."

KINDS = (
    AssertionKind(
        "levenshtein", "similarity", "The output is at most this many edits away from this text.", "text",
        _levenshtein, _problem(None, _is_reference), _REFERENCE, unit="edits", usual_threshold=USUAL_EDITS,
        passes=Answer("Your order was shipped."), fails=Answer("We lost your parcel."),
    ),
    AssertionKind(
        "rouge-n", "similarity",
        "The output and the reference share this much of their words (ROUGE-1: F1 of precision and recall).",
        "text", _rouge, _rouge_problem, _REFERENCE, usual_threshold=USUAL_ROUGE, options=("config",),
        passes=Answer("Your order has shipped today."), fails=Answer("We lost your parcel."),
    ),
    AssertionKind(
        "bleu", "similarity", "The output’s wording is at least this close to a reference (BLEU-4).", "text",
        _overlap("BLEU", bleu), _problem(1.0, _is_references), _REFERENCE, usual_threshold=USUAL_BLEU,
        passes=Answer("Your order has shipped."), fails=Answer("We lost your parcel."),
    ),
    AssertionKind(
        "gleu", "similarity",
        "The output shares this much of its runs of one to four words with a reference (GLEU).", "text",
        _overlap("GLEU", gleu), _problem(1.0, _is_references), _REFERENCE, usual_threshold=USUAL_BLEU,
        passes=Answer("Your order has just shipped."), fails=Answer("We lost your parcel."),
    ),
    AssertionKind(
        "meteor", "similarity",
        "The output’s words are those of a reference or have their stems, in much the same order (METEOR, "
        "without synonyms).", "text", _meteor, _meteor_problem, _REFERENCE, usual_threshold=USUAL_BLEU,
        options=tuple(METEOR_USUAL),
        passes=Answer("Your orders have shipped."), fails=Answer("We lost your parcel."),
    ),
)  # fmt: skip
