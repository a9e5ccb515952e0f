"""Assertions on the output's text."""

from collections.abc import Callable, Iterator
from unicodedata import normalize

import regex

from prompts_app.engine.assertions.kinds import AssertionKind, Finding, fact
from prompts_app.engine.assertions.patterns import LONGEST_PATTERN, compile_pattern
from prompts_app.engine.assertions.values import as_text, json_equal, quote, quote_all, texts_of
from prompts_app.engine.errors import CannotTell
from prompts_app.engine.types import Answer, Assertion

REGEX_TIMEOUT_S = 1.0
LONGEST_SEARCHED = 500_000  # characters: each may cost a hundred bytes of memory on the way back
MOST_SEARCHED = 400_000_000  # characters looked through for all texts of a list: about half a second

type Fold = Callable[[str], str]


def _equals(assertion: Assertion, answer: Answer) -> Finding:
    """Text is compared as it is; an object or a list is compared with the output read as JSON."""
    expected = assertion.value
    if isinstance(expected, dict | list):
        holds = json_equal(expected, answer.output)
        return fact(holds, "Is the expected JSON.", f"Is not the expected JSON but {quote(answer.output)}.")
    wanted = as_text(expected)
    return fact(
        answer.output == wanted,
        f"Is exactly {quote(wanted)}.",
        f"Is {quote(answer.output)}, not {quote(wanted)}.{_only_differs_in(answer.output, wanted)}",
    )


_MARK = regex.compile(r"[\p{Cf}\p{Cc}\p{Zl}\p{Zp}--\n\r\t]", regex.VERSION1)
_ALIKE: tuple[tuple[str, Fold], ...] = (
    ("line ends", lambda text: text.replace("\r\n", "\n").replace("\r", "\n")),
    ("line ends at its end", lambda text: text.rstrip("\r\n")),
    ("spaces at its ends", str.strip),
    ("the form of accents (é as one character or as two)", lambda text: normalize("NFC", text)),
    ("invisible characters", lambda text: _MARK.sub("", text)),
    ("the kind or number of spaces", lambda text: " ".join(text.split())),
    ("capitals", str.lower),
    ("the form of characters (wide, joined or with accents)", lambda text: normalize("NFKC", text)),
)
"""What two texts may only differ in, and what makes them equal then; the gentlest first."""


def _only_differs_in(output: str, wanted: str) -> str:
    """A sentence on what cannot be seen, where that is all that differs; "" else."""
    if output == wanted:
        return ""
    for what, fold in _ALIKE:
        if fold(output) == fold(wanted):
            return f" They only differ in {what}."
    for _, fold in _ALIKE:
        output, wanted = fold(output), fold(wanted)
    return " They only differ in spaces, capitals or characters one cannot see." if output == wanted else ""


def _contains(fold: Fold) -> Callable[[Assertion, Answer], Finding]:
    def find(assertion: Assertion, answer: Answer) -> Finding:
        wanted = as_text(assertion.value)
        holds = fold(wanted) in fold(answer.output)
        return fact(holds, f"Contains {quote(wanted)}.", f"Does not contain {quote(wanted)}.")

    return find


def _contains_any(fold: Fold) -> Callable[[Assertion, Answer], Finding]:
    def find(assertion: Assertion, answer: Answer) -> Finding:
        wanted = texts_of(assertion.value)
        found = next(_those_in(wanted, answer.output, fold), None)
        if found is not None:
            return Finding(True, 1.0, f"Contains {quote(found)}.")
        return Finding(False, 0.0, f"Contains none of {quote_all(wanted)}.")

    return find


def _contains_all(fold: Fold) -> Callable[[Assertion, Answer], Finding]:
    def find(assertion: Assertion, answer: Answer) -> Finding:
        wanted = texts_of(assertion.value)
        found = set(_those_in(wanted, answer.output, fold))
        missing = [text for text in wanted if text not in found]
        return fact(not missing, f"Contains all of {quote_all(wanted)}.", f"Lacks {quote_all(missing)}.")

    return find


def _those_in(texts: list[str], output: str, fold: Fold) -> Iterator[str]:
    """Raises ``CannotTell`` where looking for them would take too long."""
    output = fold(output)
    if len(texts) * len(output) > MOST_SEARCHED:
        raise CannotTell("These are too many texts to look for in an output of this length.")
    yield from (text for text in texts if fold(text) in output)


