"""What the servers of endpoints refuse, from one run to the next: engine.adaptations, ADR 0028."""

from collections.abc import Sequence

from django.db import transaction

from prompts_app.engine.adaptations import WORDS
from prompts_app.models import Endpoint


def refused_by(endpoint: Endpoint | None, model: str) -> list[str]:
    """What is known of this model there."""
    known = endpoint.learned.get(model, ()) if endpoint else ()
    return [word for word in known if word in WORDS]


def remember(endpoint: Endpoint | None, model: str, words: Sequence[str]) -> None:
    """Add to what is known, beside what other runs learned meanwhile. Not where the endpoint has another
    address by now: that is another server."""
    if endpoint is None or set(words) <= set(refused_by(endpoint, model)):
        return
    with transaction.atomic():
        same = Endpoint.objects.filter(pk=endpoint.pk, base_url=endpoint.base_url)
        stored = same.select_for_update().first()
        if stored is not None:
            known = dict.fromkeys([*refused_by(stored, model), *words])
            same.update(learned=stored.learned | {model: list(known)})
    endpoint.learned = endpoint.learned | {model: list(words)}
