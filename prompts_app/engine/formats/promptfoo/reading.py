"""What all parts of a promptfoo configuration need while it is read: files it names, references, findings."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from prompts_app.engine.errors import FormatError
from prompts_app.engine.filters import as_json, as_output
from prompts_app.engine.formats.files import folder_of, is_not_meant, is_pattern, matching, resolved
from prompts_app.engine.formats.reading import as_object
from prompts_app.engine.formats.source import SourceFile, decode, read_json
from prompts_app.engine.formats.types import Problem
from prompts_app.engine.formats.yaml_ import read_yaml
from prompts_app.engine.types import Json

FILE = "file://"
PROGRAMS = frozenset("js cjs mjs ts cts mts jsx tsx py rb go sh bash bat cmd exe ps1 pl php".split())
DEEPEST_REFERENCE = 20
MOST_REFERENCED = 100_000  # values that references may multiply into
_OF_SCHEMAS = frozenset({"definitions", "$defs", "components"})

_SECRET = re.compile(
    r"(?i)(?:api|access|auth|private|secret)[-_]?(?:key|token)|passw|secret|authorization|credential|^token$"
)


@dataclass(frozen=True, slots=True)
class ConfigReading:
    """One configuration being read. ``config`` has its references replaced by what they stand for.

    ``is_ours``: it was written by this site, so that every value is meant exactly as it stands.
    """

    source: SourceFile
    config: Mapping[str, Json] = field(default_factory=dict)
    referenced: frozenset[str] = frozenset()  # top-level names that references point into
    is_ours: bool = False
    noted: dict[str, dict[str, None]] = field(default_factory=dict)  # what is not carried over → places
    opened: set[str] = field(default_factory=set)  # other files, by their paths

    @property
    def environment(self) -> dict[str, str]:
        """``env.NAME`` → what the configuration itself gives it; never what is named like a key."""
        return {
            f"env.{name}": plain_text(value)
            for name, value in as_object(self.config.get("env")).items()
            if value is not None and not is_secret(name)
        }

    def note(self, what: str, where: str) -> None:
        """That ``what`` is not carried over. The same thing at several places is one problem."""
        self.noted.setdefault(what, {})[self.at(where)] = None

    def note_all(self, problems: Iterable[Problem], of: str = "") -> None:
        for problem in problems:
            self.note(problem.what + of, problem.where)

    def problems(self) -> tuple[Problem, ...]:
        return tuple(
            Problem(what, f"{first} and {len(more)} more" if more else first)
            for what, (first, *more) in self.noted.items()
        )

    def at(self, place: str) -> str:
        """A place for the report: "promptfooconfig.yaml, tests[2]", "tests.csv, row 3"."""
        if re.split(r", |\[", place)[0] in self.opened:
            return place
        name = self.source.name
        return f"{name}, {place}" if name and place else name or place or "the pasted text"

    def paths(self, reference: str, folder: str = "") -> tuple[str, ...]:
        """The files a path or pattern stands for, seen from the configuration, else from ``folder``."""
        path = reference.removeprefix(FILE)
        for start in dict.fromkeys((folder_of(self.source.name), folder)):
            found = resolved(start, path)
            if found is not None and self.source.files.read(found) is not None:
                return (found,)
            if is_pattern(path) and (several := matching(self.source.files, start, path)):
                return several
        return ()

    def text(self, path: str) -> str:
        """A file's text. Raises FormatError with its name, for one that is no text too."""
        data = self.source.files.read(path)
        self.opened.add(path)
        with _named(path):
            return decode(data or b"")

    def value(self, path: str) -> Json:
        """The value in a JSON, YAML or JSON Lines file. Raises FormatError with its name."""
        text = self.text(path)
        with _named(path):
            if extension_of(path) in {"jsonl", "ndjson"}:
                lines = enumerate(text.split("\n"), start=1)
                return [read_json(line, first_line=number) for number, line in lines if line.strip()]
            return read_json(text) if extension_of(path) == "json" else read_yaml(text)

    def loaded(self, value: Json, where: str) -> Json:
        """``value``; where that names a JSON or YAML file, what is in it, or the text where it is another.

        A file that is not there or is a program is noted, and the name stays.
        """
        if not isinstance(value, str) or not value.startswith(FILE):
            return value
        path = value.removeprefix(FILE)
        if extension_of(path.split(":")[0]) in PROGRAMS:
            self.note(f"the program “{path}”", where)
            return value
        found = self.paths(value)
        if not found:
            self.note(missing(path), where)
            return value
        kind = extension_of(found[0])
        return self.value(found[0]) if kind in {"json", "yaml", "yml"} else self.text(found[0]).strip()


