"""Private parts of a prompt: setting them down, where they stand, and what cannot be hidden."""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction

from prompts_app.engine.errors import Refused
from prompts_app.engine.json_texts import strings_in
from prompts_app.engine.masking import LEAST, PLACEHOLDER, Mask, Span, placeholder, weight
from prompts_app.evidence.listings import refresh
from prompts_app.models import PrivateSpan, Prompt, Result, Run, Source, Version
from prompts_app.models.private import LONGEST_SPAN
from prompts_app.models.texts import texts_in_prompt

MOST_SPANS = 50  # of one prompt
MOST_PLACES = 40  # that are shown
MOST_LOOKED_AT = 5_000  # results, and versions of other prompts
AROUND = 70  # characters shown on both sides


# --- setting down ---------------------------------------------------------------------------------------


def as_kept(text: str) -> str:
    """The text as it is hashed: line ends as one character, nothing around it."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


@transaction.atomic
def add_span(prompt: Prompt, label: str, text: str) -> PrivateSpan:
    """Mask ``text`` wherever it stands in ``prompt``, from this moment and on every address. Raises
    Refused."""
    Prompt.objects.select_for_update().get(pk=prompt.pk)
    text = as_kept(text)
    check_can_add(prompt, label, text)
    salt = secrets.token_hex(16)
    span = PrivateSpan(
        prompt=prompt, label=label, text=text, salt=salt, digest=Span(label, text, salt).digest
    )
    span.save()
    refresh([prompt])
    return span


@transaction.atomic
def rename_span(span: PrivateSpan, label: str) -> None:
    """Another label; the hash stays. Raises Refused."""
    others = [*span.prompt.private_spans.exclude(pk=span.pk), span]
    _check_label(label, [one.as_engine() for one in others])
    span.label = label
    span.save(update_fields=["label"])
    refresh([span.prompt])


@transaction.atomic
def remove_span(span: PrivateSpan) -> None:
    """Its text is visible again to whoever may read the prompt."""
    prompt = span.prompt
    span.delete()
    refresh([prompt])


def check_can_add(prompt: Prompt, label: str, text: str) -> None:
    """Raises Refused."""
    spans = list(prompt.private_spans.all())
    new = Span(label, text, "")
    _check_text(text)
    if len(spans) >= MOST_SPANS:
        raise Refused("private_part", f"A prompt has at most {MOST_SPANS} private parts. Remove one first.")
    if same := next((span for span in spans if span.text == text), None):
        raise Refused("private_part", f"This very text is private already, as “{same.label}”.", "text")
    _check_label(label, [*(span.as_engine() for span in spans), new])
    for place, open_text in said_openly(prompt):
        if Mask([new]).shows(open_text):
            raise Refused(
                "private_part", f"It would stay visible in {place}, which cannot be masked.", "text"
            )


def _check_text(text: str) -> None:
    if weight(text) < LEAST:
        raise Refused(
            "private_part",
            f"Too short: with fewer than {LEAST} letters and digits, ordinary words would go with it.",
            "text",
        )
    if len(text) > LONGEST_SPAN:
        raise Refused(
            "private_part",
            f"At most {LONGEST_SPAN:,} characters; this has {len(text):,}. Make it two private parts.",
            "text",
        )
    if PLACEHOLDER.search(text):
        raise Refused(
            "private_part", "There is the label of a private part in it. Choose the text around it.", "text"
        )


def _check_label(label: str, spans: Iterable[Span]) -> None:
    """A label gives no private text away, its own neither."""
    try:
        PrivateSpan(label=label).clean_fields(exclude={"prompt", "text", "salt", "digest"})
    except ValidationError as error:
        raise Refused("private_part", error.messages[0], "label") from None
    known = list(spans)
    shown = [placeholder(name, span.text, "")[:-9] for span in known for name in (label, span.label) if name]
    if any(Mask(known).hidden_in(one) for one in (label, *shown)):
        raise Refused(
            "private_part", "The label gives the text away. Name what it is, not what it says.", "label"
        )


def said_openly(prompt: Prompt) -> Iterator[tuple[str, str]]:
    """What is public in itself and is never masked."""
    profile = prompt.owner.profile
    yield "the prompt’s address", prompt.slug
    yield "your handle", prompt.owner.handle
    for name in ("name", "headline", "bio", "location", "availability"):
        yield f"your profile’s {name}", getattr(profile, name)
    for tag in prompt.tags.all():
        yield f"the tag {tag.name}", tag.name
    yield "the name of the model it is written for", prompt.target_model
    for model in set(Run.objects.filter(prompt=prompt).order_by().values_list("named", flat=True)):
        yield f"the name of the model {model}", model


def is_said_openly(prompt_id: int, span: Span) -> bool:
    """Whether the author says it where nothing is masked."""
    prompt = Prompt.objects.with_author().get(pk=prompt_id)
    return any(Mask([span]).shows(text) for _, text in said_openly(prompt))


# --- where it stands ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PrivatePlace:
    """One text in which something private stands. ``shown`` is the beginning of it as visitors read it."""

    where: str
    count: int
    shown: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a private text stands. At most MOST_PLACES places are in ``places``."""

    count: int
    places: tuple[PrivatePlace, ...]
    more: int  # places that are not listed
    is_cut: bool  # whether only the newest results were looked through
    elsewhere: tuple[str, ...]  # titles of the author's other prompts that hold it, unmasked there


