"""What lists and the search read of a prompt, written down: ``refresh`` is to be called after any change.

The narrow row (``models.listings``) and the search document are written together, so that neither can be
forgotten. A prompt that is not public, or whose author is not, has no narrow row.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Count, Exists, OuterRef

from prompts_app.engine.masking import Mask
from prompts_app.engine.vendors import without_settings
from prompts_app.evidence.concision import gain_of
from prompts_app.evidence.news import newest_of
from prompts_app.evidence.summary import Summary, VersionEvidence, is_outdated, summary_of
from prompts_app.models import Listing, ListingCount, Prompt, Run, Source, User, Visibility
from prompts_app.models.listings import LONGEST_TERM
from prompts_app.models.prompts import PromptQuerySet
from prompts_app.models.reading import reading
from prompts_app.search import evidence_rank, put_in_place, reindex

AT_ONCE = 200  # prompts
FOLDED_AT_ONCE = 2000  # pairs of terms
_KEPT = [column.attname for column in Listing._meta.concrete_fields if column.name != "prompt"]


@reading(None)  # what is written down is masked here, whoever's request it is
def refresh(prompts: Iterable[Prompt]) -> None:
    """After any change of what these prompts say, of who may see them, or of their authors."""
    for some in batched(sorted(prompts, key=lambda prompt: prompt.pk), AT_ONCE):
        with transaction.atomic():
            _write([prompt.pk for prompt in some])
            reindex(some)


@reading(None)
def refresh_figures(prompts: Iterable[Prompt]) -> None:
    """After a change of their evidence alone: of that the search knows only who comes first."""
    for keys in batched(sorted({prompt.pk for prompt in prompts}), AT_ONCE):
        with transaction.atomic():
            _write(keys)
            put_in_place(keys)


def hold_work_of(owner: User) -> None:
    """Until the transaction ends: whoever writes listings of this person waits. To be called before the
    handle is changed, which they look at when they are done: the other way round each would wait for the
    other."""
    list(User.objects.select_for_update(no_key=True).filter(pk=owner.pk).values_list("pk"))
    Prompt.objects.filter(owner=owner).hold(no_key=True)


def rename_in_listings(owner: User) -> None:
    """The name and handle alone, in one statement: for many prompts, before ``refresh`` gets to all."""
    Listing.objects.owned_by(owner).update(handle=owner.handle, author=owner.display_name)


def _write(keys: Sequence[int]) -> None:
    rows = Prompt.objects.filter(pk__in=keys).order_by("pk")
    rows.hold(no_key=True)  # of two at once, the second sees what the first wrote
    public = list(rows.public().with_author().prefetch_related("tags", "private_spans"))
    told = _runs_of(public)
    Listing.objects.filter(prompt__in=set(keys) - {prompt.pk for prompt in public}).delete()
    Listing.objects.bulk_create(
        [listing_of(prompt, told[prompt.pk]) for prompt in public],
        update_conflicts=True,
        unique_fields=["prompt"],
        update_fields=_KEPT,
    )


# --- the row ---------------------------------------------------------------------------------------------


class OnModel(NamedTuple):
    """One model of ``Listing.on_models``: what its run on the version shown came to."""

    name: str
    maker: str  # whom it counts for, "" for nobody
    server: str  # engine.vendors.HostKind
    passed: int
    cases: int
    cost: str | None  # US dollars, median of a call
    latency_ms: float | None  # median


@dataclass
class Runs:
    """What a listing says of all runs of its prompt."""

    models: set[str] = field(default_factory=set)  # of those with an answer
    endpoints: list[str] = field(default_factory=list)  # of each recorded one that was answered
    unanswered: int = 0
    newest: datetime | None = None  # when the last version was written, or the last run that is news ended


def _runs_of(prompts: Sequence[Prompt]) -> dict[int, Runs]:
    told: dict[int, Runs] = defaultdict(Runs)
    if not prompts:
        return told
    runs = Run.objects.filter(prompt__in=prompts).order_by()
    named = runs.that_count().filter(answers__gt=0)
    for key, model in named.values_list("prompt_id", "named").distinct():
        told[key].models.add(without_settings(model))
    recorded = runs.that_count().answered().filter(source=Source.RECORDED)
    for key, name in recorded.values_list("prompt_id", "endpoint_name"):
        told[key].endpoints.append(name)
    unanswered = runs.ended_without_an_answer().values_list("prompt_id").annotate(n=Count("pk"))
    for key, count in unanswered:
        told[key].unanswered = count
    for key, when in newest_of(prompts):
        told[key].newest = max(told[key].newest or when, when)
    return told


def listing_of(prompt: Prompt, runs: Runs) -> Listing:
    """The row of a prompt that is public, with its author, tags and private parts loaded."""
    profile = prompt.owner.profile
    mask = Mask(span.as_engine() for span in prompt.private_spans.all())
    summary = summary_of(prompt)
    return Listing(
        prompt=prompt,
        owner_id=prompt.owner_id,
        is_listed=profile.visibility == Visibility.PUBLIC,
        handle=prompt.owner.handle,
        author=prompt.owner.display_name,
        is_sample=profile.is_sample,
        slug=prompt.slug,
        title=mask.text(prompt.title),
        summary=mask.text(prompt.summary),
        task=prompt.task,
        pin_position=prompt.pin_position,
        published_at=prompt.published_at,
        updated_at=prompt.updated_at,
        terms=terms_of(prompt, runs),
        by_evidence=rank(prompt),
        by_published=_microseconds(prompt.published_at),
        by_tested=_microseconds(prompt.last_tested_at),
        by_news=max(_microseconds(prompt.published_at), _microseconds(runs.newest)),
        recorded_runs=len(runs.endpoints),
        endpoints=sorted({name for name in runs.endpoints if name}),
        unanswered_runs=runs.unanswered,
        deleted_runs=prompt.deleted_runs,
        ended_early=prompt.ended_early,
        judged=prompt.evidence_judged,
        tested_at=prompt.last_tested_at,
        is_outdated=is_outdated(prompt.evidence),
        **(_figures(summary, mask) if summary else {}),
    )


def _figures(summary: Summary, mask: Mask) -> dict[str, Any]:
    before, gain = measure_of(summary), gain_of(summary)
    shown = ("level", "passed", "cases", "outputs", "errors", "low", "frames", "version", "is_current")
    return {
        **{name: getattr(summary, name) for name in shown},
        "main_model": mask.text(summary.main_model),
        "on_models": [
            OnModel(
                mask.text(one.model), one.maker, one.server, one.passed, one.cases, one.cost_median,
                one.latency_ms,
            )
            for one in summary.backed_models
        ],
        "cost_call": summary.cost_call or "",
        "latency_ms": summary.latency_ms,
        "base_version": before.version if before else 0,
        "base_passed": before.passed if before else 0,
        "base_cases": before.cases if before else 0,
        "base_run": before.run if before else "",
        "longer_version": gain.longest.version if gain else 0,
        "saved_percent": gain.saved_percent if gain else 0.0,
    }  # fmt: skip


def measure_of(summary: Summary) -> VersionEvidence | None:
    """What its pass rate may be measured by: its baseline, where that was put to the same cases at the same
    place, and recorded and judged as it was."""
    before = summary.before
    if before is None or before.suite_digest != summary.suite_digest or not before.cases:
        return None
    return before if before.is_comparable(summary) else None


def terms_of(prompt: Prompt, runs: Runs) -> list[str]:
    """All that it can be filtered by, sorted: "at least this level" is one term for each level."""
    levels = range((-1 if prompt.evidence_level is None else prompt.evidence_level) + 1)
    terms = [f"task:{prompt.task}", *(f"level:{level}" for level in levels)]
    terms += [f"tag:{tag.name}" for tag in prompt.tags.all()]
    terms += [f"model:{model}" for model in runs.models]
    return sorted(term[:LONGEST_TERM] for term in terms)


def rank(prompt: Prompt) -> int:
    """Its place by evidence in one number, larger is better: what was judged, then outputs nothing judged,
    then none. Of each sealed before recorded before imported before pasted, then by the low end of the
    interval, then by when it was tested. Nobody can vote."""
    return (evidence_rank(prompt, 24) << 34) | _microseconds(prompt.last_tested_at) // 1_000_000


def _microseconds(when: datetime | None) -> int:
    """Since 1970, in whole numbers; 0 for never."""
    return max(0, int(when.timestamp() * 1_000_000)) if when else 0


# --- mending ---------------------------------------------------------------------------------------------


def fold_new_counts() -> int:
    """Make one row of each pair's new ones, where the database adds rows (Postgres); how many pairs.

    Rows that somebody else folds or adds meanwhile are left to the next time: what is deleted is what is
    added up, in one transaction, so the sum is right at every moment.
    """
    pairs = list(
        ListingCount.objects.filter(is_new=True).values_list("given", "term").distinct()[:FOLDED_AT_ONCE]
    )
    for some in batched(pairs, AT_ONCE):
        with transaction.atomic():
            _fold(some)
    return len(pairs)


def _fold(pairs: Iterable[tuple[str, str]]) -> None:
    terms: dict[str, list[str]] = defaultdict(list)
    for given, term in pairs:
        terms[given].append(term)
    folded: list[ListingCount] = []
    gone: list[int] = []
    for given, of_given in terms.items():
        rows = ListingCount.objects.filter(given=given, term__in=of_given).order_by("pk")
        sums = Counter[str]()
        for key, term, n in rows.select_for_update(skip_locked=True).values_list("pk", "term", "n"):
            gone.append(key)
            sums[term] += n
        folded += [ListingCount(given=given, term=term, n=n, is_new=False) for term, n in sums.items() if n]
    ListingCount.objects.filter(pk__in=gone).delete()
    ListingCount.objects.bulk_create(folded)


def out_of_step() -> PromptQuerySet:
    """Public prompts without a row, or with one that tells older things of them: none, unless the release
    before this one knew no rows, or somebody changed a prompt past the actions."""
    same = {
        "slug": "slug", "handle": "owner__username", "task": "task", "updated_at": "updated_at",
        "deleted_runs": "deleted_runs", "passed": "evidence_passed", "low": "evidence_low",
    }  # fmt: skip
    in_step = Listing.objects.filter(prompt=OuterRef("pk"), by_news__isnull=False).filter(
        **{name: OuterRef(column) for name, column in same.items()}
    )
    return Prompt.objects.public().filter(~Exists(in_step)).order_by("pk")


@reading(None)
def write_missing() -> bool:
    """Write the rows of prompts that are out of step, some at a time; whether there are more."""
    keys = list(out_of_step().values_list("pk", flat=True)[: AT_ONCE + 1])
    with transaction.atomic():
        _write(keys[:AT_ONCE])
    return len(keys) > AT_ONCE
