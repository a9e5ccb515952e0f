"""Sentences computed from figures. Evidence summaries, checks and runs go in, safe HTML or text comes out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Any

from django.utils.html import format_html, format_html_join, strip_tags
from django.utils.safestring import SafeString

from prompts_app.engine.assertions.highlights import highlights_of
from prompts_app.engine.wording import how_many
from prompts_app.evidence.concision import gain_of
from prompts_app.evidence.frames import FrameState
from prompts_app.evidence.levels import level_name
from prompts_app.evidence.number_format import (
    dollars,
    seconds_of_ms,
    whole,
)
from prompts_app.evidence.summary import Summary, VersionEvidence
from prompts_app.models import Level, Run
from prompts_app.templatetags.evidence_tags import interval
from prompts_app.templatetags.text import one_line

ELSEWHERE = "asked at another address"
LONGEST_VALUE = 90  # characters of an assertion's value
AROUND = 60  # characters shown on both sides of what broke an assertion
LONGEST_EXCERPT = 160


# --- the headline ----------------------------------------------------------------------------------------


def headline(evidence: Summary, baseline: VersionEvidence | None) -> SafeString:
    """The result in one sentence: "24 of 25 cases pass on birch-large, up from 9 of 25 for v1; …"."""
    if evidence.cases:
        clauses = [_main_clause(evidence, baseline), _worst_clause(evidence), *_shorter_clause(evidence)]
        if unjudged := evidence.frames.count(FrameState.UNJUDGED):
            clauses.append(
                format_html("{} not judged", "one case is" if unjudged == 1 else f"{unjudged} cases are")
            )
    else:
        clauses = [_unjudged_clause(evidence)]
    if errors := evidence.errors:
        clauses.append(format_html("{} got no answer", "one case" if errors == 1 else f"{errors} cases"))
    return format_html("{}.", format_html_join("; ", "{}", ((clause,) for clause in clauses if clause)))


def headline_text(evidence: Summary, baseline: VersionEvidence | None) -> str:
    """The same without markup."""
    return strip_tags(headline(evidence, baseline)).replace("&amp;", "&")


def why_main(evidence: Summary, target: str) -> SafeString:
    """Which model the figures are of, and by which rule of ``evidence.picked``; one sentence or two."""
    version = f"v{evidence.version}"
    why = {
        "declared": ", the model it was written for, as its author said before the run",
        "only": f", the only model {version} was put to",
        "kind": f", the only model of {version} with evidence of this kind",
        "versions": ", the model most versions were put to",
        "first": ", of the models most versions were put to the one tested first",
    }.get(evidence.main_by, "")
    said = format_html("The figures are those on {}{}.", one_line(evidence.main_model), why)
    but = {
        "late": "was named as the one it is written for only after its run",
        "lesser": "is the one it is written for, but its evidence is of a lesser kind",
        "not run": f"is the one it is written for, and has no output of {version}",
    }.get(evidence.target_is)
    return format_html("{} {} {}.", said, one_line(target), but) if but else said


def _of(passed: int, cases: int) -> SafeString:
    return format_html("<b>{} of {}</b>", passed, cases)


def _main_clause(evidence: Summary, baseline: VersionEvidence | None) -> SafeString:
    passed, cases = evidence.passed, evidence.cases
    return format_html(
        "{} case{} on {} ({}){}{}",
        _of(passed, cases),
        " passes" if cases == 1 else "s pass",
        one_line(evidence.main_model),
        interval(passed, cases),
        _only_if_lesser(evidence),
        _since(evidence, baseline) if baseline else "",
    )


def _unjudged_clause(evidence: Summary) -> SafeString:
    count = evidence.outputs
    return format_html(
        "<b>{}</b> of v{} on {}, not judged{}",
        "One output" if count == 1 else f"{count:,} outputs",
        evidence.version,
        one_line(evidence.main_model),
        _only_if_lesser(evidence),
    )


def _only_if_lesser(evidence: Summary) -> str:
    return f", {level_name(evidence.level)} only" if evidence.level < Level.RECORDED else ""


def _since(evidence: Summary, baseline: VersionEvidence) -> SafeString:
    was = f"for v{baseline.version}{_unlike(evidence, baseline)}"
    if baseline.suite_digest != evidence.suite_digest:
        return format_html("; the cases have changed since v{}", baseline.version)
    change = evidence.passed * baseline.cases - baseline.passed * evidence.cases
    if change == 0:
        return format_html(", as {}", was)
    word = "up" if change > 0 else "down"
    return format_html(", {} from {} {}", word, _of(baseline.passed, baseline.cases), was)


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


def _worst_clause(evidence: Summary) -> SafeString | str:
    """How it does where it does worst. Numbers over different case counts are not put side by side.

    Models with lesser evidence than the main one's are in the list of models, labelled, and not in here.
    """
    models = evidence.backed_models
    if len(models) < 2:
        return ""
    worst = min(models, key=lambda model: model.low)
    if len({model.cases for model in models}) == 1:
        return format_html("never below {} on {} models", _of(worst.passed, worst.cases), len(models))
    return format_html(
        "lowest of {} models is {}, {}",
        len(models),
        one_line(worst.model),
        _of(worst.passed, worst.cases),
    )


def _shorter_clause(evidence: Summary) -> Iterator[SafeString]:
    """Tokens saved without passing fewer cases."""
    if gain := gain_of(evidence):
        yield format_html(
            "<b>{}% fewer</b> tokens than v{} {}",
            gain.percent,
            gain.longest.version,
            "at the same pass rate" if gain.same_rate else "and more cases pass",
        )


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


# --- assertions ------------------------------------------------------------------------------------------


type Told = tuple[str, Mapping[str, Any]]
"""An assertion in words, and its check as stored, whose members are told likewise."""


def told(checks: Sequence[Mapping[str, Any]]) -> list[Told]:
    return [
        (check_in_words(check), {**check, "members": told(check["members"])} if "members" in check else check)
        for check in checks
    ]


def check_in_words(check: Mapping[str, Any]) -> str:
    """An assertion as it is written down: "not-contains PAID", "latency ≤ 5.0 s"."""
    name, value, threshold = check.get("type", ""), check.get("value"), check.get("threshold")
    if name == "assert-set" and isinstance(value, list):
        value = f"of {len(value)}"
    kind = name.removeprefix("not-")
    if kind == "human":
        return f"the author’s own verdict: {_short(value)}" if value else "the author’s own verdict"
    if kind in {"latency", "cost", "tokens"} and isinstance(threshold, int | float):
        units = {"latency": seconds_of_ms, "cost": dollars}
        return f"{name} ≤ {units.get(kind, whole)(threshold)}"
    if kind in {"is-json", "contains-json"} and value:
        return f"{name} by schema"
    at_least = f" ≥ {threshold:g}" if isinstance(threshold, int | float) else ""
    return f"{name} {_short(value)}".strip() + at_least


def _short(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        text = ", ".join(
            item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for item in value
        )
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def first_failing(checks: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The assertion to blame first: one on the text before a limit. {} where none failed."""
    failing = [check for check in checks if check.get("passed") is False]
    on_text = [
        c for c in failing if c.get("type", "").removeprefix("not-") not in {"latency", "cost", "tokens"}
    ]
    return (on_text or failing or [{}])[0]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an excerpt; ``hit`` marks what broke the assertion."""

    text: str
    hit: bool = False


def excerpt(output: str, check: Mapping[str, Any]) -> list[Piece]:
    """A few words of ``output`` around what broke ``check``; its beginning where no place is to blame."""
    start, end = next(iter(_broken_in(output, check)), (0, 0))
    if start == end:
        whole = " ".join(output[: LONGEST_EXCERPT * 4].split())
        return [Piece(whole[:LONGEST_EXCERPT] + ("…" if len(whole) > LONGEST_EXCERPT else ""))]
    shown = min(end, start + LONGEST_EXCERPT)
    before, after = output[max(0, start - AROUND) : start], output[shown : shown + AROUND]
    pieces = [
        Piece(("…" if start > AROUND else "") + before),
        Piece(output[start:shown], hit=True),
        Piece("…" if shown < end else after + ("…" if shown + AROUND < len(output) else "")),
    ]
    return [Piece(re.sub(r"\s+", " ", piece.text), piece.hit) for piece in pieces if piece.text]


def _broken_in(output: str, check: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Where ``output`` breaks the check; of one that looks at a part, in that part alone."""
    seen = str(check.get("applied_to") or "") if check.get("transform") else output
    at = output.find(seen)
    if at < 0:  # it was made into something else
        return []
    found = highlights_of(str(check.get("type", "")), check.get("value"), seen)
    return [(at + start, at + end) for start, end in found]


def marked(output: str, checks: Sequence[Mapping[str, Any]]) -> list[Piece]:
    """The whole output in pieces, hits where a failed check is broken. Joined they are the output again."""
    failed = [check for check in checks if check.get("passed") is False]
    found = (_broken_in(output, check) for check in failed)
    pieces, at = [], 0
    for start, end in sorted(chain.from_iterable(found)):
        if start >= at:
            pieces += [Piece(output[at:start]), Piece(output[start:end], hit=True)]
            at = end
    return [piece for piece in (*pieces, Piece(output[at:])) if piece.text]
