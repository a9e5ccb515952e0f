"""The tests of a promptfoo configuration as cases: found wherever they stand, defaults merged, multiplied."""

import itertools
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from prompts_app.engine.digests import case_from_json
from prompts_app.engine.errors import FormatError
from prompts_app.engine.filters import as_json
from prompts_app.engine.formats import titles
from prompts_app.engine.formats.files import folder_of
from prompts_app.engine.formats.promptfoo import assertions
from prompts_app.engine.formats.promptfoo.prompts import chat_in
from prompts_app.engine.formats.promptfoo.reading import (
    FILE,
    PROGRAMS,
    ConfigReading,
    extension_of,
    missing,
    plain_text,
)
from prompts_app.engine.formats.promptfoo.tables import rows_of, test_of_row
from prompts_app.engine.formats.promptfoo.variables import (
    AROUND,
    Usage,
    flattened,
    mentions_in,
    resolved,
    values_around,
)
from prompts_app.engine.formats.reading import as_object
from prompts_app.engine.render import as_value, is_given
from prompts_app.engine.types import Assertion, CaseContent, Json

OURS = "proofsheet"
SPREADSHEETS = frozenset({"xlsx", "xls", "ods", "numbers"})
MOST_CASES = 20_000  # read at all; what may be kept is for who keeps it to say

_FIELDS = {"vars", "assert", "options", "description", "metadata", "threshold"}
_TEST_FIELDS = _FIELDS | {
    "provider", "providers", "prompts", "providerOutput", "assertScoringFunction",
}  # fmt: skip
# Said for all assertions of a test, and so kept with each of them.
_KEPT_OPTIONS = frozenset({"provider", "rubricPrompt", "transform", "postprocess", "factuality"})
_DONE_OPTIONS = {"disableVarExpansion", "disableDefaultAsserts"}


@dataclass(frozen=True, slots=True)
class Test:
    """One test as it stands in a file, with its place there and the folder its own files are in."""

    fields: Mapping[str, Json]
    where: str
    folder: str = ""


