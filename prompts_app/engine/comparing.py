"""``select-best``: the judge model picks one of several outputs for one case, not knowing whose they are."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from random import Random

from prompts_app.engine.assertions.judging import (
    JudgeClient,
    JudgePrompt,
    Material,
    price_of_calls,
    read_object,
    reason_in,
)
from prompts_app.engine.assertions.values import number_of, quote
from prompts_app.engine.case_pictures import part_of
from prompts_app.engine.endpoints import PACING, Pacing, open_endpoint
from prompts_app.engine.endpoints.cancellation import Cancellation, until_stored
from prompts_app.engine.errors import JudgeFailed
from prompts_app.engine.picture_asker import PictureAsker, ReadPicture, no_pictures
from prompts_app.engine.types import Check, Fault, Judge, Judging, Price

SELECT_BEST = "select-best"
ALONE = "Not judged: there was no other output of this case to compare it with."


@dataclass(frozen=True, slots=True)
class Contender:
    """One output of a case; ``name`` says whose it is, which the judge is not told."""

    name: str
    output: str


@dataclass(frozen=True, slots=True)
class BestOfTask:
    """What is compared, by what; ``key`` is the caller's own. ``pictures`` are the digests of those that the
    models were given, each once."""

    key: str
    criterion: str
    contenders: tuple[Contender, ...]
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BestOf:
    """How it came out: the place of the best among the contenders, or why there is none."""

    comparison: BestOfTask
    best: int | None
    reason: str
    judging: Judging
    price: Price | None
    fault: Fault | None = None

    def check_of(self, place: int, weight: float = 1.0) -> Check:
        """The check of one contender."""
        value, why = self.comparison.criterion, self.reason
        if self.best is None:
            return Check(SELECT_BEST, value, None, None, why, weight=weight, judge=self.judging)
        won, count = place == self.best, len(self.comparison.contenders)
        name = self.comparison.contenders[self.best].name
        said = (
            f"Chosen as the best of {count}."
            if won
            else f"Not chosen; the best of {count} is that of {name}."
        )
        return Check(SELECT_BEST, value, won, float(won), f"{said} {why}", weight=weight, judge=self.judging)


async def run_comparisons(
    comparisons: Sequence[BestOfTask],
    judge: Judge,
    *,
    concurrency: int,
    on_compared: Callable[[BestOf], Future[None]],
    stop_reason: Callable[[], str | None],
    on_price: Callable[[Price], None] = lambda price: None,
    grace_s: Callable[[str], float] = lambda reason: 0.0,
    pacing: Pacing = PACING,
    read_picture: ReadPicture = no_pictures,
) -> None:
    """Put each comparison before the judge, at most ``concurrency`` at once. Once
    ``stop_reason`` gives one no further one is begun, and ``grace_s(reason)`` seconds later those that are
    under way come to a "judge_error" with the cause "cut_short". The callbacks are called on the event
    loop's thread and must be quick. Nothing is asked in a comparison's place until the future that
    ``on_compared`` gives is done, so that no more is ever unstored than was under way."""
    waiting, cancellation = iter(comparisons), Cancellation()
    async with open_endpoint(judge.endpoint, concurrency, pacing) as opened:
        asker = PictureAsker(cancellation.hold(opened), read_picture)

        async def work() -> str | None:
            for comparison in waiting:
                if reason := stop_reason():
                    return reason
                pictures = tuple(map(part_of, comparison.pictures))
                client = JudgeClient(
                    judge, asker, judge.endpoint.time_limit_s, after_call=on_price, pictures=pictures
                )
                await until_stored(on_compared(await _compare(comparison, client)), stop_reason)
            return None

        workers = [asyncio.create_task(work()) for _ in range(min(concurrency, len(comparisons)))]
        await cancellation.watch(workers, stop_reason, grace_s)


async def _compare(comparison: BestOfTask, client: JudgeClient) -> BestOf:
    # The place in a list sways judges; so everybody's place is drawn, the same way each time.
    count = len(comparison.contenders)
    order = Random(comparison.key).sample(range(count), count)  # noqa: S311 an order, not a secret
    best: int | None = None
    fault: Fault | None = None
    try:
        place, reason = read_best(await client.ask(_judge_prompt(comparison, order)), len(order))
        best = order[place - 1]
    except JudgeFailed as why:
        reason, fault = str(why), Fault("judge_error", str(why), cause=why.cause)
    judging = Judging(comparison.criterion, tuple(client.calls))
    return BestOf(comparison, best, reason, judging, price_of_calls(client.calls), fault)


def _judge_prompt(comparison: BestOfTask, order: Sequence[int]) -> JudgePrompt:
    task = (
        f"Which of the {len(order)} texts is the best, by this criterion alone?\n\n"
        f"Criterion:\n{comparison.criterion}"
    )
    texts = tuple(
        Material(
            f"Text {number}",
            comparison.contenders[place].output,
            f"the output of {comparison.contenders[place].name}",
        )
        for number, place in enumerate(order, 1)
    )
    return JudgePrompt(
        task, texts, f'{{"reason": "one or two sentences", "best": "a whole number from 1 to {len(order)}"}}'
    )


def read_best(answer: str, count: int) -> tuple[int, str]:
    """``{"reason", "best"}``: the number and the reason. Raises ``JudgeFailed``."""
    found = read_object(answer, "best")
    number = number_of(found["best"])
    if number is None or not number.is_integer() or not 1 <= number <= count:
        raise JudgeFailed(
            f"The judge’s choice is no number from 1 to {count}, but {quote(str(found['best']))}."
        )
    return int(number), reason_in(found)
