"""The sample content as its authors wrote it: YAML files, a folder for each author, a file for each prompt.

Only recording reads the sample authors' folders; what a new installation loads is the recorded bundle.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import yaml
from django.conf import settings
from pydantic import StringConstraints, TypeAdapter

from prompts_app.actions.pictures.case_pictures import digest_of
from prompts_app.engine.case_pictures import CasePicture
from prompts_app.engine.errors import FormatError
from prompts_app.engine.formats.bundle import NAME, VERSION, from_json
from prompts_app.engine.formats.bundle_types import Bundle, BundledPrompt, Count, Name
from prompts_app.engine.formats.reading import read_as
from prompts_app.engine.pictures import keep_again
from prompts_app.engine.types import Json

DEMO = Path(settings.BASE_DIR) / "prompts_app" / "demo"
SOURCES = DEMO / "sources"
ACCOUNT = DEMO / "account"


@dataclass(frozen=True, slots=True)
class SourceFailure:
    """What stands on a prompt's failure shelf once it is recorded; versions by number, the case by name."""

    version: Count
    case: Name
    diagnosis: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    fixed_in: Count | None = None


_FAILURES = TypeAdapter(tuple[SourceFailure, ...])


def sample_authors() -> list[Path]:
    """The authors' folders, in order of their names."""
    return sorted(path for path in SOURCES.iterdir() if path.is_dir())


def read_author(folder: Path) -> Bundle:
    """One author's sources. Raises FormatError with the file and place of what is wrong."""
    profile = _read(folder / "profile.yaml")
    author = from_json({"format": NAME, "version": VERSION, "author": profile}).author
    prompts = (read_prompt(folder / f"{slug}.yaml", profile.get("pinned", ())) for slug in profile["prompts"])
    return Bundle(author, tuple(prompts))


def read_prompt(path: Path, pinned: Sequence[str] = ()) -> BundledPrompt:
    """One prompt's file; its first version is the baseline.

    A version says what differs; variables and parameters it does not name are the prompt's. The assertions
    under ``every_case`` come first in each. Its ``failures`` and ``repeats`` are for the recording alone.
    """
    row, slug = _read(path), path.stem
    common = {name: row[name] for name in ("variables", "parameters") if name in row}
    every = row.get("every_case", [])
    prompt = {
        "visibility": "public",
        **row,
        "versions": [
            common | one | {"number": n, "note": one.get("note", "").strip()}
            for n, one in enumerate(row.get("versions", ()), 1)
        ],
        "cases": [
            one
            | {"assertions": [*every, *one.get("assertions", ())]}
            | {"pictures": [_case_picture(path, named) for named in one.get("pictures", ())]}
            for one in row.get("cases", ())
        ],
        "pictures": {
            digest_of(data): b64encode(data).decode()
            for one in row.get("cases", ())
            for data in (_picture_file(path, named) for named in one.get("pictures", ()))
        },
        "baseline": 1,
        "pin_position": pinned.index(slug) + 1 if slug in pinned else None,
    }
    bundle = {"format": NAME, "version": VERSION, "author": {"handle": "-"}, "prompts": [prompt]}
    try:
        return from_json(bundle).prompts[0]
    except FormatError as error:
        raise FormatError(f"{path.name}: {error}") from None


def _picture_file(path: Path, named: Mapping[str, str]) -> bytes:
    """Out of the folder ``pictures`` beside the prompt's file. It is kept byte for byte, so it is one that
    ``engine.pictures.keep_to_send`` made."""
    return (path.parent / "pictures" / named["file"]).read_bytes()


def _case_picture(path: Path, named: Mapping[str, str]) -> dict[str, Json]:
    picture = keep_again(_picture_file(path, named))
    sides = picture.width, picture.height
    return CasePicture(named["variable"], digest_of(picture.data), *sides, named["alt"]).as_json()


def read_failures(path: Path) -> tuple[SourceFailure, ...]:
    """The failure shelf of one prompt's file; raises FormatError."""
    return read_as(_FAILURES, _read(path).get("failures", ()), f"{path.name}: failures")


def read_repeats(path: Path) -> dict[int, int]:
    """How often each case is put to a version, by its number, where one prompt's file says so."""
    return {n: one["repeats"] for n, one in enumerate(_read(path)["versions"], 1) if "repeats" in one}


def _read(path: Path) -> dict[str, Json]:
    """Its fields, without white space around its own texts. Raises FormatError."""
    try:
        fields = yaml.safe_load(path.read_text()).items()
    except yaml.YAMLError as error:
        raise FormatError(f"{path.name} is not valid YAML: {error}") from None
    return {key: value.strip() if isinstance(value, str) else value for key, value in fields}
