"""One way to write a value down, so that the same thing always has the same digest."""

import json
from collections.abc import Iterable, Iterator
from hashlib import sha256

import rfc8785

from prompts_app.engine.case_pictures import MOST_PICTURES, case_picture_from_json
from prompts_app.engine.json_texts import SAFE_INTEGER
from prompts_app.engine.tool_types import ToolResult
from prompts_app.engine.types import Assertion, CaseContent, Json, PromptContent, Variable

MOST_TOOL_RESULTS = 50  # canned results of one case
MOST_ARGUMENTS = 2_000  # characters of the arguments that one is for
MOST_STEPS = 50  # answers of a model with calls of tools that one case may have answered


def canonical(value: Json) -> bytes:
    """``value`` as canonical JSON (RFC 8785), UTF-8.

    Whole numbers beyond 2^53 are written as the double every JSON reader makes of them. Raises
    ``ValueError`` for what is not JSON: NaN, infinity, half a surrogate pair, keys that are not text.
    """
    try:
        return _AS_IT_IS(value).encode() if _is_simple(value) else rfc8785.dumps(plain(value))
    except (rfc8785.CanonicalizationError, UnicodeError, OverflowError, RecursionError) as error:
        raise ValueError(f"This cannot be written as canonical JSON: {error}") from error


# Without numbers that have a spelling of their own and names that sort otherwise, the standard library writes
# the very same, thirty times as fast.
_AS_IT_IS = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def _is_simple(value: Json) -> bool:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is dict:
        for name, item in value.items():
            if type(name) is not str or not name.isascii() or not _is_simple(item):
                return False
        return True
    if kind is list or kind is tuple:
        return all(map(_is_simple, value))
    return kind is int and abs(value) <= SAFE_INTEGER


def canonical_pieces(value: Json) -> Iterator[bytes]:
    """The bytes of ``canonical(value)``, piece by piece.

    A list may be given as an iterator: it is written item by item, so that the whole never stands in memory
    at once. So may the lists that are members of ``value`` itself, or of such an item.
    """
    if isinstance(value, Iterator):
        yield from _in_row(b"[]", map(canonical_pieces, value))
    elif isinstance(value, dict) and any(isinstance(item, Iterator) for item in value.values()):
        names = sorted(value, key=_place_of_name)
        yield from _in_row(b"{}", (_member(name, value[name]) for name in names))
    else:
        yield canonical(value)


def _in_row(brackets: bytes, items: Iterable[Iterable[bytes]]) -> Iterator[bytes]:
    yield brackets[:1]
    for number, pieces in enumerate(items):
        if number:
            yield b","
        yield from pieces
    yield brackets[1:]


def _member(name: str, value: Json) -> Iterator[bytes]:
    yield canonical(name) + b":"
    yield from canonical_pieces(value)


def _place_of_name(name: Json) -> bytes:
    if not isinstance(name, str):
        raise ValueError("This cannot be written as canonical JSON: object keys must be strings")  # noqa: TRY004
    return name.encode("utf-16be", "surrogatepass")


def digest(value: Json) -> str:
    """The SHA-256 of the canonical JSON, in hex. Lists in ``value`` may be iterators, as in
    ``canonical_pieces``."""
    summed = sha256()
    for piece in canonical_pieces(value):
        summed.update(piece)
    return summed.hexdigest()


