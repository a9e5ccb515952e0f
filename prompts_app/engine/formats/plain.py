"""Plain text: the whole file is one user message."""

from prompts_app.engine.formats.parts import one_version
from prompts_app.engine.formats.source import Format, SourceFile
from prompts_app.engine.formats.types import Parsed
from prompts_app.engine.types import Message, PromptContent

# What has a shape of its own and would be nonsense as one message.
_STRUCTURED = {"json", "jsonl", "ndjson", "csv", "tsv", "yaml", "yml", "xml", "html", "htm", "zip", "pdf"}


def recognises(source: SourceFile) -> bool:
    return source.extension not in _STRUCTURED


def read(source: SourceFile) -> Parsed:
    content = PromptContent((Message("user", source.text.strip("\n")),))
    return Parsed((one_version(source, "text file", content),))


FORMAT = Format("text", "plain text", recognises, read, ("txt", "text"))
