"""Running the cells of a suite: bounded, cancellable, judged, nothing lost."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from decimal import Decimal
from threading import Timer
from time import perf_counter
from typing import Any

import pytest

from prompts_app.engine import checking, endpoints
from prompts_app.engine.assertions import check
from prompts_app.engine.checking import answer_of, judge
from prompts_app.engine.endpoints import Asker, Pacing
from prompts_app.engine.endpoints.cancellation import Cancellation
from prompts_app.engine.prices import UNKNOWN
from prompts_app.engine.run import RunConfig, run_cells
from prompts_app.engine.types import (
    Answer,
    Assertion,
    CaseContent,
    Cell,
    Check,
    Embedded,
    EndpointConfig,
    Fault,
    Judge,
    Message,
    Outcome,
    Price,
    PromptContent,
    Reply,
    Request,
    Variable,
)
from prompts_app.tests.engine.servers import QUICK, answering, completion, http

PROMPT = PromptContent(
    (Message("system", "Be brief."), Message("user", "Greet {{name}}.")), (Variable("name"),)
)


def reply(output: str = "Hello", **changes: Any) -> Reply:
    settings: dict[str, Any] = {
        "finish_reason": "stop", "model": "tiny-1", "response_id": "r", "fingerprint": None,
        "tokens_in": 10, "tokens_out": 5, "latency_ms": 100.0,
    }  # fmt: skip
    return Reply(output, **{**settings, **changes})


def cases(count: int, *assertions: Assertion) -> list[Cell]:
    return [Cell(n, 0, CaseContent(f"case {n}", {"name": f"N{n}"}, (), assertions)) for n in range(count)]


class Stub:
    """An endpoint that answers by a function, and knows how many calls were under way at once."""

    origin = "https://api.openai.com"

    def __init__(self, answer: Callable[[Request], Reply | Fault], takes_s: float = 0.0) -> None:
        self.answer, self.takes_s = answer, takes_s
        self.asked: list[Request] = []
        self.now = self.most = 0

    async def ask(self, request: Request, deadline_s: float) -> Reply | Fault:
        self.asked.append(request)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(self.takes_s)
            return self.answer(request)
        finally:
            self.now -= 1

    async def embed(self, model: str, texts: tuple[str, ...], deadline_s: float) -> Embedded | Fault:
        return Fault("internal", "Nothing is embedded here.")

    async def list_models(self, deadline_s: float) -> tuple[str, ...] | Fault:
        return ()

    @asynccontextmanager
    async def open(self, endpoint: EndpointConfig, concurrency: int, pacing: Pacing) -> AsyncIterator[Asker]:
        yield self


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Stub]:
    def make(
        answer: Callable[[Request], Reply | Fault] = lambda request: reply(), takes_s: float = 0.0
    ) -> Stub:
        made = Stub(answer, takes_s)
        monkeypatch.setitem(endpoints.KINDS, "stub", made.open)
        return made

    return make


def go(
    cells: Sequence[Cell],
    endpoint: EndpointConfig = EndpointConfig("stub", "https://api.openai.com/v1"),  # noqa: B008 frozen
    *,
    prompt: PromptContent = PROMPT,
    concurrency: int = 4,
    on_outcome: Callable[[Outcome], None] | None = None,
    stop_reason: Callable[[], str | None] = lambda: None,
) -> tuple[str | None, list[Outcome]]:
    outcomes: list[Outcome] = []
    word = asyncio.run(
        run_cells(
            RunConfig(prompt, "tiny-1", endpoint, concurrency, pacing=QUICK), cells,
            on_outcome=on_outcome or outcomes.append, stop_reason=stop_reason,
        )
    )  # fmt: skip
    return word, outcomes


def test_every_cell_gets_exactly_one_outcome(stub: Callable[..., Stub]) -> None:
    stub()
    cells = [Cell(n, repeat, CaseContent(str(n), {"name": "x"})) for n in range(7) for repeat in range(3)]
    word, outcomes = go(cells)
    assert word is None
    assert sorted((one.cell.case_index, one.cell.repeat) for one in outcomes) == [
        (cell.case_index, cell.repeat) for cell in cells
    ]


def test_no_cells_are_a_finished_run(stub: Callable[..., Stub]) -> None:
    stub()
    assert go([]) == (None, [])


def test_each_cell_is_sent_with_its_own_values(stub: Callable[..., Stub]) -> None:
    made = stub()
    _, outcomes = go(cases(3), prompt=PromptContent(PROMPT.messages, parameters={"temperature": 0}))
    assert sorted(request.messages[-1].content for request in made.asked) == [
        "Greet N0.",
        "Greet N1.",
        "Greet N2.",
    ]
    assert {request.model for request in made.asked} == {"tiny-1"}
    assert outcomes[0].request.body()["temperature"] == 0


@pytest.mark.parametrize("concurrency", [1, 3, 50])
def test_never_more_calls_at_once_than_allowed(stub: Callable[..., Stub], concurrency: int) -> None:
    made = stub(takes_s=0.005)
    go(cases(20), concurrency=concurrency)
    assert made.most == min(concurrency, 20)


def test_an_outcome_is_handed_over_while_others_still_run(stub: Callable[..., Stub]) -> None:
    arrived: list[float] = []
    stub(takes_s=0.05)
    started = perf_counter()
    go(cases(6), concurrency=1, on_outcome=lambda outcome: arrived.append(perf_counter() - started))
    assert arrived[0] < arrived[-1] - 0.2


def test_answers_are_judged_priced_and_counted(stub: Callable[..., Stub]) -> None:
    stub(lambda request: reply("Hello N1", model="gpt-4o-mini", tokens_in=1_000_000, tokens_out=0))
    _, outcomes = go(cases(2, Assertion("contains", "{{name}}")))
    verdicts = {one.cell.case_index: one.passed for one in outcomes}
    assert verdicts == {0: False, 1: True}
    assert outcomes[0].price.dollars == Decimal("0.15")
    assert outcomes[0].checks[0].value in {"N0", "N1"}  # what was looked for, not how it was written


def test_cached_tokens_are_priced_as_such_and_the_source_says_so(stub: Callable[..., Stub]) -> None:
    stub(lambda request: reply("x", model="gpt-4o", tokens_in=1000, tokens_out=10, tokens_cached=800))
    _, outcomes = go(cases(1))
    assert outcomes[0].price.dollars == Decimal("0.0016")
    assert "cached" in outcomes[0].price.source


def test_the_price_is_that_of_the_model_that_answered_else_of_the_one_asked(
    stub: Callable[..., Stub],
) -> None:
    stub(lambda request: reply(model="a-name-no-table-has", tokens_in=1, tokens_out=1))
    outcomes: list[Outcome] = []
    asyncio.run(
        run_cells(
            RunConfig(
                PROMPT, "gpt-4o-mini", EndpointConfig("stub", "https://api.openai.com/v1"), concurrency=1
            ),
            cases(1), on_outcome=outcomes.append, stop_reason=lambda: None,
        )
    )  # fmt: skip
    assert outcomes[0].price.dollars


def test_practice_has_no_price() -> None:
    outcomes: list[Outcome] = []
    asyncio.run(
        run_cells(
            RunConfig(
                PROMPT, "practice-1", EndpointConfig("practice"), concurrency=8, pacing=Pacing(first_wait_s=0)
            ),
            cases(8), on_outcome=outcomes.append, stop_reason=lambda: None,
        )
    )  # fmt: skip
    assert {outcome.price for outcome in outcomes} == {UNKNOWN}


def test_a_fault_is_a_row_and_neither_pass_nor_failure(stub: Callable[..., Stub]) -> None:
    stub(lambda request: Fault("rate_limited", "Slow down", 429, 12.0, 3))
    word, outcomes = go(cases(2, Assertion("contains", "x")))
    assert word is None
    assert [(one.fault and one.fault.kind, one.reply, one.checks, one.passed) for one in outcomes] == [
        ("rate_limited", None, (), None)
    ] * 2


def test_a_variable_without_a_value_is_a_fault_and_no_call(stub: Callable[..., Stub]) -> None:
    made = stub()
    _, (outcome,) = go([Cell(0, 0, CaseContent("empty"))])
    assert outcome.fault
    assert outcome.fault.kind == "template"
    assert "{{name}}" in outcome.fault.message
    assert made.asked == []


def test_a_bug_in_judging_spoils_one_cell_only(
    stub: Callable[..., Stub], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(assertion: Assertion, answer: Answer) -> Check:
        if assertion.value == "N1":
            raise ZeroDivisionError
        return check(assertion, answer)

    monkeypatch.setattr(checking, "check", broken)
    stub()
    word, outcomes = go(cases(3, Assertion("contains", "{{name}}")))
    assert word is None
    faults = {one.cell.case_index: one.fault and one.fault.kind for one in outcomes}
    assert faults == {0: None, 1: "internal", 2: None}


def test_a_bug_in_an_endpoint_spoils_no_run(stub: Callable[..., Stub]) -> None:
    def broken(request: Request) -> Reply:
        raise RuntimeError("secret detail")

    stub(broken)
    word, outcomes = go(cases(2))
    assert word is None
    assert [one.fault and one.fault.kind for one in outcomes] == ["internal", "internal"]
    assert "secret detail" not in repr(outcomes)


def test_what_the_keeper_of_outcomes_raises_ends_the_run(stub: Callable[..., Stub]) -> None:
    made = stub(takes_s=0.01)

    def full(outcome: Outcome) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        go(cases(50), on_outcome=full)
    assert len(made.asked) < 20
    assert made.now == 0


def test_a_stop_ends_calls_in_flight_within_a_second(stub: Callable[..., Stub]) -> None:
    made = stub(takes_s=30.0)
    started = perf_counter()
    word, outcomes = go(
        cases(10), stop_reason=lambda: "cancelled" if perf_counter() - started > 0.1 else None
    )
    assert word == "cancelled"
    assert perf_counter() - started < 1.0
    assert made.now == 0
    # What was sent may be billed, so it is not forgotten; what was not sent is still to be asked.
    assert [one.fault and one.fault.kind for one in outcomes] == ["cut_short"] * 4
    assert sorted(str(one.request) for one in outcomes) == sorted(map(str, made.asked))


def test_a_stop_also_ends_a_call_to_a_real_server() -> None:
    asked_at: list[float] = []

    def once_it_was_asked() -> str | None:
        if server.asked and not asked_at:
            asked_at.append(perf_counter())
        return "cancelled" if asked_at else None

    with answering([20.0]) as server:
        word, outcomes = go(cases(4), server.endpoint(), stop_reason=once_it_was_asked)
    assert (word, {one.fault and one.fault.kind for one in outcomes}) == ("cancelled", {"cut_short"})
    assert perf_counter() - asked_at[0] < 1.0


def test_calls_in_flight_are_awaited_as_long_as_the_word_allows(stub: Callable[..., Stub]) -> None:
    made = stub(takes_s=0.4)
    outcomes: list[Outcome] = []
    word = asyncio.run(
        run_cells(
            RunConfig(PROMPT, "tiny-1", EndpointConfig("stub"), concurrency=3, pacing=QUICK), cases(20),
            on_outcome=outcomes.append, stop_reason=lambda: "over_cap" if made.asked else None,
            grace_s=lambda word: {"over_cap": 10.0}[word],
        )
    )  # fmt: skip
    assert word == "over_cap"
    assert len(outcomes) == len(made.asked) <= 3
    assert {one.fault for one in outcomes} == {None}


def test_a_more_urgent_word_ends_the_waiting(stub: Callable[..., Stub]) -> None:
    made = stub(takes_s=30.0)
    started = perf_counter()

    def word_of_now() -> str | None:
        if not made.asked:
            return None
        return "over_cap" if perf_counter() - started < 0.6 else "cancelled"

    word = asyncio.run(
        run_cells(
            RunConfig(PROMPT, "tiny-1", EndpointConfig("stub"), concurrency=2, pacing=QUICK), cases(4),
            on_outcome=lambda outcome: None,
            stop_reason=word_of_now,
            grace_s=lambda word: 20.0 if word == "over_cap" else 0.0,
        )
    )  # fmt: skip
    assert word == "cancelled"
    assert perf_counter() - started < 2.0


def test_a_talk_that_is_cut_short_keeps_what_its_first_turns_cost(stub: Callable[..., Stub]) -> None:
    made = stub(lambda request: reply(model="gpt-4o-mini"))
    word, (outcome,) = go(
        [Cell(0, 0, CaseContent("talk", {"name": "x"}, ("a", "b")))],
        stop_reason=lambda: "over_cap" if made.asked else None,
    )
    assert (word, len(made.asked)) == ("over_cap", 1)
    assert outcome.fault
    assert outcome.fault.kind == "cut_short"
    assert outcome.price.dollars


def test_an_answer_whose_judge_is_cut_short_is_kept(
    stub: Callable[..., Stub], monkeypatch: pytest.MonkeyPatch
) -> None:
    stub()
    judge_server = Stub(lambda request: reply("?"), takes_s=30.0)
    monkeypatch.setitem(endpoints.KINDS, "bench", judge_server.open)
    outcomes: list[Outcome] = []
    graded = cases(3, Assertion("contains", "Hello"), Assertion("llm-rubric", "Is polite."))
    asyncio.run(
        run_cells(
            RunConfig(
                PROMPT, "tiny-1", EndpointConfig("stub"), concurrency=1, pacing=QUICK,
                judge=Judge(EndpointConfig("bench"), "judge-1"),
            ),
            graded, on_outcome=outcomes.append,
            stop_reason=lambda: "cancelled" if judge_server.asked else None,
        )
    )  # fmt: skip
    (outcome,) = outcomes
    assert outcome.reply
    assert outcome.fault
    assert (outcome.fault.kind, outcome.fault.cause, outcome.passed) == ("judge_error", "cut_short", None)
    assert [check.passed for check in outcome.checks] == [True, None]


def test_nothing_is_asked_in_the_place_of_an_outcome_until_it_is_stored(stub: Callable[..., Stub]) -> None:
    made = stub()
    given: list[Future[None]] = []
    counts: list[int] = []

    def keep(outcome: Outcome) -> Future[None]:
        """Storing fails for a moment, and then for all that wait at once it works."""
        given.append(Future())
        if len(given) % 3 == 0:
            Timer(0.05, store, [list(given)]).start()
        return given[-1]

    def store(futures: list[Future[None]]) -> None:
        counts.append(len(made.asked))
        for one in futures:
            if not one.done():
                one.set_result(None)

    asyncio.run(
        run_cells(
            RunConfig(PROMPT, "tiny-1", EndpointConfig("stub"), concurrency=3, pacing=QUICK), cases(9),
            on_outcome=keep, stop_reason=lambda: None,
        )
    )  # fmt: skip
    assert counts == [3, 6, 9]


def test_a_run_that_is_to_stop_does_not_wait_for_the_storing(stub: Callable[..., Stub]) -> None:
    made = stub()
    word = asyncio.run(
        run_cells(
            RunConfig(PROMPT, "tiny-1", EndpointConfig("stub"), concurrency=3, pacing=QUICK), cases(9),
            on_outcome=lambda outcome: Future(), stop_reason=lambda: "lost" if len(made.asked) == 3 else None,
        )
    )  # fmt: skip
    assert (word, len(made.asked)) == ("lost", 3)


def test_a_call_that_takes_its_time_to_end_is_waited_for() -> None:
    class Slow(Stub):
        async def ask(self, request: Request, deadline_s: float) -> Reply | Fault:
            try:
                return await super().ask(request, deadline_s)
            finally:
                await asyncio.sleep(0.7)  # longer than between two looks

    made = Slow(lambda request: reply(), takes_s=30.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(endpoints.KINDS, "stub", made.open)
        word, outcomes = go(
            cases(3), concurrency=2, stop_reason=lambda: "cancelled" if len(made.asked) > 1 else None
        )
    assert (word, [one.fault and one.fault.kind for one in outcomes]) == ("cancelled", ["cut_short"] * 2)


def test_after_the_end_nothing_further_is_called_and_other_timeouts_are_not_taken_for_it() -> None:
    async def late() -> str:
        raise TimeoutError("somebody else’s")

    async def try_both() -> None:
        cancellation = Cancellation()
        with pytest.raises(TimeoutError, match="somebody"):
            await cancellation.wait(late())
        cancellation.end()
        assert isinstance(await cancellation.wait(asyncio.sleep(30)), Fault)

    asyncio.run(try_both())


def test_over_the_cap_no_further_call_is_made(stub: Callable[..., Stub]) -> None:
    made = stub(takes_s=0.001)
    outcomes: list[Outcome] = []
    word, _ = go(
        cases(100), concurrency=3, on_outcome=outcomes.append,
        stop_reason=lambda: "over_cap" if len(outcomes) >= 10 else None,
    )  # fmt: skip
    assert word == "over_cap"
    assert 10 <= len(outcomes) <= len(made.asked) <= 13


def test_a_stop_before_the_first_call_asks_nothing(stub: Callable[..., Stub]) -> None:
    made = stub()
    assert go(cases(5), stop_reason=lambda: "cancelled") == ("cancelled", [])
    assert made.asked == []


def test_a_word_that_comes_after_the_last_answer_changes_nothing(stub: Callable[..., Stub]) -> None:
    stub()
    outcomes: list[Outcome] = []
    word, _ = go(cases(1), on_outcome=outcomes.append, stop_reason=lambda: "over_cap" if outcomes else None)
    assert (word, len(outcomes)) == (None, 1)


def test_turns_are_answered_in_order_with_the_earlier_answers_in_context(stub: Callable[..., Stub]) -> None:
    stub(
        lambda request: reply(
            f"answer {len(request.messages)}", model="gpt-4o-mini", latency_ms=100.0 * len(request.messages)
        )
    )
    case = CaseContent(
        "talk", {"name": "Ada"}, ("And {{name}}'s age?", "Why?"), (Assertion("equals", "answer 6"),)
    )
    _, (outcome,) = go([Cell(0, 0, case)])
    assert [(message.role, message.content) for message in outcome.request.messages] == [
        ("system", "Be brief."),
        ("user", "Greet Ada."),
        ("assistant", "answer 2"),
        ("user", "And Ada's age?"),
        ("assistant", "answer 4"),
        ("user", "Why?"),
    ]
    assert outcome.reply
    assert (outcome.reply.output, outcome.reply.latency_ms) == ("answer 6", 600.0)
    assert (outcome.reply.tokens_in, outcome.reply.tokens_out) == (30, 15)
    assert outcome.price.dollars == 3 * (Decimal("0.15") * 10 + Decimal("0.6") * 5) / 1_000_000
    assert outcome.passed is True


def test_a_prompt_without_a_question_takes_the_first_turn_as_its_question(stub: Callable[..., Stub]) -> None:
    made = stub()
    go(
        [Cell(0, 0, CaseContent("talk", {}, ("Hi", "Bye")))],
        prompt=PromptContent((Message("system", "Be brief."),)),
    )
    assert [len(request.messages) for request in made.asked] == [2, 4]


def test_a_fault_in_the_middle_of_a_talk_ends_it_but_keeps_what_it_cost(stub: Callable[..., Stub]) -> None:
    made = stub(
        lambda request: (
            reply(model="gpt-4o-mini") if len(request.messages) == 2 else Fault("timeout", "Late.")
        )
    )
    _, (outcome,) = go([Cell(0, 0, CaseContent("talk", {"name": "x"}, ("a", "b")))])
    assert outcome.fault
    assert outcome.fault.kind == "timeout"
    assert len(made.asked) == 2
    assert outcome.price.dollars


def test_unknown_tokens_in_one_turn_make_the_sum_unknown(stub: Callable[..., Stub]) -> None:
    stub(lambda request: reply(tokens_in=None if len(request.messages) == 2 else 5))
    _, (outcome,) = go([Cell(0, 0, CaseContent("talk", {"name": "x"}, ("a",)))])
    assert outcome.reply
    assert (outcome.reply.tokens_in, outcome.reply.tokens_out) == (None, 10)
    assert outcome.price == UNKNOWN


def test_a_whole_run_over_a_real_connection() -> None:
    good, bad = http(200, completion('{"total": 1}')), http(401, {"error": {"message": "no"}})
    with answering(good, good, bad) as server:
        _, outcomes = go(
            cases(3, Assertion("is-json"), Assertion("latency", threshold=4000)),
            server.endpoint(),
            concurrency=1,
        )
    assert [one.passed for one in outcomes] == [True, True, None]
    assert [one.fault and one.fault.kind for one in outcomes] == [None, None, "auth"]


def test_nothing_to_hold_it_to_is_neither_pass_nor_failure() -> None:
    assert judge(CaseContent("c"), reply(), UNKNOWN) == ((), None)


def test_all_that_count_must_pass() -> None:
    passing, failing = Assertion("contains", "Hello"), Assertion("contains", "Bye")
    shown_only = Assertion("contains", "Bye", weight=0)
    assert judge(CaseContent("c", assertions=(passing, passing)), reply(), UNKNOWN)[1] is True
    assert judge(CaseContent("c", assertions=(passing, failing)), reply(), UNKNOWN)[1] is False
    checks, passed = judge(CaseContent("c", assertions=(passing, shown_only)), reply(), UNKNOWN)
    assert passed is True
    assert [one.passed for one in checks] == [True, False]
    assert judge(CaseContent("c", assertions=(shown_only,)), reply(), UNKNOWN)[1] is None


def test_variables_in_assertion_values_are_filled_in() -> None:
    case = CaseContent(
        "c", {"who": "Ada", "n": "{{who}}"},
        assertions=(
            Assertion("contains", "Hi {{ who }}"), Assertion("contains-any", ["{{who}}", "x"]),
            Assertion("not-contains", "{{n}}"), Assertion("not-contains", "{{unknown}}"),
            Assertion("is-json", {"const": "{{who}}"}, weight=0),
        ),
    )  # fmt: skip
    checks, passed = judge(case, reply("Hi Ada"), UNKNOWN)
    assert [check.value for check in checks] == [
        "Hi Ada", ["Ada", "x"], "{{who}}", "{{unknown}}", {"const": "{{who}}"},
    ]  # fmt: skip
    assert passed is True


def test_an_answer_from_a_cache_has_no_latency_to_judge() -> None:
    assert answer_of(reply(cached=True), UNKNOWN).latency_ms is None
    assert answer_of(reply(), Price(Decimal("0.1"), "t")) == Answer(
        "Hello", "stop", 100.0, Decimal("0.1"), 15
    )


def test_the_engine_starts_fast_and_without_django() -> None:
    code = (
        "import sys, prompts_app.engine.run as r; "
        "heavy = {'django', 'genai_prices', 'openai', 'httpx2'} & set(sys.modules); "
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
