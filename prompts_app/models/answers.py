"""What is known of one answer of a model, whatever it was asked for."""

from __future__ import annotations

from django.db import models

from prompts_app.engine.faults import FAULTS, FaultKind
from prompts_app.engine.finish_reasons import ending_in_words
from prompts_app.engine.tool_steps import UNANSWERED

LONGEST_ORIGIN = 300  # "https://" and a host of 253 characters, and a port
ANSWERED = ("", "judge_error", "judge_again")  # kinds of errors of a result with an answer


class AnswerFields(models.Model):
    """An answer, or the fault in its place."""

    request = models.JSONField(default=dict, blank=True)  # as sent
    output = models.TextField(blank=True)
    # Of the Responses API: the items of all its answers, where they say more than the output does
    trace = models.JSONField(default=list, blank=True)
    finish_reason = models.CharField(max_length=60, blank=True)
    # Why calls of tools ended the case though it has canned results; its steps are in ``request``. "": they
    # did not.
    unanswered = models.CharField(max_length=12, blank=True, choices=[(why, why) for why in UNANSWERED])
    model = models.CharField(max_length=200, blank=True)  # as returned
    # Scheme, host and port of the call itself: "https://api.openai.com". "": nothing was sent, or not known.
    asked_at = models.CharField(max_length=LONGEST_ORIGIN, blank=True)
    response_id = models.CharField(max_length=200, blank=True)
    fingerprint = models.CharField(max_length=200, blank=True)
    tokens_in = models.PositiveIntegerField(null=True, blank=True)
    tokens_out = models.PositiveIntegerField(null=True, blank=True)
    tokens_reasoning = models.PositiveIntegerField(null=True, blank=True)  # of tokens_out; null: not said
    reasoning_chars = models.PositiveIntegerField(null=True, blank=True)  # of thinking that came beside
    latency_ms = models.FloatField(null=True, blank=True)
    first_token_ms = models.FloatField(null=True, blank=True)  # of an answer that came in pieces
    attempts = models.PositiveSmallIntegerField(default=1)
    cost = models.DecimalField(
        max_digits=14, decimal_places=8, null=True, blank=True
    )  # US dollars; null: unknown
    cost_source = models.CharField(max_length=160, blank=True)  # see engine.prices
    error_kind = models.CharField(max_length=30, blank=True)  # a name of engine.faults.FAULTS
    error_message = models.TextField(blank=True)
    judge_cost = models.DecimalField(
        max_digits=14, decimal_places=8, null=True, blank=True
    )  # US dollars, beside ``cost``; null: unknown, or no judge was asked
    judge_calls = models.PositiveSmallIntegerField(default=0)
    checks = models.JSONField(default=list, blank=True)  # [engine.assertions.stored.check_json, …]
    passed = models.BooleanField(null=True, blank=True)  # null: no answer, or no verdict (yet)

    class Meta:
        abstract = True

    @property
    def is_error(self) -> bool:
        return bool(self.error_kind)

    @property
    def fault(self) -> FaultKind | None:
        """What its error means; None where there is none, or none that is known."""
        return FAULTS.get(self.error_kind)

    @property
    def is_answered(self) -> bool:
        return self.error_kind in ANSWERED

    @property
    def ending(self) -> str:
        """What a reader must know of how the answer ended, as a sentence; mostly ""."""
        if self.unanswered and not self.is_error:
            return UNANSWERED.get(self.unanswered, "")
        if self.is_error:
            return ""
        return ending_in_words(
            self.output, self.finish_reason, self.tokens_out, self.tokens_reasoning, self.reasoning_chars
        )
