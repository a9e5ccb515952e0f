"""promptfoo's assertions, read from a configuration, from the short form of a table, and written again."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from prompts_app.engine.assertions import (
    NOT,
    TEST_TRANSFORM,
    TRANSFORM,
    kind_of,
    not_run,
    split_type,
    transforms,
    validate,
)
from prompts_app.engine.assertions.graded import FACTUALITY
from prompts_app.engine.assertions.sets import SET, each_of, is_set, value_of, why_alone
from prompts_app.engine.assertions.values import number_of
from prompts_app.engine.errors import NotReadable
from prompts_app.engine.formats.promptfoo.reading import (
    FILE,
    PROGRAMS,
    ConfigReading,
    extension_of,
    without_secrets,
)
from prompts_app.engine.types import Assertion, Json

# Every kind of promptfoo 0.123; those with "not-" before them come on top.
KINDS: Final = frozenset(
    """agent-rubric answer-relevance bleu classifier contains contains-all contains-any contains-html
    contains-json contains-sql contains-xml context-faithfulness context-recall context-relevance
    conversation-relevance cost equals factuality finish-reason g-eval gleu guardrails icontains
    icontains-all icontains-any is-html is-json is-refusal is-sql is-valid-function-call
    is-valid-openai-function-call is-valid-openai-tools-call is-xml javascript latency levenshtein
    llm-rubric meteor model-graded-closedqa model-graded-factuality moderation perplexity
    perplexity-score pi python regex rouge-n ruby search-rubric similar similar:cosine similar:dot
    similar:euclidean skill-used starts-with tool-call-f1 trace-error-spans trace-span-count
    trace-span-duration trajectory:goal-success trajectory:step-count trajectory:tool-args-match
    trajectory:tool-sequence trajectory:tool-used webhook word-count""".split()
)
SPECIAL_KINDS: Final = frozenset({"select-best", "human", "max-score", SET})
NEVER_RUN: Final = frozenset({"human"})  # a name it has for verdicts given by hand, and no assertion
_THEIR_NAMES: Final = {"closedqa": "model-graded-closedqa"}
# Graded by a model, so that a test's own judge and words to it matter to them.
GRADED: Final = frozenset(
    """answer-relevance classifier context-faithfulness context-recall context-relevance
    conversation-relevance factuality g-eval llm-rubric model-graded-closedqa model-graded-factuality
    moderation pi search-rubric select-best similar similar:cosine similar:dot similar:euclidean
    trajectory:goal-success""".split()
)
_OWN_FIELDS = {"type", "value", "threshold", "weight", "metric"}
_PROGRAM_KINDS = {"javascript", "python", "ruby", "webhook"}


def is_promptfoos(type_: str) -> bool:
    """Whether promptfoo knows this type."""
    name = split_type(type_)[1]
    return _THEIR_NAMES.get(name, name) in KINDS or type_ in SPECIAL_KINDS or type_.startswith("promptfoo:")


# --- from a configuration ---------------------------------------------------------------------------


def read(
    reading: ConfigReading, value: Json, where: str, options: Mapping[str, Json] | None = None
) -> tuple[Assertion, ...]:
    """The assertions of a test. ``options`` are the test's, some of which say how outputs are judged."""
    found = []
    for item, place in _items(reading, value, where):
        if isinstance(item, dict) and item.get("type") == SET:
            found += _set(reading, item, place, options)
        elif assertion := _assertion(reading, item, place):
            assertion = _with_options(reading, assertion, options or {}, place)
            _note_what_is_unused(reading, assertion, place)
            found.append(assertion)
    return tuple(found)


def _set(
    reading: ConfigReading, item: dict[str, Json], where: str, options: Mapping[str, Json] | None
) -> list[Assertion]:
    """A set with its members; none where it has none. What cannot stand in one here stands beside it."""
    found = read(reading, _members(reading, item, where), f"{where}.assert", options)
    members = [one for one in found if not why_alone(one)]
    beside = [one for one in found if why_alone(one)]
    for one in beside:
        reading.note(f"that “{one.type}” stands in an assert-set: it counts by itself", where)
    if not members:
        reading.note("an assert-set without assertions", where)
        return beside
    whole = _assertion(reading, {key: item.get(key) for key in _OWN_FIELDS if key != "value"}, where)
    assert whole is not None
    bound = replace(whole, value=value_of(members))
    _note_what_is_unused(reading, bound, where)
    return [bound, *beside]


def threshold_of(reading: ConfigReading, fields: Mapping[str, Json], where: str) -> float | None:
    """A test's: what the mean of its scores has to reach."""
    return _number(reading, fields, "threshold", where, "a test")


