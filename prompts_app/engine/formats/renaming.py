"""Odd names of an imported prompt, renamed wherever they stand: in its versions, its cases and its runs."""

from dataclasses import replace

from prompts_app.engine.formats.types import ImportedPrompt, ImportedVersion
from prompts_app.engine.names import Rename, renamed_case, renamed_prompt, renamed_text, renames_in
from prompts_app.engine.types import Message


def offered(imported: ImportedPrompt) -> tuple[Rename, ...]:
    messages = [message for version in imported.versions for message in version.prompt.messages]
    messages += [Message("user", turn) for case in imported.cases for turn in (*case.turns, case.system)]
    taken = {name for case in imported.cases for name in case.variables}
    return renames_in(messages, taken)


def renamed(imported: ImportedPrompt) -> ImportedPrompt:
    """All that are offered."""
    names = {offer.name: offer.becomes for offer in offered(imported)}
    if not names:
        return imported
    # A run's suite holds the very cases of the prompt; it does so afterwards.
    cases = {id(case): renamed_case(case, names) for case in imported.cases}
    return replace(
        imported,
        title=renamed_text(imported.title, names),  # it may be the text's first line
        versions=tuple(
            ImportedVersion(renamed_prompt(version.prompt, names), version.note)
            for version in imported.versions
        ),
        cases=tuple(cases[id(case)] for case in imported.cases),
        runs=tuple(
            replace(run, suite=tuple(cases.get(id(case)) or renamed_case(case, names) for case in run.suite))
            for run in imported.runs
        ),
    )
