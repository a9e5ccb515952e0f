"""Who sees a thing: the same three words for a prompt and for a profile."""

from django.db import models


class Visibility(models.TextChoices):
    PRIVATE = "private", "Private"
    UNLISTED = "unlisted", "Unlisted"
    PUBLIC = "public", "Public"
