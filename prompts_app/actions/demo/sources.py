"""The sample content as its authors wrote it: YAML files, a folder for each author, a file for each prompt.

Only recording reads the sample authors' folders; what a new installation loads is the recorded bundle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings

from prompts_app.engine.digests import case_from_json
from prompts_app.engine.formats.bundle_types import (
    Bundle,
    BundledAuthor,
    BundledCase,
    BundledPrompt,
    BundledVersion,
)
from prompts_app.engine.formats.reading import Fields
from prompts_app.engine.formats.types import FormatError
from prompts_app.engine.types import ROLES, Message, Prompt, Variable

DEMO = Path(settings.BASE_DIR) / "prompts_app" / "demo"
SOURCES = DEMO / "sources"
ACCOUNT = DEMO / "account"

TEXTS = (
    "title", "summary", "task", "licence", "situation", "constraints", "impact_kind", "impact", "limits",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SourceFailure:
    """What stands on a prompt's failure shelf once it is recorded; versions by number, the case by name."""

    version: int
    case: str
    diagnosis: str
    fixed_in: int | None


def sample_authors() -> list[Path]:
    """The authors' folders, in order of their names."""
    return sorted(path for path in SOURCES.iterdir() if path.is_dir())


def read_author(folder: Path) -> Bundle:
    """One author's sources. Raises FormatError with the file and place of what is wrong."""
    profile = _read(folder / "profile.yaml")
    author = BundledAuthor(
        handle=profile.name("handle"),
        name=profile.text("name"),
        headline=profile.text("headline"),
        bio=profile.text("bio").strip(),
        location=profile.text("location"),
        availability=profile.text("availability"),
        links=tuple(profile.items("links")),
    )
    pinned = profile.texts("pinned")
    slugs = profile.texts("prompts")
    return Bundle(author, tuple(read_prompt(folder / f"{slug}.yaml", pinned) for slug in slugs))


def read_prompt(path: Path, pinned: tuple[str, ...] = ()) -> BundledPrompt:
    """One prompt's file; its first version is the baseline."""
    row = _read(path)
    slug = row.name("slug")
    texts: dict[str, Any] = {name: row.text(name).strip() for name in TEXTS}
    return BundledPrompt(
        slug=slug,
        **texts,
        tags=row.texts("tags"),
        versions=tuple(_version(row, place + 1) for place in range(len(row.items("versions")))),
        cases=row.each("cases", lambda case: _case(case, row)),
        baseline=1,
        visibility=row.text("visibility", "public"),
        pin_position=pinned.index(slug) + 1 if slug in pinned else None,
    )


def read_failures(path: Path) -> tuple[SourceFailure, ...]:
    """The failure shelf of one prompt's file; raises FormatError."""
    return _read(path).each(
        "failures",
        lambda row: SourceFailure(
            row.whole("version"), row.name("case"), row.name("diagnosis").strip(), row.maybe_whole("fixed_in")
        ),
    )


def _read(path: Path) -> Fields:
    try:
        return Fields.of(yaml.safe_load(path.read_text()), path.name)
    except yaml.YAMLError as error:
        raise FormatError(f"{path.name} is not valid YAML: {error}") from None


def _version(prompt: Fields, number: int) -> BundledVersion:
    """A version says what differs; variables and parameters it does not name are the prompt's."""
    own = Fields.of(prompt.items("versions")[number - 1], f"{prompt.where}: version {number}")
    common = {name: prompt.values[name] for name in ("variables", "parameters") if name in prompt.values}
    row = Fields({**common, **own.values}, own.where)
    content = Prompt(
        messages=row.each("messages", _message),
        variables=row.each(
            "variables", lambda v: Variable(v.name("name"), v.text("default"), v.text("description"))
        ),
        parameters=row.object("parameters"),
    )
    return BundledVersion(number, content, row.text("note").strip())


def _message(row: Fields) -> Message:
    role = next((role for role in ROLES if role == row.text("role")), None)
    return Message(role or row.refuse("role", "a role"), row.text("content"))


def _case(row: Fields, prompt: Fields) -> BundledCase:
    """The assertions under ``every_case`` come first in each."""
    common: Mapping[str, object] = {"assertions": [*prompt.items("every_case"), *row.items("assertions")]}
    return BundledCase(case_from_json({**row.values, **common}))
