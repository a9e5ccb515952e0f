"""Evidence: endpoints that are asked, runs, and every single result."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, Count, Exists, F, OuterRef, Q, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from prompts_app.engine.adaptations import told
from prompts_app.engine.endpoints.addresses import host_of, same_address
from prompts_app.engine.prices import sources_told
from prompts_app.engine.stats import wilson
from prompts_app.engine.vendors import Claim, claim_of, claim_of_host, with_settings
from prompts_app.models.answers import ANSWERED, AnswerFields
from prompts_app.models.choices import Level, Source
from prompts_app.models.endpoints import APIS, CHAT, Batch, Endpoint
from prompts_app.models.ids import public_id
from prompts_app.models.leases import Leased, LeasedQuerySet
from prompts_app.models.prompts import Prompt, Version
from prompts_app.models.reading import Masked, MaskedQuerySet


class RunQuerySet(LeasedQuerySet["Run"]):
    def finished(self) -> Self:
        return self.filter(state=Run.State.FINISHED)

    def under_way(self) -> Self:
        # That they have not ended says the same again, as the index's condition: see Run.Meta.
        return super().under_way().filter(finished_at=None)

    def that_count(self) -> Self:
        """Evidence: finished runs, never practice."""
        return self.finished().exclude(source=Source.PRACTICE)

    def ended_early(self) -> Self:
        """Asked and answered in part, never finished: they count for nothing, and how many there are is told.

        Else a run that goes badly could be cancelled, and nobody would know of it.
        """
        ended = [Run.State.CANCELLED, Run.State.CAPPED, Run.State.STOPPED]
        return self.answered().filter(state__in=ended, source=Source.RECORDED)

    def answered(self) -> Self:
        """With at least one answer, whatever came of it: without any, nothing was tested."""
        return self.filter(_has_an_answer())

    def ended_without_an_answer(self) -> Self:
        """Asked by this server, and no call was answered: they count as nothing else, and are told."""
        asked = Exists(Result.objects.filter(run=OuterRef("pk")))
        ended = self.exclude(state__in=Run.UNDER_WAY)
        return ended.filter(asked, ~_has_an_answer(), source=Source.RECORDED)

    def pasted(self) -> Self:
        return self.filter(source=Source.PASTED)

    def with_result_count(self) -> Self:
        """With ``outputs`` on each, and without their suites."""
        return self.defer("suite").annotate(outputs=Count("results"))

    def claimable(self) -> Self:
        """One that only has to be ended does not wait for its endpoint."""
        return self.abandoned().exclude(self._must_wait(), cancel_requested=False)

    def claim(self, pk: int, worker: str, **columns: Any) -> bool:
        return super().claim(
            pk,
            worker,
            state=Run.State.RUNNING,
            started_at=Coalesce("started_at", Value(timezone.now())),
            # A claim that is still there is one whose worker never gave it back.
            resumed=F("resumed") + Case(When(claim="", then=0), default=1),
            **columns,
        )

    def notice_vanished(self) -> int:
        """Runs whose worker let its lease run out; how many. Each is told once: from then on it waits as one
        that was never taken up. Its claim stays, so that a worker that is only late may still go on."""
        return self.abandoned().filter(lease_until__isnull=False).update(lease_until=None)

    def hold(self) -> None:
        """Until the transaction ends: a worker that comes with a result waits. To be called before deleting
        them, or its result comes between the looking and the deleting."""
        list(self.select_for_update(of=("self",)).order_by("pk").values_list("pk"))


def _has_an_answer() -> Exists:
    return Exists(Result.objects.answers().filter(run=OuterRef("pk")))


class Run(Leased, Masked):
    """One version × one model × the suite × repeats."""

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Running"
        FINISHED = "finished", "Finished"
        CANCELLED = "cancelled", "Cancelled"
        CAPPED = "capped", "Stopped at the cost cap"
        STOPPED = "stopped", "Stopped by an error"

    UNDER_WAY = (State.QUEUED, State.RUNNING)
    ONE_AT_A_TIME = "endpoint"  # the limit on calls at once is the endpoint's

    batch = models.ForeignKey(Batch, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs")
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="runs")
    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="runs")
    endpoint = models.ForeignKey(
        Endpoint, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs"
    )
    endpoint_name = models.CharField(max_length=60, blank=True)
    endpoint_host = models.CharField(max_length=255, blank=True)  # when it was started
    # Where it was started to ask, its judge's too: asking is never gone on with at another address. The
    # author's own: a path may hold a key, so it is shown to nobody else. "": practice, or not known.
    endpoint_url = models.CharField(max_length=300, blank=True)
    judge_endpoint_url = models.CharField(max_length=300, blank=True)
    # Where its answers really came from, the most frequent first: of Result.asked_at. [] where that is not
    # known: nothing was answered, or it was recorded before this was kept.
    asked_at = models.JSONField(default=list, blank=True)
    model = models.CharField(max_length=200)  # as asked
    model_answered = models.CharField(max_length=200, blank=True)  # as the provider named it
    # As readers are told it, and told it apart: "gpt-4.1 (own server)" is another model than "gpt-4.1".
    named = models.CharField(max_length=240, blank=True, editable=False)  # Run.named_now
    parameters = models.JSONField(default=dict, blank=True)  # as asked: the version's, and these over them:
    adapted = models.JSONField(default=list, blank=True)  # what its server refused: of adaptations.WORDS
    settings = models.JSONField(default=dict, blank=True)  # {"reasoning_effort": "high", "verbosity": "low"}
    judges_after_thinking = models.BooleanField(default=False)  # what follows "</think>": engine.thinking
    api = models.CharField(max_length=12, default=CHAT, choices=APIS)  # that its calls go to
    stream = models.BooleanField(default=False)  # its answers are asked for in pieces
    repeats = models.PositiveSmallIntegerField(default=1)
    suite = models.JSONField()  # [engine.digests.case_json, …]: the tests as they were
    suite_digest = models.CharField(max_length=64)
    suite_fixed_at = models.DateTimeField(null=True, blank=True)  # last change before the run; null: unknown
    judge_endpoint_name = models.CharField(max_length=60, blank=True)
    judge_model = models.CharField(max_length=200, blank=True)  # as asked; no model at all: no judge
    judge_embedding_model = models.CharField(max_length=200, blank=True)  # as asked
    judge_parameters = models.JSONField(default=dict, blank=True)  # as sent to the judge's model
    source = models.CharField(max_length=10, choices=Source)
    source_note = models.CharField(max_length=200, blank=True)  # file name of an import, and the like
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    stop_reason = models.CharField(max_length=300, blank=True)
    unsealed_why = models.CharField(max_length=300, blank=True)  # why it ended without a seal, if it did
    cancel_requested = models.BooleanField(default=False)  # of this run alone; the batch has its own

    resumed = models.PositiveSmallIntegerField(default=0)  # times another worker had to take it over

    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)

    # Totals over its results, written by actions.runs.counting.count_run when it ends.
    cases_passed = models.PositiveIntegerField(default=0)
    cases_failed = models.PositiveIntegerField(default=0)
    cases_error = models.PositiveIntegerField(default=0)
    answers = models.PositiveIntegerField(default=0)  # results with one, judged or not
    # How its answers kept to the schema that was asked for: {"held", "kept", "cut", "withheld", "refused"},
    # each a number of answers or calls, none of them 0; {}: no schema, or counted before there was this.
    schema_fit = models.JSONField(default=dict, blank=True)
    cost = models.DecimalField(max_digits=14, decimal_places=8, null=True, blank=True)  # null: unknown
    judge_cost = models.DecimalField(
        max_digits=14, decimal_places=8, null=True, blank=True
    )  # the same, apart
    cost_sources = models.JSONField(default=dict, blank=True)  # {Result.cost_source: number of answers}
    latency_median_ms = models.FloatField(null=True, blank=True)
    first_token_median_ms = models.FloatField(null=True, blank=True)
    tokens_in_median = models.FloatField(null=True, blank=True)
    tokens_out_median = models.FloatField(null=True, blank=True)
    # When it was sealed (see models.seals); kept here so that lists need no join.
    sealed_at = models.DateTimeField(null=True, blank=True)
    # One letter a case, in the suite's order: p passed, f failed, e no answer, w waiting, u not judged.
    frames = models.TextField(blank=True)
    distinct = models.JSONField(default=list, blank=True)  # distinct outputs of each case; []: one repeat

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["prompt", "state"], name="run_of_prompt_by_state"),
            # Few at any time, of however many there are: what is looked for every few seconds.
            models.Index(
                fields=["state", "created_at"],
                condition=Q(finished_at=None),
                name="run_under_way",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version} on {self.named}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self._state.adding:
            self.named = self.named_now
        super().save(*args, **kwargs)

    @property
    def who(self) -> Claim:
        """Who may be named for its answers. Of what this server did not ask, that is not known."""
        if self.source != Source.RECORDED:
            return claim_of(self.model, [])
        if self.asked_at:
            return claim_of(self.model, self.asked_at, answered=self.model_answered)
        return claim_of_host(self.model, self.endpoint_host)

    @property
    def named_now(self) -> str:
        """As readers are told it now: what may be said of a host can change."""
        return with_settings(self.who.named, self.settings)

    @property
    def adapted_told(self) -> str:
        """ "without temperature, with …": how it was asked otherwise than the version says; "" for not."""
        return told(self.adapted)

    @property
    def place(self) -> str:
        """Whose servers answered, else their addresses; "" where that is not known."""
        who = self.who
        return who.by or who.at

    def is_asked_elsewhere(self, than: Run) -> bool:
        """Whether the two are known to be from different places: then one name on both, which their authors
        gave, does not make them one model."""
        return bool(self.place and than.place and self.place != than.place)

    @property
    def level(self) -> Level | None:
        """The evidence level; None for practice, which is no evidence."""
        if self.sealed_at is not None:
            return Level.SEALED
        return {
            Source.PASTED: Level.PASTED,
            Source.IMPORTED: Level.IMPORTED,
            Source.RECORDED: Level.RECORDED,
        }.get(Source(self.source))

    @property
    def cost_told(self) -> str:
        """Where its costs are from, in words; "" where nothing is known of them."""
        return sources_told(self.cost_sources)

    @property
    def expected_results(self) -> int:
        return len(self.suite) * self.repeats

    @classmethod
    def lease_s(cls) -> float:
        return settings.RUN_LEASE_S

    @property
    def has_moved(self) -> bool:
        """Whether its endpoint has another address now than the one it was started to ask. Of runs from
        before the whole address was kept, only the host is known."""
        if self.endpoint is None:
            return False
        if not self.endpoint_url and self.endpoint_host:
            return host_of(self.endpoint.base_url) != self.endpoint_host
        return not same_address(self.endpoint.base_url, self.endpoint_url)

    @property
    def has_judge(self) -> bool:
        return bool(self.judge_model or self.judge_embedding_model)

    def distinct_of(self, case_index: int) -> int:
        """How many different outputs the case's repeats gave; 0 while that is not known."""
        return self.distinct[case_index] if case_index < len(self.distinct) else 0

    @property
    def cases_steady(self) -> int:
        """Cases whose repeats all gave the same output."""
        return sum(count == 1 for count in self.distinct)

    @property
    def cases_counted(self) -> int:
        return self.cases_passed + self.cases_failed

    @property
    def low(self) -> float:
        """Of the 95% interval of its pass rate, 0..1; 0 where nothing was judged."""
        return wilson(self.cases_passed, self.cases_counted)[0]

    @property
    def high(self) -> float:
        return wilson(self.cases_passed, self.cases_counted)[1]


