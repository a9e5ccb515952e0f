"""What the worst inputs cost: each in a fresh process, its time, its memory, and what is said.

    python benchmarks/work_budget.py              # all of them, as a table
    python benchmarks/work_budget.py yaml regex   # those whose names hold a word

Memory is what the input added to the process at its peak, time the processor's. Each has to end with a
reason (or a verdict); docs/limits.md has the limits behind them.
"""

import io
import json
import os
import resource
import struct
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from prompts_app.engine.assertions import check, validate
from prompts_app.engine.budget import MOST_VALUES_TYPED, load_json
from prompts_app.engine.formats import parse
from prompts_app.engine.formats.case_csv import cases_of, guess, read_table
from prompts_app.engine.masking import Mask, Span
from prompts_app.engine.pictures import keep
from prompts_app.engine.render import render
from prompts_app.engine.seals import read_file
from prompts_app.engine.types import Answer, Assertion

MB = 1024 * 1024


def later[**P](work: Callable[P, str]) -> Callable[P, Callable[[], str]]:
    """What is called with an input gives what has to be done with it: making the input is not measured."""
    return lambda *args, **kwargs: partial(work, *args, **kwargs)


@later
def held(type_: str, value: Any, output: str, threshold: float | None = None) -> str:
    assertion = Assertion(type_, value, threshold)
    return validate(assertion) or check(assertion, Answer(output)).reason


@later
def kept(original: bytes) -> str:
    return f"{keep(original).width} pixels wide"


@later
def filled(text: str, values: dict[str, str]) -> str:
    return f"{len(render(text, values)):,} characters"


@later
def typed(text: str) -> str:
    return str(load_json(text, MOST_VALUES_TYPED))[:20]


@later
def table(text: str) -> str:
    rows = read_table(text)
    return f"{len(cases_of(rows, guess(rows)).cases):,} cases"


@later
def verified(raw: bytes) -> str:
    return str(read_file(raw))[:20]


@later
def masked(spans: list[str], text: str) -> str:
    found = Mask(Span(f"rule {at}", span, f"{at:032x}") for at, span in enumerate(spans)).hidden_in(text)
    return f"{sum(one.end - one.start for one in found):,} of {len(text):,} characters hidden"


@later
def file(name: str, data: str | bytes) -> str:
    parsed = parse(name, data.encode() if isinstance(data, str) else data)
    return f"{len(parsed.prompts)} prompts"