class Tests:
    """Reads them all: ``cases()`` of one configuration."""

    def __init__(self, reading: ConfigReading, usage: Usage, *, can_wrap: bool = False) -> None:
        """``usage``: how the prompts use variables. ``can_wrap``: words around them can be carried."""
        self.around: set[str] = set()  # the variables that stand around prompts in some case
        self._reading, self._usage, self._can_wrap = reading, usage, can_wrap and not reading.is_ours
        self._note = reading.note
        self._unused = set(_KEPT_OPTIONS)  # those of the default test that no assertion took
        self._defaults: dict[str, tuple[Assertion, ...]] = {}
        default = reading.loaded(reading.config.get("defaultTest"), "defaultTest")
        if not isinstance(default, dict | str | None):  # a file that is not there was told
            self._note("a test that is none", "defaultTest")
        self._default = self._opened(Test(as_object(default), "defaultTest")).fields

    def cases(self) -> tuple[CaseContent, ...]:
        """Raises FormatError where they multiply without end, or a file of tests is broken."""
        cases: list[CaseContent] = []
        for test in self._all():
            cases += self._cases_of(test)
            if len(cases) > MOST_CASES:
                raise FormatError(f"There are more than {MOST_CASES:,} tests in this configuration.")
        self._note_options(self._default, "defaultTest", self._unused)
        return tuple(cases)

    def case_of(self, test: Test, found: tuple[Assertion, ...]) -> CaseContent:
        """One test whose values are settled, held to the assertions in ``found``."""
        variables = as_object(test.fields.get("vars"))
        for name, value in variables.items():
            if isinstance(value, str) and value.startswith(FILE):
                self._note(
                    f"the value of “{name}” from “{value.removeprefix(FILE)}”: results do not hold it",
                    test.where,
                )
        self._note_not_carried(test, found)
        (case,) = self._made(test, as_object(test.fields.get("options")), [variables], found)
        return case

    # --- where they stand ---

    def _all(self) -> Iterator[Test]:
        config = self._reading.config
        if not config.get("tests") and not config.get("scenarios"):
            if not self._reading.is_ours and (self._default.get("assert") or self._default.get("vars")):
                yield Test({}, "defaultTest")
            return
        yield from self._listed(config.get("tests"), "tests")
        yield from self._scenarios(_as_list(config.get("scenarios")), "scenarios")

    def _listed(self, value: Json, where: str, folder: str = "", depth: int = 0) -> Iterator[Test]:
        if isinstance(value, str):
            yield from self._file(value, where, folder, depth)
        elif isinstance(value, list):
            for number, item in enumerate(value):
                yield from self._listed(item, f"{where}[{number}]", folder, depth)
        elif isinstance(value, dict) and isinstance(value.get("path"), str) and "vars" not in value:
            if value.get("config"):
                self._note("the configuration of a file of tests", where)
            yield from self._file(value["path"], where, folder, depth)
        elif isinstance(value, dict):
            is_test = self._reading.is_ours or _is_test(value)
            yield Test(value if is_test else test_of_row(self._reading, value, where), where, folder)
        elif value is not None:
            self._note("a test that is none", where)

    def _file(self, path: str, where: str, folder: str, depth: int) -> Iterator[Test]:
        name = path.removeprefix(FILE)
        program, sheet = re.split(r":(?=\w+$)", name)[0], name.partition("#")[0]
        if extension_of(program) in PROGRAMS:
            self._reading.paths(program, folder)
            self._note(f"the tests that the program “{name}” makes", where)
        elif extension_of(sheet) in SPREADSHEETS:
            self._reading.paths(sheet, folder)
            self._note(f"the tests in the spreadsheet “{name}”: save its sheet as CSV and name that", where)
        elif "://" in name:
            self._note(f"the tests at “{path}”: nothing is fetched from elsewhere", where)
        elif not (found := self._reading.paths(path, folder)):
            self._note(f"the tests in {missing(name)}", where)
        else:
            for one in found:
                yield from self._tests_in_file(one, where, depth)

    def _tests_in_file(self, path: str, where: str, depth: int) -> Iterator[Test]:
        kind = extension_of(path)
        if kind in {"csv", "tsv"}:
            for number, row in rows_of(self._reading, path):
                at = f"{path}, row {number}"
                yield Test(test_of_row(self._reading, row, at), at, folder_of(path))
        elif kind in {"json", "jsonl", "ndjson", "yaml", "yml"} and depth < 5:
            value = self._reading.value(path)
            if isinstance(value, dict) and "tests" in value and "vars" not in value:  # a whole configuration
                value = value["tests"]
            yield from self._listed(value, path, folder_of(path), depth + 1)
        elif kind in SPREADSHEETS:
            self._note(f"the tests in the spreadsheet “{path}”: save its sheet as CSV and name that", where)
        else:
            self._note(f"the tests in “{path}”: that kind of file is not read", where)

    def _scenarios(self, values: list[Json], where: str) -> Iterator[Test]:
        """Each configuration of a scenario with each of its tests."""
        for number, named in enumerate(values):
            place = f"{where}[{number}]"
            value = self._reading.loaded(named, place)
            if isinstance(value, list):
                yield from self._scenarios(value, place)
            elif isinstance(value, dict):
                yield from self._scenario(value, place)
            else:
                self._note("a scenario that is none", place)

    def _scenario(self, value: dict[str, Json], where: str) -> Iterator[Test]:
        for key in value:
            if key not in {"config", "tests", "description"}:
                self._note(f"the field “{key}” of a scenario", where)
        data = list(self._listed(value.get("config"), f"{where}.config")) or [Test({}, where)]
        tests = list(self._listed(value.get("tests"), f"{where}.tests")) or [Test({}, where)]
        for one, test in itertools.product(data, tests):
            both = _merged(self._opened(one).fields, self._opened(test).fields)
            both["description"] = both.get("description") or str(value.get("description") or "")
            yield Test(both, f"{one.where} with {test.where}", test.folder)

    def _opened(self, test: Test) -> Test:
        """The test with its variables where they stand in files of their own."""
        named = test.fields.get("vars")
        if not isinstance(named, str | list):
            return test
        merged: dict[str, Json] = {}
        for path in _as_list(named):
            found = self._reading.paths(path, test.folder) if isinstance(path, str) else ()
            if not found:
                self._note(f"the variables in {missing(str(path).removeprefix(FILE))}", test.where)
            for one in found:
                merged |= as_object(self._reading.value(one))
        return replace(test, fields={**test.fields, "vars": merged})

    # --- what becomes of one ---

    def _cases_of(self, test: Test) -> list[CaseContent]:
        test = self._opened(test)
        if (exact := self._exactly(test.fields)) is not None:
            return [exact]
        default = as_object(self._default.get("options"))
        options = {**default, **as_object(test.fields.get("options"))}
        for key in AROUND:  # an empty one does not take the default's place
            options[key] = options.get(key) or default.get(key)
        variables = dict(as_object(test.fields.get("vars")))
        if not self._reading.is_ours:  # there the defaults are the prompt's own
            variables = {**as_object(self._default.get("vars")), **variables}
        found = () if options.get("disableDefaultAsserts") else self._default_assertions(options)
        found += assertions.read(self._reading, test.fields.get("assert"), f"{test.where}.assert", options)
        self._note_not_carried(test, found)
        return self._made(test, options, self._combinations(variables, options, test), found)

    def _made(
        self,
        test: Test,
        options: Mapping[str, Json],
        combinations: Iterable[Mapping[str, Json]],
        found: tuple[Assertion, ...],
    ) -> list[CaseContent]:
        """A case for each combination of values."""
        values = [self._values(one, test) for one in combinations]
        names = [self._name(test.fields, one, values) for one in values]
        around: list[dict[str, str]] = [{}] * len(values)
        if self._can_wrap:
            note = partial(self._note, where=test.where)
            around = [values_around(options, one, note) for one in values]
            self.around.update(*around)
        threshold = assertions.threshold_of(self._reading, test.fields, test.where)
        if threshold is None and not self._reading.is_ours:
            threshold = assertions.threshold_of(self._reading, self._default, "defaultTest")
        return [
            CaseContent(name, {**one, **more}, assertions=found, threshold=threshold)
            for name, one, more in zip(names, values, around, strict=True)
        ]

    def _exactly(self, fields: Mapping[str, Json]) -> CaseContent | None:
        """The case as this site wrote it, where promptfoo has no way to say the same."""
        ours = as_object(as_object(fields.get("metadata")).get(OURS)).get("case")
        if not self._reading.is_ours or not isinstance(ours, dict):
            return None
        try:
            return case_from_json(ours)
        except ValueError as error:
            raise FormatError(f"The case under metadata.{OURS}: {error}") from None

    def _default_assertions(self, options: Mapping[str, Json]) -> tuple[Assertion, ...]:
        """Read once for each way in which tests say how outputs are judged."""
        key = as_json({name: options.get(name) for name in sorted(_KEPT_OPTIONS)})
        if key not in self._defaults:
            value = self._default.get("assert")
            self._defaults[key] = assertions.read(self._reading, value, "defaultTest.assert", options)
        return self._defaults[key]

    def _combinations(
        self, variables: Mapping[str, Json], options: Mapping[str, Json], test: Test
    ) -> list[dict[str, Json]]:
        """Lists of texts multiply, as do patterns of files; any other list is one value."""
        choices = {name: self._choices(name, value, options, test) for name, value in variables.items()}
        if math.prod(len(values) for values in choices.values()) > MOST_CASES:
            raise FormatError(f"{test.where} multiplies into more than {MOST_CASES:,} cases.")
        return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]

    def _choices(self, name: str, value: Json, options: Mapping[str, Json], test: Test) -> list[Json]:
        if self._reading.is_ours:
            return [value]
        if isinstance(value, str) and value.startswith(FILE):
            path = value.removeprefix(FILE)
            found = self._reading.paths(path, test.folder)
            if not found:  # the name stays
                self._note(f"the value of “{name}” from {missing(path)}", test.where)
            return [self._content(name, one, test) for one in found] or [value]
        multiplies = isinstance(value, list) and bool(value) and isinstance(value[0], str)
        if not multiplies or options.get("disableVarExpansion"):
            return [value]
        return [content for item in value for content in self._choices(name, item, options, test)]

    def _content(self, name: str, path: str, test: Test) -> Json:
        """What is in a file that a variable names; the name stays where there is no text in it."""
        kind = extension_of(path)
        if kind in {"yaml", "yml"}:
            return as_json(self._reading.value(path))  # a text in its quotation marks, as promptfoo has it
        if kind in {"js", "cjs", "mjs", "ts", "py", "rb"}:
            self._note(f"the value of “{name}” from the program “{path}”", test.where)
            return f"{FILE}{path}"
        try:
            return self._reading.text(path).strip()
        except FormatError:
            self._note(f"the value of “{name}” from “{path}”, which is no text", test.where)
            return f"{FILE}{path}"

    def _values(self, variables: Mapping[str, Json], test: Test) -> dict[str, str]:
        flat = flattened(variables, self._usage)
        if self._reading.is_ours:
            return flat
        values = resolved(
            {name: re.sub(r"\n\Z", "", value) for name, value in flat.items()}, self._reading.environment
        )
        for name in sorted(self._usage.needed - values.keys()):
            if not is_given(name, values):
                self._note(f"no value for “{name}”: it is empty, as promptfoo takes it", test.where)
                values[name] = ""
        for name in self._usage.alone & values.keys():
            if chat_in(values[name]):
                self._note(f"the chat in the value of “{name}”: it is sent as one message", test.where)
        for name, value in values.items():
            for mention in mentions_in(value):
                self._note(f"“{mention}” in the value of “{name}”: nothing fills it in here", test.where)
        # Beside a chat's JSON values are no templates; there what looks like one is sent as it is.
        return {name: as_value(value) for name, value in values.items()} if self._can_wrap else values

    def _name(self, own: Mapping[str, Json], one: Mapping[str, str], all_: list[dict[str, str]]) -> str:
        """Its description, with what differs where one test became several; else its own values."""
        described = own.get("description")
        usual = flattened(as_object(self._default.get("vars")), self._usage)
        if described:
            names = [name for name in one if any(other.get(name) != one[name] for other in all_[:50])]
        else:
            names = [name for name in one if one[name] != usual.get(name)] or list(one)
        values = " · ".join(titles.cut(one[name][:200], 60) for name in names if one[name].strip())
        if title := plain_text(described).strip():
            return f"{title}: {values}" if values else title
        return titles.cut(values, 100)

    # --- what is not carried ---

    def _note_not_carried(self, test: Test, found: tuple[Assertion, ...]) -> None:
        usual = {key: value for key, value in self._default.items() if key not in test.fields}
        self._note_fields(usual, "defaultTest")
        self._note_fields(test.fields, test.where)
        used = {key for assertion in found for key in assertion.options}
        used |= {"postprocess"} if "transform" in used else set()
        self._unused -= used
        self._note_options(test.fields, test.where, _KEPT_OPTIONS - used)

    def _note_options(self, fields: Mapping[str, Json], where: str, unused: Collection[str]) -> None:
        for key, value in as_object(fields.get("options")).items():
            is_done = key in _DONE_OPTIONS or (self._can_wrap and key in AROUND)
            is_kept = is_done or (key in _KEPT_OPTIONS and key not in unused)
            if not is_kept and value not in (None, "", {}, []):
                self._note(f"the option “{key}” of a test", f"{where}.options")

    def _note_fields(self, fields: Mapping[str, Json], where: str) -> None:
        for key, value in fields.items():
            if key not in _FIELDS and value not in (None, "", {}, []):
                self._note(
                    f"the {key} of a test" if key in _TEST_FIELDS else f"the field “{key}” of a test", where
                )
        for key in ("vars", "options", "metadata"):
            if not isinstance(fields.get(key), dict | None):
                self._note(f"the {key} of a test, which have no names", where)
        for key in as_object(fields.get("metadata")):
            if not (self._reading.is_ours and key == OURS):
                self._note(f"the metadata “{key}” of a test", where)


def _is_test(value: Mapping[str, Json]) -> bool:
    """A test, rather than a row of values. An empty one is a test without any."""
    return not value or bool(
        value.keys() & _TEST_FIELDS - {"description", "metadata", "provider", "threshold"}
    )


def _as_list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _merged(data: Mapping[str, Json], test: Mapping[str, Json]) -> dict[str, Json]:
    """A scenario's data with one of its tests: assertions of both, the test's values before the data's."""
    merged = {**data, **test}
    for key in ("vars", "options", "metadata"):
        if key in merged:
            merged[key] = {**as_object(data.get(key)), **as_object(test.get(key))}
    if data.get("assert") or test.get("assert"):
        merged["assert"] = [*_as_list(data.get("assert")), *_as_list(test.get("assert"))]
    return merged
