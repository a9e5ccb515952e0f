"""Many files at once, from a zip or a folder: each that holds prompts is read, every other one is named.

What a promptfoo configuration names is read as part of it. Texts beside or below one that it does not name
are left alone: they are notes and documents more often than prompts.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from prompts_app.engine.formats.files import Files, folder_of
from prompts_app.engine.formats.source import Source, decode
from prompts_app.engine.formats.types import Format, FormatError, Parsed, Problem, Skip

# About a project rather than a prompt of it.
_ABOUT = {
    "authors", "changelog", "code_of_conduct", "contributing", "contributors", "license", "licence", "notice",
    "readme", "security", "sources",
}  # fmt: skip
_CONFIGURATION = "promptfoo"
_MATERIAL = {"text", "markdown"}  # beside or below a configuration

type Reader = Callable[[Source, Format], Parsed]
type Recogniser = Callable[[Source], Format | None]


class _Watched:
    """Files that remember which of them were asked for."""

    def __init__(self, files: Files) -> None:
        self._files, self.left_out, self.label = files, files.left_out, files.label
        self.asked: set[str] = set()

    def names(self) -> tuple[str, ...]:
        return self._files.names()

    def read(self, path: str) -> bytes | None:
        self.asked.add(path)
        return self._files.read(path)


def read_all(files: Files, recognise: Recogniser, read: Reader) -> Parsed:
    """What all files hold together. Raises FormatError where that is nothing."""
    watched = _Watched(files)
    skipped = list(files.left_out)
    found = list(_recognised(files, watched, recognise, skipped))
    parts = []
    for source, kind in _to_read(found, watched, skipped):
        try:
            parts.append(_placed(read(source, kind), source.name))
        except FormatError as error:
            skipped.append(Skip(source.name, str(error)))
    skipped = [skip for skip in skipped if skip.what not in watched.asked]
    whole = Parsed(
        prompts=tuple(prompt for part in parts for prompt in part.prompts),
        unsupported=tuple(problem for part in parts for problem in part.unsupported),
        skipped=tuple(skip for part in parts for skip in part.skipped) + tuple(skipped),
        format=parts[0].format if len({part.format for part in parts}) == 1 else "",
        bundled=tuple(prompt for part in parts for prompt in part.bundled),
    )
    if not whole.prompts and not whole.bundled:
        raise FormatError(_nothing(whole.skipped))
    return whole


def _nothing(skipped: tuple[Skip, ...]) -> str:
    because = f" {skipped[0].what}: {skipped[0].why}" if skipped else ""
    return f"There is no file in it that holds a prompt.{because}"


def _recognised(
    files: Files, watched: _Watched, recognise: Recogniser, skipped: list[Skip]
) -> Iterator[tuple[Source, Format]]:
    for name in files.names():
        try:
            source = Source(name, decode(files.read(name) or b""), watched)
            kind = None if source.stem.lower() in _ABOUT else recognise(source)
        except FormatError as error:
            skipped.append(Skip(name, str(error)))
            continue
        if kind is None:
            skipped.append(Skip(name, "It is none of the kinds of file that hold prompts."))
        else:
            yield source, kind


def _to_read(
    found: list[tuple[Source, Format]], watched: _Watched, skipped: list[Skip]
) -> Iterator[tuple[Source, Format]]:
    """Configurations first; then what none of them has opened."""
    folders = [folder_of(source.name) for source, kind in found if kind.key == _CONFIGURATION]
    for source, kind in sorted(found, key=lambda pair: pair[1].key != _CONFIGURATION):
        inside = any(not folder or source.name.startswith(f"{folder}/") for folder in folders)
        if kind.key != _CONFIGURATION and source.name in watched.asked:
            continue
        if inside and kind.key in _MATERIAL:
            skipped.append(Skip(source.name, "The promptfoo configuration beside it does not name it."))
        else:
            yield source, kind


def _placed(part: Parsed, name: str) -> Parsed:
    """With the file's name in every place."""

    def place(where: str) -> str:
        known = name in where or part.format == _CONFIGURATION
        return where if known else f"{name}, {where}" if where else name

    return replace(
        part,
        prompts=tuple(replace(prompt, where=place(prompt.where)) for prompt in part.prompts),
        unsupported=tuple(Problem(one.what, place(one.where)) for one in part.unsupported),
        skipped=tuple(Skip(place(skip.what), skip.why) for skip in part.skipped),
    )
