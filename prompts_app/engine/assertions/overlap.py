"""How much two texts have in common, 0..1: ROUGE-N, BLEU, GLEU and METEOR, as promptfoo 0.123 reckons them.

Each is linear in the texts' lengths. Case does not count but in ``rouge_recall``.
"""

import re
from collections import Counter
from functools import lru_cache
from itertools import pairwise
from math import exp, log
from typing import TYPE_CHECKING

from prompts_app.engine.assertions.words import treebank_words

if TYPE_CHECKING:
    import snowballstemmer

ORDER = 4  # runs of up to so many words are compared
ALMOST_NOTHING = 1e-7  # stands for a precision of zero, whose logarithm does not exist

_WORD_OR_MARK = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")

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
