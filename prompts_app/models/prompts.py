"""Prompts, their immutable versions, and the cases they are put to."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone

from prompts_app.engine import types as engine
from prompts_app.engine.assertions.tools import TOOLS
from prompts_app.engine.case_pictures import CasePicture, case_picture_from_json
from prompts_app.engine.digests import case_from_json, digest, variable_from_json
from prompts_app.engine.masking import Span
from prompts_app.engine.response_format import NATIVE, PARAMETER, schema_asked_for
from prompts_app.engine.tool_rules import tools_in
from prompts_app.models.choices import ImpactKind, Licence, Task
from prompts_app.models.ids import public_id
from prompts_app.models.reading import Masked, MaskedQuerySet, now
from prompts_app.models.tags import Tag
from prompts_app.models.text import as_written, refuse_invisible, refuse_nul
from prompts_app.models.visibility import Visibility

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from prompts_app.models.people import User

MOST_CASES = 1000  # in one suite: beyond it a page and a run stop being readable
MOST_MESSAGES = 40
LONGEST_MESSAGE = 200_000  # characters


class PromptQuerySet(MaskedQuerySet["Prompt"]):
    def hold(self, *, no_key: bool = False) -> None:
        """Until the transaction ends, in one order, so that of two at once none waits for the other. To be
        called before deleting them: whoever writes a listing holds its prompt first. With ``no_key`` rows
        that name them may still be added."""
        list(self.order_by("pk").select_for_update(of=("self",), no_key=no_key).values_list("pk"))

    def public(self) -> Self:
        """Public prompts of authors who are there: what an author's own page names. No list names what is
        archived."""
        shown = self.filter(visibility=Visibility.PUBLIC, archived_at=None, deleted_at=None)
        return shown.filter(owner__is_active=True).exclude(owner__profile__visibility="private")

    def listed(self) -> Self:
        """What lists of the whole site name: an unlisted profile is not to be found through its prompts."""
        return self.public().filter(owner__profile__visibility=Visibility.PUBLIC)

    def visible_to(self, viewer: User | AnonymousUser) -> Self:
        """What ``viewer`` may open when they have the address; lists use ``public``."""
        seen = Q(visibility__in=[Visibility.PUBLIC, Visibility.UNLISTED], owner__is_active=True) & ~Q(
            owner__profile__visibility="private"
        )
        there = self.filter(deleted_at=None)
        return there.filter(seen | Q(owner_id=viewer.pk) if viewer.is_authenticated else seen)

    def owned_by(self, user: User) -> Self:
        """All but those whose deletion can still be undone: they exist for nobody."""
        return self.filter(owner=user, deleted_at=None)

    def with_author(self) -> Self:
        return self.select_related("owner__profile")

    def with_studio_facts(self) -> Self:
        """With ``latest_number`` (None: no version), ``case_count`` and ``is_running`` on each."""
        newest = Version.objects.filter(prompt=OuterRef("pk")).order_by("-number").values("number")[:1]
        cases = Case.objects.filter(prompt=OuterRef("pk")).order_by().values("prompt").annotate(n=Count("pk"))
        running = Prompt.objects.filter(pk=OuterRef("pk"), runs__state__in=["queued", "running"])
        return self.annotate(
            latest_number=Subquery(newest),
            case_count=Coalesce(Subquery(cases.values("n")), 0),
            is_running=Exists(running),
        )

    def by_visibility(self) -> dict[str, int]:
        """How many there are of each."""
        return dict(self.order_by().values_list("visibility").annotate(Count("pk")))

    def tested(self) -> Self:
        """With at least one case that counts as evidence."""
        return self.filter(evidence_cases__gt=0)

    def best_first(self) -> Self:
        """What was judged, then outputs nothing judged, then none. Of each sealed before recorded before
        imported before pasted, then by the low end of the interval. Nobody can vote."""
        return self.order_by(
            F("evidence_judged").desc(),
            F("evidence_level").desc(nulls_last=True),
            F("evidence_low").desc(),
            F("last_tested_at").desc(nulls_last=True),
            "pk",
        )


@lru_cache(maxsize=1000)  # a page asks for the same one dozens of times
def _address(handle: str, slug: str) -> str:
    return reverse("prompt", args=[handle, slug])


class Prompt(Masked):
    """A titled work of one author. What is sent to a model lives in its versions."""

    masked_by = "pk"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="prompts")
    slug = models.SlugField(max_length=80)
    title = models.CharField(max_length=120, validators=[refuse_invisible])
    summary = models.CharField(max_length=300, blank=True, validators=[refuse_invisible])
    task = models.CharField(max_length=20, choices=Task, default=Task.OTHER)
    tags = models.ManyToManyField(Tag, blank=True, related_name="prompts")
    licence = models.CharField(max_length=20, choices=Licence, default=Licence.CC_BY)
    # Without an index: SQLite would take it for one author's prompts and for forks. Lists read ``Listing``.
    visibility = models.CharField(max_length=8, choices=Visibility, default=Visibility.PRIVATE)
    published_at = models.DateTimeField(null=True, blank=True)
    # Since when anybody but its author could open it, by whatever way, also where nobody can any more: from
    # then on its deleted runs are counted. Null: never. Written by save() and by actions.sharing.links.
    seen_since = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)  # no list names it; its addresses stay
    deleted_at = models.DateTimeField(null=True, blank=True)  # for nobody, until it goes or is taken back
    pin_position = models.PositiveSmallIntegerField(null=True, blank=True)

    # The author's sections of the case study, in Markdown; an empty one does not show.
    situation = models.TextField(max_length=8000, blank=True, validators=[refuse_nul])
    constraints = models.TextField(max_length=8000, blank=True, validators=[refuse_nul])
    impact_kind = models.CharField(max_length=10, choices=ImpactKind, default=ImpactKind.NONE)
    impact = models.TextField(max_length=8000, blank=True, validators=[refuse_nul])
    limits = models.TextField(max_length=8000, blank=True, validators=[refuse_nul])

    forked_from = models.ForeignKey(
        "Version", null=True, blank=True, on_delete=models.SET_NULL, related_name="forks"
    )
    # What stays when that version is gone: the licence it was taken under ("": this is no fork), and how a
    # file that was imported credits a prompt that was never here.
    forked_licence = models.CharField(max_length=20, choices=Licence, blank=True)
    forked_credit = models.CharField(max_length=500, blank=True)
    baseline = models.ForeignKey(
        "Version", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    # The model it is written for, as it is asked for, and since when the author says so: what is declared
    # after a run says nothing about that run. See evidence.picked.
    target_model = models.CharField(max_length=200, blank=True, validators=[refuse_invisible])
    target_declared_at = models.DateTimeField(null=True, blank=True)
    # Where it was imported from ("prompts.chat"), and what tells a second import of the same row.
    source = models.CharField(max_length=200, blank=True)
    source_key = models.CharField(max_length=64, blank=True, db_index=True)

    # Rises with every save of the prompt's own fields: how a stale edit in a second tab is noticed.
    revision = models.PositiveIntegerField(default=1)
    suite_revision = models.PositiveIntegerField(default=1)  # the same for its cases
    suite_changed_at = models.DateTimeField(null=True, blank=True)  # null: never, or unknown
    # The highest number a deleted version had: numbers are addresses, and are never given twice.
    deleted_number = models.PositiveIntegerField(default=0)
    deleted_runs = models.PositiveIntegerField(default=0)  # tombstones: deleting is real, but it is counted
    # Runs that were answered in part and never finished; written with the evidence summary.
    ended_early = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)  # what is imported says when
    updated_at = models.DateTimeField(auto_now=True)

    # The evidence summary, rebuilt from results by runs.counting.rebuild_evidence and by nothing else.
    # evidence: see evidence.summary. The columns are what lists sort and filter by.
    evidence = models.JSONField(default=dict, blank=True)
    evidence_judged = models.BooleanField(default=False)  # else outputs at most, which nothing judged
    evidence_level = models.PositiveSmallIntegerField(null=True, blank=True)
    evidence_passed = models.PositiveIntegerField(default=0)
    evidence_cases = models.PositiveIntegerField(default=0)
    evidence_low = models.FloatField(default=0.0)
    last_tested_at = models.DateTimeField(null=True, blank=True)

    objects = PromptQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "slug"], name="slug_unique_per_owner")]

    def __str__(self) -> str:
        return self.title

    # Where it is being read when that is not its own address: under a share link (see access.LinkReader).
    # Every address below a prompt is made from get_absolute_url, so that readers stay where they came in.
    read_at = ""

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.seen_since is None and not self.is_private:
            self.seen_since = timezone.now()
            if (columns := kwargs.get("update_fields")) is not None:
                kwargs["update_fields"] = {*columns, "seen_since"}
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            Prompt.objects.filter(pk=self.pk).hold()
            return super().delete(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return self.read_at or _address(self.owner.handle, self.slug)

    @property
    def stem(self) -> str:
        """Its address without the last slash: what ``.md`` and the like are put to."""
        return self.get_absolute_url().rstrip("/")

    @property
    def is_public(self) -> bool:
        return self.visibility == Visibility.PUBLIC

    @property
    def is_private(self) -> bool:
        return self.visibility == Visibility.PRIVATE

    @property
    def has_readers(self) -> bool:
        """Whether anybody but its author can open it now: a private one by share links that say so."""
        if not self.is_private:
            return True
        lasting = Q(link__expires_at=None) | Q(link__expires_at__gt=timezone.now())
        return self.share_link_prompts.filter(lasting, although_private=True, link__revoked_at=None).exists()

    @property
    def was_ever_shown(self) -> bool:
        """Whether anybody but its author could ever open it, by whatever way."""
        return self.seen_since is not None or not self.is_private

    @property
    def was_forked(self) -> bool:
        """Whether it began as somebody's work, though that may be gone."""
        return bool(self.forked_from_id or self.forked_licence or self.forked_credit)

    @property
    def keeps_licence(self) -> bool:
        """Whether it was taken under terms that bind what is made of it to the same licence."""
        return self.forked_licence == Licence.CC_BY_SA

    @property
    def private_parts(self) -> tuple[Span, ...]:
        """What everybody but its author reads as a label."""
        reader = now()
        return reader.spans_of(self.pk) if reader else self.private_spans.all().mask().spans

    @property
    def latest_version(self) -> Version | None:
        """The current version; uses ``prefetch_related('versions')`` where that was done."""
        if "versions" in getattr(self, "_prefetched_objects_cache", {}):
            return max(self.versions.all(), key=lambda version: version.number, default=None)
        return self.versions.order_by("-number").first()

    def suite(self) -> tuple[engine.CaseContent, ...]:
        """All its cases now, in order, as the engine takes them."""
        return tuple(case.as_engine() for case in self.cases.in_order())