@contextmanager
def _named(path: str) -> Iterator[None]:
    """What cannot be read is told with the file's name."""
    try:
        yield
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from None


def missing(path: str) -> str:
    """What to say of a file that is named and not there."""
    if resolved("", path) is None or path.startswith("../"):
        return f"the file “{path}”, which is not inside the zip or folder"
    if is_not_meant(resolved("", path) or ""):
        return f"the file “{path}”, which is hidden or a tool’s own: such files are never read"
    return f"the file “{path}”, which is not there: bring in the whole folder, or a zip of it"


def extension_of(path: str) -> str:
    name = path.rsplit("/", 1)[-1]
    return name.rsplit(".", 1)[1].lower() if "." in name else ""


def plain_text(value: Json) -> str:
    """A value as a variable holds it: a list or object as JSON, null as nothing."""
    return as_json(value) if isinstance(value, dict | list) else as_output(value)


def without_secrets(value: Json) -> tuple[Json, list[str]]:
    """A setting without what looks like a key or password, and the names of those."""
    if isinstance(value, list):
        pairs = [without_secrets(item) for item in value]
        return [item for item, _ in pairs], [name for _, names in pairs for name in names]
    if not isinstance(value, dict):
        return value, []
    kept, gone = {}, []
    for key, item in value.items():
        if is_secret(key):
            gone.append(key)
        else:
            kept[key], inner = without_secrets(item)
            gone += inner
    return kept, gone


def is_secret(name: str) -> bool:
    return bool(_SECRET.search(name))


# --- references -----------------------------------------------------------------------------------------


class References:
    """``{"$ref": "#/assertionTemplates/short"}`` replaced by what stands there, in this or another file."""

    def __init__(self, reading: ConfigReading, root: Json) -> None:
        self._reading, self._root = reading, root
        self._left = MOST_REFERENCED
        self.used: set[str] = set()

    def replaced(self, value: Json, depth: int = 0) -> Json:
        self._left -= 1
        if self._left < 0 and depth:
            raise FormatError("The references ($ref) of this configuration multiply without end.")
        if isinstance(value, list):
            return [self.replaced(item, depth) for item in value]
        if not isinstance(value, dict):
            return value
        named = isinstance(value.get("$ref"), str) and depth < DEEPEST_REFERENCE
        if named and (found := self._target(value["$ref"])) is not None:
            beside = {key: item for key, item in value.items() if key != "$ref"}
            return self.replaced({**found, **beside} if isinstance(found, dict) else found, depth + 1)
        return {key: self.replaced(item, depth) for key, item in value.items()}

    def _target(self, reference: str) -> Json | None:
        path, _, pointer = reference.partition("#")
        if path:
            found = self._reading.paths(path)
            root = self._reading.value(found[0]) if found else None
        else:
            root = self._root
        steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/") if step]
        for step in steps:
            if isinstance(root, list) and step.isascii() and step.isdigit():
                root = dict(enumerate(root)).get(int(step))
            else:
                root = as_object(root).get(step)
        if not path and (not steps or (root is None and steps[0] in _OF_SCHEMAS)):
            return None  # a JSON Schema's reference into itself, to be left as it is
        if root is None:
            self._reading.note(f"the reference “{reference[:80]}”, which leads nowhere", "")
        elif not path:
            self.used.add(steps[0])
        return root
