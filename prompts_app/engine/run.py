"""Asking a model every cell of a run, and judging what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from prompts_app.engine.types import Case, Cell, Check, Endpoint, Outcome, Price, Prompt, Reply


async def run_cells(
    prompt: Prompt,
    model: str,
    cells: Sequence[Cell],
    endpoint: Endpoint,
    *,
    concurrency: int,
    deadline_s: float,
    on_outcome: Callable[[Outcome], None],
    should_stop: Callable[[], str | None],
) -> str | None:
    """Ask every cell, at most ``concurrency`` at once, and hand each outcome over the moment it is done.

    Both callbacks are called on the event loop's thread and must be quick. ``should_stop`` is asked
    before each new call and about twice a second; a word from it ("cancelled", "over_cap") ends the
    calls in flight at once, and their cells get no outcome. Returns that word, or ``None`` when every
    cell was asked. ``deadline_s`` is for each attempt at a call. What ``on_outcome`` raises is raised
    here, after the calls in flight were ended.

    A case with turns is asked turn by turn: the output is the last answer, its latency that of the last
    call, tokens and price the sums over all calls; the request stored is the last, with the earlier
    answers in it.
    """
    raise NotImplementedError


def judge(
    case: Case, reply: Reply, price: Price, values: Mapping[str, str] | None = None
) -> tuple[tuple[Check, ...], bool | None]:
    """Hold a reply to the case's assertions: the checks, and whether all that count passed.

    ``{{variables}}`` in assertion values stand for ``values`` (by default the case's own). An assertion
    of weight 0 is shown but does not count. ``None`` where nothing counts.
    """
    raise NotImplementedError
