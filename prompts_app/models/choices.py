"""What a prompt is for, under what licence, and how far evidence can be trusted: words of fixed lists."""

from django.db import models


class Task(models.TextChoices):
    """What kind of work a prompt does: the filter on the browse page."""

    EXTRACTION = "extraction", "Extraction"
    CLASSIFICATION = "classification", "Classification"
    SUMMARISING = "summarising", "Summarising"
    REWRITING = "rewriting", "Rewriting"
    WRITING = "writing", "Writing"
    TRANSLATION = "translation", "Translation"
    DIALOGUE = "dialogue", "Dialogue and role-play"
    QUESTIONS = "questions", "Question answering"
    PLANNING = "planning", "Planning"
    REASONING = "reasoning", "Reasoning"
    CODE = "code", "Code and SQL"
    AGENT = "agent", "Agents and tools"
    SKILL = "skill", "Agent skill"
    IMAGE = "image", "Image"
    OTHER = "other", "Other"


class Licence(models.TextChoices):
    CC_BY = "CC-BY-4.0", "CC BY 4.0"
    CC_BY_SA = "CC-BY-SA-4.0", "CC BY-SA 4.0"
    CC0 = "CC0-1.0", "CC0 1.0 (public domain)"
    MIT = "MIT", "MIT"
    RESERVED = "reserved", "All rights reserved"


class ImpactKind(models.TextChoices):
    NONE = "none", "None measured"
    ESTIMATED = "estimated", "Estimated"
    MEASURED = "measured", "Measured"


class Level(models.IntegerChoices):
    """How far a result can be trusted; the sentences are in product.md and on every page."""

    PASTED = 0, "pasted"
    IMPORTED = 1, "imported"
    RECORDED = 2, "recorded"
    SEALED = 3, "sealed"
    REPRODUCED = 4, "reproduced"


class Source(models.TextChoices):
    PASTED = "pasted", "Pasted by the author"
    IMPORTED = "imported", "Imported from a file"
    RECORDED = "recorded", "Recorded by this server"
    PRACTICE = "practice", "Practice, not a model"
