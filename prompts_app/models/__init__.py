"""The data: people, their prompts, and the evidence."""

from prompts_app.models.choices import ImpactKind, Level, Licence, Source, Task
from prompts_app.models.drafts import Draft
from prompts_app.models.encryption import KeyUnreadable
from prompts_app.models.endpoints import Batch, Endpoint
from prompts_app.models.evidence import Result, Run
from prompts_app.models.failures import KnownFailure
from prompts_app.models.health import Heartbeat
from prompts_app.models.imports import Import, ImportPart
from prompts_app.models.jobs import Job, JobPart
from prompts_app.models.listings import Listing, ListingCount, ListingTerm, SearchDocument
from prompts_app.models.mail import QueuedMail
from prompts_app.models.people import Face, FormerHandle, GoneHandle, Profile, User
from prompts_app.models.pictures import CasePictureFile, PictureFile
from prompts_app.models.private import PrivateSpan
from prompts_app.models.prompts import (
    Case,
    FormerSlug,
    Prompt,
    Version,
)
from prompts_app.models.samples import SampleBundle
from prompts_app.models.seals import Seal, SigningKey
from prompts_app.models.sharing import ShareLink, ShareLinkOpens, ShareLinkPrompt
from prompts_app.models.tags import Tag
from prompts_app.models.tries import Try, TryAnswer
from prompts_app.models.visibility import Visibility
from prompts_app.models.votes import BlindChoice, BlindVote

__all__ = [
    "Batch",
    "BlindChoice",
    "BlindVote",
    "Case",
    "CasePictureFile",
    "Draft",
    "Endpoint",
    "Face",
    "FormerHandle",
    "FormerSlug",
    "GoneHandle",
    "Heartbeat",
    "ImpactKind",
    "Import",
    "ImportPart",
    "Job",
    "JobPart",
    "KeyUnreadable",
    "KnownFailure",
    "Level",
    "Licence",
    "Listing",
    "ListingCount",
    "ListingTerm",
    "PictureFile",
    "PrivateSpan",
    "Profile",
    "Prompt",
    "QueuedMail",
    "Result",
    "Run",
    "SampleBundle",
    "Seal",
    "SearchDocument",
    "ShareLink",
    "ShareLinkOpens",
    "ShareLinkPrompt",
    "SigningKey",
    "Source",
    "Tag",
    "Task",
    "Try",
    "TryAnswer",
    "User",
    "Version",
    "Visibility",
]  # fmt: skip
