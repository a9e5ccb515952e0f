"""Plain text: the whole file is one user message."""

from prompts_app.engine.formats import titles
from prompts_app.engine.formats.source import Source
from prompts_app.engine.formats.types import Format, ImportedPrompt, ImportedVersion, Parsed
from prompts_app.engine.types import Message, Prompt

# What has a shape of its own and would be nonsense as one message.
_STRUCTURED = {"json", "jsonl", "ndjson", "csv", "tsv", "yaml", "yml", "xml", "html", "htm", "zip", "pdf"}


def recognises(source: Source) -> bool:
    return source.extension not in _STRUCTURED


def read(source: Source) -> Parsed:
    return Parsed((one_message(source, source.text.strip("\n")),))


def one_message(source: Source, text: str) -> ImportedPrompt:
    """The text as a prompt of one user message, named after the file or else after its first line."""
    return ImportedPrompt(
        title=titles.from_file_name(source.stem) or titles.from_text(text),
        versions=(ImportedVersion(Prompt((Message("user", text),))),),
        source=f"text file {source.name}" if source.name else "pasted text",
    )


FORMAT = Format("text", "plain text", recognises, read, ("txt", "text"))
