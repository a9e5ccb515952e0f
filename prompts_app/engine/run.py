"""Asking a model every cell of a run, and judging what it says."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

from prompts_app.engine.adaptations import Learned, adapted
from prompts_app.engine.assertions.tools import all_calls
from prompts_app.engine.assertions.verdicts import verdict_of
from prompts_app.engine.checking import filled, judge
from prompts_app.engine.endpoints import PACING, Asker, Pacing, open_endpoint
from prompts_app.engine.endpoints.cancellation import CUT_SHORT, Cancellation, cut_short, until_stored
from prompts_app.engine.errors import JudgeFailed, RenderError
from prompts_app.engine.grading import Graded, JudgeSetup, grade, is_graded, judged_output_of
from prompts_app.engine.growing import Growing
from prompts_app.engine.picture_asker import PictureAsker, ReadPicture, no_pictures
from prompts_app.engine.prices import UNKNOWN, price_of_answer, together
from prompts_app.engine.render import pictures_for, render_messages, rendered, values_for
from prompts_app.engine.responses_body import sent_back
from prompts_app.engine.shutdown import check_not_ending
from prompts_app.engine.thinking import after_thinking
from prompts_app.engine.tool_steps import MOST_CHARS, CannedResults
from prompts_app.engine.types import (
    AnswerMessage,
    Api,
    CaseContent,
    Cell,
    Check,
    EndpointConfig,
    Fault,
    Judge,
    Message,
    Outcome,
    Price,
    PromptContent,
    Reply,
    Request,
    Sent,
)

NO_TURNS = "The images API takes one text, and this case has further turns. Take the turns out of the case."
GROWN = (
    f"The answers of this case have more than {MOST_CHARS:,} characters together, and each further turn "
    "sends them all again. So it was asked no further."
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunConfig:
    """What a run asks of whom, and how.

    At most ``concurrency`` cells are asked at once. ``judge`` grades the assertions that a model has to
    grade; without one they are not judged. ``api`` says which API the calls go to; where that is "images",
    the outputs are pictures. ``learned`` is what the model's server is known to refuse; what it refuses now
    is added, and asked otherwise. With ``judges_after_thinking`` assertions, judges and further turns see
    what follows ``</think>``; all is kept. With ``stream`` texts are asked for in pieces, and their first is
    timed too, and each of them is given to ``on_begun`` when it begins to come, on the event loop's thread.
    ``read_picture`` gives the pictures of the cases.
    """

    prompt: PromptContent
    model: str
    endpoint: EndpointConfig
    concurrency: int
    judge: Judge | None = None
    pacing: Pacing = PACING
    api: Api = "chat"
    learned: Learned = field(default_factory=Learned)
    judges_after_thinking: bool = False
    stream: bool = False
    on_begun: Callable[[Growing], None] | None = None
    read_picture: ReadPicture = no_pictures


async def run_cells(
    config: RunConfig,
    cells: Collection[Cell],
    *,
    on_outcome: Callable[[Outcome], Future[None] | None],
    stop_reason: Callable[[], str | None],
    on_price: Callable[[Price], None] = lambda price: None,
    grace_s: Callable[[str], float] = lambda reason: 0.0,
) -> str | None:
    """Ask every cell, and hand each outcome over the moment it is done.

    The callbacks are called on the event loop's thread and must be quick. ``stop_reason`` is asked before
    each new call and a few times a second; once it gives a reason ("cancelled", "over_cap") nothing further
    is begun. The calls in flight are awaited for ``grace_s(reason)`` seconds, and then ended: whatever
    was sent has an outcome, though it may be the fault "cut_short" (or "judge_error" with that cause, where
    only the judge was still being asked). Where ``on_outcome`` gives a future, nothing is asked in that
    outcome's place until it is done, so that no more is ever unstored than was in flight. Returns the last
    reason, or ``None`` when every cell was asked. What ``on_outcome`` raises is raised here, after the calls
    in flight were ended.

    ``on_price`` is told the price of each call the moment it is over, the judge's and failed attempts' too.
    A case with turns is asked turn by turn, and calls of tools are answered from its canned results: the
    output is the last answer, its latency that of the last call, tokens and price the sums over all calls;
    the request stored is the last, with the earlier answers and their results in it.
    """
    waiting, cancellation = iter(cells), Cancellation()
    async with AsyncExitStack() as stack:

        async def opened(endpoint: EndpointConfig) -> Asker:
            opening = open_endpoint(endpoint, config.concurrency, config.pacing)
            asker = await stack.enter_async_context(opening)
            return PictureAsker(cancellation.hold(asker), config.read_picture)

        run = _Run(config, await opened(config.endpoint), stop_reason, on_price)
        if (judge := config.judge) is not None:
            at, limit_s = await opened(judge.endpoint), judge.endpoint.time_limit_s
            run = replace(run, setup=JudgeSetup(judge, at, limit_s, run.check_judge_may_be_asked, on_price))
        workers = [_work(run, waiting, on_outcome) for _ in range(min(config.concurrency, len(cells)))]
        return await cancellation.watch(list(map(asyncio.create_task, workers)), stop_reason, grace_s)


async def _work(
    run: _Run, waiting: Iterator[Cell], on_outcome: Callable[[Outcome], Future[None] | None]
) -> str | None:
    """Take cells until none is left; the reason, where it was told to stop."""
    for cell in waiting:
        if reason := run.stop_reason():
            return reason
        outcome = await run.outcome_of(cell)
        stored = on_outcome(outcome)
        if outcome.fault and CUT_SHORT in (outcome.fault.kind, outcome.fault.cause):
            return run.stop_reason()
        if stored is not None:
            await until_stored(stored, run.stop_reason)
    return None


@dataclass(frozen=True, slots=True)
class _Said:
    """One or more calls that belong to one cell, and what came of them."""

    request: Request
    result: Reply | Fault
    price: Price
    asked_at: str = ""  # as in Outcome
    unanswered: str = ""  # as in Outcome


@dataclass(frozen=True, slots=True)
class _Run:
    """What all cells of a run have in common."""

    config: RunConfig
    asker: Asker
    stop_reason: Callable[[], str | None]
    on_price: Callable[[Price], None]
    setup: JudgeSetup | None = None

    def check_judge_may_be_asked(self) -> None:
        """Raises ``JudgeFailed``: the answer stays, and its verdict is wanting."""
        if self.stop_reason():
            raise JudgeFailed(cut_short("before the judge was asked").message, CUT_SHORT)

    async def outcome_of(self, cell: Cell) -> Outcome:
        if (known := cell.answered) is not None:
            return await self._judged(cell, known.request, known.reply, known.price)
        try:
            opening, turns = conversation(self.config.prompt, cell.case)
        except RenderError as error:
            request = self._request(self.config.prompt.messages)
            return self._unanswered(cell, request, Fault("template", str(error)))
        said = await self._converse(opening, turns, CannedResults(cell.case))
        if isinstance(said.result, Fault):
            outcome = self._unanswered(cell, said.request, said.result, said.price)
        else:
            outcome = await self._judged(cell, said.request, said.result, said.price)
        return replace(outcome, asked_at=said.asked_at, unanswered=said.unanswered)

    async def _converse(
        self, messages: tuple[Sent, ...], turns: tuple[Message, ...], canned: CannedResults
    ) -> _Said:
        """Ask, then ask each further turn with the answers so far in context."""
        if turns and self.config.api == "images":
            return _Said(self._request(messages), Fault("bad_request", NO_TURNS), UNKNOWN)
        said = await self._with_results(await self._ask(messages), canned)
        grown = 0
        for turn in turns:
            if isinstance(said.result, Fault) or said.unanswered:
                break
            result = said.result
            grown += len(result.output) + len(result.thinking) + len(json.dumps(result.items))
            if grown > MOST_CHARS:
                return replace(said, result=Fault("too_large", GROWN))
            messages = (*said.request.messages, self._turn(said.result), turn)
            said = await self._with_results(_together(said, await self._ask_on(messages)), canned)
        return said

    def _turn(self, reply: Reply) -> Message:
        """An answer as the model's next turn sees it."""
        seen = self._seen(reply).output
        items = sent_back(reply.items) if seen == reply.output else ()
        return AnswerMessage("assistant", seen, items, reply.thinking)

    async def _with_results(self, said: _Said, canned: CannedResults) -> _Said:
        """Ask on for as long as the model calls tools and the case has results for them."""
        while canned.are_given and isinstance(said.result, Reply) and said.result.tool_calls:
            after = await asyncio.to_thread(canned.after, said.result)
            if isinstance(after, str):
                return replace(said, unanswered=after)
            said = _together(said, await self._ask_on((*said.request.messages, *after)))
        return said

    async def _ask_on(self, messages: tuple[Sent, ...]) -> _Said:
        """A further call; where the run is to stop, it is not begun, and what was said before was in vain."""
        if self.stop_reason():
            return _Said(self._request(messages), cut_short("between two calls of this case"), UNKNOWN)
        return await self._ask(messages)

    async def _ask(self, messages: tuple[Sent, ...]) -> _Said:
        request, result = await self.config.learned.asked(self._request(messages), self._answer)
        came = result.part if isinstance(result, Fault) else result
        for failed in result.earlier:  # billed as well, though it is in no figure of the prompt
            self.on_price(self._price_of(failed))
        price = UNKNOWN if came is None else self._price_of(came)
        self.on_price(price)
        return _Said(request, result, price, self.asker.origin if _was_sent(result) else "")

    async def _answer(self, request: Request) -> Reply | Fault:
        try:
            return await self.asker.ask(request, self.config.endpoint.time_limit_s)
        except Exception as error:
            check_not_ending(error)
            log.exception("Asking %s failed", self.config.model)
            return Fault("internal", f"The call failed in a way not foreseen ({type(error).__name__}).")

    def _price_of(self, reply: Reply) -> Price:
        config = self.config
        return price_of_answer(config.endpoint, config.model, reply, is_image=config.api == "images")

    def _request(self, messages: tuple[Sent, ...]) -> Request:
        config = self.config
        parameters = config.prompt.parameters
        request = Request(
            config.model, messages, parameters, config.api, config.stream, on_begun=config.on_begun
        )
        return adapted(request, config.learned.words)

    async def _judged(self, cell: Cell, request: Request, reply: Reply, price: Price) -> Outcome:
        """Judged in another thread: a slow regex must not hold up the clocks of the calls in flight."""
        values, seen = values_for(self.config.prompt, cell.case), self._seen(reply)
        try:
            checks, _ = await asyncio.to_thread(
                judge, cell.case, seen, price, values, self.config.prompt.parameters,
                all_calls(request.messages, reply.output),
            )  # fmt: skip
            graded = await self._graded(cell.case, checks, request, seen, values)
        except Exception as error:
            check_not_ending(error)
            log.exception("Judging case %s failed", cell.case_index)
            why = f"The answer came, but judging it failed ({type(error).__name__})."
            fault = Fault("internal", why, latency_ms=reply.latency_ms, attempts=reply.attempts)
            return self._unanswered(cell, request, fault, price)
        return _outcome(cell, request, reply, price, graded)

    def _seen(self, reply: Reply) -> Reply:
        """As assertions, the judge and the model's own next turn see it."""
        return (
            replace(reply, output=after_thinking(reply.output))
            if self.config.judges_after_thinking
            else reply
        )

    async def _graded(
        self,
        case: CaseContent,
        checks: tuple[Check, ...],
        request: Request,
        reply: Reply,
        values: Mapping[str, str],
    ) -> Graded:
        if self.setup is None or reply.picture or not any(map(is_graded, case.assertions)):
            return Graded(checks)
        assertions = [filled(assertion, values) for assertion in case.assertions]
        own, of_schema = checks[: len(assertions)], checks[len(assertions) :]
        graded = await grade(own, assertions, judged_output_of(request, reply, values), self.setup)
        return replace(graded, checks=(*graded.checks, *of_schema))

    @staticmethod
    def _unanswered(cell: Cell, request: Request, fault: Fault, price: Price = UNKNOWN) -> Outcome:
        return Outcome(cell, request, None, fault, (), None, price)


