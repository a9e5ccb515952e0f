"""Where models are asked, and one press of the button that asks them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from prompts_app.engine import types as engine
from prompts_app.engine.adaptations import told
from prompts_app.engine.endpoints.addresses import same_address
from prompts_app.engine.prices import own_price_from_json
from prompts_app.models.encryption import decrypt, encrypt
from prompts_app.models.ids import public_id
from prompts_app.models.prompts import Prompt
from prompts_app.models.text import refuse_invisible

if TYPE_CHECKING:
    from prompts_app.models.evidence import Run

CHAT, RESPONSES, IMAGES = "chat", "responses", "images"
TEXT_APIS = [(CHAT, "Chat Completions"), (RESPONSES, "Responses")]
APIS = [(CHAT, "Chat Completions"), (RESPONSES, "the Responses API"), (IMAGES, "the images API")]
USUAL_LIMIT_S = 600  # for a call, where an endpoint has no limit of its own


class Endpoint(models.Model):
    """An OpenAI-compatible base URL and a key, which is encrypted, never shown again and never exported."""

    PRACTICE = "practice"
    OPENAI = "openai-compatible"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="endpoints")
    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    name = models.CharField(max_length=60, validators=[refuse_invisible])
    kind = models.CharField(
        max_length=20, default=OPENAI, choices=[(OPENAI, "OpenAI-compatible"), (PRACTICE, "Practice")]
    )
    base_url = models.CharField(max_length=300, blank=True)
    api = models.CharField(max_length=12, default=CHAT, choices=TEXT_APIS)  # that texts are asked for at
    encrypted_key = models.BinaryField(default=b"", blank=True)
    known_models = models.JSONField(default=list, blank=True)  # names it listed at the last test
    last_tested_at = models.DateTimeField(null=True, blank=True)
    # {model: what it refuses}, words of engine.adaptations; learned in runs, forgotten at the next test
    learned = models.JSONField(default=dict, blank=True)
    time_limit_s = models.PositiveIntegerField(null=True, blank=True)  # for each attempt; null: the usual
    # [{"model", "tokens_in", "cached", "tokens_out", "as_of"}, …], see engine.types.OwnPrice; money is text
    prices = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="endpoint_name_unique_per_owner")
        ]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_practice(self) -> bool:
        return self.kind == self.PRACTICE

    @property
    def has_key(self) -> bool:
        return bool(self.encrypted_key)

    def set_key(self, key: str) -> None:
        self.encrypted_key = encrypt(key) if key else b""

    def as_engine(self) -> engine.EndpointConfig:
        """With the key in clear, for the moment of the call only. Raises KeyUnreadable."""
        return engine.EndpointConfig(
            kind=self.kind,
            base_url=self.base_url,
            key=decrypt(self.encrypted_key) if self.encrypted_key else "",
            allowed_private_hosts=frozenset(settings.PRIVATE_ENDPOINT_HOSTS),
            time_limit_s=self.limit_s,
            prices=self.own_prices,
            api="responses" if self.api == RESPONSES else "chat",
        )

    @property
    def limit_s(self) -> float:
        """Seconds each attempt at a call may take: the author's limit or the usual one, never more than the
        operator allows."""
        return min(float(self.time_limit_s or USUAL_LIMIT_S), settings.CALL_DEADLINE_S)

    @property
    def learned_told(self) -> dict[str, str]:
        """Model → how it is asked otherwise than a version says."""
        return {model: told(words) for model, words in sorted(self.learned.items())}

    @property
    def own_prices(self) -> tuple[engine.OwnPrice, ...]:
        return tuple(own_price_from_json(row) for row in self.prices)


class Batch(models.Model):
    """One press of the Run button: runs over versions × models that share repeats and a cost cap."""

    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="batches")
    repeats = models.PositiveSmallIntegerField(default=1)
    cost_cap = models.DecimalField(max_digits=10, decimal_places=4, null=True, blank=True)  # US dollars
    cancel_requested = models.BooleanField(default=False)
    # Who grades what a model has to grade; names are kept on each run too, where they are evidence.
    judge_endpoint = models.ForeignKey(
        Endpoint, null=True, blank=True, on_delete=models.SET_NULL, related_name="judged_batches"
    )
    judge_model = models.CharField(max_length=200, blank=True)
    judge_embedding_model = models.CharField(max_length=200, blank=True)
    judge_parameters = models.JSONField(default=dict, blank=True)  # as sent: {"temperature": 0}
    press = models.CharField(max_length=64, blank=True, editable=False)  # which press of the button it was
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name_plural = "batches"
        constraints = [
            models.UniqueConstraint(
                fields=["prompt", "press"], condition=~Q(press=""), name="batch_once_a_press"
            )
        ]

    def __str__(self) -> str:
        return self.public_id

    def get_absolute_url(self) -> str:
        return reverse("studio_batch", args=[self.public_id])

    def judge_has_moved(self, run: Run) -> bool:
        """The same of the judge's endpoint as ``Run.has_moved``."""
        judge = self.judge_endpoint
        known = bool(judge and run.judge_endpoint_url)
        return known and not same_address(judge.base_url if judge else "", run.judge_endpoint_url)
