"""Seals of finished runs, chained per author, and the site's signing keys."""

import json
from typing import Any

from django.conf import settings
from django.db import models

from prompts_app.models.encryption import decrypt
from prompts_app.models.evidence import Run


class SigningKey(models.Model):
    """One of the site's keys. The newest signs; a retired one stays, so that old seals can be checked."""

    kid = models.CharField(max_length=64, unique=True)
    public_jwk = models.JSONField()
    encrypted_jwk = models.BinaryField()  # the private part, encrypted as endpoint keys are
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.kid

    def private_jwk(self) -> dict[str, Any]:
        """For the moment of signing only. Raises KeyUnreadable."""
        jwk: dict[str, Any] = json.loads(decrypt(self.encrypted_jwk))
        return jwk


class Seal(models.Model):
    """A signed statement about a run. It outlives the run, as the tombstone that keeps the chain whole."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="seals")
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="seals")
    run_id_then = models.CharField(max_length=12)  # the run's public id, which stays when the run is deleted
    # Names as they were when it was sealed, since a title or a handle may change: see runs.seal.names_of.
    names = models.JSONField()
    sequence = models.PositiveIntegerField()  # 1, 2, 3 … per author
    record_digest = models.CharField(max_length=64)
    previous = models.CharField(max_length=64, blank=True)  # digest of the seal before, "" for the first
    jws = models.TextField()
    digest = models.CharField(max_length=64, unique=True)  # of jws: what the next seal names
    sealed_at = models.DateTimeField()

    class Meta:
        ordering = ["sequence"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "sequence"], name="seal_sequence_unique_per_owner")
        ]

    def __str__(self) -> str:
        return f"seal {self.sequence} of {self.owner_id}"
