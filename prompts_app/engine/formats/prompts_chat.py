"""The CSV of prompts.chat: ``act,prompt,for_devs,type[,contributor]``, one prompt a row.

The contributor column holds people's addresses. It is never read.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from prompts_app.engine.budget import table_rows
from prompts_app.engine.errors import FormatError, TooMuch
from prompts_app.engine.formats import titles
from prompts_app.engine.formats.source import Format, SourceFile
from prompts_app.engine.formats.types import ImportedPrompt, ImportedVersion, Parsed, Skip
from prompts_app.engine.types import Message, PromptContent

LONGEST_HEADER = 2_000  # characters
_DELIMITERS = (",", ";", "\t")
_TASK_OF_TYPE = {"IMAGE": "image"}


@dataclass(frozen=True, slots=True)
class _Row:
    number: int  # the header is row 1, as a spreadsheet counts
    line: int  # where it starts in the file
    cells: list[str]

    @property
    def where(self) -> str:
        return f"row {self.number} (line {self.line})"


def recognises(source: SourceFile) -> bool:
    return source.extension in {"csv", "tsv"} or _delimiter(source.text) is not None


def read(source: SourceFile) -> Parsed:
    delimiter = _delimiter(source.text)
    if delimiter is None:
        raise FormatError(
            "The first row of the CSV must name its columns, with “act” (the title) and “prompt” (the text) "
            "among them. Test cases come in where their prompt is: its Cases, From a table."
        )
    rows = _rows(source.text, delimiter)
    header = [name.strip().lower() for name in next(rows).cells]
    seen: dict[tuple[str, str], int] = {}
    prompts: list[ImportedPrompt] = []
    skipped: list[Skip] = []
    for row in rows:
        if len(row.cells) != len(header):
            why = f"It has {len(row.cells)} columns and the first row has {len(header)}."
            skipped.append(Skip(row.where, why))
            continue
        values = dict(zip(header, row.cells, strict=True))
        text = values["prompt"]
        title = values["act"].strip() or titles.from_text(text)
        if not text.strip():
            skipped.append(Skip(row.where, "The prompt is empty."))
        elif (first := seen.setdefault((title, text.strip()), row.number)) != row.number:
            skipped.append(Skip(row.where, f"It has the same title and text as row {first}."))
        else:
            prompts.append(_prompt(row, title, values))
    return Parsed(tuple(prompts), skipped=tuple(skipped))


def _prompt(row: _Row, title: str, values: dict[str, str]) -> ImportedPrompt:
    kind = values.get("type", "").strip().upper()
    tags = [] if kind in {"", "TEXT"} else [kind.lower()]
    if values.get("for_devs", "").strip().upper() in {"TRUE", "1", "YES"}:
        tags.append("for-developers")
    return ImportedPrompt(
        title=title,
        versions=(ImportedVersion(PromptContent((Message("user", values["prompt"]),))),),
        task=_TASK_OF_TYPE.get(kind, ""),
        tags=tuple(tags),
        source="prompts.chat",
        where=row.where,
    )


def _delimiter(text: str) -> str | None:
    """What stands between the columns, or None where the first line is no header of ours."""
    line = text.lstrip("\n")[:LONGEST_HEADER].partition("\n")[0]
    for delimiter in _DELIMITERS:
        names = [name.strip().strip('"').lower() for name in line.split(delimiter)]
        if "act" in names and "prompt" in names:
            return delimiter
    return None


def _rows(text: str, delimiter: str) -> Iterator[_Row]:
    number, line = 0, 1
    try:
        for end, cells in table_rows(text, delimiter=delimiter, strict=True):
            if cells:  # a blank line is no row
                number += 1
                yield _Row(number, line, cells)
            line = end + 1
    except TooMuch as why:
        raise FormatError(str(why)) from None
    except csv.Error as error:
        raise FormatError(_csv_fault(str(error), number + 1, line)) from None


def _csv_fault(error: str, number: int, line: int) -> str:
    where = f"Row {number}, which starts on line {line},"
    if "unexpected end" in error:
        return f"{where} opens a quotation mark that is never closed."
    if "expected after" in error:
        return f"{where} has text after a closing quotation mark. Inside a text, write such a mark twice."
    return f"{where} cannot be read as CSV: {error}."


FORMAT = Format("prompts-chat", "prompts.chat CSV (columns act and prompt)", recognises, read)
