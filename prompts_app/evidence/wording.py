"""Sentences computed from figures, as text. How figures and names in them look is the templates' business."""

from datetime import timedelta
from functools import reduce
from typing import NamedTuple

from prompts_app.engine.invisible import shown_plainly
from prompts_app.engine.wording import how_many
from prompts_app.evidence.concision import gain_of
from prompts_app.evidence.frames import FrameState
from prompts_app.evidence.levels import level_name
from prompts_app.evidence.number_format import interval
from prompts_app.evidence.summary import Summary, VersionEvidence
from prompts_app.models import Level, Run

ELSEWHERE = "asked at another address"


# --- the headline ----------------------------------------------------------------------------------------


class Words(NamedTuple):
    """A piece of a sentence."""

    text: str
    is_figure: bool = False
    is_name: bool = False  # somebody wrote it


type Sentence = tuple[Words, ...]


def _said(*pieces: str | Words) -> Sentence:
    words = (Words(piece) if isinstance(piece, str) else piece for piece in pieces)
    return tuple(one for one in words if one.text)


def _name(text: str) -> Words:
    return Words(" ".join(text.split()), is_name=True)


def _of(passed: int, cases: int) -> Words:
    return Words(f"{passed} of {cases}", is_figure=True)


def as_text(sentence: Sentence) -> str:
    """With what nobody sees in a name as ⟨U+200B⟩."""
    return "".join(shown_plainly(words.text) if words.is_name else words.text for words in sentence)


def headline(evidence: Summary, baseline: VersionEvidence | None, *, without_skill: bool = False) -> Sentence:
    """The result in one sentence: "24 of 25 cases pass on birch-large, up from 9 of 25 for v1; …".

    ``without_skill``: the baseline asks the same without the skill that is shown; then that says so.
    """
    if evidence.cases:
        main = _main_clause(evidence, baseline, without_skill)
        clauses = [main, _worst_clause(evidence), _shorter_clause(evidence)]
        if unjudged := evidence.frames.count(FrameState.UNJUDGED):
            clauses.append(_said("one case is" if unjudged == 1 else f"{unjudged} cases are", " not judged"))
    else:
        clauses = [_unjudged_clause(evidence)]
    if errors := evidence.errors:
        clauses.append(_said("one case" if errors == 1 else f"{errors} cases", " got no answer"))
    said = reduce(lambda one, other: (*one, Words("; "), *other), filter(None, clauses))
    return _said(*said, ".")


def why_main(evidence: Summary, target: str) -> Sentence:
    """Which model the figures are of, and by which rule of ``evidence.picked``; one sentence or two."""
    version = f"v{evidence.version}"
    why = {
        "declared": ", the model it was written for, as its author said before the run",
        "only": f", the only model {version} was put to",
        "kind": f", the only model of {version} with evidence of this kind",
        "versions": ", the model most versions were put to",
        "first": ", of the models most versions were put to the one tested first",
    }.get(evidence.main_by, "")
    but = {
        "late": "was named as the one it is written for only after its run",
        "lesser": "is the one it is written for, but its evidence is of a lesser kind",
        "not run": f"is the one it is written for, and has no output of {version}",
    }.get(evidence.target_is)
    said = _said("The figures are those on ", _name(evidence.main_model), f"{why}.")
    return _said(*said, " ", _name(target), f" {but}.") if but else said


def _main_clause(evidence: Summary, baseline: VersionEvidence | None, without_skill: bool) -> Sentence:
    passed, cases = evidence.passed, evidence.cases
    return _said(
        _of(passed, cases),
        f" case{' passes' if cases == 1 else 's pass'} on ",
        _name(evidence.main_model),
        f" ({interval(passed, cases)}){_only_if_lesser(evidence)}",
        *(_since(evidence, baseline, without_skill) if baseline else ()),
    )


def _unjudged_clause(evidence: Summary) -> Sentence:
    count = evidence.outputs
    return _said(
        Words("One output" if count == 1 else f"{count:,} outputs", is_figure=True),
        f" of v{evidence.version} on ",
        _name(evidence.main_model),
        f", not judged{_only_if_lesser(evidence)}",
    )


