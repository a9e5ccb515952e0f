"""Trying what is being written: the buttons of the editor for it, and the answers as they come."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.views.decorators.vary import vary_on_headers

from prompts_app.access import own_try, own_try_answer, version_of
from prompts_app.actions.prompts.drafts import keep_draft
from prompts_app.actions.tries.proposing import case_from_answer
from prompts_app.actions.tries.starting import (
    MOST_KEPT,
    ModelAt,
    lately_tried,
    places_named,
    start_try,
    stop_try,
    tries_of,
)
from prompts_app.engine.adaptations import told
from prompts_app.engine.errors import Refused
from prompts_app.engine.prices import USUAL_OUTPUT_TOKENS, estimate, estimate_tokens
from prompts_app.engine.types import PromptContent
from prompts_app.evidence.checks import StoredCheck, checks_of
from prompts_app.evidence.frames import FrameState
from prompts_app.forms.parameters import initial_parameters
from prompts_app.forms.prompts import VersionForm
from prompts_app.forms.tries import TryForm, read_try
from prompts_app.models import Prompt, Try, TryAnswer, User
from prompts_app.views.signed_in import STOP_POLLING, AuthorRequest, owner_view
from prompts_app.views.studio.drafts import DraftedForm, draft_key
from prompts_app.views.studio.studio_page import fragments


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """One answer, whole or as far as it has come, and how the case's assertions came out."""

    answer: TryAnswer
    checks: Sequence[StoredCheck]

    @property
    def state(self) -> FrameState:
        if not self.answer.is_done:
            return FrameState.WAITING
        if self.answer.is_error:
            return FrameState.NO_ANSWER
        judged = {True: FrameState.PASSED, False: FrameState.FAILED}
        return FrameState.UNJUDGED if self.answer.passed is None else judged[self.answer.passed]

    @property
    def adapted_told(self) -> str:
        return told(self.answer.adapted)

    @property
    def verdict(self) -> str:
        if self.answer.passed is None:
            return "no verdict"
        return "passes" if self.answer.passed else "fails"

    @property
    def held(self) -> int:
        return sum(check.passed is True for check in self.checks)

    @property
    def judged(self) -> int:
        return sum(check.passed is not None for check in self.checks)


class TryingForm[F: VersionForm](DraftedForm[F]):
    """A text with a Try button beside it. What is tried is kept as a draft as well."""

    def trying(self, form: F) -> HttpResponse | None:
        """The answer to a button of the try; None for another."""
        verb, _, which = self.do.replace("\x00", "").partition(":")
        if verb == "try":
            return self._try()
        if verb == "stop":
            stop_try(own_try(self.request.user, which))
            return self._answered(form, which)
        if verb == "use":
            said = "This is the text of that try again. Nothing is saved as a version yet."
            return self._put(own_try(self.request.user, which).text, said, f"?{urlencode({'try': which})}")
        if verb == "from" and self.prompt:
            number = self.request.POST.get("from_version", "")
            version = version_of(self.prompt, int(number) if number.isdecimal() else 0)
            said = f"This is the text of {version}. What you save becomes a new version, as ever."
            return self._put(version.as_engine(), said)
        if verb == "case" and self.prompt:
            return self._make_case(own_try_answer(self.request.user, which), self.prompt)
        return None

    def _try(self) -> HttpResponse:
        form = self.form(self.request.POST, judged=True)
        if not form.is_valid():
            return self._refused(form)
        fields = read_try(self.request.user, self.prompt, form.used_variables, self.request.POST)
        try:
            one = start_try(
                self.request.user, self.prompt, form.content(), fields.case(),
                places_named(self.request.user, fields.words),
                case_public_id=fields.chosen.public_id if fields.chosen else "",
            )  # fmt: skip
        except Refused as why:
            return self._refused(form, str(why))
        return self._answered(form, one.public_id)

    def _refused(self, form: F, why: str = "") -> HttpResponse:
        if self.request.htmx:
            context = {**self.context(form), "try_refused": why, "try_form": form}
            return fragments(self.request, ["answers"], context)
        self.keep_posted()
        return self.page(form, try_refused=why)

    def _answered(self, form: F, public_id: str) -> HttpResponse:
        if self.request.htmx:
            shown = shown_try(own_try(self.request.user, public_id))
            context = {**self.context(form), **shown}
            return fragments(self.request, ["answers", "earlier"], context)
        self.keep_posted()
        return redirect(f"{self.request.path}?{urlencode({'try': public_id})}#answers")

    def _put(self, content: PromptContent, sentence: str, query: str = "") -> HttpResponse:
        """This content in the form, in place of what is typed there."""
        keep_draft(self.request.user, self.key, typed_as(self.request.POST, content))
        messages.info(self.request, sentence)
        return redirect(f"{self.request.path}{query}")

    def _make_case(self, answer: TryAnswer, prompt: Prompt) -> HttpResponse:
        self.keep_posted()
        keep_draft(self.request.user, draft_key(prompt, "case-new"), case_from_answer(answer))
        messages.info(
            self.request, "Values and a first assertion are from your try. See to them, then save the case."
        )
        return redirect("studio_case_new", prompt.slug)

    def try_context(self, form: F, content: PromptContent, typed: QueryDict | None) -> dict[str, Any]:
        """What the panel wants: values, models, what it would cost, the shown try and the earlier ones."""
        user = self.request.user
        fields = read_try(user, self.prompt, form.used_variables, typed)
        wanted = self.request.GET.get("try") or self.request.POST.get("shown_try", "")
        shown = tries_of(user, self.prompt).filter(public_id=wanted.replace("\x00", "")).first()
        return {
            "trying": fields,
            "try_tokens": (tokens := _tokens(content, fields)),
            "try_cost": _cost(fields, tokens),
            "versions": self.prompt.versions.order_by("-number").only("number", "prompt_id")
            if self.prompt
            else (),
            **earlier_tries(user, self.prompt, self.request.path),
            **shown_try(shown),
        }


