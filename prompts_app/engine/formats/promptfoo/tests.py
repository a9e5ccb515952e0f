"""The tests of a promptfoo configuration as cases: found wherever they stand, defaults merged, multiplied."""

import itertools
import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

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
        default = self._loaded_test(reading.config.get("defaultTest"), "defaultTest")
        self._default = default.fields if default else {}

    def cases(self) -> tuple[CaseContent, ...]:
        """Raises FormatError where they multiply without end, or a file of tests is broken."""
        cases: list[CaseContent] = []
        for test in self._all():
            cases += self._cases_of(test)
            if len(cases) > MOST_CASES:
                raise FormatError(f"There are more than {MOST_CASES:,} tests in this configuration.")
        self._tell_options(self._default, "defaultTest", self._unused)
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
        self._tell(test.fields, found, test.where)
        values = self._values(variables, test)
        around = self._around(as_object(test.fields.get("options")), values, test)
        name, threshold = self._name(test.fields, values, [values]), self._threshold(test.fields, test)
        return CaseContent(name, {**values, **around}, assertions=found, threshold=threshold)

    # --- where they stand ---

    def _all(self) -> Iterator[Test]:
        config = self._reading.config
        if not config.get("tests") and not config.get("scenarios"):
            if not self._reading.is_ours and (self._default.get("assert") or self._default.get("vars")):
                yield Test({}, "defaultTest")
            return
        yield from self._listed(config.get("tests"), "tests")
        for number, scenario in enumerate(_as_list(config.get("scenarios"))):
            yield from self._scenario(scenario, f"scenarios[{number}]")

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
            yield from self._table(path)
        elif kind in {"json", "jsonl", "ndjson", "yaml", "yml"} and depth < 5:
            yield from self._listed(_tests_in(self._reading.value(path)), path, folder_of(path), depth + 1)
        elif kind in SPREADSHEETS:
            self._note(f"the tests in the spreadsheet “{path}”: save its sheet as CSV and name that", where)
        else:
            self._note(f"the tests in “{path}”: that kind of file is not read", where)

    def _table(self, path: str) -> Iterator[Test]:
        for number, row in rows_of(self._reading, path):
            where = f"{path}, row {number}"
            yield Test(test_of_row(self._reading, row, where), where, folder_of(path))

    def _scenario(self, value: Json, where: str) -> Iterator[Test]:
        """Each of its configurations with each of its tests."""
        value = self._reading.loaded(value, where)
        if isinstance(value, list):
            for number, item in enumerate(value):
                yield from self._scenario(item, f"{where}[{number}]")
            return
        if not isinstance(value, dict):
            self._note("a scenario that is none", where)
            return
        for key in value:
            if key not in {"config", "tests", "description"}:
                self._note(f"the field “{key}” of a scenario", where)
        data = list(self._listed(value.get("config"), f"{where}.config")) or [Test({}, where)]
        tests = list(self._listed(value.get("tests"), f"{where}.tests")) or [Test({}, where)]
        named = str(value.get("description") or "")
        for one, test in itertools.product(data, tests):
            both = _merged(self._opened(one), self._opened(test))
            if not both.get("description") and named:
                both["description"] = named
            yield Test(both, f"{one.where} with {test.where}", test.folder)

    def _loaded_test(self, value: Json, where: str) -> Test | None:
        value = self._reading.loaded(value, where)
        if isinstance(value, dict):
            return Test(self._opened(Test(value, where)), where)
        if value is not None and not isinstance(value, str):  # a file that is not there was told
            self._note("a test that is none", where)
        return None

    def _opened(self, test: Test) -> dict[str, Json]:
        """The test with its variables where they stand in files of their own."""
        fields = dict(test.fields)
        if isinstance(fields.get("vars"), str | list):
            fields["vars"] = self._variables_in(fields["vars"], test)
        return fields

    def _variables_in(self, value: str | list[Json], test: Test) -> dict[str, Json]:
        merged: dict[str, Json] = {}
        for path in [value] if isinstance(value, str) else value:
            found = self._reading.paths(path, test.folder) if isinstance(path, str) else ()
            if not found:
                self._note(f"the variables in {missing(str(path).removeprefix(FILE))}", test.where)
            for one in found:
                inner = self._reading.value(one)
                merged |= inner if isinstance(inner, dict) else {}
        return merged

    # --- what becomes of one ---

    def _cases_of(self, test: Test) -> list[CaseContent]:
        own = self._opened(test)
        if (exact := self._exactly(own)) is not None:
            return [exact]
        options = {**as_object(self._default.get("options")), **as_object(own.get("options"))}
        for key in AROUND:  # an empty one does not take the default's place
            options[key] = options.get(key) or as_object(self._default.get("options")).get(key)
        variables = dict(as_object(own.get("vars")))
        if not self._reading.is_ours:  # there the defaults are the prompt's own
            variables = {**as_object(self._default.get("vars")), **variables}
        found = self._assertions(own, options, test.where)
        self._tell(own, found, test.where)
        combinations = self._combinations(variables, options, test)
        values = [self._values(one, test) for one in combinations]
        names = [self._name(own, one, values) for one in values]
        around, threshold = [self._around(options, one, test) for one in values], self._threshold(own, test)
        return [
            CaseContent(name, {**one, **more}, assertions=found, threshold=threshold)
            for name, one, more in zip(names, values, around, strict=True)
        ]

    def _threshold(self, own: Mapping[str, Json], test: Test) -> float | None:
        found = assertions.threshold_of(self._reading, own, test.where)
        if found is None and not self._reading.is_ours:
            found = assertions.threshold_of(self._reading, self._default, "defaultTest")
        return found

    def _around(self, options: Mapping[str, Json], values: dict[str, str], test: Test) -> dict[str, str]:
        """What the test puts around prompts, as the values of variables there."""
        if not self._can_wrap:
            return {}
        found = values_around(options, values, lambda what: self._note(what, test.where))
        self.around |= found.keys()
        return found

    def _exactly(self, fields: Mapping[str, Json]) -> CaseContent | None:
        """The case as this site wrote it, where promptfoo has no way to say the same."""
        ours = as_object(as_object(fields.get("metadata")).get(OURS)).get("case")
        if not self._reading.is_ours or not isinstance(ours, dict):
            return None
        try:
            return case_from_json(ours)
        except ValueError as error:
            raise FormatError(f"The case under metadata.{OURS}: {error}") from None

    def _assertions(
        self, own: Mapping[str, Json], options: Mapping[str, Json], where: str
    ) -> tuple[Assertion, ...]:
        return (
            *(() if options.get("disableDefaultAsserts") else self._default_assertions(options)),
            *assertions.read(self._reading, own.get("assert"), f"{where}.assert", options),
        )

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
            return self._contents(name, value, test)
        multiplies = isinstance(value, list) and bool(value) and isinstance(value[0], str)
        if not multiplies or options.get("disableVarExpansion"):
            return [value]
        return [content for item in value for content in self._choices(name, item, options, test)]

    def _contents(self, name: str, value: str, test: Test) -> list[Json]:
        """What is in the file or files a variable names; the name stays where there is no text in it."""
        path = value.removeprefix(FILE)
        found = self._reading.paths(path, test.folder)
        if not found:
            self._note(f"the value of “{name}” from {missing(path)}", test.where)
            return [value]
        return [self._content(name, one, test) for one in found]

    def _content(self, name: str, path: str, test: Test) -> Json:
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

    def _tell(self, own: Mapping[str, Json], found: tuple[Assertion, ...], where: str) -> None:
        self._tell_test({key: value for key, value in self._default.items() if key not in own}, "defaultTest")
        self._tell_test(own, where)
        used = {key for assertion in found for key in assertion.options}
        used |= {"postprocess"} if "transform" in used else set()
        self._unused -= used
        self._tell_options(own, where, _KEPT_OPTIONS - used)

    def _tell_options(self, fields: Mapping[str, Json], where: str, unused: Collection[str]) -> None:
        for key, value in as_object(fields.get("options")).items():
            is_done = key in _DONE_OPTIONS or (self._can_wrap and key in AROUND)
            is_kept = is_done or (key in _KEPT_OPTIONS and key not in unused)
            if not is_kept and value not in (None, "", {}, []):
                self._note(f"the option “{key}” of a test", f"{where}.options")

    def _tell_test(self, fields: Mapping[str, Json], where: str) -> None:
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


def _tests_in(value: Json) -> Json:
    """A file of tests may be a whole configuration."""
    return value["tests"] if isinstance(value, dict) and "tests" in value and "vars" not in value else value


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
