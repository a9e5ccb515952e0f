"""What was parsed, kept so that nobody parses the file again: some prompts a part, as compressed JSON."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import batched

from pydantic import TypeAdapter

from prompts_app.engine.formats import Parsed, parse_and_offer
from prompts_app.engine.formats.bundle_types import BundledRun, OneCase
from prompts_app.engine.types import CaseContent

IN_A_PART = 100  # prompts


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """``format`` is that which read it, ``recognised`` are those that could: keys and labels."""

    parts: tuple[bytes, ...]
    prompts: int
    format: str
    recognised: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Part:
    """Each case stands once, and suites name their places: a run's cases are the very ones of its prompt."""

    parsed: Parsed  # without cases of other formats, and without suites
    cases: tuple[OneCase, ...]
    suites: tuple[tuple[int, ...], ...]


_PART = TypeAdapter(_Part)


def read_file(name: str, data: bytes, *, hint: str = "") -> ParsedFile:
    """As ``formats.parse``. Raises FormatError."""
    parsed, recognised = parse_and_offer(name, data, hint=hint)
    count = len(parsed.prompts) + len(parsed.bundled)
    return ParsedFile(tuple(map(_packed, in_parts(parsed))), count, parsed.format, recognised)


def in_parts(parsed: Parsed) -> Iterator[Parsed]:
    """The prompts in their order, bundled ones last. The first part tells what was left out of the file."""
    kind = parsed.format
    parts = [Parsed(some, format=kind) for some in batched(parsed.prompts, IN_A_PART)]
    parts += [Parsed((), format=kind, bundled=some) for some in batched(parsed.bundled, IN_A_PART)]
    first, *others = parts or [Parsed((), format=kind)]
    yield replace(first, unsupported=parsed.unsupported, skipped=parsed.skipped)
    yield from others


def _packed(parsed: Parsed) -> bytes:
    places: dict[int, int] = {}
    cases: list[CaseContent] = []
    suites: list[tuple[int, ...]] = []

    def put(suite: tuple[CaseContent, ...]) -> tuple[CaseContent, ...]:
        for case in suite:
            if places.setdefault(id(case), len(cases)) == len(cases):
                cases.append(case)
        suites.append(tuple(places[id(case)] for case in suite))
        return ()

    light = _with_suites(parsed, put)
    return zlib.compress(_PART.dump_json(_Part(light, tuple(cases), tuple(suites))), level=1)


def unpacked(data: bytes) -> Parsed:
    part = _PART.validate_json(zlib.decompress(data))
    suites = iter(part.suites)
    return _with_suites(part.parsed, lambda _: tuple(part.cases[place] for place in next(suites)))


def _with_suites(
    parsed: Parsed, changed: Callable[[tuple[CaseContent, ...]], tuple[CaseContent, ...]]
) -> Parsed:
    """With another suite for each, asked for in one order: a bundle's own cases stay."""

    def runs(of: Iterable[BundledRun]) -> tuple[BundledRun, ...]:
        return tuple(replace(run, suite=changed(run.suite)) for run in of)

    return replace(
        parsed,
        prompts=tuple(replace(one, cases=changed(one.cases), runs=runs(one.runs)) for one in parsed.prompts),
        bundled=tuple(replace(one, runs=runs(one.runs)) for one in parsed.bundled),
    )
