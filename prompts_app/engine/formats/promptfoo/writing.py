"""promptfoo configurations, written: every version as a prompt, every case as a test.

``config.read`` takes the file back without loss. What promptfoo has no word for (titles, notes, cases with
further turns…) stands under ``metadata.proofsheet``, which promptfoo leaves alone.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

from prompts_app.engine.assertions.graded import FACTUALITY
from prompts_app.engine.digests import case_json, variable_json
from prompts_app.engine.errors import FormatError
from prompts_app.engine.formats.promptfoo import assertions
from prompts_app.engine.formats.promptfoo.config import NUNJUCKS, opened
from prompts_app.engine.formats.promptfoo.prompts import chat_in, for_promptfoo, may_be_path
from prompts_app.engine.formats.promptfoo.tests import OURS, Tests
from prompts_app.engine.formats.promptfoo.variables import Usage, nested, usage_of
from prompts_app.engine.formats.source import SourceFile
from prompts_app.engine.formats.types import ImportedPrompt, ImportedVersion
from prompts_app.engine.formats.yaml_ import write_yaml
from prompts_app.engine.render import as_quoted
from prompts_app.engine.types import CaseContent, Json, Message

SCHEMA = "https://promptfoo.dev/config-schema.json"
# Where prompts come from whose logic goes back as it came.
_OF_NUNJUCKS = re.compile(r"(?:pasted )?(?:promptfoo (?:configuration|results)|prompty)")
NO_MODEL = "echo"  # promptfoo's own stand-in: it gives the prompt back


def write_config(
    prompt: ImportedPrompt, models: Iterable[str] = (), remark: str = "", at_responses: Collection[str] = ()
) -> str:
    """The file's text. ``models`` become the providers, those ``at_responses`` of OpenAI's Responses API;
    ``remark`` is one line for who opens the file."""
    usage = usage_of(message for version in prompt.versions for message in version.prompt.messages)
    is_nunjucks = bool(_OF_NUNJUCKS.match(prompt.source))
    said = [for_promptfoo(version.prompt.messages, is_nunjucks=is_nunjucks) for version in prompt.versions]
    raws = [raw_of(messages) for messages in said]
    are_texts = [raw == messages[0].content for raw, messages in zip(raws, said, strict=True)]
    if any(are_texts) and not all(are_texts) and any(as_quoted(text) != text for text in _values(prompt)):
        raws = [raw_of(messages, as_chat=True) for messages in said]  # in chats, values are no templates
        are_texts = [False]
    values = as_quoted if all(are_texts) else str
    apis = dict.fromkeys(at_responses, "responses")
    providers = [f"openai:{apis.get(model, 'chat')}:{model}" for model in models] or [NO_MODEL]
    defaults = {one.name: one.default for one in prompt.versions[-1].prompt.variables if one.default}
    config: dict[str, Json] = {
        "description": prompt.title,
        "prompts": [
            _prompt(number, version, raw)
            for number, (version, raw) in enumerate(zip(prompt.versions, raws, strict=True), start=1)
        ],
        "providers": providers,
        **({"defaultTest": {"vars": _written(defaults, usage, values)}} if defaults else {}),
        "tests": [_test(case, usage, values) for case in prompt.cases],
        "metadata": {OURS: _ours(prompt, said) | ({"logic": NUNJUCKS} if is_nunjucks else {})},
    }
    head = [f"# yaml-language-server: $schema={SCHEMA}", f"# {' '.join(remark.split())}" if remark else ""]
    own = (variable.pictures for version in prompt.versions for variable in version.prompt.variables)
    if any(own) or any(case.pictures for case in prompt.cases):
        head.append(
            "# Pictures of cases are not in this file, nor those of messages: metadata names them by SHA-256."
        )
    if providers == [NO_MODEL]:
        head.append("# Name the models to test under “providers”: echo only gives the prompt back.")
    return "\n".join(line for line in head if line) + "\n" + write_yaml(config)


def _values(prompt: ImportedPrompt) -> Iterator[str]:
    for case in prompt.cases:
        yield from case.variables.values()
    yield from (variable.default for variable in prompt.versions[-1].prompt.variables)


def _prompt(number: int, version: ImportedVersion, raw: str) -> dict[str, Json]:
    first_line = version.note.strip().split("\n")[0][:80]
    written: dict[str, Json] = {
        "raw": raw,
        "label": f"v{number}: {first_line}" if first_line else f"v{number}",
    }
    return written | ({"config": dict(version.prompt.parameters)} if version.prompt.parameters else {})


def raw_of(messages: tuple[Message, ...], *, as_chat: bool = False) -> str:
    """A single user message as its text, unless promptfoo would take that for a chat, for a file's name, or
    for JSON, which it writes anew. ``as_chat``: as a chat in any case, where values are no templates."""
    if len(messages) == 1 and messages[0].role == "user" and not as_chat:
        text = messages[0].content
        is_json = text.lstrip().startswith(("{", "[", '"')) and SourceFile("", text).json is not None
        if text.strip() and not may_be_path(text) and chat_in(text) is None and not is_json:
            return text
    return json.dumps([asdict(message) for message in messages], ensure_ascii=False, indent=2)


def _written(values: Mapping[str, str], usage: Usage, write: Callable[[str], str]) -> dict[str, Json]:
    """``write``: how promptfoo has to be told a text."""
    found = nested(values, usage)
    return {name: write(value) if isinstance(value, str) else value for name, value in found.items()}


def _test(case: CaseContent, usage: Usage, write: Callable[[str], str]) -> dict[str, Json]:
    """The case in promptfoo's words; where these do not say all of it, as a whole beside them."""
    test: dict[str, Json] = {
        "description": case.name,
        "vars": _written(case.variables, usage, write),
        "assert": [assertions.write(one) for one in case.assertions if assertions.can_write(one)],
    }
    test["options"] = _options(test)
    threshold = {} if case.threshold is None else {"threshold": case.threshold}
    test = {key: value for key, value in test.items() if value} | threshold
    if _read_again(test, usage) != case:
        test["metadata"] = {OURS: {"case": case_json(case)}}
    return test


