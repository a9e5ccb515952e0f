"""An author's batches, as lists show them."""

from typing import Any

from django.db.models import Count, Prefetch, Q, QuerySet

from prompts_app.models import Batch, Run, User


def batches_of(author: User) -> QuerySet[Batch, Any]:
    """Newest first, each with its runs, without their suites, and ``under_way``: how many have not ended."""
    lines = Run.objects.select_related("version").defer("suite").order_by("pk")
    batches = Batch.objects.filter(prompt__owner=author).select_related("prompt__owner")
    under_way = Q(runs__state__in=[Run.State.QUEUED, Run.State.RUNNING])
    counted = batches.annotate(under_way=Count("runs", filter=under_way))
    return counted.prefetch_related(Prefetch("runs", lines)).order_by("-created_at", "-pk")
