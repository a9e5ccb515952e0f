"""What of a file is there already, and which prompt its results belong to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace

from prompts_app.actions.importing.plan import Planned
from prompts_app.actions.prompts.publish import findings_of, would_show
from prompts_app.actions.prompts.secrets import find_secrets
from prompts_app.engine.digests import digest, suite_digest
from prompts_app.engine.formats.bundle_types import BundledRun
from prompts_app.engine.masking import strings_in
from prompts_app.models import Case, Prompt, Run, Source, User, Version
from prompts_app.models.texts import Text

ALREADY_THERE = "It is already there."
SAME_IN_FILE = "It is the same as another prompt in this file."
ANOTHER_TEXT = "Its prompt is here, but not the version these results are of."

type RunKey = tuple[str, str, str, str]  # version's digest, model, suite's digest, time


@dataclass(slots=True)
class MoreRuns:
    """Runs for a prompt that is there. ``versions``: digest → version."""

    prompt: Prompt
    versions: dict[str, Version]
    planned: Planned
    runs: list[BundledRun] = field(default_factory=list)

    def version_of(self, run: BundledRun) -> Version:
        return self.versions[_digest_of(self.planned, run)]


class Known:
    """What the owner has, in two queries (and one for the cases of a prompt of the same text), and what was
    seen in this file."""

    def __init__(self, owner: User) -> None:
        self._owner = owner
        keys = Prompt.objects.owned_by(owner).exclude(source_key="").values_list("source_key", "pk")
        self._keys = dict(keys)
        versions = Version.objects.unmasked_values().filter(prompt__owner=owner).order_by()
        self._texts: dict[tuple[str, str], list[int]] = {}
        self._digests: dict[int, set[str]] = {}  # of all versions of each prompt
        for title, digest_, pk in versions.values_list("prompt__title", "digest", "prompt_id"):
            self._texts.setdefault((title, digest_), []).append(pk)
            self._digests.setdefault(pk, set()).add(digest_)
        self._here: dict[str, Planned] = {}

    def is_known(self, key: str, planned: Planned) -> bool:
        return self._prompt_id(key, planned) is not None or self._seen(key, planned) is not None

    def reason(self, key: str, planned: Planned) -> str:
        """Why this prompt is no new one, or nothing."""
        if self._prompt_id(key, planned) is not None:
            return ALREADY_THERE
        return SAME_IN_FILE if self._seen(key, planned) is not None else ""

    def remember(self, key: str, planned: Planned) -> Planned:
        self._here[key] = planned
        return planned

    def are_saved(self) -> None:
        """What was seen of this file so far is there now."""
        for key, planned in self._here.items():
            prompt = planned.prompt
            self._keys[key], self._digests[prompt.pk] = prompt.pk, _digests_of(planned)
            for version in planned.versions:
                self._texts.setdefault((prompt.title, version.digest), []).append(prompt.pk)
        self._here.clear()

    def runs_for(self, key: str, planned: Planned, more: list[MoreRuns]) -> str:
        """Give its runs to the prompt that has its text; why not, where that cannot be."""
        if (prompt_id := self._prompt_id(key, planned)) is not None:
            return self._more_runs(prompt_id, planned, more)
        if (seen := self._seen(key, planned)) is not None:
            return _join(seen, planned)
        return ""

    def _prompt_id(self, key: str, planned: Planned) -> int | None:
        found: int | None = self._keys.get(key)
        if found is not None:
            return found
        alike = list(dict.fromkeys(self._texts.get(planned.text, ())))
        if not planned.cases:
            return alike[0] if alike else None
        if planned.runs:  # a file of results often has no title of its own
            wanted = _digests_of(planned)
            alike += [pk for pk, digests in self._digests.items() if wanted <= digests]
        return next((pk for pk in alike if _goes_with(planned, Case.objects.filter(prompt_id=pk))), None)

    def _seen(self, key: str, planned: Planned) -> Planned | None:
        """One of this file: the same in everything; where it has runs, also one of the same text."""
        if key in self._here or not planned.runs:
            return self._here.get(key)
        wanted = _digests_of(planned)
        alike = [one for one in self._here.values() if one.text == planned.text or wanted <= _digests_of(one)]
        return next((one for one in alike if _goes_with(planned, one.cases)), None)

    def _more_runs(self, prompt_id: int, planned: Planned, more: list[MoreRuns]) -> str:
        prompt = Prompt.objects.owned_by(self._owner).get(pk=prompt_id)
        versions = {version.digest: version for version in prompt.versions.order_by("-number")}
        found = MoreRuns(prompt, versions, planned)
        if not all(version.digest in versions for version in planned.versions):
            return ANOTHER_TEXT
        there = _runs_of(prompt) | {
            _key(one.planned, run) for one in more if one.prompt == prompt for run in one.runs
        }
        found.runs = [run for run in planned.runs if _key(planned, run) not in there]
        if not found.runs:
            return ALREADY_THERE
        if why := _would_show(prompt, found.runs):
            return why
        more.append(found)
        return ""


def _would_show(prompt: Prompt, runs: Iterable[BundledRun]) -> str:
    """Why these runs cannot be shown to those who read the prompt now, or ""."""
    if not prompt.has_readers:
        return ""
    strings = (string for run in runs for string in strings_in(asdict(run)))
    found = find_secrets(Text("results", string, "") for string in strings)
    there = {finding.token for finding in findings_of(prompt)} if found else set()
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


def _digests_of(planned: Planned) -> set[str]:
    return {version.digest for version in planned.versions}


def _content(case: Case) -> str:
    return digest([case.variables, case.turns, case.system, case.assertions, case.threshold])


def _join(seen: Planned, planned: Planned) -> str:
    """Runs of another file of the same prompt, when none of it is saved yet."""
    numbers = {version.digest: version.number for version in reversed(seen.versions)}
    if not all(version.digest in numbers for version in planned.versions):
        return ANOTHER_TEXT
    there = {_key(seen, run) for run in seen.runs}
    joined = [run for run in planned.runs if _key(planned, run) not in there]
    seen.runs += [replace(run, version=numbers[_digest_of(planned, run)]) for run in joined]
    return "" if joined else SAME_IN_FILE


def _digest_of(planned: Planned, run: BundledRun) -> str:
    """The digest of the version a run is of."""
    return planned.versions[run.version - 1].digest


def _key(planned: Planned, run: BundledRun) -> RunKey:
    return _digest_of(planned, run), run.model, suite_digest(run.suite), run.created_at.isoformat()


def _runs_of(prompt: Prompt) -> set[RunKey]:
    """Those that were imported before."""
    runs = Run.objects.filter(prompt=prompt, source=Source.IMPORTED)
    rows = runs.unmasked_values().values_list("version__digest", "model", "suite_digest", "created_at")
    return {(digest, model, suite, at.isoformat()) for digest, model, suite, at in rows}