def shown_try(one: Try | None) -> dict[str, Any]:
    answers = list(map(_shown, one.answers.all())) if one else []
    return {
        "shown_try": one,
        "answers": answers,
        "done": sum(shown.answer.is_done for shown in answers),
    }


def earlier_tries(user: User, prompt: Prompt | None, editor: str) -> dict[str, Any]:
    """Newest first, without what was said."""
    tries = lately_tried(user, prompt)

    def lines() -> list[tuple[Try, list[ShownAnswer]]]:
        return [(one, [ShownAnswer(answer, ()) for answer in one.answers.all()]) for one in tries]

    # Asked for where the list is shown, not with every letter that is typed.
    return {"earlier": SimpleLazyObject(lines), "most_kept": MOST_KEPT, "editor": editor}


def _shown(answer: TryAnswer) -> ShownAnswer:
    return ShownAnswer(answer, checks_of(answer.checks))


def _tokens(content: PromptContent, fields: TryForm) -> int:
    """About how many are sent to each model."""
    values = sum(estimate_tokens(value.text or value.default) for value in fields.values)
    return values + sum(estimate_tokens(message.content) for message in content.messages)


def _cost(fields: TryForm, tokens: int) -> Decimal | None:
    """About what pressing Try comes to; None where a price is not known."""
    asked = [place for place in fields.places if place.word in fields.ticked]
    prices = [_price(place, tokens) for place in asked]
    known = [price for price in prices if price is not None]
    return sum(known, Decimal(0)) if len(known) == len(prices) else None


def _price(place: ModelAt, tokens: int) -> Decimal | None:
    endpoint = place.endpoint
    if endpoint.is_practice:
        return Decimal(0)
    return estimate(place.model, endpoint.base_url, tokens, USUAL_OUTPUT_TOKENS, prices=endpoint.own_prices)


def typed_as(posted: QueryDict, content: PromptContent) -> dict[str, list[str]]:
    """The posted form with this content in place of the one in it, whose messages can be brought back."""
    typed = {name: values for name, values in posted.lists() if name not in _OF_CONTENT}
    for name in ("role", "content"):
        typed[f"removed_{name}"] = [*posted.getlist(name), *posted.getlist(f"removed_{name}")]
    typed["role"] = [message.role for message in content.messages]
    typed["content"] = [message.content for message in content.messages]
    for name in ("name", "default", "description"):
        typed[f"variable_{name}"] = [getattr(variable, name) for variable in content.variables]
    for name, value in initial_parameters(content.parameters).items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
        typed[name] = [text] if value not in (None, False) else []
    return typed


_OF_CONTENT = frozenset({
    "role", "content", "variable_name", "variable_default", "variable_description", "do",
    "csrfmiddlewaretoken", *VersionForm.NUMBERS, *VersionForm.TEXTS, *VersionForm.SCHEMA, "tools",
})  # fmt: skip


@owner_view(own_try)
@vary_on_headers("HX-Request")
def answers(request: AuthorRequest, one: Try) -> HttpResponse:
    """As far as they have come; without htmx, on the page it was tried on."""
    page = reverse("studio_prompt", args=[one.prompt.slug]) if one.prompt else reverse("studio_prompt_new")
    if not request.htmx:
        return redirect(f"{page}?{urlencode({'try': one.public_id})}#answers")
    context = {"prompt": one.prompt, "editor": page, **shown_try(one)}
    if one.is_under_way:
        return render(request, "studio/_answers.html", context)
    # The last look: how it came out stands in the list of tries as well.
    context |= {**earlier_tries(request.user, one.prompt, page), "oob": True}
    return fragments(request, ["answers", "earlier"], context, status=STOP_POLLING)
