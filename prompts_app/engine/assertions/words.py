"""What a word is, and where that cannot be told: in scripts that are written without spaces between words."""

import re

import regex

from prompts_app.engine.errors import CannotTell

# Letters of scripts whose words no space divides. (Korean has spaces; Vietnamese divides syllables.)
_WITHOUT_SPACES = (
    r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}"
    r"\p{Script=Myanmar}\p{Script=Tibetan}\p{Script=Javanese}\p{Script=Balinese}\p{Script=Tai_Tham}"
    r"\p{Script=New_Tai_Lue}\p{Script=Yi}]"
)
_RUN = regex.compile(rf"(?:{_WITHOUT_SPACES}\p{{M}}*){{2,}}")
_LETTER = regex.compile(_WITHOUT_SPACES)

NO_SPACES = "It is written without spaces between its words, so these cannot be told apart here."


def word_counts(text: str) -> tuple[int, int]:
    """The fewest and the most words ``text`` may have: the same two where spaces divide them all.

    A run of letters that no space divides is one word at least, and at most as many as it has letters.
    """
    least = most = 0
    for piece in text.split():
        runs = [len(_LETTER.findall(run[0])) for run in _RUN.finditer(piece)]
        least, most = least + 1, most + sum(runs or [1]) + (1 if runs and _RUN.sub("", piece) else 0)
    return least, most


def check_spaced(*texts: str) -> None:
    """Raises ``CannotTell`` where one of the texts has words that no space divides."""
    if any(_RUN.search(text) for text in texts):
        raise CannotTell(NO_SPACES)


# The Penn Treebank's rules (Robert MacIntyre's script of 1995), in their order, for texts in lower case.
_TREEBANK = tuple(
    (re.compile(pattern), by)
    for pattern, by in (
        (r"(?<![^\s(\[{<])(?:``|\"|'')", " `` "),
        (r"''|\"", " '' "),
        (r"\.{3}", " ... "),
        (r"[:,](?!\d)", r" \g<0> "),
        (r"[;@#$%&?!\]\[(){}<>]|--", r" \g<0> "),
        (r"(?<![.\s])(?<!\b[a-z]\.[a-z])\.(?=[\])}>'\s]*$)", " . "),
        (r"(?<=[^'])'(?=\s|$)", " ' "),
        (r"('[smd]|'ll|'re|'ve|n't)(?=\s|$)", r" \1"),
        (r"\b(can|gim|got|lem)(not|me|ta)\b", r"\1 \2"),
        (r"\b(d|more)('ye|'n)\b", r"\1 \2"),
        (r"\b(gon|wan)(na)\b", r"\1 \2"),
        (r"(?<!\w)('t)(is|was)\b", r"\1 \2"),
    )
)


def treebank_words(text: str) -> list[str]:
    """Words and marks of a text in lower case, as the Penn Treebank divides them: "don't" is "do", "n't"."""
    for pattern, by in _TREEBANK:
        text = pattern.sub(by, text)
    return text.split()
