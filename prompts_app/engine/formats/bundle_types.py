"""What a bundle holds: one author's work with its cases, runs and every output, as frozen dataclasses.

Times are aware datetimes. ``None`` means "not known"; an empty text means "nothing there".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from prompts_app.engine.types import Case, Json, Prompt


@dataclass(frozen=True, slots=True)
class BundledAuthor:
    """What the profile says. An e-mail address is never in a bundle."""

    handle: str
    name: str = ""
    headline: str = ""
    bio: str = ""
    location: str = ""
    availability: str = ""
    links: tuple[Mapping[str, str], ...] = ()  # {"label", "url"}


@dataclass(frozen=True, slots=True)
class BundledVersion:
    number: int
    prompt: Prompt
    note: str = ""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BundledCase:
    case: Case
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BundledResult:
    """One output as it was stored. ``checks`` have at least ``type``, ``passed``, ``reason``."""

    id: str
    case_index: int
    repeat: int
    created_at: datetime
    request: Json
    checks: tuple[Mapping[str, Json], ...]
    passed: bool | None
    output: str = ""
    finish_reason: str = ""
    model: str = ""
    response_id: str = ""
    fingerprint: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    latency_ms: float | None = None
    attempts: int = 1
    cost: Decimal | None = None
    cost_source: str = ""
    judge_cost: Decimal | None = None
    judge_calls: int = 0
    asked_at: str = ""  # scheme, host and port
    error_kind: str = ""
    error_message: str = ""
    # engine.types.Picture.about, with the picture as "data" in base64 where there was room; {}: a text
    picture: Mapping[str, Json] = field(default_factory=dict)
    tokens_reasoning: int | None = None
    reasoning_chars: int | None = None


@dataclass(frozen=True, slots=True)
class BundledRun:
    """One version on one model. Endpoints are names only: never an address, never a key."""

    id: str
    version: int
    model: str
    suite: tuple[Case, ...]
    source: str
    state: str
    created_at: datetime
    results: tuple[BundledResult, ...]
    endpoint: str = ""
    asks: str = ""  # the API its calls went to; "": Chat Completions
    parameters: Mapping[str, Json] = field(default_factory=dict)
    repeats: int = 1
    source_note: str = ""
    stop_reason: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    suite_fixed_at: datetime | None = None
    judge_endpoint: str = ""
    judge_model: str = ""
    judge_embedding_model: str = ""
    judge_parameters: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BundledFailure:
    """A known failure: which case of which run, by the run's id, and what its author says of it.

    ``fixed_in`` is a version's number; None: still open.
    """

    run: str
    case_index: int
    diagnosis: str
    fixed_in: int | None = None


@dataclass(frozen=True, slots=True)
class BundledPrompt:
    """``baseline`` is a version's number. ``deleted_runs`` counts runs that were deleted after publishing."""

    slug: str
    title: str
    versions: tuple[BundledVersion, ...]
    cases: tuple[BundledCase, ...] = ()
    runs: tuple[BundledRun, ...] = ()
    summary: str = ""
    task: str = ""
    tags: tuple[str, ...] = ()
    licence: str = ""
    situation: str = ""
    constraints: str = ""
    impact_kind: str = ""
    impact: str = ""
    limits: str = ""
    visibility: str = "private"
    published_at: datetime | None = None
    created_at: datetime | None = None
    pin_position: int | None = None
    baseline: int | None = None
    target_model: str = ""  # the one it was written for, and since when its author says so
    target_declared_at: datetime | None = None
    deleted_runs: int = 0
    source: str = ""
    suite_changed_at: datetime | None = None
    forked_from: str = ""  # its credit in one line, where the origin may be named
    forked_licence: str = ""  # what it was taken under; "": no fork
    known_failures: tuple[BundledFailure, ...] = ()  # the failure shelf, in its order
    # Private parts: {"label", "words", "sha256", "since"}, and in the author's own file "text" and "salt".
    # Without these two the texts of the file are masked.
    private: tuple[Mapping[str, Json], ...] = ()

    @property
    def is_masked(self) -> bool:
        return any("text" not in part for part in self.private)


@dataclass(frozen=True, slots=True)
class Bundle:
    author: BundledAuthor
    prompts: tuple[BundledPrompt, ...]
