"""Agent Skills, read and written: a folder with ``SKILL.md``, and ``evals/evals.json`` beside it.

The file is the prompt's system message, letter for letter with its front matter, as an agent that opens the
skill reads it. What it is asked is the user's message. The first version asks the same without the skill: it
is the baseline, so that each case tells what the skill gains.

``evals.json`` has no one shape in the wild: what is graded stands under "assertions" or "expectations", as
texts or as objects. A text is a rubric for the judge, an object with a "type" of ours is that assertion.

Sources: https://agentskills.io/specification and https://agentskills.io/skill-creation/evaluating-skills.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from prompts_app.engine.assertions import kind_of
from prompts_app.engine.digests import assertion_from_json, assertion_json, case_from_json, case_json
from prompts_app.engine.errors import FormatError, Refused
from prompts_app.engine.formats import front_matter
from prompts_app.engine.formats.files import folder_of, resolved
from prompts_app.engine.formats.front_matter import FrontMatter, as_text
from prompts_app.engine.formats.parts import one_version
from prompts_app.engine.formats.reading import as_object
from prompts_app.engine.formats.source import Format, SourceFile, decode, read_json
from prompts_app.engine.formats.types import ImportedPrompt, ImportedVersion, Parsed, Problem
from prompts_app.engine.render import as_literal, as_quoted, as_value, render_known, values_for
from prompts_app.engine.types import Assertion, CaseContent, Json, Message, PromptContent, Variable

FILE_NAME, EVALS = "SKILL.md", "evals/evals.json"
TASK = "skill"
NO_HEAD = "it begins with front matter that has a “name” in small letters and a “description”."
WITHOUT = "Without the skill: the same, asked of the model alone."
RUBRIC = "llm-rubric"
EXPECTED = "expected output"  # the metric of the assertion that stands for "expected_output"
REQUEST, FILES = "request", "files"

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_GRADED = ("assertions", "expectations")
# What a case here has beyond the format, under the same names.
_OURS = ("turns", "system", "threshold", "tool_results", "most_steps")
_FIELDS = {"id", "name", "eval_name", "prompt", "expected_output", "files", *_GRADED, *_OURS}
_TEXTS = ("text", "assertion", "expectation", "criterion", "description", "check")  # of an object
_NAMES = ("name", "id")
_NUMBERED = re.compile(r"Eval ([0-9]{1,9})(?:: (.+))?", re.DOTALL)
_FILE = re.compile(r'\n\n<file path="([^"\n]+)"(?:/>|>\n(.*?)\n</file>)', re.DOTALL)
_FOLDERS = {"agents", "assets", "evals", "examples", "references", "scripts", "templates"}
_VARIABLES = (Variable(REQUEST, "", "what the agent is asked"), Variable(FILES, "", "files given with it"))
_ASKED = Message("user", f"{{{{{REQUEST}}}}}{{{{{FILES} | default('')}}}}")


def recognises(source: SourceFile) -> bool:
    """A file of that name; pasted text with the head of one."""
    if source.name:
        return PurePosixPath(source.name).name.lower() == FILE_NAME.lower()
    return bool(head_of(source.text))


def is_part(path: str, skill: str) -> bool:
    """Whether a file belongs to the folder of the skill at that path. At the top of a project, that is what
    stands beside it and in the folders that skills have."""
    folder = folder_of(skill)
    if folder:
        return path.startswith(f"{folder}/")
    return "/" not in path or path.partition("/")[0] in _FOLDERS


def head_of(text: str) -> FrontMatter | None:
    """The front matter of a SKILL.md; None where the text has no name and description as one has."""
    try:
        front = front_matter.split(text)
    except FormatError:
        return None
    is_one = _NAME.fullmatch(front.text("name")) and front.text("description")
    return front if is_one and "proofsheet" not in front.fields else None


def skill_in(prompt: PromptContent) -> str:
    """The SKILL.md that a prompt's system message is; "" where it is none."""
    first = prompt.messages[0] if prompt.messages else None
    text = as_value(first.content) if first and first.role == "system" else ""
    return text if head_of(text) else ""


