"""``/@handle/card.png`` and ``/@handle/slug/card.png``: what a link looks like where it is sent."""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst

from prompts_app.actions.pictures.cards import MOST_FRAMES, Card, drawable
from prompts_app.engine.wording import how_many
from prompts_app.evidence import profile_figures
from prompts_app.evidence.number_format import full_date, not_judged
from prompts_app.evidence.summary import Summary, summary_of, without_figures
from prompts_app.evidence.wording import as_text, headline
from prompts_app.models import Prompt, User
from prompts_app.views.public.public_page import author_page, picture_response, prompt_page


@author_page
def profile_card(request: HttpRequest, author: User) -> HttpResponse:
    card = card_of_author(author)
    return picture_response(request, card.digest, "image/png", card.png)


@prompt_page
def prompt_card(request: HttpRequest, prompt: Prompt) -> HttpResponse:
    card = card_of_prompt(prompt)
    return picture_response(request, card.digest, "image/png", card.png)


def card_of_author(author: User) -> Card:
    """From public prompts only, whoever asks."""
    recorded = [line for line in profile_figures.lines_of(author.pk) if line.is_recorded]
    shown = profile_figures.figures_of(recorded)
    return Card(
        title=drawable(author.display_name, f"@{author.handle}"),
        byline=f"@{author.handle}",
        sentence=drawable(author.profile.headline),
        frames="".join(line.frames for line in recorded)[:MOST_FRAMES],
        foot=_sample(author, _author_foot(shown, recorded)),
    )


def _author_foot(shown: profile_figures.Figures | None, recorded: Sequence[profile_figures.Line]) -> str:
    if shown is None:
        return "Prompts with every tested output."
    models = f"{how_many(shown.models, 'model')} tested"
    drawn = (
        f"; the first {MOST_FRAMES} are drawn"
        if sum(len(line.frames) for line in recorded) > MOST_FRAMES
        else ""
    )
    each = "" if shown.models == 1 else ", each prompt on its main model"
    return f"{shown.passed} of {shown.cases} cases pass{each} · {models}{drawn}"


def card_of_prompt(prompt: Prompt) -> Card:
    author, evidence = prompt.owner, summary_of(prompt)
    sentence = as_text(headline(evidence, evidence.before)) if evidence else prompt.summary
    frames = evidence.frames if evidence else ""
    return Card(
        title=drawable(prompt.title, prompt.slug),
        byline=f"by {drawable(author.display_name, f'@{author.handle}')}",
        sentence=drawable(sentence, _plain_sentence(evidence) if evidence else ""),
        frames=frames,
        foot=_sample(author, _prompt_foot(evidence) if evidence else f"{capfirst(without_figures(prompt))}."),
    )


def _plain_sentence(evidence: Summary) -> str:
    """For models whose names the card cannot draw."""
    if not evidence.cases:
        return f"{capfirst(not_judged(evidence.outputs))}."
    return f"{evidence.passed} of {evidence.cases} cases pass."


def _prompt_foot(evidence: Summary) -> str:
    frames = len(evidence.frames)
    drawn = f"; the first {MOST_FRAMES} of {frames} cases are drawn" if frames > MOST_FRAMES else ""
    done = "tested" if evidence.cases else "answered"
    return f"v{evidence.version}, {done} {full_date(evidence.tested)}{drawn}"


def _sample(author: User, foot: str) -> str:
    return f"Sample content · {foot}" if author.profile.is_sample else foot
