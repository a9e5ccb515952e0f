"""Markdown, read and written: front matter, ``# Title``, and ``## System``, ``## User``, ``## Assistant``.

Markdown is text that a model reads: a heading in it is a part of the prompt, and nothing is taken out of it.
A file that begins with a heading of a role is divided at such headings; any other is one user message. What
``emit`` writes carries ``proofsheet: 1`` in its front matter: only there the title has a line of its own, and
every character of the messages comes back as it was. Elsewhere blank lines around a message are not part of
it, and code fences hide headings.
"""

import re
from contextlib import suppress
from dataclasses import asdict, replace

from prompts_app.engine.digests import variable_json
from prompts_app.engine.errors import FormatError
from prompts_app.engine.formats import front_matter, titles
from prompts_app.engine.formats.parts import divided, one_version, parameters_in, role_of
from prompts_app.engine.formats.source import Format, SourceFile
from prompts_app.engine.formats.types import ImportedPrompt, Parsed, Problem
from prompts_app.engine.formats.yaml_ import write_yaml
from prompts_app.engine.types import Json, Message, PromptContent

_HEADING_OF_ROLE = r"##[ \t]+(system|developer|user|assistant)[ \t]*:?[ \t]*"
_SECTION = re.compile(_HEADING_OF_ROLE, re.IGNORECASE)
_ESCAPED = re.compile(r"\\+" + _HEADING_OF_ROLE, re.IGNORECASE)
_TO_ESCAPE = re.compile(r"\\*" + _HEADING_OF_ROLE, re.IGNORECASE)
_TITLE = re.compile(r"#[ \t]+(.*?)[ \t#]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_FIELDS = {
    "title", "name", "summary", "description", "task", "tags", "licence", "license", "model", "note",
    "forked_from", "parameters", "variables", "proofsheet", "known_failures",
}  # fmt: skip


def recognises(source: SourceFile) -> bool:
    """Pasted text or a .txt counts as Markdown when it begins with a role or has our front matter."""
    if source.extension in {"md", "markdown", "mdown", "mdx"}:
        return True
    if source.extension not in {"", "txt", "text"}:
        return False
    with suppress(FormatError):  # broken front matter is text to us
        front = front_matter.split(source.text)
        if front.fields:
            return "proofsheet" in front.fields or _begins_with_role(front.body)
    return _begins_with_role(source.text)


def _begins_with_role(text: str) -> bool:
    return bool(_SECTION.fullmatch(text.lstrip("\n").partition("\n")[0]))


def read(source: SourceFile) -> Parsed:
    front = front_matter.split(source.text)
    exact = front.fields.get("proofsheet") == 1
    heading, body = _titled(front.body, is_ours="proofsheet" in front.fields)
    messages = _messages(body, exact=exact)
    if not any(message.content.strip() for message in messages):
        raise FormatError("There is no prompt text in this file, only a heading or front matter.")
    where = source.place
    settings, problems = parameters_in(front.mapping("parameters"), where)
    listed = front.fields.get("known_failures")
    if isinstance(listed, list) and listed:  # they hang on recorded runs, which no Markdown file holds
        what = "a known failure" if len(listed) == 1 else f"{len(listed)} known failures"
        what = f"{what}: not taken in without the runs behind them; the .json has both"
        problems.append(Problem(what, where))
    problems += [
        Problem(f"the front matter field “{key}”", where) for key in front.fields if key not in _FIELDS
    ]
    prompt = one_version(
        source,
        "Markdown file",
        PromptContent(messages, front.variables("variables"), settings),
        front.text("note"),
        title=front.text("title", "name") or heading,
        summary=front.text("summary", "description"),
        task=front.text("task"),
        tags=front.words("tags"),
        where=where,
        written_for=front.text("model"),
        licence=front.text("licence", "license"),
        forked_from=front.text("forked_from"),
        is_templated=exact,
    )
    return Parsed((prompt,), tuple(problems))


def _titled(body: str, *, is_ours: bool) -> tuple[str, str]:
    """The heading that names the prompt, and the text: without it where this site wrote it above the text."""
    lines = body.lstrip("\n").split("\n")
    title = _TITLE.fullmatch(lines[0])
    if not title or not title[1]:
        return "", body
    rest = "\n".join(lines[1:])
    return title[1], rest if is_ours and rest.strip() else body


def _messages(body: str, *, exact: bool) -> tuple[Message, ...]:
    if not exact and not _begins_with_role(body):
        return (Message("user", body.strip("\n")),)
    _, *sections = divided(body, _SECTION, "", () if exact else _fenced(body.split("\n")))
    messages = []
    for section in sections:
        text = section.text.strip("\n")
        if exact:  # as emit writes it: one blank line after the heading, one before the next or at the end
            lines = section.lines[1:-1]
            text = "\n".join(line[1:] if _ESCAPED.fullmatch(line) else line for line in lines)
        messages.append(Message(role_of(section.role) or "user", text))
    return tuple(messages) or (Message("user", body.strip("\n")),)


def _fenced(lines: list[str]) -> set[int]:
    """The numbers of the lines inside code fences that are closed again."""
    inside: set[int] = set()
    start, fence = 0, ""
    for number, line in enumerate(lines):
        mark = _FENCE.match(line)
        if mark and not fence:
            start, fence = number, mark[1]
        elif mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
            inside.update(range(start, number + 1))
            fence = ""
    return inside


def emit(prompt: ImportedPrompt, remark: str = "") -> str:
    """The prompt's last version as a Markdown file that ``read`` takes back without loss, cases apart.

    ``remark`` is one line for the reader of the file; ``read`` passes over it.
    """
    version = prompt.versions[-1]
    fields: dict[str, Json] = {
        "title": prompt.title,
        "summary": prompt.summary,
        "task": prompt.task,
        "tags": list(prompt.tags),
        "licence": prompt.licence,
        "forked_from": prompt.forked_from,
        "model": prompt.written_for,
        "note": version.note,
        "parameters": dict(version.prompt.parameters),
        "variables": [variable_json(replace(one, pictures=())) for one in version.prompt.variables],
        "known_failures": [asdict(failure) for failure in prompt.known_failures],
    }
    head = write_yaml({key: value for key, value in fields.items() if value} | {"proofsheet": 1})
    sections = "\n".join(_section(message) for message in version.prompt.messages)
    comment = f"<!-- {' '.join(remark.split()).replace('--', '- -')} -->\n\n" if remark else ""
    return f"---\n{head}---\n\n# {titles.cut(prompt.title, 1000)}\n\n{comment}{sections}"


def _section(message: Message) -> str:
    lines = ["\\" + line if _TO_ESCAPE.fullmatch(line) else line for line in message.content.split("\n")]
    return f"## {message.role.capitalize()}\n\n" + "\n".join(lines) + "\n"


FORMAT = Format("markdown", "Markdown, with or without front matter", recognises, read)