class PromptVersionError(Exception):
    """A version is never changed: save a new one."""


class Version(Masked):
    """An immutable numbered state of a prompt: messages, variables, parameters and a note on why."""

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    messages = models.JSONField()  # [{"role": "system"|"user"|"assistant", "content": str}]
    variables = models.JSONField(default=list)  # [engine.digests.variable_json, …]
    parameters = models.JSONField(default=dict)  # as sent: {"temperature": 0, "max_tokens": 300}
    note = models.TextField(max_length=2000, blank=True, validators=[refuse_nul])
    digest = models.CharField(max_length=64)  # over messages, variables and parameters
    # When a model was first asked it, practice apart; stays when that run is deleted. Null: never.
    first_run_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)  # what is imported says when

    objects = MaskedQuerySet["Version"].as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["prompt", "number"], name="version_number_unique")]
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"v{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None and not self._state.adding:
            raise PromptVersionError("A version is never changed. Save a new one.")
        self.digest = self.content_digest()
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return f"{self.prompt.get_absolute_url()}v{self.number}/"

    def content_digest(self) -> str:
        return digest({"messages": self.messages, "variables": self.variables, "parameters": self.parameters})

    @property
    def settings(self) -> list[tuple[str, Any]]:
        """The parameters as a line names them: a schema is only mentioned, and tools are listed elsewhere."""
        short: dict[str, Any] = {}
        if (known := schema_asked_for(self.parameters)) is not None:
            told = f"JSON Schema {known.name}".rstrip()
            is_native = PARAMETER not in self.parameters
            short = {NATIVE: self.parameters[NATIVE] | {"format": told}} if is_native else {PARAMETER: told}
        listed = TOOLS if tools_in(self.parameters) else ()
        return [(k, v) for k, v in {**self.parameters, **short}.items() if k not in listed]

    @property
    def pictures(self) -> list[CasePicture]:
        """Those of its own message, in the order of their variables."""
        return [one for v in self.variables for one in map(case_picture_from_json, v.get("pictures") or ())]

    def as_engine(self) -> engine.PromptContent:
        return content_of(self.messages, self.variables, self.parameters)