class ResultQuerySet(MaskedQuerySet["Result"]):
    def answers(self) -> Self:
        """Those with an answer, also where it is the judge who failed."""
        return self.filter(error_kind__in=ANSWERED)


class Result(AnswerFields, Masked):
    """One output: one case, one repeat. Written the moment it arrives."""

    masked_by = "run__prompt"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="results")
    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    case_index = models.PositiveIntegerField()  # place in run.suite, from 0
    repeat = models.PositiveSmallIntegerField(default=0)
    # What is known of an output that is a picture: engine.types.Picture.about; {}: it is a text. The picture
    # itself is in PictureFile, so that no list ever reads it. Only digests: it came in a file without it.
    picture = models.JSONField(default=dict, blank=True)
    # What the sealed record says, where a later release found that wrong: {"error", "passed", "checks"}
    sealed_as = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ResultQuerySet.as_manager()

    class Meta:
        constraints = [
            # The same cell is never stored twice, whatever a queue delivers twice.
            models.UniqueConstraint(fields=["run", "case_index", "repeat"], name="one_result_per_cell")
        ]
        ordering = ["case_index", "repeat"]

    def __str__(self) -> str:
        return self.public_id

    def get_absolute_url(self) -> str:
        return f"{self.run.prompt.get_absolute_url()}results/{self.public_id}/"

    @property
    def case(self) -> dict[str, Any]:
        """The case as it was when the run was made."""
        case: dict[str, Any] = self.run.suite[self.case_index]
        return case

    @property
    def case_threshold(self) -> float | None:
        """The mean score with which the case passes; None where all of its assertions have to hold."""
        threshold: float | None = self.case.get("threshold")
        return threshold

    @property
    def who(self) -> Claim:
        """The same as ``Run.who``, of this one answer."""
        if self.run.source != Source.RECORDED or not self.asked_at:
            return self.run.who
        return claim_of(self.run.model, [self.asked_at], answered=self.model)

    @property
    def ending(self) -> str:
        return "" if self.picture else super().ending
