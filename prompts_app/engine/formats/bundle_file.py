"""Our own bundles as one more kind of file to import."""

from __future__ import annotations

from prompts_app.engine.formats import bundle
from prompts_app.engine.formats.source import Source
from prompts_app.engine.formats.types import Format, Parsed, Problem

MASKED = (
    "they are masked in this file, and labels like “[client rule, 42 words]” stand where the text was. "
    "The file its author downloads in full has the text"
)


def recognises(source: Source) -> bool:
    return bundle.is_bundle(source.json)


def read(source: Source) -> Parsed:
    prompts = bundle.from_json(source.must_be_json()).prompts
    masked = tuple(
        Problem(f"{len(prompt.private)} private parts: {MASKED}", prompt.title)
        for prompt in prompts
        if prompt.is_masked
    )
    return Parsed((), masked, bundled=prompts)


FORMAT = Format("bundle", "Proofsheet bundles (JSON)", recognises, read, ("json",))
