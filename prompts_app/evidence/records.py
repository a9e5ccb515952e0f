"""What a page reads of one prompt's runs: each thing once, and handed to the parts of the page.

The parts say which results they ``want`` while the page is put together, and read them when it is written.
So all of them come in two queries: how they came out, then the texts of those that are opened.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from hashlib import md5
from operator import or_
from typing import Any, NamedTuple

from django.db.models import Count, Exists, OuterRef, Q, Subquery, Value
from django.db.models.functions import MD5, Coalesce, Substr

from prompts_app.engine.digests import digest
from prompts_app.evidence.picked import Runs, latest_of, runs_that_count
from prompts_app.evidence.steps import Step, steps_of
from prompts_app.evidence.summary import Summary, summary_of
from prompts_app.models import Prompt, Result, Run, Task, Version

MOST_WHOLE = 1000  # results of runs that are read as a whole
MOST_SHOWN = 6_000  # characters of an output on a page; two that differ only further on are alike

type Suite = Sequence[Mapping[str, Any]]
type Suites = Mapping[str, Suite]  # suite digest → its cases
type Key = tuple[str, int]  # see ``keys_of``


@dataclass(frozen=True, slots=True)
class RunCase:
    """One case of one run. ``index`` counts from 0."""

    run: Run
    index: int

    @property
    def place(self) -> tuple[int, int]:
        return self.run.pk, self.index


class Repeat(NamedTuple):
    """How one answer to a case came out, without its texts."""

    pk: int
    run: int
    case_index: int
    repeat: int  # from 0
    passed: bool | None
    error_kind: str
    latency_ms: float | None
    attempts: int
    public_id: str
    text: str  # a hash of the output; "" where it was not asked for

    @property
    def is_error(self) -> bool:
        return bool(self.error_kind)


_COLUMNS = [name for name in Repeat._fields if name not in ("run", "text")]
_COLUMNS.insert(1, "run_id")
# Hashes of outputs are compared with each other, and shown to nobody.
_SHOWN_TEXT = MD5(Substr("output", 1, MOST_SHOWN))
_NO_TEXT = md5(b"", usedforsecurity=False).hexdigest()


class Answers(NamedTuple):
    """How many results a run has, how many of them are errors, and how many were asked more than once."""

    results: int
    errors: int
    retried: int


class Records:
    """Everything is read when it is first asked for."""

    def __init__(self, prompt: Prompt) -> None:
        self.prompt = prompt
        self._suites: dict[str, Suite] = {}
        self._keys: dict[str, list[Key]] = {}
        self._wanted: set[tuple[int, int]] = set()
        self._to_open: set[tuple[int, int]] = set()
        self._whole: set[int] = set()
        self._repeats: dict[tuple[int, int], list[Repeat]] = defaultdict(list)
        self._read: set[tuple[int, int]] = set()
        self._read_whole: set[int] = set()
        self._opened: dict[int, Result] = {}
        self._requests: dict[int, Any] = {}

    # --- runs ----------------------------------------------------------------------------------------------

    @cached_property
    def summary(self) -> Summary | None:
        return summary_of(self.prompt)

    @cached_property
    def runs(self) -> list[Run]:
        """All that count, without their suites; one query."""
        return runs_that_count(self.prompt)

    @cached_property
    def latest(self) -> Runs:
        """The run that counts for each version and model."""
        return latest_of(self.runs)

    def named(self, public_ids: Iterable[str]) -> list[Run]:
        """Those runs of the prompt that count, in this order."""
        by_id = {run.public_id: run for run in self.runs}
        return [by_id[public_id] for public_id in public_ids if public_id in by_id]

    @cached_property
    def shown(self) -> list[Run]:
        """The runs of the version shown, the main model's first."""
        return self.named(model.run for model in self.summary.models) if self.summary else []

    @cached_property
    def before(self) -> Run | None:
        """The run the shown one is compared with."""
        version = self.summary.before if self.summary else None
        return next(iter(self.named([version.run])), None) if version else None

    @cached_property
    def on_main(self) -> list[Run]:
        """The main model's judged runs, one a version, oldest first."""
        history = self.summary.history if self.summary else []
        return self.named(item.run for item in history if item.cases)

    @cached_property
    def versions(self) -> list[Version]:
        """All versions without their texts, newest first."""
        versions = self.prompt.versions.defer("messages", "variables", "parameters").order_by("-number")
        if self.prompt.task == Task.SKILL:
            with_system = Version.objects.filter(pk=OuterRef("pk"), messages__0__role="system")
            return list(versions.annotate(has_system=Exists(with_system)))
        return list(versions)

    @cached_property
    def without_skill(self) -> int:
        """Of a skill, the number of the baseline that asks without one: it has no system message. Else 0."""
        summary = self.summary
        if self.prompt.task != Task.SKILL or not summary or not summary.before:
            return 0
        systems = {version.number: getattr(version, "has_system", True) for version in self.versions}
        before = summary.before.version
        return before if systems.get(summary.version) and not systems.get(before, True) else 0

    @cached_property
    def newest(self) -> Version | None:
        """The current version with its texts. ``unanswered`` on it: how many of the prompt's runs ended
        without an answer; one query for both."""
        silent = Run.objects.filter(prompt=self.prompt).ended_without_an_answer()
        count = silent.order_by().values("prompt").annotate(n=Count("pk")).values("n")
        versions = self.prompt.versions.annotate(unanswered=Coalesce(Subquery(count), 0))
        return versions.order_by("-number").first()

    # --- suites --------------------------------------------------------------------------------------------

    def suites(self, runs: Iterable[Run]) -> Suites:
        """Suite digest → its cases, as they were when these runs were made; one suite a digest.

        With the first of them come those of the runs the page's figures are made of: one query for most.
        """
        missing = self._without_suite(runs)
        if missing:
            usual = () if self._suites or "runs" not in self.__dict__ else (*self.shown, *self.on_main)
            keys = missing | self._without_suite(usual)
            # As rows, which is how readers get what they may see of them.
            rows = Run.objects.filter(pk__in=keys.values()).only("prompt_id", "suite_digest", "suite")
            self._suites |= {run.suite_digest: run.suite for run in rows.order_by()}
        return self._suites

    def _without_suite(self, runs: Iterable[Run]) -> dict[str, int]:
        return {run.suite_digest: run.pk for run in runs if run.suite_digest not in self._suites}

    def case(self, cell: RunCase) -> Mapping[str, Any]:
        """As it was asked; {} where the run's suite has no such case."""
        suite = self.suites([cell.run])[cell.run.suite_digest]
        return suite[cell.index] if cell.index < len(suite) else {}

    def keys(self, run: Run) -> Sequence[Key]:
        """``keys_of`` its suite."""
        if (found := self._keys.get(run.suite_digest)) is None:
            found = self._keys[run.suite_digest] = keys_of(self.suites([run])[run.suite_digest])
        return found

    def places(self, before: Run, after: Run) -> list[tuple[int, int]]:
        """Where the very same case stands in both runs, in the order of the second."""
        if before.suite_digest == after.suite_digest:
            return [(at, at) for at in range(len(after.frames))]
        self.suites([before, after])
        old = {key: at for at, key in enumerate(self.keys(before))}
        return [(old[key], at) for at, key in enumerate(self.keys(after)) if key in old]

    # --- results -------------------------------------------------------------------------------------------

    def want(self, cells: Iterable[RunCase], *, opened: bool = True) -> None:
        """``opened``: with the texts of the answer that ``representative`` chooses."""
        places = {cell.place for cell in cells}
        self._wanted |= places
        if opened:
            self._to_open |= places

    def want_all(self, runs: Sequence[Run]) -> None:
        """Every result of these runs; left out where they are many, and then asked for piece by piece."""
        if sum(len(run.frames) * run.repeats for run in runs) <= MOST_WHOLE:
            self._whole |= {run.pk for run in runs}

    def repeats(self, cell: RunCase) -> list[Repeat]:
        """In their order."""
        if cell.place not in self._read and cell.run.pk not in self._read_whole:
            self._wanted.add(cell.place)
            self._read_wanted()
        return self._repeats[cell.place]

    def all_of(self, run: Run) -> list[Repeat] | None:
        """Every result of a run; None where they are many."""
        if run.pk in self._whole and run.pk not in self._read_whole:
            self._read_wanted()
        places = range(len(run.frames)) if run.pk in self._read_whole else None
        return None if places is None else [one for at in places for one in self._repeats[run.pk, at]]

    def opened(self, cell: RunCase) -> Result | None:
        """The answer that stands for the case, with its texts, without what was sent; None: it has none."""
        chosen = representative(self.repeats(cell))
        if chosen is None:
            return None
        if chosen.pk not in self._opened:
            self._to_open.add(cell.place)
            self._open()
        return self._opened.get(chosen.pk)

    def steps(self, cell: RunCase, most: int) -> tuple[Step, ...]:
        """What the model called before that answer, with ``most`` characters of each text; () where the case
        has no canned results. One query for all that were opened so far."""
        result = self.opened(cell) if self.case(cell).get("tool_results") else None
        if result is None:
            return ()
        if result.pk not in self._requests:
            unread = self._opened.keys() - self._requests.keys()
            for row in Result.objects.filter(pk__in=unread).only("run_id", "request").order_by():
                self._requests[row.pk] = row.request
        return steps_of(self._requests.get(result.pk), most)

    def first_texts(self, run: Run) -> dict[int, tuple[int, str]]:
        """Case → the key of its first answer, and a hash of what a page shows of it. Those in words alone."""
        if (found := self.all_of(run)) is None:
            first = Result.objects.filter(run=run, repeat=0, error_kind="").exclude(output="")
            rows = first.unmasked_values().values_list("case_index", "pk", _SHOWN_TEXT)
            return {at: (key, text) for at, key, text in rows}
        firsts = (one for one in found if one.repeat == 0 and not one.is_error)
        return {one.case_index: (one.pk, one.text) for one in firsts if one.text != _NO_TEXT}

    def answers(self, run: Run) -> Answers:
        if (found := self.all_of(run)) is not None:
            errors = sum(one.is_error for one in found)
            return Answers(len(found), errors, sum(one.attempts > 1 for one in found))
        counted = Result.objects.filter(run=run).aggregate(
            results=Count("pk"),
            errors=Count("pk", filter=~Q(error_kind="")),
            retried=Count("pk", filter=Q(attempts__gt=1)),
        )
        return Answers(**counted)

    def _read_wanted(self) -> None:
        """One query for everything wanted and not read yet."""
        whole = self._whole - self._read_whole
        cells = {place for place in self._wanted - self._read if place[0] not in self._whole}
        of_run: dict[int, list[int]] = defaultdict(list)
        for run, index in cells:
            of_run[run].append(index)
        asked = [Q(run__in=whole)] if whole else []
        asked += [Q(run=run, case_index__in=indexes) for run, indexes in of_run.items()]
        text = _SHOWN_TEXT if whole else Value("")
        if asked:
            found = Result.objects.filter(reduce(or_, asked)).order_by("case_index", "repeat")
            for row in found.unmasked_values().values_list(*_COLUMNS, text):
                one = Repeat(*row)
                self._repeats[one.run, one.case_index].append(one)
        self._read |= cells
        self._read_whole |= whole

    def _open(self) -> None:
        """One query for the texts of everything that is to be opened and was not yet."""
        found = (representative(self._repeats[place]) for place in self._to_open)
        keys = [one.pk for one in found if one and one.pk not in self._opened]
        # As rows and whole, so that private parts are found before anything is cut (see models.reading).
        for row in Result.objects.filter(pk__in=keys).defer("request", "trace", "sealed_as").order_by():
            self._opened[row.pk] = row


def representative(repeats: Sequence[Repeat]) -> Repeat | None:
    """The repeat to open: the first that failed, else the first without an answer, else the first."""
    failed = [one for one in repeats if one.passed is False]
    errors = [one for one in repeats if one.is_error]
    return next(iter(failed or errors or repeats), None)


def keys_of(suite: Suite) -> list[Key]:
    """What tells each case from any other, in order: its digest, and how many like it stand before it. A case
    that was changed is another one."""
    seen: dict[str, int] = defaultdict(int)
    keys = []
    for case in suite:
        name = digest(dict(case))
        keys.append((name, seen[name]))
        seen[name] += 1
    return keys
