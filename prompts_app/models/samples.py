"""Which of the shipped sample content was loaded here, so that what the operator deleted stays deleted."""

from django.db import models


class SampleBundle(models.Model):
    """One author's shipped file, as it was last loaded. It outlives the account and the prompts."""

    handle = models.CharField(max_length=30, unique=True)
    digest = models.CharField(max_length=64)  # of the file's bytes: the same file needs no second look
    prompts = models.JSONField(default=dict)  # {slug: digest of the prompt as it stood in the file}
    loaded_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"sample content of @{self.handle}"
