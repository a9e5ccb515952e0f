"""A share link as its author fills it in, and the passphrase as its recipient types it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Case as Whether
from django.db.models import Q, When
from django.http import QueryDict
from django.utils import timezone

from prompts_app.actions.sharing.links import PromptChoice
from prompts_app.evidence.number_format import full_date
from prompts_app.forms.fields import LineField, ProseField, set_choices
from prompts_app.models import Prompt, ShareLink, User, Visibility
from prompts_app.models.text import without_invisible
from prompts_app.search import Hits, find

MOST_OFFERED = (
    50  # prompts to tick beside those that are: what was found, else public and unlisted ones first
)
LONGEST_SEARCH = 200  # characters
LAST_PLACE = 999
KEEP, NEVER = "keep", "never"
LASTS = [("7", "7 days"), ("30", "30 days"), ("90", "90 days"), (NEVER, "until I revoke it")]


@dataclass(frozen=True, slots=True)
class TickedPrompt:
    """A prompt that can be ticked. ``place`` is what stands in its field."""

    prompt: Prompt
    is_ticked: bool
    place: str

    @property
    def place_field(self) -> str:
        return f"place-{self.prompt.slug}"


class ShareLinkForm(forms.Form):
    """Ticks and places of prompts are read by hand: they are rows of the author's own prompts.

    ``typed`` fills the form; it is only judged where ``judged`` says so, and not while prompts are looked
    for. Whatever is ticked stays among the rows.
    """

    label = LineField(
        max_length=80,
        label="Who it is for",
        help_text="So that you find it again. Only you ever see this.",
        error_messages={"required": "Say who it is for: it tells your links apart. Nobody else sees it."},
    )
    note = ProseField(
        required=False,
        max_length=2000,
        help_text="Shown to the recipient above the work. Markdown works.",
        widget=forms.Textarea(attrs={"rows": 4, "class": "prose"}),
    )
    although_private = forms.BooleanField(
        required=False, label="This link shows the private prompts I ticked, although they are private"
    )
    expires = forms.ChoiceField(label="Works for", widget=forms.RadioSelect)
    passphrase = LineField(
        required=False,
        max_length=200,
        help_text="The recipient is asked for it. Send it another way than the link.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    is_cut = False  # whether there are more than ``offered``
    remove_passphrase = forms.BooleanField(required=False, label="Ask for no passphrase any more")

    def __init__(
        self,
        owner: User,
        typed: QueryDict | None = None,
        *,
        link: ShareLink | None = None,
        judged: bool = True,
    ) -> None:
        super().__init__(typed if judged else None)
        self.owner, self.link, self.typed = owner, link, typed
        self.q = " ".join(without_invisible(typed.get("find", "")[:LONGEST_SEARCH]).split()) if typed else ""
        set_choices(self, "expires", [*([(KEEP, f"as it is: {_until(link)}")] if link else []), *LASTS])
        self.initial = self._as_it_is()
        if typed is not None and not judged:
            self.initial |= {name: typed.get(name, "") for name in self.fields}
        if link and link.passphrase:
            self.fields["passphrase"].help_text = "One is set. Leave this empty to keep it."
        else:
            del self.fields["remove_passphrase"]

    def _as_it_is(self) -> dict[str, Any]:
        if self.link is None:
            return {"expires": "30"}
        private = any(chosen.although_private for chosen in self._chosen.values())
        return {
            "label": self.link.label,
            "note": self.link.note,
            "expires": KEEP,
            "although_private": private,
        }

    @cached_property
    def _chosen(self) -> dict[int, Any]:
        """Prompt → its row in the link as it is stored."""
        return {row.prompt_id: row for row in self.link.chosen.all()} if self.link else {}

    @cached_property
    def offered(self) -> list[Prompt]:
        """The author's prompts to choose from: all that are ticked or of the link, then what was found; where
        nothing is sought, public, unlisted, then private ones."""
        rank = Whether(
            When(visibility=Visibility.PUBLIC, then=1),
            When(visibility=Visibility.UNLISTED, then=2),
            default=3,
        )
        mine = Prompt.objects.owned_by(self.owner).with_author().order_by(rank, "-updated_at", "-pk")
        kept = list(mine.filter(Q(slug__in=self._ticked) | Q(pk__in=list(self._chosen))))
        others = mine.exclude(pk__in=[prompt.pk for prompt in kept])
        others = others.filter(pk__in=self.hits.prompts) if self.q else others.filter(archived_at=None)
        places = {key: row.position for key, row in self._chosen.items()}
        kept.sort(key=lambda prompt: places.get(prompt.pk, LAST_PLACE))
        more = list(others[: MOST_OFFERED + 1])
        self.is_cut = len(more) > MOST_OFFERED
        return kept + more[:MOST_OFFERED]

    @cached_property
    def hits(self) -> Hits:
        return find(self.q, author=self.owner.pk) if self.q else Hits([])

    @cached_property
    def rows(self) -> list[TickedPrompt]:
        return [TickedPrompt(prompt, self._is_ticked(prompt), self._place(prompt)) for prompt in self.offered]

    @cached_property
    def _ticked(self) -> set[str]:
        return set(self.typed.getlist("prompts")) if self.typed is not None else set()

    def _is_ticked(self, prompt: Prompt) -> bool:
        if self.typed is not None:
            return prompt.slug in self._ticked
        return prompt.pk in self._chosen

    def _place(self, prompt: Prompt) -> str:
        if self.typed is not None:
            return str(self.typed.get(f"place-{prompt.slug}", ""))[:20]
        chosen = self._chosen.get(prompt.pk)
        return str(chosen.position + 1) if chosen else ""

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        data["prompts"] = self._in_order()
        private = [prompt.title for prompt in data["prompts"] if prompt.is_private]
        if private and not data.get("although_private"):
            self.add_error("although_private", _private_sentence(private))
        return data

    def _in_order(self) -> list[Prompt]:
        """What was ticked, by place; those without one after them, as listed. Raises ValidationError."""
        ticked = [row for row in self.rows if row.is_ticked]
        if not ticked:
            raise ValidationError("Tick at least one prompt to show.", code="none")
        wrong = [row.prompt.title for row in ticked if not _is_place(row.place)]
        if wrong:
            raise ValidationError(f"The place of “{wrong[0]}” must be a number from 1 to {LAST_PLACE}.")
        ticked.sort(key=lambda row: int(row.place) if row.place.strip() else LAST_PLACE + 1)
        return [row.prompt for row in ticked]

    def choice(self) -> PromptChoice:
        """What a valid form says."""
        data = self.cleaned_data
        passphrase = data["passphrase"] or ("" if data.get("remove_passphrase") else None)
        return PromptChoice(
            label=data["label"],
            prompts=data["prompts"],
            note=data["note"],
            expires_at=self._expires_at(),
            passphrase=passphrase,
            although_private=data["although_private"],
        )

    def _expires_at(self) -> datetime | None:
        lasts = self.cleaned_data["expires"]
        if lasts == KEEP:
            return self.link.expires_at if self.link else None
        return None if lasts == NEVER else timezone.now() + timedelta(days=int(lasts))


def _is_place(typed: str) -> bool:
    typed = typed.strip()
    return not typed or (typed.isascii() and typed.isdigit() and 1 <= int(typed) <= LAST_PLACE)


def _until(link: ShareLink) -> str:
    if link.expires_at is None:
        return "until I revoke it"
    return f"{'expired' if link.is_expired else 'until'} {full_date(link.expires_at)}"


def _private_sentence(titles: list[str]) -> str:
    named = ", ".join(f"“{title}”" for title in titles[:3]) + (" and others" if len(titles) > 3 else "")
    are = "is private" if len(titles) == 1 else "are private"
    return f"{named} {are}. Tick this to show it to whoever has the link, or untick the prompt."


class PassphraseForm(forms.Form):
    passphrase = LineField(
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Type the passphrase you were given with this link."},
    )
