"""The failure shelf: recorded failures whose author says what went wrong, and which version mended it."""

from typing import Self

from django.db import models

from prompts_app.models.evidence import Run
from prompts_app.models.ids import public_id
from prompts_app.models.prompts import Prompt, Version
from prompts_app.models.reading import Masked, MaskedQuerySet
from prompts_app.models.text import refuse_nul

LONGEST_DIAGNOSIS = 4000  # characters


class KnownFailureQuerySet(MaskedQuerySet["KnownFailure"]):
    def with_run(self) -> Self:
        """With the run and both versions, without the texts that may be megabytes."""
        return self.select_related("run__version", "fixed_in").defer(
            "run__suite",
            *(
                f"{version}__{column}"
                for version in ("run__version", "fixed_in")
                for column in ("messages", "variables", "parameters")
            ),
        )


class KnownFailure(Masked):
    """One case that failed in one run, and the author's diagnosis. It goes when its run is deleted.

    Nothing of the failure is copied: input, answer and verdict are read from the run each time.
    """

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="known_failures")
    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="known_failures")
    case_index = models.PositiveIntegerField()  # place in run.suite, from 0
    diagnosis = models.TextField(max_length=LONGEST_DIAGNOSIS, validators=[refuse_nul])
    # The version its author says mended it; whether it did is computed, see actions.prompts.known_failures.
    fixed_in = models.ForeignKey(Version, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    position = models.PositiveIntegerField(default=0)
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = KnownFailureQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "case_index"], name="known_failure_once_per_case_of_a_run")
        ]
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return f"case {self.number}"

    @property
    def number(self) -> int:
        """The case's number as pages count, from 1."""
        return self.case_index + 1
