"""Runs, from the press of the button: start, cancel, ask again, delete.

``execute_run`` (in ``actions.execute``) does the asking, in a worker. The truth of a run is its row and
its results, never the queue: whatever a queue loses or delivers twice, no answer is lost or doubled.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from prompts_app.models import Batch, Endpoint, Prompt, Run, User, Version

MOST_RUNS = 20  # in one batch
MOST_CALLS = 10_000  # in one batch
MOST_REPEATS = 20
PRACTICE_NAME = "Practice (not a model)"


class RunRefused(Exception):
    """Why nothing can be run, as a plain sentence to the author that says what to do."""


def practice_endpoint(user: User) -> Endpoint:
    """The user's built-in practice endpoint, made on the first call."""
    raise NotImplementedError


def check_can_run(
    prompt: Prompt,
    versions: Sequence[Version],
    endpoint: Endpoint,
    models: Sequence[str],
    *,
    repeats: int = 1,
    cost_cap: Decimal | None = None,
) -> None:
    """Raises RunRefused where ``start_batch`` with the same arguments would make no sense."""
    raise NotImplementedError


def start_batch(
    prompt: Prompt,
    versions: Sequence[Version],
    endpoint: Endpoint,
    models: Sequence[str],
    *,
    repeats: int = 1,
    cost_cap: Decimal | None = None,
) -> Batch:
    """One run for each version × model, queued, with the suite as it is now. Raises RunRefused.

    ``cost_cap`` is in US dollars for the whole batch. A worker takes the runs up by itself once the
    transaction is committed; ``execute_run(run.pk)`` does the same here and now.
    """
    raise NotImplementedError


def execute_run(run_id: int) -> bool:
    """Ask what is still missing of the run, store each answer as it comes, count, rebuild the evidence.

    Blocks until the run ended. False when there was nothing to do here: the run is not under way,
    another worker has it, or another run on the same endpoint is being asked (runs on one endpoint go
    one after the other; the next one is queued when this one ends).
    """
    raise NotImplementedError


def request_cancel(batch: Batch) -> None:
    """Stop the batch: waiting runs at once, running ones within about a second. Answers are kept."""
    raise NotImplementedError


def ask_again(run: Run, *, cost_cap: Decimal | None = None) -> None:
    """Continue the same run: results without an answer are dropped and asked again with what is missing.

    What was answered stays. A new ``cost_cap`` replaces the batch's. Raises RunRefused.
    """
    raise NotImplementedError


def delete_batch(batch: Batch) -> None:
    """Delete its runs and results. Runs of a prompt that is or was public stay counted as deleted."""
    raise NotImplementedError