def plain(value: Json) -> Json:
    """Tuples as lists and big whole numbers as doubles; ``bool`` is an ``int`` and must stay itself."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > SAFE_INTEGER:
        return float(value)
    return value


def assertion_json(assertion: Assertion) -> dict[str, Json]:
    """The assertion as JSON. What has its usual value is left out, so digests do not hang on spelling."""
    data: dict[str, Json] = {"type": assertion.type}
    if assertion.value is not None:
        data["value"] = assertion.value
    if assertion.threshold is not None:
        data["threshold"] = assertion.threshold
    if assertion.weight != 1:
        data["weight"] = assertion.weight
    if assertion.metric:
        data["metric"] = assertion.metric
    if assertion.options:
        data["options"] = dict(assertion.options)
    return data


def assertion_from_json(data: Json) -> Assertion:
    """The opposite of ``assertion_json``. Raises ``ValueError`` saying what has the wrong shape."""
    if not isinstance(data, dict) or not isinstance(data.get("type"), str):
        raise ValueError("An assertion is an object with a “type”.")  # noqa: TRY004
    threshold, weight = data.get("threshold"), data.get("weight", 1.0)
    options = data.get("options") or {}
    if not isinstance(options, dict):
        raise ValueError("An assertion's “options” are an object.")  # noqa: TRY004
    return Assertion(
        type=data["type"],
        value=data.get("value"),
        threshold=None if threshold is None else _number(threshold, "threshold"),
        weight=_number(weight, "weight"),
        metric=str(data.get("metric") or ""),
        options=options,
    )


def case_json(case: CaseContent) -> dict[str, Json]:
    """The case as JSON; what not every case has (a system message of its own, canned results…) only where
    it is there."""
    results = [tool_result_json(one) for one in case.tool_results]
    return {
        "name": case.name,
        "variables": dict(case.variables),
        "turns": list(case.turns),
        "assertions": [assertion_json(assertion) for assertion in case.assertions],
        **({"system": case.system} if case.system else {}),
        **({} if case.threshold is None else {"threshold": case.threshold}),
        **({"tool_results": results} if results else {}),
        **({} if case.most_steps is None else {"most_steps": case.most_steps}),
        **({"pictures": [one.as_json() for one in case.pictures]} if case.pictures else {}),
    }


def case_from_json(data: Json) -> CaseContent:
    """The opposite of ``case_json``; every part may be absent. Raises ``ValueError`` on a wrong shape.

    A variable's value that is not text becomes its JSON text.
    """
    if not isinstance(data, dict):
        raise ValueError("A case is an object.")  # noqa: TRY004
    variables, turns = data.get("variables") or {}, data.get("turns") or []
    assertions, threshold = data.get("assertions") or [], data.get("threshold")
    if not isinstance(variables, dict) or not isinstance(turns, list) or not isinstance(assertions, list):
        raise ValueError("A case’s variables are an object, its turns and assertions are lists.")  # noqa: TRY004
    return CaseContent(
        name=_text(data.get("name") or ""),
        variables={str(name): _text(value) for name, value in variables.items()},
        turns=tuple(_text(turn) for turn in turns),
        assertions=tuple(assertion_from_json(assertion) for assertion in assertions),
        system=_text(data.get("system") or ""),
        threshold=None if threshold is None else _number(threshold, "threshold", "A case"),
        tool_results=tuple(map(tool_result_from_json, _list(data, "tool_results", MOST_TOOL_RESULTS))),
        most_steps=_most_steps(data.get("most_steps")),
        pictures=tuple(map(case_picture_from_json, _list(data, "pictures", MOST_PICTURES))),
    )


def tool_result_json(one: ToolResult) -> dict[str, Json]:
    return {
        "tool": one.tool,
        "result": one.result,
        **({} if one.arguments is None else {"arguments": one.arguments}),
        **({"once": True} if one.once else {}),
    }


def tool_result_from_json(data: Json) -> ToolResult:
    """The opposite of ``tool_result_json``. Raises ``ValueError`` saying what has the wrong shape."""
    arguments = data.get("arguments") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(data.get("tool"), str) or not data["tool"]:
        raise ValueError("A canned result is an object with a “tool” and a “result”.")
    if arguments is not None and not isinstance(arguments, dict):
        raise ValueError("The “arguments” of a canned result are an object.")
    if len(json.dumps(arguments)) > MOST_ARGUMENTS:
        raise ValueError(f"The “arguments” of a canned result have at most {MOST_ARGUMENTS:,} characters.")
    return ToolResult(data["tool"], _text(data.get("result") or ""), arguments, data.get("once") is True)


def _list(data: dict[str, Json], name: str, most: int) -> list[Json]:
    value = data.get(name) or []
    if not isinstance(value, list):
        raise ValueError(f"A case’s “{name}” are a list.")  # noqa: TRY004 as in case_from_json
    if len(value) > most:
        raise ValueError(f"A case has at most {most} “{name}”.")
    return value


def _most_steps(value: Json) -> int | None:
    if value is None or (type(value) is int and 1 <= value <= MOST_STEPS):
        return value
    raise ValueError(f"A case’s “most_steps” is a whole number from 1 to {MOST_STEPS}.")


def variable_json(variable: Variable) -> dict[str, Json]:
    """The variable as a version stores it; pictures only where it has some, so that no digest changes."""
    pictures = [one.as_json() for one in variable.pictures]
    known = {"name": variable.name, "default": variable.default, "description": variable.description}
    return {**known, **({"pictures": pictures} if pictures else {})}


def variable_from_json(data: dict[str, Json]) -> Variable:
    """The opposite of ``variable_json``. Raises ``ValueError`` where a picture has the wrong shape."""
    pictures = tuple(map(case_picture_from_json, data.get("pictures") or ()))
    return Variable(data["name"], data["default"], data["description"], pictures)


def with_checked_pictures(prompt: PromptContent) -> PromptContent:
    """What a file brought in, as it is. Raises ``ValueError`` where a picture has the wrong shape."""
    for variable in prompt.variables:
        if len(variable.pictures) > MOST_PICTURES:
            raise ValueError(f"A variable has at most {MOST_PICTURES} “pictures”.")
        for one in variable.pictures:
            case_picture_from_json(one.as_json())
            if one.variable != variable.name:
                raise ValueError("A picture in a variable names that variable.")
    return prompt


def suite_digest(cases: Iterable[CaseContent]) -> str:
    """The digest of all cases in their order: any change to the tests changes it."""
    return digest([case_json(case) for case in cases])


def _number(value: Json, name: str, whose: str = "An assertion") -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{whose}'s “{name}” is a number.")  # noqa: TRY004
    return value


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
