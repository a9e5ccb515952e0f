"""Bytes of pictures, in tables of their own, so that no list ever reads them."""

from django.db import models

from prompts_app.models.evidence import Result
from prompts_app.models.prompts import Prompt


class PictureFile(models.Model):
    """The bytes of a picture, with the result they belong to: stored with it, deleted with it."""

    result = models.OneToOneField(Result, on_delete=models.CASCADE, related_name="picture_file")
    data = models.BinaryField()  # WebP
    small = models.BinaryField()  # WebP, for lists

    def __str__(self) -> str:
        return f"picture of {self.result_id}"


class CasePictureFile(models.Model):
    """The bytes of a picture that cases of a prompt, or suites of its runs, name by its digest."""

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="case_picture_files")
    sha256 = models.CharField(max_length=64)  # of data
    data = models.BinaryField()  # JPEG, as it is sent
    small = models.BinaryField()  # JPEG, for pages

    class Meta:
        constraints = [models.UniqueConstraint(fields=["prompt", "sha256"], name="case_picture_once")]

    def __str__(self) -> str:
        return f"picture {self.sha256[:12]} of {self.prompt_id}"
