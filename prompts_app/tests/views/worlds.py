"""Small worlds for property tests, and their figures counted again from the rows by another route.

``Recount`` reads nothing but Result and Run rows as plain values: no frames, no totals, no summary. Where
the product computes in closed form, this searches; where the product sorts, this compares one by one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from prompts_app.actions.runs.counting import count_run, rebuild_evidence
from prompts_app.engine.digests import case_from_json, suite_digest
from prompts_app.models import Prompt, Result, Run, Source, User
from prompts_app.tests.factories import PersonFactory, RunFactory, VersionFactory
from prompts_app.tests.views.recorded import public_prompt

START = datetime(2026, 1, 1, tzinfo=UTC)
RANK = {"pasted": 0, "imported": 1, "recorded": 2}


def suite(cases: int, changed: int) -> list[dict[str, Any]]:
    """Cases 1 to ``cases``; the first ``changed`` of them are other cases than in the suite with 0."""
    return [
        {
            "name": f"Case {number}",
            "variables": {"word": f"{'new' if number <= changed else 'old'} {number}"},
            "turns": [],
            "assertions": [{"type": "contains", "value": "yes"}],
        }
        for number in range(1, cases + 1)
    ]


@dataclass(frozen=True)
class PlannedResult:
    state: str  # p, f, e (no answer) or u (not judged)
    tokens: int | None
    latency: int | None
    cost: int | None  # millionths of a dollar


@dataclass(frozen=True)
class PlannedRun:
    version: int
    model: str
    source: str
    day: int
    repeats: int
    changed: int
    results: list[PlannedResult]  # case by case, each with its repeats


@dataclass(frozen=True)
class PlannedPrompt:
    versions: int
    cases: int
    baseline: int | None
    runs: list[PlannedRun]


@st.composite
def planned_prompts(draw: st.DrawFn) -> PlannedPrompt:
    versions, cases = draw(st.integers(1, 4)), draw(st.integers(1, 4))

    def run(version: int, model: str) -> PlannedRun:
        repeats = draw(st.sampled_from([1, 1, 2]))
        tokens = draw(st.sampled_from([50, 80, 90, 99, 120]))
        result = st.builds(
            PlannedResult,
            st.sampled_from("pppfffeu"),
            st.sampled_from([tokens, tokens, tokens + 1, tokens + 4, None]),
            st.sampled_from([None, 100, 900, 1500]),
            st.sampled_from([None, 100, 250, 700]),
        )
        return PlannedRun(
            version,
            model,
            draw(st.sampled_from(["recorded"] * 6 + ["imported", "pasted", "practice"])),
            draw(st.integers(0, 9)),
            repeats,
            draw(st.sampled_from([0, 0, 0, 1])),
            draw(st.lists(result, min_size=cases * repeats, max_size=cases * repeats)),
        )

    runs = [
        run(version, model)
        for version in range(1, versions + 1)
        for model, often in (("birch", [1, 1, 1, 2, 0]), ("gpt-oak", [0, 1, 1, 2]))
        for _ in range(draw(st.sampled_from(often)))
    ]
    return PlannedPrompt(versions, cases, draw(st.none() | st.integers(1, versions)), runs)


def build(plan: PlannedPrompt, owner: User | None = None) -> Prompt:
    """The plan as rows, counted as the product does."""
    prompt = public_prompt(owner=owner or PersonFactory())
    versions = {
        number: VersionFactory(prompt=prompt, number=number) for number in range(1, plan.versions + 1)
    }
    if plan.baseline:
        prompt.baseline = versions[plan.baseline]
        prompt.save()
    for planned in plan.runs:
        cases = suite(plan.cases, planned.changed)
        run = RunFactory(
            version=versions[planned.version],
            model=planned.model,
            source=planned.source,
            repeats=planned.repeats,
            suite=cases,
            suite_digest=suite_digest(map(case_from_json, cases)),
            finished_at=START + timedelta(days=planned.day),
        )
        Result.objects.bulk_create(_result(run, place, one) for place, one in enumerate(planned.results))
        count_run(run)
    rebuild_evidence(prompt)
    prompt.refresh_from_db()
    return prompt


def _result(run: Run, place: int, one: PlannedResult) -> Result:
    index, repeat = divmod(place, run.repeats)
    if one.state == "e":
        return Result(run=run, case_index=index, repeat=repeat, error_kind="rate_limited")
    return Result(
        run=run,
        case_index=index,
        repeat=repeat,
        output="yes" if one.state == "p" else "no",
        asked_at="https://api.openai.com" if run.model == "gpt-oak" else "",
        passed={"p": True, "f": False}.get(one.state),
        tokens_in=one.tokens,
        latency_ms=one.latency,
        cost=None if one.cost is None else Decimal(one.cost) / 1_000_000,
    )


# --- the other route ---------------------------------------------------------------------------------------


def wilson_by_search(passed: int, total: int) -> tuple[float, float]:
    """Wilson's interval from its definition: the shares p whose own 95% range still holds passed/total."""
    if not total:
        return 0.0, 1.0  # nothing tried says nothing
    share, z = passed / total, 1.959963984540054

    def edge(inside: float, outside: float) -> float:
        for _ in range(80):
            middle = (inside + outside) / 2
            if abs(share - middle) <= z * (middle * (1 - middle) / total) ** 0.5:
                inside = middle
            else:
                outside = middle
        return inside

    return (0.0 if passed == 0 else edge(share, 0.0)), (1.0 if passed == total else edge(share, 1.0))