def read(source: SourceFile) -> Parsed:
    front = front_matter.split(source.text)
    if not front.text("name") or not front.text("description"):
        raise FormatError("A SKILL.md begins with front matter that has a “name” and a “description”.")
    problems: list[Problem] = []
    cases = tuple(_cases(source, problems))
    without = PromptContent((_ASKED,), _VARIABLES)
    skill = PromptContent((Message("system", as_literal(source.text)), _ASKED), _VARIABLES)
    prompt = one_version(
        source, "agent skill", skill,
        title=front.text("name"), summary=front.text("description"), task=TASK, where=source.place,
        licence=front.text("license"), cases=cases, is_templated=True, baseline=1,
    )  # fmt: skip
    versions = (ImportedVersion(without, WITHOUT), *prompt.versions)
    return Parsed((replace(prompt, versions=versions),), tuple(dict.fromkeys(problems)))


# --- evals ------------------------------------------------------------------------------------------------


def _cases(source: SourceFile, problems: list[Problem]) -> Iterator[CaseContent]:
    folder = folder_of(source.name)
    path = f"{folder}/{EVALS}" if folder else EVALS
    data = source.files.read(path)
    if data is None:
        return
    try:
        evals = as_object(read_json(decode(data))).get("evals")
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from None
    if not isinstance(evals, list):
        raise FormatError(f"{path}: there is no list of “evals” in it.")
    for number, one in enumerate(evals, start=1):
        where = f"{path}, eval {number}"
        asked = as_text(as_object(one).get("prompt"))
        if not asked.strip():
            problems.append(Problem("an eval without a “prompt”", where))
            continue
        problems += [Problem(f"the field “{name}”", path) for name in one if name not in _FIELDS]
        yield _case(source, folder, one, asked, where, problems)


def _case(
    source: SourceFile, folder: str, one: dict[str, Json], asked: str, where: str, problems: list[Problem]
) -> CaseContent:
    files = one.get("files")
    given = "".join(
        _file(source, folder, as_text(path), where, problems)
        for path in (files if isinstance(files, list) else ())
    )
    variables = {REQUEST: asked} | ({FILES: given} if given else {})
    try:
        known = case_from_json({name: one[name] for name in _OURS if name in one})
    except ValueError as error:
        raise FormatError(f"{where}: {error}") from None
    assertions = tuple(_assertions(one, where, problems))
    return replace(known, name=_name(one), variables=variables, assertions=assertions)


def _name(one: Mapping[str, Json]) -> str:
    """``Eval 3: tidy-up`` of a number and a name: ``evals_json`` takes both out again."""
    number, name = one.get("id"), as_text(one.get("name")) or as_text(one.get("eval_name"))
    if isinstance(number, int) and not isinstance(number, bool) and number >= 0:
        return f"Eval {number}: {name}" if name else f"Eval {number}"
    return name or as_text(number)


def _file(source: SourceFile, folder: str, path: str, where: str, problems: list[Problem]) -> str:
    """A file as it is given with the request; its path alone where it cannot be."""
    name = path.replace('"', "").replace("\n", " ")
    place = resolved(folder, path)
    if place == resolved(folder, FILE_NAME):
        problems.append(
            Problem("the skill among an eval’s files: it would be asked without the skill, too", where)
        )
        return f'\n\n<file path="{name}"/>'
    data = source.files.read(place) if place else None
    try:
        text = "" if data is None else decode(data)
    except FormatError:
        text = ""
    if not text or "\n</file>" in text:
        problems.append(Problem(f"the file “{path}”: it is no text, or is not in the folder", where))
        return f'\n\n<file path="{name}"/>'
    return f'\n\n<file path="{name}">\n{text}\n</file>'


def _assertions(one: Mapping[str, Json], where: str, problems: list[Problem]) -> Iterator[Assertion]:
    if expected := as_text(one.get("expected_output")).strip():
        yield Assertion(RUBRIC, as_quoted(expected), metric=EXPECTED)
    for key in _GRADED:
        listed = one.get(key)
        for graded in listed if isinstance(listed, list) else ():
            found = _assertion(graded)
            if found:
                yield found
            else:
                kind = as_text(as_object(graded).get("type"))
                what = f"the kind “{kind}”" if kind else "no text says what is wanted"
                problems.append(Problem(f"one of the “{key}”: {what}", where))


