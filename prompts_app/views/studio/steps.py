"""What comes next for a prompt: the one thing its author would do now."""

from dataclasses import dataclass

from django.urls import reverse

from prompts_app.engine.wording import how_many
from prompts_app.evidence.summary import Summary, summary_of
from prompts_app.models import Prompt


@dataclass(frozen=True, slots=True)
class NextStep:
    """``state`` says how things are, ``action`` what to do about it and ``url`` where."""

    state: str
    action: str = ""
    url: str = ""


def next_step(prompt: Prompt, *, latest: int | None, cases: int, is_running: bool) -> NextStep:
    """``latest`` is the number of its newest version, ``cases`` how many it has."""
    slug = prompt.slug
    if latest is None:
        return NextStep("no version yet", "Write it", reverse("studio_prompt", args=[slug]))
    if not cases:
        return NextStep("no cases yet", "Write its first case", reverse("studio_case_new", args=[slug]))
    if is_running:
        return NextStep("running now", "Watch the run", reverse("studio_runs"))
    if open_step := _untested_step(summary_of(prompt), slug, f"v{latest}", cases):
        return open_step
    if prompt.is_private:
        return NextStep("tested", "Publish it", reverse("studio_publish", args=[slug]))
    return NextStep("tested and published")


def _untested_step(evidence: Summary | None, slug: str, latest: str, cases: int) -> NextStep | None:
    """None where the newest version has a verdict."""
    if evidence and (evidence.newer_outputs or not evidence.cases):
        action = "Say in its cases what a good answer holds"
        return NextStep(f"{latest} is answered, not judged", action, reverse("studio_cases", args=[slug]))
    if evidence and evidence.is_current:
        return None
    state = f"{latest} is not tested" if evidence else "not run yet"
    address = reverse("studio_run_start", args=[slug])
    return NextStep(state, f"Run {latest} on {how_many(cases, 'case')}", address)