def content_of(messages: Any, variables: Any, parameters: Any) -> engine.PromptContent:
    """What these columns of a version hold, wherever they are kept."""
    return engine.PromptContent(
        messages=tuple(engine.Message(m["role"], m["content"]) for m in messages),
        variables=tuple(map(variable_from_json, variables)),
        parameters=as_written(parameters),
    )


class CaseQuerySet(MaskedQuerySet["Case"]):
    def in_order(self) -> Self:
        return self.order_by("position", "pk")


class Case(Masked):
    """One test: values for the variables, optionally further user turns, and assertions."""

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="cases")
    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    position = models.PositiveIntegerField(default=0)
    name = models.CharField(max_length=120, validators=[refuse_invisible])
    variables = models.JSONField(default=dict, blank=True)  # {"name": "text"}
    turns = models.JSONField(default=list, blank=True)  # ["text", …], each answered in order
    system = models.TextField(
        blank=True, validators=[refuse_nul]
    )  # in place of the prompt's own; "": as it is
    assertions = models.JSONField(default=list, blank=True)  # engine.digests.assertion_json, in order
    threshold = models.FloatField(null=True, blank=True)  # mean score that passes; None: all have to hold
    # Canned results, in order: [engine.digests.tool_result_json, …]; [] for none
    tool_results = models.JSONField(default=list, blank=True)
    most_steps = models.PositiveSmallIntegerField(null=True, blank=True)  # None: as many as usual
    pictures = models.JSONField(
        default=list, blank=True
    )  # engine.case_pictures: CasePicture.as_json, in order
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)  # what is imported says when
    updated_at = models.DateTimeField(auto_now=True)

    objects = CaseQuerySet.as_manager()

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.name

    def as_engine(self) -> engine.CaseContent:
        return case_from_json(
            {
                "name": self.name,
                "variables": self.variables,
                "turns": self.turns,
                "assertions": self.assertions,
                "system": self.system,
                "threshold": self.threshold,
                "tool_results": self.tool_results,
                "most_steps": self.most_steps,
                "pictures": self.pictures,
            }
        )


class FormerSlug(models.Model):
    """An address a prompt had; it leads to the new one."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    slug = models.SlugField(max_length=80)
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="former_slugs")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "slug"], name="former_slug_unique_per_owner")]

    def __str__(self) -> str:
        return self.slug
