"""Questions an interviewer may ask about a prompt, each from something that was recorded.

Pure and deterministic: the same rows give the same questions in the same order. No rule, no question.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prompts_app.evidence.concision import Curve
from prompts_app.evidence.number_format import not_judged
from prompts_app.evidence.summary import Summary
from prompts_app.models import Level

MANY_WORDS = 15  # a change of fewer words is not asked about
MOST_CHANGES = 4
MOST_FAILURES = 4
MOST_SHELVED = 3
MOST_QUOTED = 80  # characters
WIDE = 0.25  # an interval wider than this is asked about


@dataclass(frozen=True, slots=True)
class Change:
    """What one version did to the one before it."""

    before: int
    after: int
    added: int  # words
    removed: int
    gone: str  # the longest stretch that was removed, "" for none
    examples_before: int = 0  # answers shown to the model as if it had given them
    examples_after: int = 0


@dataclass(frozen=True, slots=True)
class Broken:
    """Cases that the version before passed and the shown one fails, on the main model."""

    before: int
    after: int
    cases: tuple[tuple[int, str], ...]  # number and name, at least one


@dataclass(frozen=True, slots=True)
class FailingCase:
    """A case the shown version fails, on how many of the models."""

    number: int
    name: str
    models: int


@dataclass(frozen=True, slots=True)
class ExplainedFailure:
    """A failure on the shelf. ``fix`` is the version named as its fix, "" for none, and ``state`` what the
    records say of that, in the words of evidence.known_failures."""

    number: int
    name: str
    version: str
    model: str
    fix: str
    state: str


@dataclass(frozen=True, slots=True)
class Question:
    """``ask`` for the interviewer; ``look`` is the place below the prompt's address that it comes from."""

    ask: str
    look: str


def questions(
    evidence: Summary | None,
    changes: Sequence[Change],
    failures: Sequence[FailingCase],
    curve: Curve | None,
    shelf: Sequence[ExplainedFailure] = (),
    broken: Broken | None = None,
) -> list[Question]:
    """Changes and what they broke first, then known failures, other failures, trade-offs, then how far the
    figures carry. A case is asked about once."""
    asked = {(one.number, one.name) for one in shelf[:MOST_SHELVED]}
    asked |= {broken.cases[0]} if broken else set()
    others = [failure for failure in failures if (failure.number, failure.name) not in asked]
    return [
        *_of_changes(changes),
        *_of_broken(broken),
        *_of_shelf(shelf, evidence),
        *_of_failures(others, evidence),
        *_of_trade_offs(evidence, curve),
        *_of_figures(evidence),
    ]


def _of_changes(changes: Sequence[Change]) -> Iterator[Question]:
    """The versions that changed most words, in their order."""
    big = [
        change
        for change in changes
        if change.examples_before != change.examples_after or max(change.added, change.removed) >= MANY_WORDS
    ]
    chosen = sorted(big, key=lambda change: (-(change.added + change.removed), change.after))[:MOST_CHANGES]
    for change in sorted(chosen, key=lambda change: change.after):
        yield Question(_about_change(change), f"compare/v{change.before}...v{change.after}/")


def _about_change(change: Change) -> str:
    version, was, now = f"v{change.after}", change.examples_before, change.examples_after
    if was != now:
        return _about_examples(version, was, now)
    if change.removed >= MANY_WORDS and change.removed > change.added:
        quoted = f", among them “{_short(change.gone)}”" if change.gone else ""
        return f"{version} dropped {change.removed} words{quoted}: why?"
    return f"{version} added {change.added} words: what was each of them for?"


def _about_examples(version: str, was: int, now: int) -> str:
    if not was:
        shows = "a worked example" if now == 1 else f"{now} worked examples"
        return f"{version} puts {shows} before the question: how chosen, and how near to the test cases?"
    if not now:
        dropped = "the worked example" if was == 1 else f"the {was} worked examples"
        return f"{version} dropped {dropped}: why?"
    if now > was:
        return f"{version} shows {now} worked examples instead of {was}: what does each new one teach?"
    shows = "one worked example" if now == 1 else f"{now} worked examples"
    return f"{version} shows {shows} instead of {was}: how did you know what could go?"


def _of_broken(broken: Broken | None) -> Iterator[Question]:
    if not broken:
        return
    (number, name), *others = broken.cases
    case = f"case {number}" + (f" (“{_short(name)}”)" if name else "")
    more = f" and {len(others)} more" if others else ""
    yield Question(
        f"v{broken.after} broke {case}{more}, which v{broken.before} passed: why is v{broken.after} the"
        " better one all the same?",
        f"compare/v{broken.before}...v{broken.after}/",
    )