def _items(reading: ConfigReading, value: Json, where: str, depth: int = 0) -> Iterator[tuple[Json, str]]:
    """Each assertion, those of files included."""
    value = reading.loaded(value, where)
    for number, item in enumerate(value if isinstance(value, list) else [value] if value else []):
        place = f"{where}[{number}]"
        loaded = reading.loaded(item, place) if isinstance(item, str) else item
        if isinstance(loaded, list) and depth < 3:
            yield from _items(reading, loaded, place, depth + 1)
        else:
            yield loaded, place


def _members(reading: ConfigReading, whole: dict[str, Json], where: str) -> list[Json]:
    """The assertions of a set, each with the set's configuration."""
    for key, item in whole.items():
        if key not in {*_OWN_FIELDS, "assert", "config"} and item is not None:
            reading.note(f"the {key} of an assert-set", where)
    config, members = whole.get("config"), whole.get("assert")
    members = members if isinstance(members, list) else []
    if not isinstance(config, dict):
        return members
    return [
        {**item, "config": {**config, **(item.get("config") or {})}} if isinstance(item, dict) else item
        for item in members
    ]


def _assertion(reading: ConfigReading, item: Json, where: str) -> Assertion | None:
    if isinstance(item, str):
        item = from_short(item)
    if not isinstance(item, dict) or not isinstance(item.get("type"), str) or not item["type"].strip():
        reading.note("an assertion without a type", where)
        return None
    type_ = item["type"].strip()
    options, gone = without_secrets({key: item[key] for key in item if key not in _OWN_FIELDS})
    for name in gone:
        reading.note(f"the setting “{name}” of an assertion: keys are never kept", where)
    value = item.get("value")
    is_program = split_type(type_)[1] in _PROGRAM_KINDS and isinstance(value, str)
    if not reading.is_ours and not is_program:  # files are opened; those of programs are named only
        if isinstance(value, list):
            value = [reading.loaded(one, where) for one in value]
        value = reading.loaded(value, where)
    threshold, weight = (_number(reading, item, name, where) for name in ("threshold", "weight"))
    if weight is not None and weight < 0:
        reading.note("a weight below 0 of an assertion", where)
        weight = None
    return Assertion(
        type=type_,
        value=value,
        threshold=threshold,
        weight=1.0 if weight is None else weight,
        metric=str(item.get("metric") or ""),
        options={key: value for key, value in options.items() if value is not None},
    )


def _number(
    reading: ConfigReading, item: Mapping[str, Json], name: str, where: str, of: str = "an assertion"
) -> float | None:
    value = item.get(name)
    if value is None:
        return None
    number = number_of(value)
    if number is None:
        reading.note(f"the {name} “{str(value)[:60]}” of {of}, which is no number", where)
    return number if isinstance(value, str) or number is None else value


def _with_options(
    reading: ConfigReading, assertion: Assertion, options: Mapping[str, Json], where: str
) -> Assertion:
    """What the test says of all its assertions, where it concerns this one and is not said by itself."""
    added: dict[str, Json] = {}
    if split_type(assertion.type)[1] in GRADED:
        added = {
            key: options[key]
            for key in ("provider", "rubricPrompt")
            if options.get(key) and key not in assertion.options
        }
    if is_factuality(assertion) and options.get(FACTUALITY) and FACTUALITY not in assertion.options:
        added[FACTUALITY] = options[FACTUALITY]
    if transform := options.get("transform") or options.get("postprocess"):
        own = assertion.options.get(TRANSFORM)
        added |= _both(transform, own) if own else {TRANSFORM: transform}
    both, gone = without_secrets({**assertion.options, **added})
    if isinstance(words := both.get("rubricPrompt"), str):
        both["rubricPrompt"] = reading.loaded(words, where)
    if gone:
        reading.note(f"the setting “{gone[0]}” of a judge: keys are never kept", where)
    return replace(assertion, options=both)


def _both(first: Json, then: Json) -> dict[str, Json]:
    """The output goes through a test's transform, and what comes of it through an assertion's own.

    Where one of them cannot be evaluated here both are kept, and neither is.
    """
    try:
        return {TRANSFORM: transforms.chained(str(first), str(then))}
    except NotReadable:
        return {TRANSFORM: then, TEST_TRANSFORM: first}


def is_factuality(assertion: Assertion) -> bool:
    """Whether the test's option of that name concerns it."""
    kind = kind_of(assertion.type)
    return kind is not None and kind.name == FACTUALITY


