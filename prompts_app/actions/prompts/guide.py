"""What a reader of a prompt looks for and can’t find yet. Computed; none of it stands in the way."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from prompts_app.engine.wording import how_many
from prompts_app.evidence.known_failures import still_counts
from prompts_app.evidence.summary import Summary, summary_of
from prompts_app.models import Prompt, Run, Source

FEW_CASES = 5
OLD = timedelta(days=90)
SECTIONS = ("summary", "situation", "limits")  # those a reader misses


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing a reader would miss. ``page`` is the name of the address where it can be done."""

    sentence: str
    page: str

    @property
    def action(self) -> str:
        return _ACTIONS[self.page]


_ACTIONS = {
    "studio_cases": "Write cases",
    "studio_run_start": "Run it",
    "studio_prompt": "Write another version",
    "studio_prompt_details": "Open the details",
    "studio_failures": "Open the failure shelf",
}


@dataclass(frozen=True, slots=True)
class Guide:
    """``missing`` is most telling first; ``found`` are a few words each."""

    missing: Sequence[Advice]
    found: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Facts:
    """All that is asked of the database, in a constant number of queries."""

    prompt: Prompt
    texts: Mapping[str, str]
    cases: int
    notes: Mapping[int, str]  # version → its note
    failed: bool  # a case ever failed in a run that counts
    disclosed: int


def guide_for(prompt: Prompt, typed: Mapping[str, str] | None = None) -> Guide:
    """``typed`` are sections as they stand in a form, in place of those that are saved."""
    facts = _facts(prompt, typed or {})
    missing = [*_missing_tests(facts), *_missing_story(facts)]
    return Guide(missing, list(_found(facts)))


def _facts(prompt: Prompt, typed: Mapping[str, str]) -> _Facts:
    counted = Run.objects.that_count().filter(prompt=prompt)
    return _Facts(
        prompt=prompt,
        texts={name: typed.get(name, getattr(prompt, name)).strip() for name in SECTIONS},
        cases=prompt.cases.count(),
        notes={one.number: one.note for one in prompt.versions.only("number", "note").order_by("number")},
        failed=counted.filter(cases_failed__gt=0).exists(),
        disclosed=sum(map(still_counts, prompt.known_failures.with_run())),
    )


# --- what is missing ---------------------------------------------------------------------------------------


def _missing_tests(facts: _Facts) -> Iterator[Advice]:
    prompt, evidence = facts.prompt, summary_of(facts.prompt)
    if not facts.cases:
        yield Advice("It has no cases: nothing says what a good answer is.", "studio_cases")
    elif facts.cases < FEW_CASES:
        yield Advice(
            f"It has {facts.cases} of the {FEW_CASES} cases a reader would want at least.", "studio_cases"
        )
    if not evidence:
        yield _never_run(prompt)
        return
    if not evidence.cases:
        outputs = how_many(evidence.outputs, "output")
        yield Advice(
            f"Nothing judged its {outputs}: say in the cases what a good answer holds.", "studio_cases"
        )
    elif not evidence.is_current:
        yield Advice(_newest_open(evidence), "studio_run_start")
    if len(evidence.models) == 1:
        yield Advice(
            "It was run on one model only; a second shows whether it carries over.", "studio_run_start"
        )
    if max(model.tested for model in evidence.models) < (timezone.now() - OLD).isoformat():
        yield Advice(f"Its last run is older than {OLD.days} days; models change.", "studio_run_start")
    yield from _missing_failure(facts)


def _newest_open(evidence: Summary) -> str:
    """Whether the newest version has outputs all the same."""
    what = "is not judged" if evidence.newer_outputs else "is not tested"
    return f"The newest version {what}; the figures are those of v{evidence.version}."


def _never_run(prompt: Prompt) -> Advice:
    if prompt.runs.filter(source=Source.PRACTICE).exists():
        return Advice(
            "It was only run for practice, which is no evidence: run it on a model.", "studio_run_start"
        )
    return Advice("It was never run: there is no output to look at.", "studio_run_start")


def _missing_failure(facts: _Facts) -> Iterator[Advice]:
    if facts.disclosed:
        return
    if facts.failed:
        yield Advice(
            "No failure is disclosed: of those on record, say of one what went wrong and what mended it.",
            "studio_failures",
        )
    else:
        yield Advice(
            "No case ever failed, so there is no failure to disclose; a reader may ask how hard they are.",
            "studio_cases",
        )


def _missing_story(facts: _Facts) -> Iterator[Advice]:
    yield from _missing_baseline(facts)
    first = min(facts.notes, default=0)  # nothing changed in it yet
    if silent := [number for number, note in facts.notes.items() if not note.strip() and number != first]:
        yield Advice(_silent(silent), "studio_prompt")
    if not facts.texts["summary"]:
        yield Advice("It has no summary, the one sentence lists show.", "studio_prompt_details")
    if not facts.texts["situation"]:
        yield Advice(
            "The situation is not told: whose task is this, and why does it matter?", "studio_prompt_details"
        )
    if not facts.texts["limits"]:
        yield Advice(
            "Its limits are not told: where does it fail, or was never tried?", "studio_prompt_details"
        )


def _missing_baseline(facts: _Facts) -> Iterator[Advice]:
    """As the page has it, by the rule in ``picked``: a chosen one that it cannot compare with is none."""
    evidence, chosen = summary_of(facts.prompt), facts.prompt.baseline
    taken = evidence.baseline if evidence else None
    if len(facts.notes) < 2:
        yield Advice(
            "It has one version; a naive one to compare it to would show what your work adds.",
            "studio_prompt",
        )
    elif evidence and chosen and chosen.number != taken:
        instead = f"the page compares with v{taken}" if taken else "the page compares with nothing"
        yield Advice(
            f"{chosen}, your baseline, is no earlier version tested on {evidence.main_model}: {instead}.",
            "studio_run_start",
        )
    elif evidence and taken is None:
        yield Advice(
            f"No earlier version was tested on {evidence.main_model}: nothing shows what your work added.",
            "studio_run_start",
        )


def _baseline_found(facts: _Facts) -> Iterator[str]:
    """The version the page compares with, and by whose choice."""
    evidence = summary_of(facts.prompt)
    if evidence and (taken := evidence.baseline):
        chosen = facts.prompt.baseline
        by_choice = chosen is not None and chosen.number == taken
        yield f"v{taken} as the baseline" + ("" if by_choice else " (the first tested)")


def _silent(numbers: Sequence[int]) -> str:
    """A version never changes, its note neither: what can be done is done in the next."""
    named = ", ".join(f"v{number}" for number in numbers[:4]) + (" and others" if len(numbers) > 4 else "")
    verb = "have" if len(numbers) > 1 else "has"
    return f"{named} {verb} no note on what changed and why. A saved note stays; the next version’s can tell."


# --- what is there -----------------------------------------------------------------------------------------


def _found(facts: _Facts) -> Iterator[str]:
    evidence = summary_of(facts.prompt)
    if facts.cases >= FEW_CASES:
        yield f"{facts.cases} cases"
    if evidence and evidence.is_current:
        yield f"v{evidence.version} {'tested' if evidence.cases else 'answered, not judged'}"
    if evidence and len(evidence.models) > 1:
        yield f"{len(evidence.models)} models"
    if facts.disclosed:
        yield how_many(facts.disclosed, "known failure")
    yield from _baseline_found(facts)
    if len(facts.notes) > 1 and all(note.strip() for note in facts.notes.values()):
        yield "a note on each version"
    yield from (f"the {name}" for name in SECTIONS if facts.texts[name])
