"""Deleting results, of which there may be tens of thousands, without loading them."""

from django.db.models import Q, QuerySet

from prompts_app.models import BlindVote, PictureFile, Result


def delete_results(results: QuerySet[Result]) -> None:
    """What hangs on them first, each in one statement: Django's own cascade loads every row to look for it.

    A test holds that nothing else hangs on a result.
    """
    keys = results.order_by().values("pk")
    PictureFile.objects.filter(result__in=keys).delete()
    BlindVote.objects.filter(Q(one__in=keys) | Q(other__in=keys)).delete()
    results._raw_delete(results.db)
