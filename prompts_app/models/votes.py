"""What visitors thought: which of two outputs read better, chosen without knowing whose they were.

Opinion, not evidence: nothing that counts, sorts or draws a prompt's figures reads this table.
"""

from dataclasses import dataclass

from django.db import models
from django.db.models import Q

from prompts_app.models.evidence import Result


class BlindChoice(models.TextChoices):
    ONE = "one", "The first of the pair"
    OTHER = "other", "The second of the pair"
    NEITHER = "neither", "No difference"


class BlindVote(models.Model):
    """One visitor's choice between two results. It goes when one of the two is deleted.

    Who chose is not stored. ``voter`` and ``place`` are keyed hashes made anew for each pair (see
    actions.sharing.votes), so that two votes of one visitor on two pairs have nothing in common.
    """

    one = models.ForeignKey(Result, on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey(Result, on_delete=models.CASCADE, related_name="+")
    choice = models.CharField(max_length=7, choices=BlindChoice)
    voter = models.CharField(max_length=32)  # of the account, else of the cookie
    place = models.CharField(max_length=5, blank=True)  # of the network; "": signed in

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["one", "other", "voter"], name="one_blind_vote_per_visitor"),
            models.UniqueConstraint(
                fields=["one", "other", "place"], condition=~Q(place=""), name="one_blind_vote_per_network"
            ),
        ]

    def __str__(self) -> str:
        return self.choice


@dataclass(frozen=True, slots=True)
class Pair:
    """The keys of two results."""

    one: int
    other: int
