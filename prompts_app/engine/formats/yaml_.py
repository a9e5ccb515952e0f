"""YAML as most tools read it today (1.2's core schema): ``yes`` is a word, ``12:30`` is text, dates are text.

Everything comes back as JSON would hold it. Files come from strangers, so they are counted before anything
is made of them (see ``engine.budget``), and tags that make objects are refused.
"""

import math
import re
from typing import Any

import yaml

from prompts_app.engine.budget import check_yaml, whole
from prompts_app.engine.errors import FormatError, TooMuch
from prompts_app.engine.types import Json

_TAG = "tag:yaml.org,2002:"
_NUMBER_START = list("-+.0123456789")
_RESOLVERS = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", _NUMBER_START),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        _NUMBER_START,
    ),
    ("merge", r"<<", ["<"]),
)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # chosen at run time
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._seen: set[int] = set()  # nodes that were looked through for doubled keys

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        self._refuse_doubled(node)
        super().flatten_mapping(node)

    def _refuse_doubled(self, node: yaml.MappingNode) -> None:
        """Of a key that stands twice one value would be lost. (What was merged into may have doubles.)"""
        if id(node) in self._seen:
            return
        self._seen.add(id(node))
        names: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == f"{_TAG}merge":
                continue
            if key.value in names:
                raise yaml.MarkedYAMLError(
                    problem=f"the key “{key.value[:80]}” stands twice", problem_mark=key.start_mark
                )
            names.add(key.value)


class _Dumper(yaml.SafeDumper):
    """Quotes what either the old or the new schema would read as something else than text."""

    def ignore_aliases(self, data: Any) -> bool:
        """What stands twice is written twice: nobody has to look for a mark."""
        return True


for _name, _pattern, _starts in _RESOLVERS:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(_TAG + _name, re.compile(f"^(?:{_pattern})$"), _starts)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Left to itself the library loses rare line ends (NEL, U+2028) in single quotes.
    style = None if text.isprintable() else "|" if _is_block(text) else '"'
    return dumper.represent_scalar(_TAG + "str", text, style=style)


def _is_block(text: str) -> bool:
    """Whether several lines can stand as they are: nothing invisible in them, or at an end."""
    lines = text.split("\n")
    return lines[0] == lines[0].strip() != "" and all(
        line.isprintable() and line == line.rstrip() for line in lines
    )


_Dumper.add_representer(str, _represent_text)


def _construct_int(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    text = node.value
    return int(text, 0) if text[:2] in {"0o", "0x"} and len(text) < 100 else whole(text)


_Loader.add_constructor(_TAG + "int", _construct_int)


def read_yaml(text: str, *, first_line: int = 1) -> Json:
    """YAML text → JSON values. Raises FormatError with the line of the fault."""
    try:
        check_yaml(text)
        value = yaml.load(text, Loader=_Loader)  # noqa: S506  # built on SafeLoader: it makes no objects
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {first_line + mark.line}, column {mark.column + 1}: " if mark else ""
        raise FormatError(f"This is not valid YAML: {where}{error.problem or error.context}.") from None
    except yaml.YAMLError as error:
        raise FormatError(f"This is not valid YAML: {' '.join(str(error).split())}.") from None
    except TooMuch as why:
        raise FormatError(str(why)) from None
    except (ValueError, TypeError, OverflowError):  # a tag at odds with its value, a number too large
        raise FormatError("The YAML holds a value that does not fit its type.") from None
    return _plain(value)


def _plain(value: Any) -> Json:
    """What YAML can say as what JSON can say."""
    if isinstance(value, dict):
        return {_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(item) for item in value]
    return _scalar(value)


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return str(key).lower()
    if key is None or isinstance(key, (str, int, float)):
        return "null" if key is None else str(key)
    raise FormatError("A key in the YAML is not a text.")


def _scalar(value: Any) -> Json:
    if isinstance(value, float) and not math.isfinite(value):
        raise FormatError("The YAML holds a number that is infinite or no number.")
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    return str(value) if not isinstance(value, bytes) else value.decode(errors="replace")


def write_yaml(value: Json) -> str:
    """JSON values → YAML in block style, keys in the order given; ``read_yaml`` gives the same back."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=math.inf
    )
    return text
