"""Revealing private parts: what the author hands over, and checking what somebody was given."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from prompts_app.access import Viewer
from prompts_app.actions.prompts.private_parts import forms_of
from prompts_app.actions.runs.seal import Verdict, sealed_file, verify
from prompts_app.engine.reveals import Reveal, is_masked, masked_file, merged, without_digests
from prompts_app.engine.seals import MASKED, SEAL_LEFT_OUT, SealFinding, seal_digest
from prompts_app.models import PrivateSpan, Prompt, Run, Seal
from prompts_app.models.reading import Reading, reading
from prompts_app.models.text import storable

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

SHOWN = SealFinding("shown", True, "All else in it is what this site shows of the run today.")
NOT_SHOWN = SealFinding(
    "shown", None, "It is not, or no longer, what this site shows of the run with parts masked."
)
PUT_BACK = SealFinding("revealed", True, "Every private part was put back from what was revealed to you.")
WITHHELD = SealFinding(
    "content",
    None,
    "Parts of this run are private. Whether a full record of it is what was sealed is told here only to "
    "whoever also gives each part as its author revealed it: else a guess could be tried. The ten lines "
    "below check it without this site.",
)


def verify_with(sealed: Any, reveals: Sequence[Reveal], viewer: Viewer | None = None) -> Verdict:
    """What holds of a sealed file, for ``viewer``; None is the operator, from whom nothing is kept.

    What is secret is compared with what somebody typed only where each private part in it was given with its
    salt, by the whole hash: so nothing here says whether a guess is right.
    """
    run = _run_of(sealed, viewer)
    kept = _Kept(run) if run else None
    if is_masked(sealed):
        return _of_masked(sealed, reveals, kept)
    verdict = verify(sealed)
    if verdict.statement is None or viewer is None or _may_know(sealed["seal"], reveals, kept, viewer):
        return verdict
    told = (WITHHELD if finding.name == "content" else finding for finding in verdict.findings)
    return replace(verdict, findings=tuple(told))


class _Kept:
    """A sealed run as this site has it: in full, and as visitors read it."""

    def __init__(self, run: Run) -> None:
        with reading(None):
            self.owner_id = run.prompt.owner_id
            self.whole = sealed_file(run)
            spans = run.prompt.private_spans.all().mask().spans
        self.shown = masked_file(self.whole, spans) if self.whole else {}
        self.parts = {part["sha256"] for part in self.shown.get("private", {}).get("parts", ())}

    def proven(self, reveals: Iterable[Reveal]) -> list[Reveal]:
        """Those that are of a part of this record."""
        return [reveal for reveal in reveals if reveal.digest in self.parts]

    def is_known_from(self, reveals: Iterable[Reveal]) -> bool:
        return self.parts <= {reveal.digest for reveal in reveals}


@reading(None)
def _run_of(sealed: Any, viewer: Viewer | None) -> Run | None:
    """Of its seal; of a masked file without one, the run it names where ``viewer`` may see it."""
    runs = Run.objects.select_related("prompt__owner", "version")
    if isinstance(sealed, Mapping) and isinstance(jws := sealed.get("seal"), str):
        return runs.filter(seals__digest=seal_digest(storable(jws))).first()
    if not is_masked(sealed) or not isinstance(about := sealed["record"].get("run"), Mapping):
        return None
    visible = Prompt.objects.all() if viewer is None else Prompt.objects.visible_to(viewer)
    named = storable(str(about.get("id", "")))[:12]
    return runs.exclude(seals=None).filter(public_id=named, prompt__in=visible).first()


def _may_know(jws: str, reveals: Sequence[Reveal], kept: _Kept | None, viewer: Viewer) -> bool:
    if kept is None:  # the run was deleted: which of its author's private parts were in it is not known
        owner = Seal.objects.filter(digest=seal_digest(jws)).values_list("owner_id", flat=True).first()
        return owner in (None, viewer.pk) or not PrivateSpan.objects.filter(prompt__owner=owner).exists()
    return kept.owner_id == viewer.pk or kept.is_known_from(reveals)


def _of_masked(sealed: Any, reveals: Sequence[Reveal], kept: _Kept | None) -> Verdict:
    if kept is None or kept.whole is None:
        return verify(sealed)
    is_shown = kept.shown.get("record") == sealed["record"]
    if kept.parts and kept.is_known_from(reveals):
        return _put_back(sealed, kept.proven(reveals), kept, is_shown)
    if not is_shown:
        verdict = verify(sealed)
        return replace(verdict, findings=(*verdict.findings, NOT_SHOWN, *_left(sealed, kept, reveals)))
    verdict = verify(kept.whole)
    findings = (MASKED if finding.name == "content" else finding for finding in verdict.findings)
    return replace(verdict, findings=(*findings, SHOWN, *_left(sealed, kept, reveals)))


def _put_back(sealed: Any, reveals: Sequence[Reveal], kept: _Kept, is_shown: bool) -> Verdict:
    """With the texts in their places it is an ordinary sealed file again."""
    assert kept.whole is not None
    file, left = merged(sealed, reveals)
    if is_shown or (not left and without_digests(file["record"]) == without_digests(kept.whole["record"])):
        file, left = kept.whole, 0
    if left:
        return Verdict((SEAL_LEFT_OUT, *_left(sealed, kept, reveals)))
    verdict = verify({"record": file["record"], "seal": kept.whole["seal"]})
    return replace(verdict, findings=(PUT_BACK, *verdict.findings))


def _left(sealed: Any, kept: _Kept, reveals: Sequence[Reveal]) -> tuple[SealFinding, ...]:
    if not reveals or not (count := merged(sealed, kept.proven(reveals))[1]):
        return ()
    places = "one place is" if count == 1 else f"{count} places are"
    return (SealFinding("left", None, f"With what you were given, {places} still masked."),)


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
