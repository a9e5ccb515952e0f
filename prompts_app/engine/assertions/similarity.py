"""Assertions that compare the output with a reference by degree: levenshtein, rouge-n, bleu, gleu, meteor.

The measures are reckoned as promptfoo 0.123 reckons them, each in time linear in the texts' lengths.
"""

import re
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from math import exp, log
from typing import TYPE_CHECKING

from diff_match_patch import diff_match_patch

from prompts_app.engine.assertions.kinds import AssertionKind, Finding, by_degree, fact, threshold_of
from prompts_app.engine.assertions.values import as_text, is_text, listed, number_of, texts_of
from prompts_app.engine.assertions.words import check_spaced, treebank_words
from prompts_app.engine.errors import CannotTell
from prompts_app.engine.types import Answer, Assertion, Json

if TYPE_CHECKING:
    import snowballstemmer

USUAL_EDITS = 5.0
USUAL_ROUGE = 0.75
USUAL_BLEU = 0.5
MOST_STEPS = 2_000_000  # about a second of comparing
MOST_COMPARED = 1_000_000  # characters of the output and a reference, for all references together
F1, RECALL = "f1", "recall"
METEOR_USUAL = {"alpha": 0.9, "beta": 3.0, "gamma": 0.5}
ORDER = 4  # runs of up to so many words are compared
ALMOST_NOTHING = 1e-7  # stands for a precision of zero, whose logarithm does not exist

_WORD_OR_MARK = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")


# --- measures: how much two texts have in common ----------------------------------------------------------


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
    differ = diff_match_patch()
    start = differ.diff_commonPrefix(a, b)
    a, b = a[start:], b[start:]
    end = differ.diff_commonSuffix(a, b)
    return a[: len(a) - end], b[: len(b) - end]


type Grams = Counter[tuple[str, ...]]


def _grams(words: list[str], size: int) -> Grams:
    return Counter(tuple(words[at : at + size]) for at in range(len(words) - size + 1))


def rouge_n(output: str, reference: str, size: int = 1) -> float:
    """The F1 of precision and recall of n-grams, each counted as often as it is there (Lin 2004)."""
    wanted, found = (_grams(treebank_words(text.lower()), size) for text in (reference, output))
    total = wanted.total() + found.total()
    return 2 * (wanted & found).total() / total if total else 0.0


def rouge_recall(output: str, reference: str, size: int = 1) -> float:
    """How much of the reference's n-grams the output holds; case counts, and punctuation marks are words."""
    wanted, found = (_grams(_WORD_OR_MARK.findall(text), size) for text in (reference, output))
    return (wanted & found).total() / wanted.total() if wanted else 0.0


def bleu(output: str, references: list[str]) -> float:
    """BLEU-4 against the best reference (Papineni et al. 2002), of the orders the output is long enough for.

    Words are what white space separates.
    """
    words = output.lower().split()
    others = [reference.lower().split() for reference in references]
    if not words or not others:
        return 0.0
    closest = min((len(other) for other in others), key=lambda length: (abs(length - len(words)), length))
    penalty = 1.0 if len(words) > closest else exp(1 - closest / len(words))
    orders = range(1, min(ORDER, len(words)) + 1)
    logs = [log(_precision(words, others, size) or ALMOST_NOTHING) for size in orders]
    return penalty * exp(sum(logs) / len(logs))


def _precision(words: list[str], others: list[list[str]], size: int) -> float:
    grams = _grams(words, size)
    return max(_shared(grams, _grams(other, size)) for other in others) / grams.total()


def _shared(grams: Grams, others: Grams) -> int:
    """How many they have in common, in as many steps as the second has: of references there are many."""
    return sum(min(count, grams[gram]) for gram, count in others.items() if gram in grams)


def gleu(output: str, references: list[str]) -> float:
    """The lesser of precision and recall over all runs of one to four words (Wu et al. 2016), by the best
    reference. Full stops at the ends of words do not count."""
    words = _without_stops(output)
    return max((_gleu_one(words, _without_stops(one)) for one in references), default=0.0) if words else 0.0


