"""Our own bundles as one more kind of file to import."""

from __future__ import annotations

from prompts_app.engine.formats import bundle
from prompts_app.engine.formats.source import Source
from prompts_app.engine.formats.types import Format, Parsed


def recognises(source: Source) -> bool:
    return bundle.is_bundle(source.json)


def read(source: Source) -> Parsed:
    return Parsed((), bundled=bundle.from_json(source.must_be_json()).prompts)


FORMAT = Format("bundle", "Proofsheet bundles (JSON)", recognises, read, ("json",))