def _note_what_is_unused(reading: ConfigReading, assertion: Assertion, where: str) -> None:
    """Note what of a kept assertion does nothing here."""
    if reading.is_ours:
        return
    if why := not_run(assertion):
        because = why.removeprefix("Not run here: ").rstrip(".")
        reading.note(f"the assertion “{assertion.type}” is kept, but not run here: {because}", where)
        return
    if problem := validate(assertion):
        reading.note(f"the assertion “{assertion.type}” is kept, but judges nothing: {problem}", where)
    kind = kind_of(assertion.type)
    for key in sorted(assertion.options.keys() - {TRANSFORM, *(kind.options if kind else ())}):
        reading.note(f"the “{key}” of an assertion is kept, but not used here", where)


# --- the short form of a table ------------------------------------------------------------------------

_SHORT = re.compile(
    rf"(not-)?({'|'.join(re.escape(kind) for kind in sorted(KINDS, key=len, reverse=True))})"
    r"(?:\(([0-9]+(?:\.[0-9]+)?)\))?(?::(.*))?",
    re.DOTALL,
)
_SHORT_NAMES = {
    "javascript": "javascript", "fn": "javascript", "eval": "javascript", "python": "python",
    "grade": "llm-rubric",
}  # fmt: skip
_LISTS = {"contains-all", "contains-any", "icontains-all", "icontains-any"}
_WITH_THRESHOLD = frozenset(
    """answer-relevance classifier context-faithfulness context-recall context-relevance levenshtein
    perplexity perplexity-score rouge-n similar""".split()
)
_USUAL_THRESHOLDS = {"similar": 0.8}
_LIMITS = {"cost", "latency"}
_LIST_ITEM = re.compile(r'\s*(?:"((?:[^"]|"")*)"\s*(?=,|\Z)|([^,]*))(?:,|\Z)')  # "a, b", c


def from_short(text: str) -> dict[str, Json]:
    """``contains: refund`` or ``levenshtein(5): text`` as an assertion; any other text must be equalled."""
    text = text.strip()
    head, _, body = text.partition(":")
    if head in _SHORT_NAMES:
        return {"type": _SHORT_NAMES[head], "value": body.strip()}
    ending = extension_of(text.removeprefix(FILE).partition(":")[0])
    if text.startswith(FILE) and ending in PROGRAMS:
        return {"type": "python" if ending == "py" else "javascript", "value": text}
    found = _SHORT.fullmatch(text)
    if not found:
        return {"type": "equals", "value": text}
    opposite, kind, threshold, value = found.groups()
    return {"type": f"{opposite or ''}{kind}", **_short_value(kind, threshold, (value or "").strip())}


def _short_value(kind: str, threshold: str | None, value: str) -> dict[str, Json]:
    number = float(threshold) if threshold else None
    if kind in _LISTS:
        return {"value": _list_in(value)} if value else {}
    if kind in _LIMITS:  # promptfoo takes the limit in brackets only; a number after the colon means the same
        limit = number if number is not None else number_of(value)
        return {"threshold": limit} if limit is not None else {"value": value}
    if kind in _WITH_THRESHOLD:
        usual = _USUAL_THRESHOLDS.get(kind, 0.75)
        return {**({"value": value} if value else {}), "threshold": number if number is not None else usual}
    return {"value": value} if value else {}


def _list_in(text: str) -> list[str]:
    """Words between commas. One in quotation marks may have commas, and doubled marks stand for one."""
    words = [
        match[2].strip() if match[1] is None else match[1].replace('""', '"')
        for match in _LIST_ITEM.finditer(text)
        if match.start() < len(text)
    ]
    return [word for word in words if word]


# --- writing ----------------------------------------------------------------------------------------------


def can_write(assertion: Assertion) -> bool:
    """Whether promptfoo would run it, or a member of it: what it does not know ends its row with an error."""
    if is_set(assertion):
        return any(map(can_write, each_of([assertion])))
    return is_promptfoos(assertion.type) and assertion.type not in NEVER_RUN


def write(assertion: Assertion) -> dict[str, Json]:
    """The assertion as a configuration has it; the opposite of ``read``. Of a set, the members it runs."""
    opposite, name = split_type(assertion.type)
    written: dict[str, Json] = {"type": f"{NOT if opposite else ''}{_THEIR_NAMES.get(name, name)}"}
    if is_set(assertion):
        written["assert"] = [write(member) for member in each_of([assertion]) if can_write(member)]
    elif assertion.value is not None:
        written["value"] = assertion.value
    if assertion.threshold is not None:
        written["threshold"] = assertion.threshold
    if assertion.weight != 1:
        written["weight"] = assertion.weight
    if assertion.metric:
        written["metric"] = assertion.metric
    return {**written, **assertion.options}
