"""Values with parts (``user: {name: Ada}``) as the texts our variables are, and back; and what a test puts
before and after every prompt (``options.prefix`` and ``suffix``), which becomes two variables around it."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from prompts_app.engine.errors import RenderError
from prompts_app.engine.filters import structured
from prompts_app.engine.formats import templates
from prompts_app.engine.formats.promptfoo.prompts import Variant
from prompts_app.engine.formats.promptfoo.reading import plain_text
from prompts_app.engine.formats.reading import as_object
from prompts_app.engine.formats.types import ImportedPrompt, ImportedVersion
from prompts_app.engine.render import name_of, pieces, render, variables_in
from prompts_app.engine.types import Json, Message

_BOUND = re.compile(  # names that the template itself gives a value: {% for role, text in … %}
    r"\{%-?\s*(?:for|set)\s+([^\W\d]\w*(?:\s*,\s*[^\W\d]\w*){0,9})"
)
_MENTION = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_ENVIRONMENT = re.compile(r"\{\{\s*(env\.\w+)\s*\}\}")
_ANY_MENTION = re.compile(r"\{\{[^{}]{1,200}\}\}")
_DEFAULT = re.compile(r"\|\s*d(?:efault)?\b")
_FOR_LISTS = ("join", "first", "last", "length", "dump")


@dataclass(frozen=True, slots=True)
class Usage:
    """How messages use variables: ``dotted`` names, names of values that have to be lists or objects,
    all that are ``needed``: a default is given nowhere, and those that are ``alone`` in a message."""

    dotted: frozenset[str]
    structured: frozenset[str]
    needed: frozenset[str]
    alone: frozenset[str]


def usage_of(messages: Iterable[Message]) -> Usage:
    dotted: set[str] = set()
    lists: set[str] = set()
    needed: set[str] = set()
    defaulted: set[str] = set()
    alone: set[str] = set()
    for message in messages:
        named = _BOUND.findall(message.content)
        bound = {"env", "loop", *(name.strip() for names in named for name in names.split(","))}
        for match in variables_in(message.content):
            name, places, filters = match[1], match[2], match[3]
            if match[0].strip() == message.content.strip():
                alone.add(name)
            if places or name.endswith(".length") or any(word in filters for word in _FOR_LISTS):
                lists.add(name.partition(".")[0])
            elif "." in name:
                dotted.add(name)
            if name.partition(".")[0] not in bound:
                (defaulted if _DEFAULT.search(filters) else needed).add(name_of(match))
    return Usage(frozenset(dotted), frozenset(lists), frozenset(needed - defaulted), frozenset(alone))


def flattened(values: Mapping[str, Json], usage: Usage) -> dict[str, str]:
    """Texts alone. An object whose parts all are used under dotted names becomes these names."""
    flat: dict[str, str] = {}
    for name, value in values.items():
        parts = {} if name in usage.structured else _parts(name, as_object(value), usage)
        flat |= parts or {name: plain_text(value)}
    return flat


def _parts(name: str, value: Mapping[str, Json], usage: Usage) -> dict[str, str]:
    """Dotted name → text, of every leaf; nothing where one of them is not used by its dotted name."""
    found: dict[str, str] = {}
    for key, item in value.items():
        dotted = f"{name}.{key}"
        if dotted in usage.dotted:
            found[dotted] = plain_text(item)
        elif inner := _parts(dotted, as_object(item), usage):
            found |= inner
        else:
            return {}
    return found


def nested(values: Mapping[str, str], usage: Usage) -> dict[str, Json]:
    """As a configuration has them: dotted names as parts, lists and objects where they are used as such."""
    whole: dict[str, Json] = {}
    for name, value in values.items():
        *roots, last = name.split(".")
        place = whole
        for root in roots:
            inner = place.setdefault(root, {})
            if not isinstance(inner, dict):  # a value stands where a part would have to
                break
            place = inner
        else:
            # Where messages use parts of it, it has to be a list or an object.
            parts = name in usage.structured or any(one.startswith(f"{name}.") for one in usage.dotted)
            place[last] = structured(value) if parts else value
    return whole


def mentions_in(value: str) -> list[str]:
    """What looks like a variable in a value, and is no text by itself."""
    shown = "".join(one.written for one in pieces(value) if one.variable or one.text == one.written)
    return list(dict.fromkeys(_ANY_MENTION.findall(shown)))


def resolved(values: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """A value that mentions another has it in its place, at most five deep, as promptfoo does it; one that
    mentions the environment has what the configuration gives it."""
    values = dict(values)
    for _ in range(5):
        changed = False
        for name, value in values.items():
            mention = _MENTION.search(value)
            if mention and mention[1] in values and len(value) < 1_000_000:
                values[name] = value[: mention.start()] + values[mention[1]] + value[mention.end() :]
                changed = True
        if not changed:
            break
    if not environment:
        return values
    return {
        name: _ENVIRONMENT.sub(lambda match: environment.get(match[1], match[0]), value)
        for name, value in values.items()
    }


# --- around prompts -----------------------------------------------------------------------------------

AROUND = {"prefix": "prompt_prefix", "suffix": "prompt_suffix"}  # the option → the variable around prompts
_LIKE_JSON = re.compile(r'\s*(?:\[|\{\s*")')  # may be a chat once its template is filled in


def can_wrap(variants: Sequence[Variant], usage: Usage) -> bool:
    """Whether words around these prompts can be carried, which are the same for all cases here.

    Variables around them are what promptfoo sends, as long as a prompt is a plain text and their names are
    free: around a chat's JSON its words would make a text of the chat, and so they are only named there.
    """
    taken = {name.partition(".")[0] for name in usage.needed | usage.dotted | usage.structured}
    return not taken & set(AROUND.values()) and all(
        not variant.is_chat
        and len(variant.messages) == 1
        and not _LIKE_JSON.match(variant.messages[0].content)
        for variant in variants
    )


def values_around(
    options: Mapping[str, Json], values: Mapping[str, str], note: Callable[[str], None]
) -> dict[str, str]:
    """What stands around the prompts in one case. Where a template cannot be filled in it is kept as text."""
    found = {}
    for option, name in AROUND.items():
        text = options.get(option)
        if not isinstance(text, str) or not text:
            continue
        for what in templates.logic(text):
            note(f"{what} in a test’s {option}, kept as text")
        try:
            found[name] = render(text, values)
        except RenderError as error:
            note(f"“{{{{{error.name}}}}}” in a test’s {option}: nothing fills it in here")
            found[name] = text
    return found


def wrapped(prompt: ImportedPrompt, names: Set[str]) -> ImportedPrompt:
    """The prompt with those variables around each version, and a value for them in each case."""
    if not names:
        return prompt
    before, after = (f"{{{{{name}}}}}" if name in names else "" for name in AROUND.values())
    options = " and ".join(option for option, name in AROUND.items() if name in names)
    versions = []
    for version in prompt.versions:
        (message,) = version.prompt.messages
        message = replace(message, content=f"{before}{message.content}{after}")
        note = f"{version.note} Its tests’ {options} are variables around it."
        versions.append(ImportedVersion(replace(version.prompt, messages=(message,)), note))
    missing = dict.fromkeys(sorted(names), "")
    cases = tuple(replace(case, variables={**missing, **case.variables}) for case in prompt.cases)
    return replace(prompt, versions=tuple(versions), cases=cases)
