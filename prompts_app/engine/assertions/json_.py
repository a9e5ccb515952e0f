"""Assertions on JSON in the output, with an optional JSON Schema.

A schema is never allowed to fetch anything: a remote ``$ref`` is an invalid schema here. Its patterns run
with a bounded number of steps.
"""

import json
from collections.abc import Callable
from functools import lru_cache
from itertools import islice
from json import JSONDecodeError, JSONDecoder

import jsonschema_rs
import yaml

from prompts_app.engine.assertions.kinds import AssertionKind, Finding, fact
from prompts_app.engine.assertions.schema_work import check_work
from prompts_app.engine.assertions.values import parse_json, quote
from prompts_app.engine.budget import MOST_VALUES_JUDGED, MOST_VALUES_TYPED, check_yaml, whole
from prompts_app.engine.errors import CannotTell, TooMuch
from prompts_app.engine.types import Answer, Assertion, Json

BACKTRACK_LIMIT = 10_000  # steps
LARGEST_PATTERN = 2_000_000  # bytes of one that is compiled
MOST_TIMES_READ = 10  # over again, for objects that begin and do not end
MOST_ERRORS = 3
MOST_CHECKS_LISTED = 5_000  # of a schema and a value whose errors are listed and not only the first is told
# Without "$schema", promptfoo reads draft 7; these words only exist in later drafts.
LATER_WORDS = (
    '"prefixItems"', '"unevaluatedProperties"', '"unevaluatedItems"', '"dependentRequired"',
    '"dependentSchemas"', '"minContains"', '"$dynamicRef"',
)  # fmt: skip