def middle(values: Iterable[float]) -> float | None:
    """The median as the value with as many above as below, or halfway between two such."""
    left = list(values)
    if not left:
        return None
    while len(left) > 2:
        left.remove(min(left))
        left.remove(max(left))
    return sum(left) / len(left)


@dataclass(frozen=True)
class Counted:
    """One run, counted from its results."""

    pk: int
    version: int
    model: str
    rank: int
    when: datetime
    suite: list[dict[str, Any]]
    states: str
    tokens: float | None
    latency: float | None
    cost: float | None
    answers: int
    begun: tuple[datetime, int]

    @property
    def kind(self) -> tuple[bool, int]:
        """What was judged comes before what was not, then the level."""
        return self.cases > 0, self.rank

    @property
    def passed(self) -> int:
        return self.states.count("p")

    @property
    def cases(self) -> int:
        return self.states.count("p") + self.states.count("f")

    @property
    def rate(self) -> float:
        return self.passed / self.cases if self.cases else 0.0

    @property
    def score(self) -> tuple[int, int]:
        return self.passed, self.cases


class Recount:
    """A prompt's figures from its Run and Result rows alone."""

    def __init__(self, prompt: Prompt) -> None:
        rows = Run.objects.filter(prompt=prompt, state="finished").exclude(source=Source.PRACTICE).values()
        numbers = dict(prompt.versions.values_list("pk", "number"))
        self.every = [run for row in rows if (run := _counted(row, numbers[row["version_id"]])).answers]
        judged = [run.version for run in self.every if run.cases]
        self.newest = max(judged or [run.version for run in self.every], default=0)

    def run(self, version: int, model: str) -> Counted | None:
        """The one that counts: judged, then recorded before imported before pasted, then the latest."""
        best: Counted | None = None
        for run in self.every:
            if (run.version, run.model) != (version, model):
                continue
            if best is None or (run.kind, run.when, run.pk) > (best.kind, best.when, best.pk):
                best = run
        return best

    def shown(self) -> dict[str, Counted]:
        models = {run.model for run in self.every if run.version == self.newest}
        return {model: run for model in sorted(models) if (run := self.run(self.newest, model))}

    def main(self) -> Counted:
        """Best of kind, then the model most versions were put to, then the one tested first."""
        found = sorted(self.shown().values(), key=self._weight)
        return found[0]

    def _weight(self, run: Counted) -> tuple[Any, ...]:
        alike = [other for other in self.every if other.model == run.model and other.kind >= run.kind]
        first = min(other.begun for other in alike)
        return not run.cases, -run.rank, -len({other.version for other in alike}), first

    def history(self) -> list[Counted]:
        """The main model's runs, oldest version first."""
        model = self.main().model
        last = max(run.version for run in self.every)
        found = (self.run(version, model) for version in range(1, last + 1))
        return [run for run in found if run]

    def baseline(self, chosen: int | None) -> Counted | None:
        earlier = [run for run in self.history() if run.version < self.newest]
        if self.main().cases:
            earlier = [run for run in earlier if run.cases]
        for run in earlier:
            if run.version == chosen:
                return run
        return earlier[0] if earlier else None

    def longest_no_better(self) -> Counted | None:
        """The earlier version on the same cases with most tokens that passed no more; the first of equals."""
        main, best = self.main(), None
        for run in self.history():
            if run.version >= self.newest or not run.cases:
                continue
            if run.suite != main.suite or not run.tokens or run.rate > main.rate or run.rank < main.rank:
                continue
            if best is None or run.tokens > (best.tokens or 0):
                best = run
        return best

    def saved(self) -> float | None:
        """Per cent fewer tokens; None below ten."""
        main, other = self.main(), self.longest_no_better()
        if other is None or not main.tokens or not other.tokens:
            return None
        percent = 100 - 100 * main.tokens / other.tokens
        return percent if percent > 10 - 1e-9 else None


def _counted(row: dict[str, Any], version: int) -> Counted:
    results = list(Result.objects.filter(run_id=row["pk"] if "pk" in row else row["id"]).values())
    answers = [result for result in results if not result["error_kind"]]
    costs = [result["cost"] for result in answers]
    return Counted(
        pk=row["id"],
        version=version,
        model=row["model"],
        rank=RANK[row["source"]],
        when=row["finished_at"],
        suite=row["suite"],
        states="".join(_state(results, case, row["repeats"]) for case in range(len(row["suite"]))),
        tokens=middle(r["tokens_in"] for r in answers if r["tokens_in"] is not None),
        latency=middle(r["latency_ms"] for r in answers if r["latency_ms"] is not None),
        answers=len(answers),
        begun=(row["created_at"], row["id"]),
        cost=None if None in costs else middle(float(cost) for cost in costs),
    )


def _state(results: Sequence[dict[str, Any]], case: int, repeats: int) -> str:
    here = [result for result in results if result["case_index"] == case]
    passed = sum(result["passed"] is True for result in here)
    if sum(result["passed"] is False for result in here):
        return "f"
    if sum(bool(result["error_kind"]) for result in here):
        return "e"
    return "p" if passed == repeats else "u"