def _options(test: Mapping[str, Json]) -> dict[str, Json]:
    """What promptfoo says of a whole test: that its lists are values, and what relations of facts are worth
    (which it does not look for in an assertion)."""
    options: dict[str, Json] = {}
    if any(isinstance(value, list) for value in test["vars"].values()):
        options["disableVarExpansion"] = True
    worth = [one.pop(FACTUALITY) for one in test["assert"] if FACTUALITY in one]
    return options | ({FACTUALITY: worth[0]} if worth else {})


def _read_again(test: Mapping[str, Json], usage: Usage) -> CaseContent | None:
    """What the test would be read as."""
    config = {"prompts": ["-"], "tests": [test], "metadata": {OURS: {}}}
    try:
        (case,) = Tests(opened(SourceFile("", ""), config), usage).cases()
    except (FormatError, ValueError):
        return None
    return case


def _ours(prompt: ImportedPrompt, said: Sequence[tuple[Message, ...]]) -> dict[str, Json]:
    described: dict[str, Json] = {
        "title": prompt.title,
        "summary": prompt.summary,
        "task": prompt.task,
        "tags": list(prompt.tags),
        "licence": prompt.licence,
        "model": prompt.written_for,
    }
    versions: list[dict[str, Json]] = []
    for version, messages in zip(prompt.versions, said, strict=True):
        variables = list(map(variable_json, version.prompt.variables))
        versions.append({"note": version.note, "variables": variables})
        if messages != version.prompt.messages:  # promptfoo needs them in other words
            versions[-1]["messages"] = [asdict(message) for message in version.prompt.messages]
    return {
        "version": 1,
        **{key: value for key, value in described.items() if value},
        "versions": versions,
    }
