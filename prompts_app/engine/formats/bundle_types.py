"""What a bundle holds: one author's work with its cases, runs and every output, as frozen dataclasses.

Times are aware datetimes. ``None`` means "not known"; an empty text means "nothing there". The types say what
may stand in each place of a file: pydantic reads and writes these classes by them (see ``bundle``).
"""

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal, NotRequired, TypedDict

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    GetPydanticSchema,
    PlainSerializer,
    StrictBool,
    StrictInt,
    StrictStr,
    with_config,
)
from pydantic_core import PydanticCustomError

from prompts_app.engine.budget import LARGEST_COUNT
from prompts_app.engine.digests import case_from_json, case_json, with_checked_pictures
from prompts_app.engine.types import LEVELS, CaseContent, Json, PromptContent

# --- what may stand in a place: what pydantic says of a wrong one follows "prompts[0].title is not" --------


def _name(value: str) -> str:
    if not value.strip():
        raise PydanticCustomError("wanted", "filled in")
    return value


def _setting(value: str) -> str:
    if value not in LEVELS:
        raise PydanticCustomError("wanted", f"one of {', '.join(LEVELS)}")
    return value


def _time(value: Json) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise PydanticCustomError("wanted", "a time with its zone (2026-11-22T08:00:00+00:00)")
    return moment


