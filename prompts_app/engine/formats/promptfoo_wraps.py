"""What a test puts before and after every prompt (``options.prefix`` and ``suffix``).

Prompts are the same for all cases here, so each gets two variables around it, and each case says what
stands in them. That is what promptfoo sends, as long as a prompt is a plain text: around a chat's JSON its
words would make a text of the chat, and so they are only named there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from prompts_app.engine.formats import templates
from prompts_app.engine.formats.promptfoo_prompts import Variant
from prompts_app.engine.formats.promptfoo_variables import Usage
from prompts_app.engine.formats.types import ImportedPrompt, ImportedVersion
from prompts_app.engine.render import RenderError, render
from prompts_app.engine.types import Case, Json, Message

OPTIONS = {"prefix": "prompt_prefix", "suffix": "prompt_suffix"}  # the option → the variable around prompts
_LIKE_JSON = re.compile(r'\s*(?:\[|\{\s*")')  # may be a chat once its template is filled in
_NAMES = frozenset(OPTIONS.values())


def can_be(variants: Sequence[Variant], usage: Usage) -> bool:
    """Whether words around these prompts stay what they are, and the variables' names are free."""
    taken = {name.partition(".")[0] for name in usage.needed | usage.dotted | usage.structured}
    return not taken & _NAMES and all(
        not variant.is_chat
        and len(variant.messages) == 1
        and not _LIKE_JSON.match(variant.messages[0].content)
        for variant in variants
    )


def values_of(
    options: Mapping[str, Json], values: Mapping[str, str], note: Callable[[str], None]
) -> dict[str, str]:
    """What stands around the prompts in one case. Where a template cannot be filled in it is kept as text."""
    found = {}
    for option, name in OPTIONS.items():
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


@dataclass(frozen=True, slots=True)
class Wraps:
    """Puts the variables that any case uses around every prompt, and into every case."""

    names: frozenset[str]

    def case(self, case: Case) -> Case:
        missing = dict.fromkeys(sorted(self.names - case.variables.keys()), "")
        return replace(case, variables={**case.variables, **missing}) if missing else case

    def prompt(self, prompt: ImportedPrompt) -> ImportedPrompt:
        if not self.names:
            return prompt
        return replace(
            prompt,
            versions=tuple(self._version(version) for version in prompt.versions),
            cases=tuple(self.case(case) for case in prompt.cases),
        )

    def _version(self, version: ImportedVersion) -> ImportedVersion:
        before, after = (f"{{{{{name}}}}}" if name in self.names else "" for name in OPTIONS.values())
        (message,) = version.prompt.messages
        wrapped = (Message(message.role, f"{before}{message.content}{after}"),)
        options = [option for option, name in OPTIONS.items() if name in self.names]
        return ImportedVersion(
            replace(version.prompt, messages=wrapped),
            f"{version.note} Its tests’ {' and '.join(options)} are variables around it.",
        )
