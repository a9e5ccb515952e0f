"""``/@handle/slug/blind/``: two outputs for one input, read without knowing whose they are, then compared.

What visitors choose is opinion. It is shown here, after choosing, and nowhere else.
"""

import secrets
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.crypto import salted_hmac
from django.views.decorators.http import require_safe

from prompts_app.actions.sharing.votes import Tally, Visitor, cast_vote, choices_of, tally_of, tally_of_runs
from prompts_app.engine.errors import why_not
from prompts_app.evidence.blind_pairs import Drawn, Duel, duel_of
from prompts_app.evidence.case_inputs import inputs_of
from prompts_app.evidence.records import MOST_SHOWN, Records, RunCase
from prompts_app.models import BlindChoice, Prompt, Result, Run
from prompts_app.views.limits import HOUR_S, is_allowed, network_of, told_to_wait
from prompts_app.views.public.public_page import prompt_form, read_as_visitors_read

COOKIE = "__Host-blind" if settings.HTTPS else "blind"
COOKIE_AGE = 365 * 24 * 60 * 60  # seconds
LETTERS = ("A", "B")  # left and right


@dataclass(frozen=True, slots=True)
class BlindSide:
    """One output as it stands, and what it turns out to be."""

    letter: str
    result: Result
    run: Run
    name: str
    votes: int
    chosen: bool

    @property
    def output(self) -> str:
        return self.result.output[:MOST_SHOWN]

    @property
    def is_cut(self) -> bool:
        return len(self.result.output) > MOST_SHOWN


@read_as_visitors_read
@require_safe
@prompt_form
def blind(request: HttpRequest, prompt: Prompt) -> HttpResponse:
    """On to a pair this visitor has not chosen in; the page itself where there is none."""
    duel = duel_of(Records(prompt))
    if duel is None:
        return render(request, "public/blind.html", {"prompt": prompt})
    visitor = visitor_of(request)
    chosen = choices_of(visitor, duel.pairs)
    left = set(duel.pairs) - chosen.keys()
    if not left:
        tally = tally_of_runs(duel.one, duel.other)
        return render(request, "public/blind.html", {"prompt": prompt, "duel": duel, "all": tally})
    return redirect("blind_pair", prompt.owner.handle, prompt.slug, duel.fresh_draw(left))


@read_as_visitors_read
@prompt_form
def blind_pair(request: HttpRequest, prompt: Prompt, draw: str) -> HttpResponse:
    duel = duel_of(Records(prompt))
    if duel is None:
        return render(request, "public/blind.html", {"prompt": prompt})
    drawn = duel.drawn(draw)
    if request.method == "POST":
        return _choose(request, prompt, duel, drawn)
    return _page(request, prompt, duel, drawn)


# --- choosing ------------------------------------------------------------------------------------------


def visitor_of(request: HttpRequest) -> Visitor:
    """An address is only ever hashed; what a forged cookie says is not heard."""
    cookie = request.get_signed_cookie(COOKIE, default="", salt="blind") or ""
    return Visitor(request.user.pk if request.user.is_authenticated else None, cookie, network_of(request))


def _choose(request: HttpRequest, prompt: Prompt, duel: Duel, drawn: Drawn) -> HttpResponse:
    choice = _chosen(request.POST.get("choice", ""), drawn)
    if not drawn.is_sealed_by(request.POST.get("pair", "")):
        return _page(request, prompt, duel, drawn, problem="changed", status=409)
    if choice is None:
        return _page(request, prompt, duel, drawn, problem="nothing", status=422)
    here = redirect("blind_pair", prompt.owner.handle, prompt.slug, drawn.draw)
    if request.user.pk == prompt.owner_id:  # an author's own choice is never counted
        return here
    visitor = visitor_of(request)
    if not is_allowed(request, "blind_vote", visitor.network):
        return told_to_wait(_page(request, prompt, duel, drawn, problem="often"), HOUR_S)
    if not visitor.is_known:
        visitor = Visitor(None, _new_cookie(request), visitor.network)
        _give_cookie(here, visitor.cookie)
    if why_not(cast_vote, drawn.pair, visitor, choice):
        return _page(request, prompt, duel, drawn, problem="network", status=409)
    return here


def _chosen(word: str, drawn: Drawn) -> BlindChoice | None:
    """From the letter of a side, which is the other way round where the pair is swapped."""
    if word == "neither":
        return BlindChoice.NEITHER
    if word not in LETTERS:
        return None
    is_left = word == LETTERS[0]
    return BlindChoice.ONE if is_left != drawn.is_swapped else BlindChoice.OTHER


def _new_cookie(request: HttpRequest) -> str:
    """A random number; the same for a button pressed twice, so made of the one that came with the form."""
    sent_with_form = request.META.get("CSRF_COOKIE") or secrets.token_urlsafe(16)
    return salted_hmac("blind-cookie", sent_with_form, algorithm="sha256").hexdigest()[:32]


def _give_cookie(response: HttpResponse, value: str) -> None:
    response.set_signed_cookie(
        COOKIE, value, salt="blind", max_age=COOKIE_AGE, secure=settings.HTTPS, httponly=True, samesite="Lax"
    )


# --- the page ------------------------------------------------------------------------------------------


def _page(
    request: HttpRequest, prompt: Prompt, duel: Duel, drawn: Drawn, *, problem: str = "", status: int = 200
) -> HttpResponse:
    is_author = request.user.pk == prompt.owner_id
    choice = choices_of(visitor_of(request), [drawn.pair]).get(drawn.pair)
    is_told = is_author or (choice is not None and not problem)
    case = Records(prompt).case(RunCase(duel.other, drawn.case_index))
    tally = tally_of(drawn.pair) if is_told else None
    context = {
        "prompt": prompt,
        "duel": duel,
        "drawn": drawn,
        "inputs": inputs_of(case),
        "sides": _sides(duel, drawn, tally, choice),
        "tally": tally,
        "all": tally_of_runs(duel.one, duel.other) if is_told else None,
        "is_author": is_author,
        "is_told": is_told,
        "choice": choice,
        "problem": problem,
    }
    return render(request, "public/blind.html", context, status=status)


def _sides(duel: Duel, drawn: Drawn, tally: Tally | None, choice: BlindChoice | None) -> list[BlindSide]:
    """Left first. Read as rows, which is how a visitor gets what they may see of them."""
    found = Result.objects.filter(pk__in=drawn.keys).only("public_id", "run_id", "case_index", "output")
    results = {result.pk: result for result in found}
    known = {
        drawn.pair.one: (duel.one, duel.names[0], tally.one if tally else 0, BlindChoice.ONE),
        drawn.pair.other: (duel.other, duel.names[1], tally.other if tally else 0, BlindChoice.OTHER),
    }
    sides = []
    for letter, key in zip(LETTERS, drawn.keys, strict=True):
        run, name, votes, own = known[key]
        sides.append(BlindSide(letter, results[key], run, name, votes, choice == own))
    return sides