def _assertion(graded: Json) -> Assertion | None:
    if isinstance(graded, str):
        return Assertion(RUBRIC, as_quoted(graded)) if graded.strip() else None
    about = as_object(graded)
    if kind_of(as_text(about.get("type"))):
        try:
            return assertion_from_json(about)
        except ValueError:
            return None
    key = next((key for key in _TEXTS if as_text(about.get(key)).strip()), "")
    if not key:
        return None
    name = next((name for name in _NAMES if as_text(about.get(name))), "")
    more = {other: value for other, value in about.items() if other not in {key, name}}
    text = as_quoted(as_text(about[key]))
    return Assertion(RUBRIC, text, metric=as_text(about.get(name)), options=more)


# --- writing ----------------------------------------------------------------------------------------------


def emit(prompt: ImportedPrompt) -> bytes:
    """The last version and the cases as a zip of the folder, which ``read`` takes back. Raises ``Refused``
    where that version is no skill."""
    content = prompt.versions[-1].prompt
    text = skill_in(content)
    front = head_of(text)
    if front is None:
        raise Refused("no_skill", f"The newest version of “{prompt.title}” is no skill: {NO_HEAD}")
    folder, packed = front.text("name"), io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, written in {FILE_NAME: text, **_written(folder, content, prompt.cases)}.items():
            # The same prompt is the same file, whenever it is asked for.
            archive.writestr(zipfile.ZipInfo(f"{folder}/{path}", (1980, 1, 1, 0, 0, 0)), written)
    return packed.getvalue()


def _written(name: str, prompt: PromptContent, cases: tuple[CaseContent, ...]) -> dict[str, str]:
    """The folder's other files: the evals, and what is given with them."""
    if not cases:
        return {}
    files: dict[str, str] = {}
    evals = [_eval(number, prompt, case, files) for number, case in enumerate(cases, start=1)]
    body = json.dumps({"skill_name": name, "evals": evals}, ensure_ascii=False, indent=2)
    return {EVALS: body + "\n", **files}


def _eval(number: int, prompt: PromptContent, case: CaseContent, files: dict[str, str]) -> dict[str, Json]:
    """One case; texts of its files are put into ``files``."""
    given = _FILE.findall(case.variables.get(FILES, ""))
    files |= {path: text for path, text in given if text and resolved("", path) == path}
    expected = next((one for one in case.assertions if one.type == RUBRIC and one.metric == EXPECTED), None)
    named = _NUMBERED.fullmatch(case.name)
    about: dict[str, Json] = {"id": int(named[1]) if named else number}
    if name := named[2] if named else case.name:
        about["name"] = name
    about["prompt"] = _asked(prompt, case)
    if expected:
        about["expected_output"] = as_value(str(expected.value))
    about["files"] = [path for path, _ in given]
    about["assertions"] = [_graded(one) for one in case.assertions if one is not expected]
    kept = case_json(case)
    return about | {name: kept[name] for name in _OURS if kept.get(name)}


def _asked(prompt: PromptContent, case: CaseContent) -> str:
    if REQUEST in case.variables:
        return case.variables[REQUEST]
    values = values_for(prompt, case)
    asked = [render_known(one.content, values) for one in prompt.messages if one.role == "user"]
    return "\n\n".join(asked)


def _graded(assertion: Assertion) -> Json:
    if assertion.type != RUBRIC or assertion.threshold is not None or assertion.weight != 1:
        return assertion_json(assertion)
    text = as_value(str(assertion.value))
    if not assertion.metric and not assertion.options:
        return text
    return {"text": text, **({"name": assertion.metric} if assertion.metric else {}), **assertion.options}


FORMAT = Format("skill", "Agent skill (SKILL.md, with its evals in a folder or zip)", recognises, read)
