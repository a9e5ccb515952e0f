"""Several files at once: an unpacked zip, or a folder. What one file names is looked for nowhere else.

Paths are relative to the top, with ``/`` between names. Nothing outside is ever read: not by ``..``, not by
an absolute path, not by a symbolic link.
"""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from prompts_app.engine.budget import MOST_BYTES_UNPACKED, MOST_FILES
from prompts_app.engine.errors import FormatError
from prompts_app.engine.formats.types import Skip

LONGEST_PATH = 500  # characters
MOST_DOUBLE_STARS = 2  # in one pattern; each more multiplies the work

_NOT_MEANT = {"__MACOSX", "node_modules", "__pycache__"}  # folders of tools; those with a dot before are too


class Files:
    """Files in memory by their paths; none: a file that came alone.

    ``left_out`` are those that are there but are not read, and why; ``label`` is what holds them all is
    called, where that is known; ``asked`` are the paths that were read or looked for.
    """

    def __init__(
        self, files: Mapping[str, bytes] | None = None, left_out: tuple[Skip, ...] = (), label: str = ""
    ) -> None:
        self._files, self.left_out, self.label = files or {}, left_out, label
        self.asked: set[str] = set()

    def names(self) -> tuple[str, ...]:
        """Every path, in alphabetical order. Raises FormatError where there are too many."""
        return tuple(sorted(self._files))

    def read(self, path: str) -> bytes | None:
        """A file's bytes, None where there is none. Raises FormatError where all of them are too large."""
        self.asked.add(path)
        return self._read(path)

    def _read(self, path: str) -> bytes | None:
        return self._files.get(path)


class Folder(Files):
    """A folder on this machine, each file read when it is asked for."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        super().__init__(label=self._root.name)
        self._bytes_left = MOST_BYTES_UNPACKED

    def names(self) -> tuple[str, ...]:
        found: list[str] = []
        for path in _walk(self._root):
            found.append(path.relative_to(self._root).as_posix())
            if len(found) > MOST_FILES:
                raise FormatError(
                    f"There are more than {MOST_FILES:,} files in this folder, the most that can be read."
                )
        return tuple(sorted(found))

    def _read(self, path: str) -> bytes | None:
        try:
            place = self._root / path
            if is_not_meant(path) or not self._is_inside(place) or not place.is_file():
                return None
            with place.open("rb") as file:
                data = file.read(self._bytes_left + 1)
        except (OSError, ValueError):  # not readable, or no path at all
            return None
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            raise _too_large()
        return data

    def _is_inside(self, place: Path) -> bool:
        """Inside the folder, and no link on the way there."""
        steps = [part for part in (place, *place.parents) if part != self._root]
        return place.resolve().is_relative_to(self._root) and not any(part.is_symlink() for part in steps)


def _walk(folder: Path) -> Iterator[Path]:
    """Files in it and below, without links and tools' own folders."""
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or is_not_meant(path.name):
            continue
        if path.is_dir():
            yield from _walk(path)
        elif path.is_file():
            yield path


def is_not_meant(path: str) -> bool:
    """Whether a path is a tool's own and not something to bring in: hidden, or in a folder of a tool."""
    return any(part in _NOT_MEANT or part.startswith(".") for part in path.split("/"))


def _too_large() -> FormatError:
    return FormatError(
        f"The files are more than {MOST_BYTES_UNPACKED // 2**20} MB together, the most that can be read at "
        "once. Leave out what is not needed, or split them."
    )


def is_zip(data: bytes) -> bool:
    return data.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def unzip(data: bytes) -> Files:
    """The files of a zip. Raises FormatError: broken, locked by a password, too many, too large unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _unpacked(archive)
    except NotImplementedError:
        raise FormatError(
            "This zip is packed in a way that cannot be read. Pack it anew as a usual zip."
        ) from None
    except RuntimeError:
        raise FormatError("This zip is locked with a password. Unlock it and try again.") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, ValueError, OSError, OverflowError):
        raise FormatError("This zip is damaged and cannot be unpacked.") from None


def _unpacked(archive: zipfile.ZipFile) -> Files:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > MOST_FILES:
        raise FormatError(
            f"This zip holds {len(entries):,} files, and at most {MOST_FILES:,} can be read at once."
        )
    files: dict[str, bytes] = {}
    left_out: list[Skip] = []
    room = MOST_BYTES_UNPACKED
    for entry in entries:
        path = entry.filename.replace("\\", "/")
        if why := _why_not(entry, path):
            left_out.append(Skip(path[:LONGEST_PATH], why))
        elif not is_not_meant(path):
            with archive.open(entry) as file:
                files[path] = file.read(room + 1)  # what the zip says of its sizes is not believed
            room -= len(files[path])
            if room < 0:
                raise _too_large()
    return Files(files, tuple(left_out))


def _why_not(entry: zipfile.ZipInfo, path: str) -> str:
    if resolved("", path) != path or len(path) > LONGEST_PATH or not path.isprintable():
        return "Its path leads outside the zip, or is no usual path."
    return "It is a symbolic link." if stat.S_ISLNK(entry.external_attr >> 16) else ""


def resolved(folder: str, path: str) -> str | None:
    """A path as ``folder`` names it, from the top; None where it leads outside."""
    if path.startswith(("/", "~")) or ":" in path.split("/")[0]:
        return None
    parts: list[str] = []
    for part in (*folder.split("/"), *path.split("/")):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts) or None


def folder_of(path: str) -> str:
    """``"a/b"`` of ``"a/b/c.txt"``, empty at the top."""
    parent = PurePosixPath(path).parent.as_posix()
    return "" if parent == "." else parent


def matching(files: Files, folder: str, pattern: str) -> tuple[str, ...]:
    """The paths a pattern with ``*``, ``?``, ``[…]``, ``**`` or ``{a,b}`` stands for, sorted."""
    wanted = resolved(folder, pattern)
    if wanted is None or wanted.count("**") > MOST_DOUBLE_STARS:
        return ()
    patterns = [one.split("/") for one in _braces(wanted)]
    return tuple(name for name in files.names() if any(_fits(name.split("/"), one) for one in patterns))


def is_pattern(path: str) -> bool:
    return any(sign in path for sign in "*?[{")


def _braces(pattern: str) -> list[str]:
    """``a.{txt,md}`` → ``a.txt``, ``a.md``; several braces multiply, up to 100."""
    start, end = pattern.find("{"), pattern.find("}")
    if start < 0 or end < start:
        return [pattern]
    head, tail = pattern[:start], pattern[end + 1 :]
    words = pattern[start + 1 : end].split(",")[:100]
    return [head + word + rest for rest in _braces(tail)[:100] for word in words][:100]


def _fits(names: list[str], patterns: list[str]) -> bool:
    """As shells match: ``*`` stays within a name, ``**`` crosses folders."""
    if not patterns:
        return not names
    if patterns[0] == "**":
        after = patterns[1:]
        return any(_fits(names[start:], after) for start in range(len(names) + 1))
    return bool(names) and fnmatchcase(names[0], patterns[0]) and _fits(names[1:], patterns[1:])
