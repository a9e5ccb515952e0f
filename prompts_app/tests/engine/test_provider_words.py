"""What providers really say, word for word, and what becomes of it.

Each body of ``data/provider-words.json`` stands with where it was seen: a thread on GitHub
(owner/repository#number), a server that was asked, its own source, or recordings in the tests of several
clients ("tests").
"""

import json
from pathlib import Path
from typing import Any

import pytest

from prompts_app.engine.faults import FAULTS
from prompts_app.engine.types import Fault
from prompts_app.tests.engine.asking import ask
from prompts_app.tests.engine.servers import answering, http

SAID = json.loads((Path(__file__).parents[1] / "data" / "provider-words.json").read_text())


@pytest.mark.parametrize("said", SAID, ids=[said["name"] for said in SAID])
def test_it_becomes_a_labelled_row_with_the_servers_words(said: dict[str, Any]) -> None:
    with answering(http(said["status"], said["body"])) as server:
        fault = ask(server.endpoint())
    assert isinstance(fault, Fault)
    assert (fault.kind, said["says"] in fault.message) == (said["kind"], True), fault
    assert "{'" not in fault.message
    assert len(server.asked) == (3 if FAULTS[fault.kind].retryable else 1)
    assert said["seen"]


@pytest.mark.parametrize(
    ("kind", "step"),
    [
        ("wrong_path", "ends in /v1"),
        ("model_not_found", "at Azure, a model is called as its deployment is"),
        ("other_api", "Responses API"),
        ("no_such_format", "is-json"),
        ("bad_schema", "where the server’s words point"),
        ("schema_unmet", "withheld it"),
        ("no_credit", "Add credit"),
    ],
)
def test_the_next_step_is_the_right_one(kind: str, step: str) -> None:
    assert step in FAULTS[kind].next_step


def test_what_the_model_wrote_is_kept_where_the_server_tells_it() -> None:
    (said,) = (said for said in SAID if said["name"] == "Groq, nothing that fits")
    with answering(http(said["status"], said["body"])) as server:
        fault = ask(server.endpoint())
    assert isinstance(fault, Fault)
    assert fault.part is not None
    assert fault.part.output == '{"total": '
