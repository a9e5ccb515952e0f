"""What a parser hands over. No format knows another; all of them give these."""

from dataclasses import dataclass

from prompts_app.engine.formats.bundle_types import BundledPrompt, BundledRun
from prompts_app.engine.types import CaseContent, PromptContent


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the file that is not carried over: ``what`` it is and ``where`` it stood."""

    what: str
    where: str


@dataclass(frozen=True, slots=True)
class Skip:
    """A piece of the file that is left out altogether, and ``why``."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class ImportedVersion:
    """One state of a prompt, oldest first among its fellows, with its change note."""

    prompt: PromptContent
    note: str = ""


@dataclass(frozen=True, slots=True)
class NotedFailure:
    """A known failure in words, for who reads a file without runs: where it was found, what it was.

    ``fix`` says what the records say of the version that is named as the fix, or that it is still open.
    """

    case: str
    found_in: str
    diagnosis: str
    fix: str


@dataclass(frozen=True, slots=True)
class ImportedPrompt:
    """One prompt as its file has it. Nothing is shortened here: limits belong to what stores it.

    ``task`` is a word of the site's list or empty, ``tags`` are words as they stand in the file,
    ``source`` says where it comes from in a few words, ``where`` the place in the file ("row 12"),
    ``written_for`` the model the file names, ``licence`` its licence as the file spells it.
    ``is_templated``: the format has a template language of its own, which was read; whatever still
    looks like a placeholder is text. ``forked_from`` credits what it was made of. ``runs`` are results
    in the file: their version is a place in ``versions``, counted from 1, as ``baseline`` is, which the
    others are compared with (0: none was chosen).
    """

    title: str
    versions: tuple[ImportedVersion, ...]
    summary: str = ""
    task: str = ""
    tags: tuple[str, ...] = ()
    source: str = ""
    where: str = ""
    written_for: str = ""
    licence: str = ""
    cases: tuple[CaseContent, ...] = ()
    is_templated: bool = False
    runs: tuple[BundledRun, ...] = ()
    known_failures: tuple[NotedFailure, ...] = ()  # written only: they hang on runs of this server
    forked_from: str = ""
    baseline: int = 0


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file that was read. ``format`` is the key of the format that read it.

    ``bundled`` are prompts of our own format, with all that is in it.
    """

    prompts: tuple[ImportedPrompt, ...]
    unsupported: tuple[Problem, ...] = ()
    skipped: tuple[Skip, ...] = ()
    format: str = ""
    bundled: tuple[BundledPrompt, ...] = ()