def zipped(files: int, size: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for number in range(files):
            archive.writestr(f"{number}.txt", b"x" * size)
    return out.getvalue()


def png(side: int) -> bytes:
    rows = zlib.compress((b"\0" + b"\xff\0\0\x80" * side) * side, 9)
    parts = ((b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b""))
    chunks = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def webp(side: int) -> bytes:
    body = (
        b"WEBPVP8L"
        + struct.pack("<I", 10)
        + b"\x2f"
        + struct.pack("<I", side - 1 | side - 1 << 14)
        + b"\0" * 5
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


NAMES = [f"name{at}" for at in range(1_500)]
WORDS = " ".join(f"w{at % 700}" for at in range(2_000))

INPUTS: dict[str, Callable[[], Callable[[], str]]] = {
    "YAML, 16 KB of nested brackets": lambda: file("promptfooconfig.yaml", "prompts: " + "[" * 16_000),
    "YAML, 20 MB wide": lambda: file("promptfooconfig.yaml", "prompts:\n" + "- 1\n" * 4_900_000),
    "YAML, 20 MB of names": lambda: file(
        "promptfooconfig.yaml", "".join(f"k{at}: v\n" for at in range(1_500_000))
    ),
    "YAML, just within its limit": lambda: file("promptfooconfig.yaml", "prompts:\n" + "- {}\n" * 49_900),
    "YAML, 300,000 tag names": lambda: file("a.yaml", "".join(f"%TAG !a{at}! x\n" for at in range(300_000))),
    "YAML, aliases of aliases": lambda: file(
        "promptfooconfig.yaml",
        "a0: &a0 [x]\n"
        + "".join(f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9)}]\n" for at in range(1, 40)),
    ),
    "JSON, 20 MB of nested brackets": lambda: file("a.json", "[" * 20_000_000),
    "JSON, 20 MB wide": lambda: file("a.json", "[" + "1," * 9_900_000 + "1]"),
    "JSON, just within its limit": lambda: file("a.json", "[" + "{}," * 249_000 + "1]"),
    "JSON, a number of 20 MB": lambda: file("a.json", "[" + "9" * 19_000_000 + "]"),
    "JSON typed into a field": lambda: typed("[" + "1," * 24_000 + "1]"),
    "CSV, 20,000 columns": lambda: file("a.csv", "act,prompt," + ",".join(map(str, range(20_000))) + "\na,b"),
    "CSV, 10 million cells": lambda: table("a,b\n" + ",\n" * 5_000_000),
    "zip, 1 GB unpacked": lambda: file("a.zip", zipped(20, 50 * MB)),
    "zip, 3,000 files": lambda: file("a.zip", zipped(3_000, 10)),
    "/verify/, 500 KB of small blocks": lambda: verified(b"[" + b"{}," * 160_000 + b"1]"),
    "private part with variables": lambda: masked(["wxyz" + "{{v}}wxyz" * 7], "wxyz" * 5_000),
    "private part of one letter": lambda: masked(["bbbb" * 200], "bbbb" * 5_000),
    "50 private parts, 100 KB of their letters": lambda: masked(
        ["b" * (4_000 + at) + "c" for at in range(50)], "b" * 100_000
    ),
    "JSON Schema, 1,500 names on 1,500 objects": lambda: held(
        "is-json", {"items": {"required": NAMES}}, json.dumps([{}] * 1_500)
    ),
    "JSON Schema, 900 alternatives on 1,000 numbers": lambda: held(
        "is-json",
        {"items": {"oneOf": [{"type": "string", "minLength": at} for at in range(900)]}},
        json.dumps(list(range(1_000))),
    ),
    "JSON Schema, 2,000 large patterns": lambda: held(
        "is-json", {"allOf": [{"pattern": f"\\p{{L}}{{{at % 9 + 20}}}"} for at in range(2_000)]}, '"a"'
    ),
    "JSON in an output, 1,000 beginnings": lambda: held(
        "contains-json", None, '{"a":' * 1_000 + "[" + "1," * 40_000
    ),
    "regex that calls itself": lambda: held("regex", "(?R)?y" * 100, "y" * 98),
    "regex, nested repeats": lambda: held("regex", "(x+x+)+y$", "x" * 5_000 + "yz"),
    "regex, counted repeats": lambda: held("regex", "((a{100}){100}){100}", "a"),
    "bleu, 50 references of 2,000 words": lambda: held("bleu", [WORDS] * 50, WORDS),
    "levenshtein, 100,000 characters": lambda: held("levenshtein", "ab" * 50_000, "ba" * 50_000, 5_000),
    "contains-all, 5,000 texts": lambda: held(
        "contains-all", [f"x{at}" for at in range(5_000)], "a" * 100_000
    ),
    "XML, 100,000 levels": lambda: held("is-xml", None, "<a>" * 100_000),
    "HTML, a million tags": lambda: held("is-html", None, "<p>" * 1_000_000),
    "SQL, 2,000 brackets": lambda: held("is-sql", None, f"SELECT {'(' * 2_000}1{')' * 2_000}"),
    "filters that multiply": lambda: filled(
        '{{ a | replace("", "aaaaaaaaa") | replace("", "aaaaaaaaa") | replace("", "aaaaaaaaa") }}',
        {"a": "a" * 20_000},
    ),
    "a value of 100 KB, 10,000 times": lambda: filled("{{a}}" * 10_000, {"a": "a" * 100_000}),
    "PNG, 25 million pixels": lambda: kept(png(5_000)),
    "PNG, 16 million pixels": lambda: kept(png(4_000)),
    "WebP, 30 bytes, 25 million pixels": lambda: kept(webp(5_000)),
}


def measured(name: str) -> tuple[float, float, str]:
    """(seconds of processor time, MB more at the peak, what was said), from a process of its own."""
    come, go = os.pipe()
    if os.fork() == 0:
        _measure(INPUTS[name](), go)
    os.close(go)
    with os.fdopen(come) as pipe:
        told = pipe.read()
    os.wait()
    seconds, megabytes, said = json.loads(told) if told else (0.0, 0.0, "THE PROCESS DIED")
    return seconds, megabytes, said


def _measure(work: Callable[[], str], go: int) -> None:
    before, started = _peak(), time.process_time()
    try:
        said = work()
    except Exception as error:
        said = str(error)
    found = (time.process_time() - started, _peak() - before, said)
    with os.fdopen(go, "w") as pipe:
        pipe.write(json.dumps(found))
    os._exit(0)


def _peak() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (MB if sys.platform == "darwin" else 1024)


def main(words: list[str]) -> None:
    print(f"{'input':48} {'s':>6} {'MB':>6}  what is said")
    for name in INPUTS:
        if words and not any(word.lower() in name.lower() for word in words):
            continue
        seconds, megabytes, said = measured(name)
        print(f"{name:48} {seconds:6.2f} {megabytes:6.0f}  {' '.join(said.split())[:100]}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
