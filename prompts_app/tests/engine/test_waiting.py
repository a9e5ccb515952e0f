"""How long a server asks to wait, wherever it says so."""

from datetime import UTC, datetime
from typing import Any

import pytest

from prompts_app.engine.endpoints.pacing import Pacing, asked_wait
from prompts_app.engine.types import Reply
from prompts_app.tests.engine.asking import ask
from prompts_app.tests.engine.servers import answering, completion, http

NOW = datetime(2026, 11, 29, 12, 0, 0, tzinfo=UTC)
PATIENT = Pacing(attempts=3, first_wait_s=0.001, wait_budget_s=400)
RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3s"}


@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        ("3", 3), ("0", 0), ("2.5", 2.5), (" 7 ", 7), ("3s", 3), ("1m30s", 90), ("250ms", 0.25),
        ("Sun, 29 Nov 2026 12:00:20 GMT", 20), ("2026-11-29T12:00:20Z", 20), ("1795953620", 20),
        ("Sun, 29 Nov 2026 11:00:00 GMT", 0), ("soon", None), ("-3", None), ("", None),
    ],
)  # fmt: skip
def test_retry_after_is_read_in_each_of_its_forms(after: str, seconds: float | None) -> None:
    assert asked_wait({"retry-after": after}, NOW) == seconds


BODIES: list[tuple[Any, float]] = [
    ([{"error": {"code": 429, "message": "Quota exceeded.", "details": [{"@type": "Help"}, RETRY_INFO]}}], 3),
    ({"error": {"message": "Busy", "details": [{"retryDelay": {"seconds": 4}}]}}, 4),
    ({"error": {"message": "Rate limit reached. Please try again in 7.66s. Need more?"}}, 7.66),
    ({"error": {"message": "Rate limit reached. Please try again in 120ms."}}, 0.12),
    ({"error": {"message": "Please try again in 1m2.5s."}}, 62.5),
    ({"error": {"message": "Please retry after 20 seconds."}}, 20),
    ({"error": {"message": "Please retry in 43.2s."}}, 43.2),
    ({"error": {"message": "Slow", "metadata": {"retry_after": 5}}}, 5),
    ({"message": "Slow", "retry_after": 2}, 2),
]


@pytest.mark.parametrize(("body", "seconds"), BODIES, ids=[str(seconds) for _, seconds in BODIES])
def test_the_wait_may_stand_in_the_body(body: Any, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def sleep(wait: float) -> None:
        waits.append(wait)

    monkeypatch.setattr("prompts_app.engine.endpoints.openai_compatible.asyncio.sleep", sleep)
    with answering(http(429, body), http(200, completion())) as server:
        reply = ask(server.endpoint(), pacing=PATIENT)
    assert isinstance(reply, Reply)
    assert reply.attempts == 2
    assert max(waits) == pytest.approx(seconds, rel=0.2)


def test_a_header_counts_before_the_body(monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"error": {"message": "Please try again in 50s."}}
    with answering(http(429, body, {"Retry-After": "0.01"}), http(200, completion())) as server:
        reply = ask(server.endpoint(), pacing=PATIENT)
    assert isinstance(reply, Reply)