def _outcome(cell: Cell, request: Request, reply: Reply, price: Price, graded: Graded) -> Outcome:
    """A judge that failed leaves the case without a verdict, unless something else failed it already."""
    passed, fault = verdict_of(graded.checks, cell.case.threshold), None
    if passed is None and graded.failure:
        fault = replace(graded.failure, latency_ms=reply.latency_ms, attempts=reply.attempts)
    return Outcome(cell, request, reply, fault, graded.checks, passed, price, graded.price)


def conversation(prompt: PromptContent, case: CaseContent) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """The messages of the first call, and the user turns that follow. Raises ``RenderError``.

    Where the prompt ends without a question (a system message alone), the first turn is the question.
    """
    values = values_for(prompt, case)
    messages = render_messages(prompt, case)
    pictures = pictures_for(prompt, case)
    turns = tuple(rendered("user", turn, values, pictures) for turn in case.turns)
    if turns and (not messages or messages[-1].role != "user"):
        return (*messages, turns[0]), turns[1:]
    return messages, turns


def _was_sent(result: Reply | Fault) -> bool:
    """Whether the call was made. One whose host has no address, or none that may be called, was not; nor
    was what failed before there was a connection to time."""
    if isinstance(result, Reply) or result.kind == CUT_SHORT:
        return True
    return result.latency_ms is not None and result.kind not in ("dns", "blocked_address", "out_of_sockets")


def _together(before: _Said, last: _Said) -> _Said:
    """The last answer, with the tokens and the price of everything before it."""
    changed = tuple(dict.fromkeys((*before.request.adapted, *last.request.adapted)))
    request = replace(last.request, adapted=changed)
    last = replace(last, request=request, asked_at=last.asked_at or before.asked_at)
    price = together([before.price, last.price])
    if isinstance(last.result, Fault) or isinstance(before.result, Fault):
        # No answer in the end, but what the earlier turns cost was spent.
        return replace(last, price=before.price if price.dollars is None else price)
    reply = replace(
        last.result,
        tokens_in=_sum(before.result.tokens_in, last.result.tokens_in),
        tokens_out=_sum(before.result.tokens_out, last.result.tokens_out),
        tokens_reasoning=_sum_known(before.result.tokens_reasoning, last.result.tokens_reasoning),
        trace=(*before.result.trace, *last.result.trace),
    )
    return replace(last, result=reply, price=price)


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _sum_known(one: int | None, other: int | None) -> int | None:
    return one if other is None else other + (one or 0)
