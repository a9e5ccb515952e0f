"""A file's bytes as text, read once for all formats; and what a format is."""

import codecs
import csv
import json
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from prompts_app.engine.budget import MOST_BYTES, load_json, table_rows
from prompts_app.engine.errors import FormatError, TooMuch
from prompts_app.engine.formats.files import Files
from prompts_app.engine.formats.types import Parsed
from prompts_app.engine.formats.yaml_ import read_yaml
from prompts_app.engine.types import Json

_BOMS = (  # UTF-32 first: its little-endian mark begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class SourceFile:
    """One file: ``name`` may be empty (pasted text), ``text`` has plain ``\\n`` line ends and no NUL.

    ``files`` are those it came with and may name; ``name`` is then its path among them.
    """

    name: str
    text: str
    files: Files = field(default_factory=Files)

    @property
    def extension(self) -> str:
        """``"csv"`` of ``Data.CSV``; empty where there is none."""
        return PurePosixPath(self.name.replace("\\", "/")).suffix.lower().lstrip(".")

    @property
    def place(self) -> str:
        """How the file is called where something in it is named."""
        return self.name or "the pasted text"

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name.replace("\\", "/")).stem

    @cached_property
    def json(self) -> Json | None:
        """The file as JSON, or None where it is none (also for the text ``null``)."""
        if not self.text.lstrip().startswith(("{", "[")):
            return None
        try:
            return read_json(self.text)
        except FormatError:
            return None

    def must_be_yaml(self) -> Json:
        """The file as YAML, read once for all formats that look. Raises FormatError with the line."""
        value, why = self._yaml
        if why:
            raise FormatError(why)
        return value

    @cached_property
    def _yaml(self) -> tuple[Json, str]:
        try:
            return read_yaml(self.text), ""
        except FormatError as error:
            return None, str(error)

    def must_be_json(self) -> Json:
        """The file as JSON. Raises FormatError with the line and column where it is not."""
        return self.json if self.json is not None else read_json(self.text)


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file: add a module with one of these, and a line to ``formats.FORMATS``.

    ``recognises`` only looks; ``read`` raises FormatError where the file is broken. A person can name
    the format too, and then ``read`` gets a file that ``recognises`` may never have seen.
    """

    key: str
    label: str
    recognises: Callable[[SourceFile], bool]
    read: Callable[[SourceFile], Parsed]


def decode(data: bytes) -> str:
    """Bytes → text with ``\\n`` line ends. Raises FormatError: too large, empty, not text, NUL."""
    if len(data) > MOST_BYTES:
        raise FormatError(
            "The file is larger than 20 MB, the most that can be read at once. Split it and try again."
        )
    text = _decoded(data).replace("\r\n", "\n").replace("\r", "\n")
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise FormatError(
            f"There is a NUL character on line {line}, so this is not a text file, or not one in UTF-8. "
            "Save it as UTF-8 text and try again."
        )
    if not text.strip():
        raise FormatError("The file is empty.")
    return text


def _decoded(data: bytes) -> str:
    encoding = next((name for bom, name in _BOMS if data.startswith(bom)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FormatError(
            f"The file is not valid {encoding.removesuffix('-sig').upper()}: "
            f"byte {error.start:,} (line {line}) cannot be read. Save it as UTF-8 and try again."
        ) from None


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise TooMuch("It holds a number that is too large to keep.")
    return number


def read_json(text: str, *, first_line: int = 1) -> Json:
    """Like ``json.loads``, but every fault is a FormatError; so are NaN, infinity and bottomless nesting."""
    try:
        return load_json(text, parse_float=_finite)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        raise FormatError(
            f"This is not valid JSON: line {line}, column {error.colno}: {error.msg}."
        ) from None
    except ValueError as why:
        raise FormatError(str(why)) from None


def read_rows(text: str, place: str = "", **how: Any) -> list[tuple[int, list[str]]]:
    """(line it ends on, fields) of every row of a CSV text that is not empty. ``how``: as ``csv.reader`` has
    it. Raises FormatError with the line, and the ``place`` of the text where that has one."""
    try:
        rows = table_rows(text, **how)
        return [(line, row) for line, row in rows if any(field.strip() for field in row)]
    except csv.Error as wrong:
        this = f"{place}: this" if place else "This"
        raise FormatError(f"{this} cannot be read as CSV, {wrong}.") from None
    except TooMuch as why:
        raise FormatError(f"{place}: {why}" if place else str(why)) from None


def check_fields(row: Collection[str], header: Collection[str], where: str) -> None:
    """Raises FormatError where a row has more fields than columns."""
    if len(row) > len(header):
        raise FormatError(
            f"{where} has {len(row)} fields where the first line has {len(header)}. "
            "Put quotation marks around a value with a comma in it."
        )


def refuse_unstorable(text: str) -> None:
    """Escapes such as ``\\u0000`` and ``\\ud800`` can smuggle in what no database or page can hold."""
    if "\x00" in text:
        raise FormatError("A text in this file has a NUL character in it (\\u0000), which cannot be stored.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise FormatError(
            "A text in this file holds half of a character (a lone surrogate, \\ud800 to \\udfff), "
            "which cannot be stored."
        ) from None
