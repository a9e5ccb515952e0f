"""Bytes of pictures, in tables of their own, so that no list ever reads them."""

from django.db import models

from prompts_app.models.evidence import Result


class PictureFile(models.Model):
    """The bytes of a picture, with the result they belong to: stored with it, deleted with it."""

    result = models.OneToOneField(Result, on_delete=models.CASCADE, related_name="picture_file")
    data = models.BinaryField()  # WebP
    small = models.BinaryField()  # WebP, for lists

    def __str__(self) -> str:
        return f"picture of {self.result_id}"