def _starts_with(assertion: Assertion, answer: Answer) -> Finding:
    wanted = as_text(assertion.value)
    beginning = answer.output[: len(wanted)]
    return fact(
        beginning == wanted,
        f"Starts with {quote(wanted)}.",
        f"Starts with {quote(beginning)}, not {quote(wanted)}.",
    )


def _regex(assertion: Assertion, answer: Answer) -> Finding:
    pattern = compile_pattern(assertion.value)
    if len(answer.output) > LONGEST_SEARCHED:
        raise CannotTell(f"The output has more than {LONGEST_SEARCHED:,} characters to search.")
    try:
        found = pattern.search(answer.output, timeout=REGEX_TIMEOUT_S, concurrent=True)
    except (TimeoutError, MemoryError):
        raise CannotTell(
            f"The regular expression timed out after {REGEX_TIMEOUT_S:g} s on this output; "
            "write it with fewer nested repeats."
        ) from None
    if found is None:
        return Finding(False, 0.0, f"Nothing matches {quote(assertion.value)}.")
    return Finding(True, 1.0, f"{quote(found[0])} matches {quote(assertion.value)}.")


def _text_problem(assertion: Assertion) -> str | None:
    if assertion.value is None or isinstance(assertion.value, dict | list) or as_text(assertion.value) == "":
        return "Enter the text to look for."
    return None


def _lines_problem(assertion: Assertion) -> str | None:
    texts = texts_of(assertion.value)
    if not texts:
        return "Enter at least one text to look for, one per line."
    return "Remove the empty entry: every output contains it." if "" in texts else None


def _regex_problem(assertion: Assertion) -> str | None:
    pattern = assertion.value
    if not isinstance(pattern, str) or not pattern:
        return "Enter a regular expression."
    if len(pattern) > LONGEST_PATTERN:
        return f"Shorten the regular expression to {LONGEST_PATTERN:,} characters."
    try:
        compile_pattern(pattern)
    except (regex.error, RecursionError, OverflowError, ValueError, LookupError) as error:
        return f"This is not a valid regular expression: {error}."
    return None


KINDS = (
    AssertionKind(
        "equals", "text", "The output is exactly this text, or exactly this JSON.", "text", _equals,
        lambda one: "Enter the text the output must equal." if one.value is None else None, "Positive",
        passes=Answer("Positive"), fails=Answer("positive"),
    ),
    AssertionKind(
        "contains", "text", "The output contains this text.", "text", _contains(str), _text_problem, "refund",
        passes=Answer("You get a refund in five days."), fails=Answer("We send you a new one."),
    ),
    AssertionKind(
        "icontains", "text", "The output contains this text, in capitals or not.", "text",
        _contains(str.lower), _text_problem, "refund",
        passes=Answer("Refund granted."), fails=Answer("We send you a new one."),
    ),
    AssertionKind(
        "contains-any", "text", "The output contains at least one of these texts.", "lines",
        _contains_any(str), _lines_problem, ["refund", "replacement"],
        passes=Answer("We send a replacement."), fails=Answer("We are sorry."),
    ),
    AssertionKind(
        "contains-all", "text", "The output contains each of these texts.", "lines",
        _contains_all(str), _lines_problem, ["order number", "date"],
        passes=Answer("Please give the order number and the date."),
        fails=Answer("Please give the order number."),
    ),
    AssertionKind(
        "icontains-any", "text", "The output contains at least one of these texts, in capitals or not.",
        "lines", _contains_any(str.lower), _lines_problem, ["refund", "replacement"],
        passes=Answer("Refund granted."), fails=Answer("We are sorry."),
    ),
    AssertionKind(
        "icontains-all", "text", "The output contains each of these texts, in capitals or not.", "lines",
        _contains_all(str.lower), _lines_problem, ["order number", "date"],
        passes=Answer("Order number and date, please."), fails=Answer("Order number, please."),
    ),
    AssertionKind(
        "starts-with", "text", "The output starts with this text.", "text",
        _starts_with, _text_problem, "Dear",
        passes=Answer("Dear Ada, thank you."), fails=Answer("Hello Ada, thank you."),
    ),
    AssertionKind(
        "regex", "text", "Some part of the output matches this regular expression.", "text",
        _regex, _regex_problem, r"^\d{4}-\d{2}-\d{2}$",
        passes=Answer("2026-11-22"), fails=Answer("22 November 2026"),
    ),
)  # fmt: skip