def _dollars(value: Json) -> Decimal:
    """Money is a text ("0.00012"), so that no reader rounds it."""
    try:
        amount = Decimal(value if isinstance(value, str | Decimal) else "NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise PydanticCustomError("wanted", "an amount")
    return amount


def _case(value: Json) -> CaseContent:
    return value if isinstance(value, CaseContent) else case_from_json(value)


Name = Annotated[StrictStr, AfterValidator(_name)]
Count = Annotated[StrictInt, Field(ge=0, le=LARGEST_COUNT)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Time = Annotated[datetime, BeforeValidator(_time), PlainSerializer(datetime.isoformat)]
Dollars = Annotated[Decimal, BeforeValidator(_dollars), PlainSerializer(lambda amount: f"{amount:f}")]
Digest = Annotated[StrictStr, Field(pattern="^[0-9a-f]{64}$")]
Object = Mapping[str, Json]
Setting = Annotated[StrictStr, AfterValidator(_setting)]
Settings = Mapping[Literal["reasoning_effort", "verbosity"], Setting]
OneVersion = Annotated[PromptContent, AfterValidator(with_checked_pictures)]
OneCase = Annotated[CaseContent, BeforeValidator(_case), PlainSerializer(case_json)]

# Written only where there is something: files from before it was there stay the same text.
_LATER = Field(exclude_if=operator.not_)


class _Link(TypedDict):
    label: StrictStr
    url: Name


@with_config(ConfigDict(extra="allow"))
class _Check(TypedDict):
    """As it was stored; only what pages rely on is looked at. ``passed`` is null for what was not run."""

    type: Name
    reason: StrictStr
    passed: NotRequired[StrictBool | None]


@with_config(ConfigDict(extra="allow"))
class _PrivatePart(TypedDict):
    label: Name
    text: NotRequired[Name]


class _Picture(TypedDict):
    """``data`` is the picture in base64."""

    sha256: NotRequired[Digest]
    small_sha256: NotRequired[Digest]
    original_sha256: NotRequired[Digest]
    width: NotRequired[Count]
    height: NotRequired[Count]
    bytes: NotRequired[Count]
    original_bytes: NotRequired[Count]
    type: NotRequired[StrictStr]
    revised_prompt: NotRequired[StrictStr]
    data: NotRequired[StrictStr]


def _as[T](schema: type[T]) -> GetPydanticSchema:
    """Read as this typed dictionary, which it is told to be nowhere else."""
    return GetPydanticSchema(lambda _, handler: handler.generate_schema(schema))


Link = Annotated[Mapping[str, str], _as(_Link)]
Check = Annotated[Object, _as(_Check)]
PrivatePart = Annotated[Object, _as(_PrivatePart)]
PictureAbout = Annotated[Object, _as(_Picture)]


# --- a bundle ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BundledAuthor:
    """What the profile says. An e-mail address is never in a bundle."""

    handle: Name
    name: str = ""
    headline: str = ""
    bio: str = ""
    location: str = ""
    availability: str = ""
    links: tuple[Link, ...] = ()  # {"label", "url"}


@dataclass(frozen=True, slots=True)
class BundledVersion:
    number: Count
    prompt: OneVersion
    note: str = ""
    created_at: Time | None = None


@dataclass(frozen=True, slots=True)
class BundledCase:
    case: OneCase
    created_at: Time | None = None


@dataclass(frozen=True, slots=True)
class BundledResult:
    """One output as it was stored. ``checks`` have at least ``type``, ``passed``, ``reason``."""

    id: Name
    case_index: Count
    repeat: Count
    created_at: Time
    request: Object = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    passed: StrictBool | None = None
    output: str = ""
    finish_reason: str = ""
    model: str = ""
    response_id: str = ""
    fingerprint: str = ""
    tokens_in: Count | None = None
    tokens_out: Count | None = None
    latency_ms: Number | None = None
    attempts: Count = 1
    cost: Dollars | None = None
    cost_source: str = ""
    judge_cost: Annotated[Dollars | None, _LATER] = None
    judge_calls: Annotated[Count, _LATER] = 0
    asked_at: Annotated[str, _LATER] = ""  # scheme, host and port
    error_kind: str = ""
    error_message: str = ""
    # engine.types.Picture.about, with the picture as "data" in base64 where there was room; {}: a text
    picture: Annotated[PictureAbout, _LATER] = field(default_factory=dict)
    tokens_reasoning: Annotated[Count | None, _LATER] = None
    reasoning_chars: Annotated[Count | None, _LATER] = None
    unanswered: Annotated[Literal["", "no_result", "most_steps", "too_much"], _LATER] = ""
    first_token_ms: Annotated[Number | None, _LATER] = None
    trace: Annotated[tuple[Object, ...], _LATER] = ()  # beside the output, of the Responses API


@dataclass(frozen=True, slots=True)
class BundledRun:
    """One version on one model. Endpoints are names only: never an address, never a key."""

    id: Name
    version: Count
    model: Name
    suite: tuple[OneCase, ...]
    source: Name
    state: Name
    created_at: Time
    results: tuple[BundledResult, ...] = ()
    endpoint: str = ""
    asks: Annotated[str, _LATER] = ""  # the API its calls went to; "": Chat Completions
    parameters: Object = field(default_factory=dict)
    settings: Annotated[Settings, _LATER] = field(default_factory=dict)  # of them, those of the run itself
    adapted: Annotated[tuple[str, ...], _LATER] = ()  # what was changed of what is sent, as it was refused
    judges_after_thinking: Annotated[StrictBool, _LATER] = False
    repeats: Count = 1
    source_note: str = ""
    stop_reason: str = ""
    started_at: Time | None = None
    finished_at: Time | None = None
    suite_fixed_at: Annotated[Time | None, _LATER] = None
    judge_endpoint: Annotated[str, _LATER] = ""
    judge_model: Annotated[str, _LATER] = ""
    judge_embedding_model: Annotated[str, _LATER] = ""
    judge_parameters: Annotated[Object, _LATER] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BundledFailure:
    """A known failure: which case of which run, by the run's id, and what its author says of it.

    ``fixed_in`` is a version's number; None: still open.
    """

    run: Name
    case_index: Count
    diagnosis: Name
    fixed_in: Count | None = None


@dataclass(frozen=True, slots=True)
class BundledPrompt:
    """``baseline`` is a version's number. ``deleted_runs`` counts runs that were deleted after publishing."""

    slug: Name
    title: Name
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
    published_at: Time | None = None
    created_at: Time | None = None
    pin_position: Count | None = None
    baseline: Count | None = None
    target_model: Annotated[str, _LATER] = ""  # the one it was written for, and since when its author says so
    target_declared_at: Annotated[Time | None, _LATER] = None
    deleted_runs: Count = 0
    source: str = ""
    suite_changed_at: Annotated[Time | None, _LATER] = None
    forked_from: Annotated[str, _LATER] = ""  # its credit in one line, where the origin may be named
    forked_licence: Annotated[str, _LATER] = ""  # what it was taken under; "": no fork
    known_failures: Annotated[tuple[BundledFailure, ...], _LATER] = ()  # the failure shelf, in its order
    # Private parts: {"label", "words", "sha256", "since"}, and in the author's own file "text" and "salt".
    # Without these two the texts of the file are masked.
    private: Annotated[tuple[PrivatePart, ...], _LATER] = ()
    # Of cases and suites: SHA-256 → the JPEG in base64, where there was room
    pictures: Annotated[Mapping[Digest, str], _LATER] = field(default_factory=dict)

    @property
    def is_masked(self) -> bool:
        return any("text" not in part for part in self.private)


@dataclass(frozen=True, slots=True)
class Bundle:
    author: BundledAuthor
    prompts: tuple[BundledPrompt, ...]
