"""Revealing private parts: what the author hands over, and checking what somebody was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from prompts_app.access import Viewer
from prompts_app.actions.private import forms_of
from prompts_app.actions.seal import Verdict, sealed_file, verify
from prompts_app.engine.reveals import Reveal, is_masked, masked_file, merged
from prompts_app.engine.seals import Finding, seal_digest
from prompts_app.models import PrivateSpan, Prompt, Run, Seal
from prompts_app.models.reading import Reading, reading

# What a match does not show, said beside it.
NOT_PROVEN = (
    "It does not prove that the text was used, or that it works: only that it is what was masked.",
    "It does not prove the date to somebody who does not trust this server: the hash is dated by its clock.",
    "It proves nothing about other private parts, or about what stands around them.",
)


def reveal_of(span: PrivateSpan) -> Reveal:
    """Everything somebody needs to see that this text stands behind the label. For the author alone."""
    return Reveal(span.text, span.salt, span.label, tuple(forms_of(span.prompt, span.as_engine())))


def visitors_file(run: Run, reader: Reading) -> dict[str, Any] | None:
    """The run's record with its seal as ``reader`` may read it; None without a seal."""
    with reading(None):
        whole = Run.objects.select_related("prompt__owner", "version").get(pk=run.pk)
        sealed = sealed_file(whole)
    return None if sealed is None else masked_file(sealed, reader.mask_of([run.prompt_id]).spans)


# --- checking -------------------------------------------------------------------------------------------


def verify_with(sealed: Any, reveals: Sequence[Reveal]) -> Verdict:
    """What holds of a sealed file, after the revealed texts were put back where they are masked in it."""
    if not is_masked(sealed):
        return verify(sealed)
    whole, left = merged(sealed, reveals) if reveals else (sealed, 0)
    verdict = verify(whole)
    if is_masked(whole):
        said = _as_it_is_shown(sealed) if verdict.statement else ()
        return replace(verdict, findings=(*verdict.findings, *said, *_left(left)))
    put_back = Finding("revealed", True, "Every private part was put back from what was revealed to you.")
    return replace(verdict, findings=(put_back, *verdict.findings))


def _left(count: int) -> tuple[Finding, ...]:
    if not count:
        return ()
    places = "one place is" if count == 1 else f"{count} places are"
    return (Finding("left", None, f"With what you were given, {places} still masked."),)


def _as_it_is_shown(sealed: Any) -> tuple[Finding, ...]:
    """Whether the rest of a masked file is what this site shows of the run today."""
    seal = Seal.objects.filter(digest=seal_digest(sealed["seal"])).select_related("run__prompt").first()
    if seal is None or seal.run is None:
        return ()
    with reading(None):
        whole, spans = sealed_file(seal.run), seal.run.prompt.private_spans.all().mask().spans
    if whole is not None and masked_file(whole, spans)["record"] == sealed["record"]:
        return (Finding("shown", True, "All else in it is what this site shows of the run today."),)
    return (
        Finding("shown", None, "It is not, or no longer, what this site shows of the run with parts masked."),
    )


@dataclass(frozen=True, slots=True)
class Match:
    """A private part of a prompt the reader may see that has the hash."""

    span: PrivateSpan
    prompt: Prompt


def matches(viewer: Viewer, digest: str) -> list[Match]:
    """Where the hash stands. Of prompts that ``viewer`` may not see it is never said."""
    visible = Prompt.objects.visible_to(viewer)
    found = PrivateSpan.objects.filter(digest=digest.lower()).in_prompts(visible).in_order()
    return [Match(span, span.prompt) for span in found.select_related("prompt__owner__profile")]
