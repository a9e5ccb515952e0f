"""Tables of tests: a column for each variable, and promptfoo's own columns that begin with ``__``."""

import re
from collections.abc import Iterator, Mapping

from prompts_app.engine.assertions.values import number_of
from prompts_app.engine.formats.promptfoo.assertions import from_short
from prompts_app.engine.formats.promptfoo.reading import ConfigReading, plain_text
from prompts_app.engine.formats.source import check_fields, read_rows
from prompts_app.engine.types import Json

_SAID = re.compile(r"\"?sep=([,;\t|])\"?\s*", re.IGNORECASE)
_EXPECTED = "__expected"  # and whatever comes after it: __expected2, __expected_json…
_CONFIG = re.compile(r"__config:__expected(\d*):(\w+)")
_OPTIONS = {"__prefix": "prefix", "__suffix": "suffix"}
_OF_TEST = {
    "__description": "description", "__providerOutput": "providerOutput", "__threshold": "threshold",
}  # fmt: skip


def _divided(path: str, text: str) -> tuple[str, str]:
    """(what stands between columns, the text without a line that says so). Spreadsheets of some countries
    save semicolons, and some begin with ``sep=;``."""
    if path.lower().endswith(".tsv"):
        return "\t", text
    first, _, rest = text.lstrip().partition("\n")
    if said := _SAID.fullmatch(first):
        return said[1], rest
    return next((sign for sign in ",;\t" if sign in first), ","), text


def rows_of(reading: ConfigReading, path: str) -> Iterator[tuple[int, dict[str, str]]]:
    """(number, column → field) of every row; the first is 1. Raises FormatError with the line."""
    delimiter, text = _divided(path, reading.text(path))
    rows = [row for _, row in read_rows(text, path, delimiter=delimiter)]
    header = [name.strip() for name in rows[0]] if rows else []
    for name in dict.fromkeys(name for name in header if name and header.count(name) > 1):
        reading.note(f"all but the last of the columns “{name}”", path)
    for number, row in enumerate(rows[1:], start=1):
        check_fields(row, header, f"{path}, row {number}: it")
        fields = dict(zip(header, row, strict=False))
        if fields.pop("", "").strip():
            reading.note("the column without a name", f"{path}, row {number}")
        yield number, fields


def test_of_row(reading: ConfigReading, row: Mapping[str, Json], where: str) -> dict[str, Json]:
    """The row as a test: its own columns taken apart, every other one a variable."""
    test: dict[str, Json] = {"vars": {}, "assert": [], "options": {}, "metadata": {}}
    settings: dict[int, dict[str, Json]] = {}
    metric = ""
    for column, value in row.items():
        if not column.startswith("__"):
            test["vars"][column] = value
        elif config := _CONFIG.fullmatch(column):
            settings.setdefault(int(config[1] or 1) - 1, {})[config[2]] = value
        elif plain_text(value).strip():
            metric = plain_text(value).strip() if column == "__metric" else metric
            _special(reading, test, column, value, where)
    test["assert"] = [
        {**item, **({"metric": metric} if metric else {}), **_threshold(reading, settings.get(index), where)}
        for index, item in enumerate(test["assert"])
    ]
    return {key: value for key, value in test.items() if value}


def _special(reading: ConfigReading, test: dict[str, Json], column: str, value: Json, where: str) -> None:
    text = plain_text(value)
    if column.startswith(_EXPECTED):
        test["assert"].append(value if isinstance(value, dict) else from_short(text))
    elif column in _OF_TEST:
        test[_OF_TEST[column]] = text
    elif column in _OPTIONS:
        test["options"][_OPTIONS[column]] = text
    elif column.startswith("__metadata:"):
        test["metadata"][column.removeprefix("__metadata:").removesuffix("[]")] = text
    elif column != "__metric":
        reading.note(f"the column “{column}”", where)


def _threshold(reading: ConfigReading, settings: Mapping[str, Json] | None, where: str) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for name, value in (settings or {}).items():
        number = number_of(value)
        if name == "threshold" and number is not None:
            found["threshold"] = number
        elif plain_text(value).strip():
            reading.note(f"the column “__config” for {name}", where)
    return found
