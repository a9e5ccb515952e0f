"""The data: people, their prompts, and the evidence."""

from prompts_app.models.encryption import KeyUnreadable
from prompts_app.models.evidence import Batch, Endpoint, Level, Result, Run, Source
from prompts_app.models.people import FormerHandle, Profile, User
from prompts_app.models.prompts import (
    Case,
    Draft,
    FormerSlug,
    ImpactKind,
    ImportDraft,
    Licence,
    Prompt,
    SearchDocument,
    Tag,
    Task,
    Version,
)
from prompts_app.models.samples import SampleBundle
from prompts_app.models.seals import Seal, SigningKey
from prompts_app.models.sharing import ShareLink, ShareLinkOpens, ShareLinkPrompt
from prompts_app.models.visibility import Visibility

__all__ = [
    "Batch", "Case", "Draft", "Endpoint", "FormerHandle", "FormerSlug", "ImpactKind", "ImportDraft",
    "KeyUnreadable", "Level", "Licence", "Profile", "Prompt", "Result", "Run", "SampleBundle", "Seal",
    "SearchDocument", "ShareLink", "ShareLinkOpens", "ShareLinkPrompt", "SigningKey", "Source", "Tag",
    "Task", "User", "Version", "Visibility",
]  # fmt: skip
