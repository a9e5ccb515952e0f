"""Our own bundles as one more kind of file to import."""

from __future__ import annotations

from prompts_app.engine.formats import bundle
from prompts_app.engine.formats.source import Source
from prompts_app.engine.formats.types import Format, Parsed, Problem
from prompts_app.engine.wording import how_many

MASKED = (
    "masked in this file, where labels like “[client rule, 42 words]” stand in place of the text. "
    "The file its author downloads in full has the text"
)


def recognises(source: Source) -> bool:
    return bundle.is_bundle(source.json)


def read(source: Source) -> Parsed:
    prompts = bundle.from_json(source.must_be_json()).prompts
    masked = tuple(
        Problem(f"{how_many(len(prompt.private), 'private part')}: {MASKED}", prompt.title)
        for prompt in prompts
        if prompt.is_masked
    )
    return Parsed((), masked, bundled=prompts)


FORMAT = Format("bundle", "Proofsheet bundles (JSON)", recognises, read, ("json",))
