"""What may be tried, and where: a text that need not be saved, one set of values, one to four models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Prefetch, QuerySet

from prompts_app.actions.prompts.save import columns_of
from prompts_app.actions.runs.judge import LONGEST_MODEL
from prompts_app.actions.runs.lifecycle import offered_practice, practice_endpoint
from prompts_app.actions.tries.asking import enqueue_try
from prompts_app.engine import types as engine
from prompts_app.engine.digests import case_json
from prompts_app.engine.errors import Refused, RenderError
from prompts_app.engine.run import conversation
from prompts_app.models import Endpoint, Prompt, Run, Source, Try, TryAnswer, User
from prompts_app.models.text import storable_json

MOST_MODELS = 4  # of one try
MOST_KEPT = 100  # tries of a prompt
MOST_AT_ONCE = 5  # tries of one person that are being answered
MOST_OFFERED = 12  # models to tick
MOST_OF_ONE = 4  # of those an endpoint lists


@dataclass(frozen=True, slots=True)
class ModelAt:
    """A model at an endpoint. Its ``word`` names both in a form."""

    endpoint: Endpoint
    model: str

    @property
    def word(self) -> str:
        return f"{self.endpoint.public_id} {self.model}"


def endpoints_of(user: User) -> list[Endpoint]:
    """Those to ask; the built-in practice comes last, though it may have no row yet."""
    own = Endpoint.objects.filter(owner=user).exclude(kind=Endpoint.PRACTICE)
    return [*own, offered_practice(user)]


def places_offered(
    user: User, prompt: Prompt | None, endpoints: Sequence[Endpoint], also: Sequence[str] = ()
) -> list[ModelAt]:
    """What is offered to be ticked: where this prompt was tried or run last, then what ``endpoints`` list.
    ``also`` are words of places that stay offered as they were ticked before."""
    places = _last_asked(user, prompt, {one.pk: one for one in endpoints})
    for one in endpoints:
        places += [ModelAt(one, model) for model in one.known_models[: 1 if one.is_practice else MOST_OF_ONE]]
    kept = [place for word in also if (place := _place_of(word, endpoints))]
    # Boxes stay where they were: what was ticked beside them comes behind.
    return list({place.word: place for place in [*places[:MOST_OFFERED], *kept]}.values())


def _last_asked(user: User, prompt: Prompt | None, endpoints: Mapping[int | None, Endpoint]) -> list[ModelAt]:
    tried = TryAnswer.objects.filter(**{"of__prompt": prompt} if prompt else {"of__owner": user})
    newest = tried.order_by("-of", "pk").only("endpoint_id", "asked_model")[:20]
    asked = [(one.endpoint_id, one.asked_model) for one in newest]
    if prompt:
        runs = Run.objects.filter(prompt=prompt).exclude(source=Source.PRACTICE)
        newest_runs = runs.order_by("-created_at").only("endpoint_id", "model", "prompt_id")[:20]
        asked += [(run.endpoint_id, run.model) for run in newest_runs]
    return [ModelAt(endpoints[pk], model) for pk, model in dict.fromkeys(asked) if pk and pk in endpoints]


def _place_of(word: str, endpoints: Sequence[Endpoint]) -> ModelAt | None:
    """None for a word that names no endpoint of these, or no model."""
    public_id, _, model = word.partition(" ")
    found = next((one for one in endpoints if one.public_id == public_id), None)
    return ModelAt(found, model.strip()) if found and 0 < len(model.strip()) <= LONGEST_MODEL else None


def places_named(user: User, words: Sequence[str]) -> list[ModelAt]:
    """Those that these words name, each once. Raises Refused for one that is not the user's."""
    endpoints = endpoints_of(user)
    places = [_place_of(word, endpoints) for word in dict.fromkeys(words)]
    if None in places:
        raise Refused("try", "There is no such endpoint any more, or a model without a name. Choose again.")
    return [place for place in places if place]


@transaction.atomic
def start_try(
    user: User,
    prompt: Prompt | None,
    content: engine.PromptContent,
    case: engine.CaseContent,
    places: Sequence[ModelAt],
    *,
    case_public_id: str = "",
) -> Try:
    """Put ``content``, which need not be saved, to these models. Raises Refused, and then nothing is sent.

    ``case`` has the values, and the assertions that answers are held to.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)  # of two at once, one waits
    if reason := _what_is_wrong(content, case, places):
        raise Refused("try", reason)
    if Try.objects.filter(owner=user).under_way().count() >= MOST_AT_ONCE:
        raise Refused("try", f"{MOST_AT_ONCE} tries are being answered. Stop one, or wait for it to end.")
    one = Try.objects.create(
        owner=user,
        prompt=prompt,
        content=storable_json(columns_of(content)),
        case=storable_json(case_json(case)),
        case_public_id=case_public_id,
    )
    for place in places:
        endpoint = practice_endpoint(user) if place.endpoint.is_practice else place.endpoint
        TryAnswer.objects.create(
            of=one, endpoint=endpoint, endpoint_name=endpoint.name, asked_model=place.model
        )
    _drop_the_oldest(user, prompt)
    transaction.on_commit(lambda: enqueue_try(one.pk))
    return one


def _what_is_wrong(content: engine.PromptContent, case: engine.CaseContent, places: Sequence[ModelAt]) -> str:
    if not places:
        return "Tick at least one model to try it on."
    if len(places) > MOST_MODELS:
        return f"At most {MOST_MODELS} models at a time; these are {len(places)}."
    try:
        conversation(content, case)
    except RenderError as error:
        return f"{{{{{error.name}}}}} has no value. Type one, or give it a default."
    return ""


def stop_try(one: Try) -> None:
    """What has come stays; where no worker has begun it, nothing is sent at all."""
    Try.objects.filter(pk=one.pk).under_way().update(cancel_requested=True)


def tries_of(user: User, prompt: Prompt | None) -> QuerySet[Try]:
    """The author's own of this prompt, or of one that is not saved yet; newest first."""
    return Try.objects.filter(owner=user, prompt=prompt)


def lately_tried(user: User, prompt: Prompt | None) -> QuerySet[Try]:
    """The same with their answers, for a list: without what was sent and said."""
    known = TryAnswer.objects.defer("output", "request", "trace", "checks")
    return tries_of(user, prompt).defer("content").prefetch_related(Prefetch("answers", known))


def _drop_the_oldest(user: User, prompt: Prompt | None) -> None:
    old = tries_of(user, prompt).order_by("-created_at", "-pk").values("pk")[MOST_KEPT:]
    tries_of(user, prompt).filter(pk__in=list(old.values_list("pk", flat=True))).delete()


def keep_with(user: User, prompt: Prompt) -> None:
    """What was tried before the prompt was saved is the prompt's from now on."""
    tries_of(user, None).update(prompt=prompt)