def _only_if_lesser(evidence: Summary) -> str:
    return f", {level_name(evidence.level)} only" if evidence.level < Level.RECORDED else ""


def _since(evidence: Summary, baseline: VersionEvidence, without_skill: bool) -> Sentence:
    which = "without the skill" if without_skill else f"for v{baseline.version}"
    was = f"{which}{_unlike(evidence, baseline)}"
    if baseline.suite_digest != evidence.suite_digest:
        return _said(f"; the cases have changed since v{baseline.version}")
    change = evidence.passed * baseline.cases - baseline.passed * evidence.cases
    if change == 0:
        return _said(f", as {was}")
    word = "up" if change > 0 else "down"
    return _said(f", {word} from ", _of(baseline.passed, baseline.cases), f" {was}")


def _unlike(evidence: Summary, baseline: VersionEvidence) -> str:
    """ " (pasted)" where what it is compared with was not recorded like it, or not at the same place."""
    told = [] if baseline.is_as_good_as(evidence) else [level_name(baseline.level)]
    told += [ELSEWHERE] if baseline.is_asked_elsewhere(evidence) else []
    return f" ({', '.join(told)})" if told else ""


def asked_apart(before: Run, after: Run) -> str:
    """ "v1 was asked at …, v2 at …", where one name stands for two places; else ""."""
    if not after.is_asked_elsewhere(before):
        return ""
    return f"{before.version} was asked at {before.who.at}, {after.version} at {after.who.at}."


def held_apart(before: Run, after: Run) -> str:
    """Where only one of two runs was held to the schema that was asked for: its pass rate is of more."""
    held = [run for run in (before, after) if run.schema_fit.get("held")]
    if len(held) != 1 or not (before.answers and after.answers):
        return ""
    other = after if held[0] is before else before
    return (
        f"Only the answers of {held[0].version} were held to the JSON Schema it asks for, and failed where "
        f"they do not fit it; those of {other.version} were not held to one."
    )


def _worst_clause(evidence: Summary) -> Sentence:
    """How it does where it does worst. Numbers over different case counts are not put side by side.

    Models with lesser evidence than the main one's are in the list of models, labelled, and not in here.
    """
    models = evidence.backed_models
    if len(models) < 2:
        return ()
    worst = min(models, key=lambda model: model.low)
    worst_rate = _of(worst.passed, worst.cases)
    count = evidence.backed_count
    if len({model.cases for model in models}) == 1:
        return _said("never below ", worst_rate, f" on {count}")
    return _said(f"lowest of {count} is ", _name(worst.model), ", ", worst_rate)


def _shorter_clause(evidence: Summary) -> Sentence:
    """Tokens saved without passing fewer cases."""
    if (gain := gain_of(evidence)) is None:
        return ()
    end = "at the same pass rate" if gain.same_rate else "and more cases pass"
    fewer = Words(f"{gain.percent}% fewer", is_figure=True)
    return _said(fewer, f" tokens than v{gain.longest.version} {end}")


# --- dates ---


def tests_dated(run: Run) -> str:
    """Whether the tests of a run came first: "fixed 2 days before the first run of v3".

    "" where that is not known, and for runs this server did not record: it was not there.
    """
    asked, fixed = run.version.first_run_at, run.suite_fixed_at
    if asked is None or fixed is None or (run.level or 0) < Level.RECORDED:
        return ""
    if fixed <= asked:
        return f"fixed {span(asked - fixed)} before the first run of {run.version}"
    return f"last changed {span(fixed - asked)} after the first run of {run.version}"


def span(time: timedelta) -> str:
    """In its largest unit: "2 days", "1 hour", "5 minutes", "less than a minute"."""
    minutes = int(time.total_seconds() // 60)
    for size, unit in ((24 * 60, "day"), (60, "hour"), (1, "minute")):
        if count := minutes // size:
            return how_many(count, unit)
    return "less than a minute"
