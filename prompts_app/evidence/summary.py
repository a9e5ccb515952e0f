"""A prompt's figures as its column ``evidence`` keeps them: what its runs say together, counted once.

Written by ``actions.runs.counting.rebuild_evidence`` alone; everybody reads them through ``summary_of``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter

from prompts_app.engine.vendors import models_in_words, without_settings
from prompts_app.evidence.number_format import untested
from prompts_app.models import Level, Listing, Prompt

SUMMARY_VERSION = 7  # rises when a summary says more than before, so that older ones are written anew


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What one run came to."""

    passed: int  # cases
    cases: int  # passed and failed; errors are not in it; 0: nothing was judged
    outputs: int  # answers, judged or not
    low: float  # Wilson's 95% interval, 0..1
    high: float
    level: int
    tokens_in: float | None  # median

    def is_as_good_as(self, shown: Counted) -> bool:
        """Whether it may be counted with the shown one: judged like it, recorded like it.

        Else an author could paste bad answers for a first version and be told how much was gained since.
        """
        (judged, one), (are_judged, other) = (
            (run.cases > 0, min(run.level, Level.RECORDED)) for run in (self, shown)
        )
        return judged >= are_judged and one >= other


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEvidence(Counted):
    """One model on the version shown: the run that counts for it."""

    model: str  # as readers are told it (Run.named)
    answered: str  # as the provider named it, "" where it did not
    asked: str  # where, in words; "": not by this server
    remark: str  # what is to be said of that place, "" for nothing
    server: str  # the kind of that place (engine.vendors.HostKind)
    maker: str  # whom it counts for, "" for nobody
    run: str  # the run's public id
    errors: int
    frames: str  # a letter of ``frames.FrameState`` for each case
    cost_median: str | None  # US dollars a call, as text so that nothing is rounded; None: unknown
    latency_ms: float | None  # median
    tokens_out: float | None  # median
    tested: str  # ISO 8601

    @property
    def without_settings(self) -> str:
        return without_settings(self.model)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionEvidence(Counted):
    """One version on the main model."""

    version: int
    run: str
    cost_median: str | None  # as in ModelEvidence
    suite_digest: str
    place: str  # whose servers answered, else their addresses; "": not known

    def is_asked_elsewhere(self, shown: Summary) -> bool:
        """Whether the two are known to be from different places: then one name on both, which the author
        gave, does not make them one model."""
        return bool(self.place and shown.place and self.place != shown.place)

    def is_comparable(self, shown: Summary) -> bool:
        """Whether a figure may be made of the difference between this version's run and the shown one."""
        return self.is_as_good_as(shown) and not self.is_asked_elsewhere(shown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary(Counted):
    """The figures at the top are those of ``main_model`` on ``version``: the newest version of which
    something was judged; where nothing was ever judged, the newest with an output, and ``cases`` is 0."""

    version: int
    is_current: bool  # whether that is the prompt's newest version
    main_model: str
    place: str  # as in VersionEvidence
    main_by: str  # a rule of ``picked``
    target_is: str  # where the model it was written for is not the main one: why, see ``target_is`` there
    baseline: int | None  # the version that ``version`` is compared with: one of ``history``
    newer_outputs: int  # of versions after ``version``: nothing judged them
    errors: int
    frames: str
    suite_digest: str
    models: list[ModelEvidence]  # the main model first, then by the low end, those not judged last
    history: list[VersionEvidence]  # oldest first
    runs: int  # all that count, over all versions and models
    deleted_runs: int
    latency_ms: float | None
    cost_call: str | None
    tested: str

    @property
    def before(self) -> VersionEvidence | None:
        """What the shown version is compared with, by the rule in ``picked``."""
        return next((item for item in self.history if item.version == self.baseline), None)

    @property
    def backed_models(self) -> list[ModelEvidence]:
        """The models a sentence speaks of: those whose evidence is as good as the main one's."""
        return [model for model in self.models if model.is_as_good_as(self)]

    @property
    def backed_count(self) -> str:
        """ "3 models"; "2 settings of one model"; "5 settings of 3 models"."""
        return models_in_words([model.model for model in self.backed_models])

    @property
    def count(self) -> str:
        """The same of all models."""
        return models_in_words([model.model for model in self.models])


_READ = TypeAdapter(Summary).validate_python


def from_json(stored: Mapping[str, Any]) -> Summary | None:
    """As ``Prompt.evidence`` has it. None where nothing counts, and for one that an earlier release wrote: it
    is being counted anew (``is_outdated``). Raises pydantic's ValidationError for what nobody wrote."""
    return None if not stored or is_outdated(stored) else _READ(stored)


def to_json(summary: Summary) -> dict[str, Any]:
    return {"form": SUMMARY_VERSION, **asdict(summary)}


def is_outdated(stored: Mapping[str, Any]) -> bool:
    """Whether an earlier release wrote it. The worker writes it anew when it starts."""
    return bool(stored) and stored.get("form") != SUMMARY_VERSION


def summary_of(prompt: Prompt) -> Summary | None:
    """Its figures as whoever reads now may see them; None where none count, or they are counted anew.

    Read once from each row: what is masked for the reader is masked before it gets here (models.reading).
    """
    stored = prompt.evidence
    known: tuple[Mapping[str, Any], Summary | None] | None = prompt.__dict__.get("_summary")
    if known is None or known[0] is not stored:
        known = prompt.__dict__["_summary"] = (stored, from_json(stored))
    return known[1]


def without_figures(prompt: Prompt | Listing) -> str:
    """What stands where a prompt has no figures, and why: "not tested yet", "being counted anew"."""
    if prompt.is_outdated if isinstance(prompt, Listing) else is_outdated(prompt.evidence):
        return "figures are being counted anew"
    return untested(prompt.deleted_runs, prompt.ended_early)
