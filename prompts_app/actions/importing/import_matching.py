"""What of a file is there already, and which prompt its results belong to.

A prompt of a bundle is known by its runs, whose ids are its own, or by the moment it was made together with
a text of it: titles and addresses change. One of another file is known by what stood in the file, or by its
title and text. Whatever was edited since stays as it is; only what is missing is new.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from itertools import batched

from django.core.exceptions import ValidationError
from django.db.models import Max

from prompts_app.actions.importing.made import Made
from prompts_app.actions.importing.plan import Planned, refused
from prompts_app.actions.prompts.publish import findings_of, would_show
from prompts_app.actions.prompts.secrets import find_secrets
from prompts_app.engine.digests import case_json, digest, suite_digest
from prompts_app.engine.formats.bundle_types import BundledFailure, BundledRun
from prompts_app.engine.json_texts import strings_in
from prompts_app.models import Case, PrivateSpan, Prompt, Run, Source, User, Version
from prompts_app.models.prompts import MOST_CASES
from prompts_app.models.texts import Text, texts_in_row

ANOTHER_TEXT = "Its prompt is here, but not the version these results are of."
MASKED_HERE = (
    "Its private parts are masked in this file, so nothing of it was added to the prompt you have. "
    "Import the file you download in full."
)
_IN_A_QUERY = 500

type RunKey = tuple[str, str, str, datetime]  # version's digest, model, suite's digest, time


@dataclass(slots=True)
class More:
    """What a prompt that is there gets. ``there``: digest → version, those that are added included.
    ``texts_of``: number in the file → digest; numbers here may differ."""

    prompt: Prompt
    failures: tuple[BundledFailure, ...]
    texts_of: dict[int, str]
    there: dict[str, Version]
    runs: list[BundledRun] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    spans: list[PrivateSpan] = field(default_factory=list)
    shelf_from: int = 0
    keeps_ids: bool = False
    pictures: Mapping[str, str] = field(default_factory=dict)  # as in Planned

    @property
    def version_count(self) -> int:
        return len(self.versions)

    def version(self, number: int) -> Version:
        return self.there[self.texts_of[number]]

    def texts(self) -> Iterator[Text]:
        """All of it that others could read."""
        for row in (*self.versions, *self.cases):
            yield from texts_in_row(row)
        for run in self.runs:
            if run.source != Source.PRACTICE:
                told = [one.diagnosis for one in self.failures if one.run == run.id]
                yield from (Text("results", text, "") for text in strings_in([asdict(run), told]))


class Known:
    """What the owner has, in two queries, and what was seen in this file. A few more for a prompt that has
    the same text, or for a chunk of a bundle."""

    def __init__(self, owner: User, made: Made) -> None:
        """``made`` grows with what is made of this file."""
        self._owner, self._made = owner, made
        prompts = Prompt.objects.unmasked_values().owned_by(owner).values_list("source_key", "pk", "title")
        self._titles = {pk: title for _, pk, title in prompts}
        self._keys = {key: pk for key, pk, _ in prompts if key}
        self._numbers: dict[int, int] = {}  # of prompts that were saved from this file
        self._texts: dict[str, dict[str, list[int]]] = {}  # title → text's digest → prompts
        self._digests: dict[int, set[str]] = defaultdict(set)  # of all versions of each prompt
        versions = (
            Version.objects.unmasked_values().filter(prompt__owner=owner, prompt__deleted_at=None).order_by()
        )
        for pk, digest_ in versions.values_list("prompt_id", "digest"):
            self._remember(pk, self._titles.get(pk, ""), digest_)
        self._here: dict[str, Planned] = {}
        self._coming: dict[int, set[RunKey]] = defaultdict(set)
        self._runs: dict[str, int] = {}  # ids of runs, and moments, → prompts, of the chunk that is looked at
        self._moments: dict[datetime, list[int]] = {}

    def match(self, chunk: Sequence[Planned]) -> Iterator[tuple[Planned, More | str | None]]:
        """Each with what a prompt that is there gets of it; why it gets nothing; or None: it is new. It is ""
        where its runs joined a prompt of the same text in the file."""
        self._look_up([planned for planned in chunk if planned.is_bundled])
        for planned in chunk:
            if (found := self._match(planned)) is None:
                self._here[planned.key] = planned
            yield planned, found

    def are_saved(self) -> None:
        """What was seen of this file so far is there now."""
        for key, planned in self._here.items():
            self._keys[key] = pk = planned.prompt.pk
            self._titles[pk], self._numbers[pk] = planned.title, planned.number
            for version in planned.versions:
                self._remember(pk, planned.title, version.digest)
        self._here.clear()

    def _remember(self, pk: int, title: str, digest_: str) -> None:
        self._texts.setdefault(title, {}).setdefault(digest_, []).append(pk)
        self._digests[pk].add(digest_)

    def _match(self, planned: Planned) -> More | str | None:
        pk = self._keys.get(planned.key)
        if pk is not None and pk in self._made.prompts:  # its runs may have been interrupted
            return self._more(pk, planned, all_of_it=False)
        if planned.is_bundled:
            return self._match_bundled(pk, planned)
        if pk is None:
            pk = self._same_text(planned)
        if pk is not None:
            return self._more(pk, planned, all_of_it=False) if planned.runs else self._is_there(pk)
        seen = self._seen(planned)
        if seen is None:
            return None
        return _join(seen, planned) if planned.runs else _is_number(seen.number)

    def _is_there(self, pk: int) -> str:
        if pk in self._numbers:
            return _is_number(self._numbers[pk])
        title = f"“{self._titles[pk]}”"
        if pk in self._made.prompts:  # before somebody else went on with the file
            return f"It is the same as {title} of this file."
        return f"It is already there: your prompt {title}."

    # --- bundles

    def _look_up(self, bundled: Iterable[Planned]) -> None:
        self._runs, self._moments = {}, defaultdict(list)
        ids = [run.id for planned in bundled for run in planned.runs]
        for some in batched(ids, _IN_A_QUERY):
            runs = Run.objects.filter(
                prompt__in=Prompt.objects.owned_by(self._owner), public_id__in=some
            ).order_by("-prompt_id")
            self._runs |= dict(runs.values_list("public_id", "prompt_id"))
        moments = {planned.columns["created_at"] for planned in bundled}
        made_then = Prompt.objects.owned_by(self._owner).filter(created_at__in=moments).order_by("pk")
        for moment, pk in made_then.values_list("created_at", "pk"):
            self._moments[moment].append(pk)

    def _match_bundled(self, pk: int | None, planned: Planned) -> More | str | None:
        if pk is not None:
            return self._is_there(pk)
        if planned.key in self._here:
            return _is_number(self._here[planned.key].number)
        by_id = [self._runs[run.id] for run in planned.runs if run.id in self._runs]
        then = self._moments.get(planned.columns["created_at"], ())
        mine = [pk for pk in sorted(by_id) if pk not in self._made.prompts]
        mine += [pk for pk in then if pk not in self._made.prompts and self._digests[pk] & planned.digests]
        if not mine:
            return None
        return MASKED_HERE if planned.is_masked else self._more(mine[0], planned, all_of_it=True)

    # --- other formats

    def _same_text(self, planned: Planned) -> int | None:
        same_title = self._texts.get(planned.title)  # without one, nobody needs the digest
        alike = list(dict.fromkeys(same_title.get(planned.newest, ()))) if same_title else []
        if not planned.cases:
            return alike[0] if alike else None
        if planned.runs:  # a file of results often has no title of its own
            alike += [pk for pk, digests in self._digests.items() if planned.digests <= digests]
        return next((pk for pk in alike if _goes_with(planned, Case.objects.filter(prompt_id=pk))), None)

    def _seen(self, planned: Planned) -> Planned | None:
        """One of this file: the same in everything; where it has runs, also one of the same text."""
        if planned.key in self._here or not planned.runs:
            return self._here.get(planned.key)
        title, newest = planned.title, planned.newest
        return next(
            (
                one
                for one in self._here.values()
                if (planned.digests <= one.digests or (one.title == title and one.newest == newest))
                and _goes_with(planned, one.cases)
            ),
            None,
        )

    # --- what is missing

    def _more(self, pk: int, planned: Planned, *, all_of_it: bool) -> More | str:
        """``all_of_it``: versions, cases and private parts too, not runs alone. Raises BundleRefused."""
        prompt = Prompt.objects.owned_by(self._owner).get(pk=pk)
        there = {version.digest: version for version in prompt.versions.order_by("-number")}
        texts_of = {version.number: version.digest for version in planned.versions}
        more = More(prompt, planned.failures, texts_of, there, pictures=planned.pictures)
        if all_of_it:
            _add_missing(more, planned)
        if not planned.digests <= there.keys():
            return ANOTHER_TEXT
        coming = self._coming[pk]
        ids, copies = _runs_of(prompt, imported=not planned.is_bundled)
        more.runs = [
            run for run in planned.runs if run.id not in ids and _key(planned, run) not in copies | coming
        ]
        if not (more.runs or more.versions or more.cases):
            return self._is_there(pk)
        if why := _would_show(more):
            return why
        coming |= {_key(planned, run) for run in more.runs}
        return more


def _add_missing(more: More, planned: Planned) -> None:
    """A case that was edited since is known by the moment it was made. Raises BundleRefused."""
    prompt = more.prompt
    more.versions = [version for version in planned.versions if version.digest not in more.there]
    more.there |= {version.digest: version for version in reversed(more.versions)}
    cases = list(prompt.cases.all())
    moments, contents = {case.created_at for case in cases}, {_whole(case) for case in cases}
    more.cases = [
        case for case in planned.cases if case.created_at not in moments and _whole(case) not in contents
    ]
    with refused(planned.title):
        if (count := len(cases) + len(more.cases)) > MOST_CASES:
            raise ValidationError(f"it has {count} cases, and at most {MOST_CASES} can be kept.")
    private = set(prompt.private_spans.values_list("text", flat=True))
    more.spans = [span for span in planned.spans if span.text not in private]
    if planned.failures:
        last = prompt.known_failures.aggregate(last=Max("position"))["last"]
        more.shelf_from = 0 if last is None else last + 1


def _would_show(more: More) -> str:
    """Why this cannot be shown to those who read the prompt now, or ""."""
    if not more.prompt.has_readers:
        return ""
    found = find_secrets(more.texts())
    there = {finding.token for finding in findings_of(more.prompt)} if found else set()
    return would_show([finding for finding in found if finding.token not in there])


def _goes_with(planned: Planned, there: Iterable[Case]) -> bool:
    """Whether a prompt of the same title and text is the same work, going by its cases.

    "{{question}}" is the text of many a configuration. Nothing of the file may be lost where it is none of
    them: all its cases have to be there. Results may be of cases that were changed since: one is enough.
    """
    if not planned.cases:
        return True
    if planned.runs:
        values = {digest(case.variables) for case in there}
        return any(digest(case.variables) in values for case in planned.cases)
    return {_content(case) for case in planned.cases} <= {_content(case) for case in there}


def _content(case: Case) -> str:
    judged = [case.assertions, case.threshold]
    return digest(
        [case.variables, case.turns, case.system, *judged, case.tool_results, case.most_steps, case.pictures]
    )


def _whole(case: Case) -> str:
    return digest(case_json(case.as_engine()))


def _join(seen: Planned, planned: Planned) -> str:
    """Runs of another file of the same prompt, when none of it is saved yet."""
    numbers = {version.digest: version.number for version in reversed(seen.versions)}
    if not planned.digests <= numbers.keys():
        return ANOTHER_TEXT
    there = {_key(seen, run) for run in seen.runs}
    joined = [run for run in planned.runs if _key(planned, run) not in there]
    seen.runs += [replace(run, version=numbers[planned.version(run.version).digest]) for run in joined]
    return "" if joined else _is_number(seen.number)


def _is_number(number: int) -> str:
    return f"It is the same as number {number:,} of this file."


def _key(planned: Planned, run: BundledRun) -> RunKey:
    return planned.version(run.version).digest, run.model, suite_digest(run.suite), run.created_at


def _runs_of(prompt: Prompt, *, imported: bool) -> tuple[set[str], set[RunKey]]:
    """Ids, and what tells a copy; with ``imported`` only of those that were imported, which keep no id."""
    runs = Run.objects.unmasked_values().filter(prompt=prompt)
    runs = runs.filter(source=Source.IMPORTED) if imported else runs
    copies = set(runs.values_list("version__digest", "model", "suite_digest", "created_at"))
    return set() if imported else set(runs.values_list("public_id", flat=True)), copies