def _without_stops(text: str) -> list[str]:
    words = [word.rstrip(".") for word in text.lower().split()]
    return words if any(words) else []


def _gleu_one(words: list[str], reference: list[str]) -> float:
    if not reference:
        return 0.0
    pairs = [(_grams(words, size), _grams(reference, size)) for size in range(1, ORDER + 1)]
    shared = sum(_shared(ours, theirs) for ours, theirs in pairs)
    return shared / max(sum(ours.total() for ours, _ in pairs), sum(theirs.total() for _, theirs in pairs))


# --- METEOR -----------------------------------------------------------------------------------------------


def meteor(output: str, references: list[str], alpha: float, beta: float, gamma: float) -> float:
    """METEOR (Banerjee and Lavie 2005) by the best reference: words match as they are, then by their stems
    (Porter's); synonyms are not looked up. ``alpha`` weighs recall against precision, ``beta`` and ``gamma``
    make the penalty for words in another order."""
    words = _dotless(output)
    return max((_meteor_one(words, _dotless(one), alpha, beta, gamma) for one in references), default=0.0)


def _dotless(text: str) -> list[str]:
    return [re.sub(r"\.+\Z", "", word) for word in re.split(r"\s+", text.lower())]


def _meteor_one(words: list[str], reference: list[str], alpha: float, beta: float, gamma: float) -> float:
    ours, theirs = dict(enumerate(words)), dict(enumerate(reference))
    matches = _matched(ours, theirs)
    stems = [
        {place: str(_stemmer().stemWord(word)) for place, word in left.items()} for left in (ours, theirs)
    ]
    matches = sorted(matches + _matched(*stems))
    if not matches:
        return 0.0
    precision, recall = len(matches) / len(words), len(matches) / len(reference)
    mean = precision * recall / (alpha * precision + (1 - alpha) * recall)
    chunks = 1 + sum((now[0] - was[0], now[1] - was[1]) != (1, 1) for was, now in pairwise(matches))
    penalty: float = gamma * (chunks / len(matches)) ** beta
    return (1 - penalty) * mean


def _matched(ours: dict[int, str], theirs: dict[int, str]) -> list[tuple[int, int]]:
    """Pairs of places of the same word, from the last on; what is matched is taken out of both."""
    places: dict[str, list[int]] = {}
    for place, word in theirs.items():
        places.setdefault(word, []).append(place)
    found = []
    for place in sorted(ours, reverse=True):
        if same := places.get(ours[place]):
            found.append((place, same.pop()))
            del ours[place], theirs[found[-1][1]]
    return found


@lru_cache(maxsize=1)
def _stemmer() -> "snowballstemmer.stemmer":
    import snowballstemmer  # all its languages, 3 MB that most processes never need

    return snowballstemmer.stemmer("porter")


# --- assertions -------------------------------------------------------------------------------------------


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
    return _problem(1.0, is_text)(assertion)


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
    return _problem(1.0, _are_texts)(assertion)


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


def _are_texts(value: Json) -> bool:
    return bool(listed(value)) and all(map(is_text, listed(value)))


_REFERENCE = "Your order has shipped."

KINDS = (
    AssertionKind(
        "levenshtein", "similarity", "The output is at most this many edits away from this text.", "text",
        _levenshtein, _problem(None, is_text), _REFERENCE, unit="edits", usual_threshold=USUAL_EDITS,
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
        _overlap("BLEU", bleu), _problem(1.0, _are_texts), _REFERENCE, usual_threshold=USUAL_BLEU,
        passes=Answer("Your order has shipped."), fails=Answer("We lost your parcel."),
    ),
    AssertionKind(
        "gleu", "similarity",
        "The output shares this much of its runs of one to four words with a reference (GLEU).", "text",
        _overlap("GLEU", gleu), _problem(1.0, _are_texts), _REFERENCE, usual_threshold=USUAL_BLEU,
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