def _of_shelf(shelf: Sequence[ExplainedFailure], evidence: Summary | None) -> Iterator[Question]:
    for one in shelf[:MOST_SHELVED]:
        case = f"case {one.number}" + (f" (“{_short(one.name)}”)" if one.name else "")
        yield Question(_about(one, case), "#shelf")
    ever = any(item.passed < item.cases for item in (evidence.history if evidence else ()))
    if ever and not shelf:
        yield Question(
            "No failure is disclosed, though some are on record: which taught you most?", "#failures"
        )


def _about(one: ExplainedFailure, case: str) -> str:
    if not one.fix:
        return (
            f"{one.version} fails {case} and it is still open: what would it take, and what stands in for it?"
        )
    if one.state == "passes":
        return (
            f"{one.version} failed {case}, {one.fix} passes it: how did you find the cause, and what did"
            " the fix cost elsewhere?"
        )
    if one.state == "fails":
        return f"{one.fix} is named as the fix for {case} and still fails it: what did it mend?"
    named = f"{one.fix} is named as the fix for {case}"
    return f"{named}, and no run of it on {one.model} shows that: how do you know?"


def _of_failures(failures: Sequence[FailingCase], evidence: Summary | None) -> Iterator[Question]:
    ordered = sorted(failures, key=lambda failure: (-failure.models, failure.number))
    for failure in ordered[:MOST_FAILURES]:
        name = f" (“{_short(failure.name)}”)" if failure.name else ""
        where = f" on {failure.models} of {evidence.count}" if evidence and len(evidence.models) > 1 else ""
        yield Question(
            f"Case {failure.number}{name} still fails{where}: what did you try, and what would you put"
            " around it?",
            "#failures",
        )


def _of_trade_offs(evidence: Summary | None, curve: Curve | None) -> Iterator[Question]:
    if curve:
        first, last = curve.points[0], curve.points[-1]
        if last.tokens > first.tokens and not first.other_cases:
            more = round((last.tokens / first.tokens - 1) * 100)
            was, now = (f"{point.passed} of {point.cases}" for point in (first, last))
            told = f"instead of {was}: when is that not worth it?"
            if last.passed * first.cases <= first.passed * last.cases:
                told = f"where v{first.version} passed {was}: what do the added tokens buy?"
            yield Question(
                f"v{last.version} sends {more}% more tokens than v{first.version} and passes {now} cases"
                f" {told}",
                "#tokens",
            )
        elif curve.gain:
            yield Question(
                f"v{curve.gain.shown.version} takes {curve.gain.percent}% fewer tokens than"
                f" v{curve.gain.longest.version}: how did you know what could go?",
                "#tokens",
            )
    if not evidence:
        return
    others = [model for model in evidence.models[1:] if model.cases]
    worst = min(others, key=lambda model: model.low, default=None)
    if worst and worst.low < evidence.low:
        yield Question(
            f"On {worst.model} {worst.passed} of {worst.cases} cases pass, on"
            f" {evidence.main_model} {evidence.passed} of {evidence.cases}: what would you change"
            " for the weaker model?",
            "#models",
        )


def _of_figures(evidence: Summary | None) -> Iterator[Question]:
    if not evidence:
        return
    if not evidence.cases:
        yield Question(
            f"{not_judged(evidence.outputs).capitalize()}: what would a good answer have to hold, and how"
            " would a program know?",
            "#failures",
        )
    elif evidence.high - evidence.low > WIDE:
        yield Question(
            f"{evidence.passed} of {evidence.cases} may be anything from {evidence.low:.0%} to"
            f" {evidence.high:.0%}: how many cases would you want, and which?",
            "#sheet",
        )
    if evidence.level < Level.RECORDED:
        yield Question("These outputs were not recorded by this server: how were they made?", "#evidence")
    if deleted := evidence.deleted_runs:
        runs = "One run was" if deleted == 1 else f"{deleted} runs were"
        yield Question(f"{runs} deleted: what was in there?", "#evidence")
    if errors := evidence.errors:
        cases = "One case" if errors == 1 else f"{errors} cases"
        yield Question(f"{cases} got no answer: what happens then in production?", "#failures")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MOST_QUOTED else text[: MOST_QUOTED - 1] + "…"
