"""What an output can be held to: every kind of assertion, from the registry, each tried on two outputs."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from prompts_app.engine.assertions import ALIASES, KINDS, check, kind_of
from prompts_app.engine.assertions.differences import DIFFERENCES
from prompts_app.engine.assertions.entry import ValueShape
from prompts_app.engine.assertions.javascript import METHODS
from prompts_app.engine.assertions.kinds import AssertionKind
from prompts_app.engine.assertions.transforms import transformed
from prompts_app.engine.assertions.values import as_text
from prompts_app.engine.formats.promptfoo import assertions as promptfoo_assertions
from prompts_app.engine.formats.yaml_ import write_yaml
from prompts_app.engine.tool_types import ToolCall
from prompts_app.engine.types import Answer
from prompts_app.views.public.public_page import page_ld, public_page

_VALUES: dict[ValueShape, str] = {
    "none": "none", "text": "a text", "prose": "a text in your own words", "lines": "texts, one a line",
    "number": "a limit", "schema": "a JSON Schema", "object": "options as JSON",
    "words": "a number or a range", "names": "a word", "assertions": "a list of assertions",
    "tools": "names of tools, one a line, or JSON",
}  # fmt: skip
_FAMILIES = {
    "text": "What the words are, letter for letter.",
    "json": "Remote references in a schema are never fetched.",
    "limits": "What is unknown, such as a cost nobody lists, is not judged and says so.",
    "similarity": "By counting, without a model.",
    "refusal": "",
    "markup": "",
    "SQL": "",
    "tools": "Calls of tools: those the output is, and those answered from a case’s canned results.",
    "graded by a model": "Needs a judge: a model the author chooses for the run. What it was asked and said "
    "is kept and shown, its cost counted apart. A judge that answers nonsense is an error, not a failure.",
    "graded by a model, with its context": "Needs a judge, too. The context is the case’s variable "
    "“context”, a text or a JSON list of texts; the question its variable “query”, else what the user said "
    "last.",
    "your own verdict": "The author’s word, and labelled so.",
    "several together": "promptfoo’s set, which counts as one assertion with a weight of its own.",
}
# By how a kind's name begins.
_WHY_NOT = (
    ("Programs, which this site does not run for strangers.", ("javascript", "python", "ruby", "webhook")),
    ("They look at a trace of an agent’s steps, or have it judged; here calls of tools are kept.",
     ("trace-", "trajectory:", "skill-used", "agent-rubric")),
    ("They look at the probabilities of tokens, which are not asked for here.", ("perplexity",)),
    ("They need a service of their own: a classifier, a moderator, a search engine.",
     ("classifier", "guardrails", "moderation", "pi", "search-rubric")),
)  # fmt: skip
_TRANSFORMS = (
    ("output.trim().toLowerCase()", " Positive\n"),
    ("JSON.parse(output).items[0].name", '{"items": [{"name": "Tea"}]}'),
    ("output.text", '{"text": "Tea", "lang": "en"}'),
    ("output.split('</think>').pop().trim()", "<think>Hm.</think>\nTea"),
    ("output.split('\\n').slice(1).join(' ')", "Sure:\nTea\nMilk"),
    ("output.replace('EUR', '€')", "12.50 EUR"),
    ("output.length", "Tea"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tried:
    """An output and what came of it; no reason where a person or a model has to look."""

    output: str
    known: str
    passed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class ShownKind:
    """One kind as the page shows it."""

    kind: AssertionKind
    value: str
    aliases: list[str]
    threshold: str
    example: str  # YAML, as promptfoo has it
    tried: tuple[Tried, ...]
    is_own: bool  # the release of promptfoo that ours are held to has none of the name


@public_page
def about_assertions(request: HttpRequest) -> HttpResponse:
    context = {
        "families": _families(),
        "count": len(KINDS),
        "elsewhere": _elsewhere(),
        "transforms": [(how, output, transformed(how, output)) for how, output in _TRANSFORMS],
        "methods": list(METHODS),
        "differences": list(DIFFERENCES.values()),
        "json_ld": page_ld("WebPage", "Assertions", reverse("about_assertions")),
    }
    return render(request, "public/about_assertions.html", context)


@lru_cache(maxsize=1)
def _families() -> list[tuple[str, str, list[ShownKind]]]:
    """(family, sentence, kinds), in the picker's order."""
    families = groupby(KINDS.values(), lambda kind: kind.family)
    return [(name, _FAMILIES.get(name, ""), [_shown(kind) for kind in kinds]) for name, kinds in families]


def _elsewhere() -> list[tuple[str, list[str]]]:
    """promptfoo's kinds that are kept and not run here, by why."""
    every = promptfoo_assertions.KINDS | promptfoo_assertions.SPECIAL_KINDS
    left = sorted(name for name in every if kind_of(name) is None)
    groups = groupby(sorted(left, key=_why_not), key=_why_not)
    return [(why, list(names)) for why, names in groups]


def _why_not(name: str) -> str:
    return next(
        (why for why, begins in _WHY_NOT if name.startswith(begins)), "This site has nothing like it."
    )


def _shown(kind: AssertionKind) -> ShownKind:
    return ShownKind(
        kind,
        _value(kind),
        [alias for alias, name in ALIASES.items() if name == kind.name],
        _threshold(kind),
        write_yaml([promptfoo_assertions.write(kind.as_example)]).strip(),
        tuple(_tried(kind)),
        not promptfoo_assertions.is_promptfoos(kind.name),
    )


def _value(kind: AssertionKind) -> str:
    words = _VALUES[kind.value]
    if kind.choices:
        words = ", ".join(kind.choices)
    elif kind.unit and kind.value in {"number", "words"}:
        words = f"{words} in {kind.unit}"
    return f"{words}, or none" if kind.optional else words


def _threshold(kind: AssertionKind) -> str:
    if not kind.takes_threshold:
        return ""
    usual = "none" if kind.usual_threshold is None else as_text(kind.usual_threshold)
    return f"{kind.unit or 'a score of 0 to 1'}; usually {usual}"


def _tried(kind: AssertionKind) -> Iterable[Tried]:
    for answer, passes in ((kind.passes, True), (kind.fails, False)):
        if answer is not None:
            found = check(kind.as_example, answer)
            yield Tried(answer.output, _known(answer), passes, "" if found.passed is None else found.reason)


def _known(answer: Answer) -> str:
    """What else is known of the answer that an assertion may look at."""
    known = {
        "{:g} ms": answer.latency_ms,
        "${}": answer.cost,
        "{} tokens": answer.tokens,
        "stopped: {}": answer.finish_reason,
        "called: {}": None if answer.calls is None else _called(answer.calls),
    }
    return ", ".join(words.format(value) for words, value in known.items() if value is not None)


def _called(calls: tuple[ToolCall, ...]) -> str:
    return ", ".join(f"{call.name}({call.arguments})" for call in calls) or "nothing"