def schema_of(value: Json) -> Json:
    """The schema an assertion's value holds (text is read as YAML, so JSON too), ``None`` for none.

    Raises ``ValueError`` with a sentence.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        value = _schema_from_text(value)
    if not isinstance(value, dict | bool):
        raise ValueError("A JSON Schema is an object, or true or false.")  # noqa: TRY004 see docstring
    return value


def _schema_from_text(text: str) -> Json:
    if text.startswith("file://"):
        raise ValueError("A schema in a file cannot be used here: paste the schema itself.")
    try:
        # A few aliases of aliases are a schema of gigabytes once it is written as JSON.
        check_yaml(text, MOST_VALUES_TYPED, aliases=False)
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise ValueError(
            f"The JSON Schema cannot be read: {str(error).splitlines()[0].rstrip('.')}."
        ) from error


def validator_for(schema: Json) -> jsonschema_rs.Validator:
    """A compiled validator. Raises ``ValueError`` with a sentence for an invalid or remote schema."""
    try:
        return _compile(json.dumps(schema, sort_keys=True))
    except jsonschema_rs.ValidationError as error:
        raise ValueError(f"This is not a valid JSON Schema: {_told(error)}.") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"This JSON Schema cannot be used: {_shorten(str(error))}.") from error


@lru_cache(maxsize=64)
def _compile(schema_json: str) -> jsonschema_rs.Validator:
    schema = json.loads(schema_json)
    check_work(schema, None)
    return _maker(schema, schema_json)(
        schema,
        validate_formats=True,
        retriever=_refuse,
        pattern_options=jsonschema_rs.FancyRegexOptions(
            backtrack_limit=BACKTRACK_LIMIT, size_limit=LARGEST_PATTERN, dfa_size_limit=LARGEST_PATTERN
        ),
    )


def _maker(schema: Json, schema_json: str) -> Callable[..., jsonschema_rs.Validator]:
    """What compiles the schema: the draft it names, else the one its words belong to."""
    if isinstance(schema, dict) and "$schema" in schema:
        return jsonschema_rs.validator_for
    if any(word in schema_json for word in LATER_WORDS):
        return jsonschema_rs.Draft202012Validator
    return jsonschema_rs.Draft7Validator


def _refuse(uri: str) -> Json:
    raise ValueError(f"schemas elsewhere are not fetched ({uri})")


def _errors(schema: Json, value: Json) -> str:
    """What keeps ``value`` from conforming, "" when nothing does. Raises ``CannotTell``."""
    try:
        if schema is None or (first := first_error(schema, value)) is None:
            return ""
        # The library makes all errors before it gives the first, each with the values it is about.
        few = check_work(schema, value) <= MOST_CHECKS_LISTED
        errors = islice(validator_for(schema).iter_errors(value), MOST_ERRORS) if few else [first]
        return "; ".join(map(_told, errors))
    except (ValueError, RecursionError) as error:
        raise CannotTell(f"The output could not be held to the schema: {_shorten(str(error))}.") from error


def first_error(schema: Json, value: Json) -> jsonschema_rs.ValidationError | None:
    """What keeps ``value`` from conforming, the first of it. Raises ``ValueError``, as a clause, where that
    cannot be found out."""
    check_work(schema, value)
    validator = validator_for(schema)
    if validator.is_valid(value):
        return None
    try:
        validator.validate(value)
    except jsonschema_rs.ValidationError as error:
        if "Error executing regex" in error.message:
            raise ValueError("a pattern of it takes too many steps on this value") from None
        return error
    return None


def _told(error: jsonschema_rs.ValidationError) -> str:
    where = "/".join(str(step) for step in error.instance_path)
    return f"{where}: {_shorten(error.message)}" if where else _shorten(error.message)


def _shorten(message: str) -> str:
    line = message.splitlines()[0] if message else message
    return line if len(line) <= 200 else f"{line[:200]}…"


def _is_json(assertion: Assertion, answer: Answer) -> Finding:
    try:
        value = parse_json(answer.output)
    except ValueError:
        return Finding(False, 0.0, f"Is not valid JSON: {quote(answer.output)}.")
    schema = schema_of(assertion.value)
    return _conforms(schema, _errors(schema, value), "Is valid JSON")


def _contains_json(assertion: Assertion, answer: Answer) -> Finding:
    """As in promptfoo: any JSON object in the text will do, a bare list or number will not."""
    schema, found = schema_of(assertion.value), objects_in(answer.output)
    if not found:
        return Finding(False, 0.0, "Contains no JSON object.")
    errors = ""
    for value in found:
        if not (errors := _errors(schema, value)):
            break
    return _conforms(schema, errors, "Contains JSON")


def _conforms(schema: Json, errors: str, is_json: str) -> Finding:
    if schema is None:
        return Finding(True, 1.0, f"{is_json}.")
    no = f"{is_json}, but not by the schema: {errors}."
    return fact(not errors, f"{is_json} and conforms to the schema.", no)


def objects_in(text: str) -> list[Json]:
    """The JSON objects in ``text``, outermost only, in order. Raises ``CannotTell`` where looking for them
    would read the text many times over, or would make too many values of it."""
    if text.count("{") + text.count("[") + text.count(",") > MOST_VALUES_JUDGED:
        raise CannotTell("The output has too many brackets and commas to look for JSON in it.")
    decoder, found, at, spent = JSONDecoder(parse_int=whole), [], text.find("{"), 0
    while at >= 0:
        begun = at
        try:
            value, at = decoder.raw_decode(text, at)
            found.append(value)
        except JSONDecodeError as fault:
            spent, at = spent + fault.pos - begun, at + 1
        except (TooMuch, RecursionError):
            raise CannotTell("The output holds a number or a nesting too large to read as JSON.") from None
        if spent > MOST_TIMES_READ * (len(text) + 1000):
            raise CannotTell("The output has too many beginnings of JSON that does not end.")
        at = text.find("{", at)
    return found


def _schema_problem(assertion: Assertion) -> str | None:
    schema = schema_of(assertion.value)
    if schema is not None:
        validator_for(schema)
    return None


_EXAMPLE = {"type": "object", "required": ["total"], "properties": {"total": {"type": "number"}}}
_PLACEHOLDER = '{"type": "object", "required": ["total"]}'

KINDS = (
    AssertionKind(
        "is-json", "json", "The whole output is valid JSON, and conforms to the JSON Schema if there is one.",
        "schema", _is_json, _schema_problem, _EXAMPLE, placeholder=_PLACEHOLDER, optional=True,
        passes=Answer('{"total": 12.5}'), fails=Answer('{"total": "12.50 EUR"}'),
    ),
    AssertionKind(
        "contains-json", "json",
        "The output contains a JSON object, and one conforms to the JSON Schema if there is one.",
        "schema", _contains_json, _schema_problem, _EXAMPLE, placeholder=_PLACEHOLDER, optional=True,
        passes=Answer('Here you are: {"total": 12.5}'), fails=Answer("The total is 12.50 EUR."),
    ),
)  # fmt: skip