def standing_of(prompt: Prompt, span: Span) -> Standing:
    """Wherever others could read it."""
    mask, places, count, found = Mask([span]), list[PrivatePlace](), 0, 0
    for where, text in _strings(prompt):
        if hidden := mask.hidden_in(text):
            found, count = found + 1, count + len(hidden)
            if len(places) < MOST_PLACES:
                places.append(PrivatePlace(where, len(hidden), _around(mask.text(text), hidden[0].start)))
    results = Result.objects.filter(run__prompt=prompt).exclude(run__source=Source.PRACTICE).count()
    elsewhere = _elsewhere(prompt, mask)
    return Standing(count, tuple(places), found - len(places), results > MOST_LOOKED_AT, elsewhere)


def _strings(prompt: Prompt) -> Iterator[tuple[str, str]]:
    """Where, and what: each text others could read, of the newest results."""
    for text in texts_in_prompt(prompt, most_results=MOST_LOOKED_AT):
        yield from ((text.where, string) for string in text.strings())


def forms_of(prompt: Prompt, span: Span) -> list[str]:
    """Every spelling and part of it that is masked, as it stands there, its own text apart."""
    mask = Mask(one.as_engine() for one in prompt.private_spans.all())
    for _, text in _strings(prompt):
        mask.text(text)
    return sorted(mask.forms[span] - {span.text})


def _around(masked: str, at: int) -> str:
    """A few words on both sides of the placeholder that begins at ``at``."""
    match = PLACEHOLDER.match(masked, at)
    end = match.end() if match else at
    before, after = masked[max(0, at - AROUND) : at], masked[end : end + AROUND]
    cut = ("…" if at > AROUND else "", "…" if len(masked) > end + AROUND else "")
    return " ".join(f"{cut[0]}{before}{masked[at:end]}{after}{cut[1]}".split())


def _elsewhere(prompt: Prompt, mask: Mask) -> tuple[str, ...]:
    others = Version.objects.filter(prompt__owner_id=prompt.owner_id).exclude(prompt=prompt)
    rows = (
        others.unmasked_values()
        .order_by("-pk")
        .values_list("prompt_id", "prompt__title", "messages")[:MOST_LOOKED_AT]
    )
    masks: dict[int, Mask] = {}
    found: dict[str, None] = {}
    for key, title, messages in rows:
        if any(mask.shows(text) for text in strings_in(messages)):
            own = masks.setdefault(key, PrivateSpan.objects.filter(prompt=key).mask())
            if any(mask.shows(own.text(text)) for text in strings_in(messages)):
                found[title] = None
    return tuple(found)


def forks_by_others(prompt: Prompt) -> int:
    """How many prompts of others took their text from it. What was not private then is theirs."""
    return Prompt.objects.filter(forked_from__prompt=prompt).exclude(owner=prompt.owner_id).count()
