"""Who can see a prompt: what they would see, what should not be in it, and what is missing."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from prompts_app.access import own_prompt
from prompts_app.actions.prompts import publish as publishing
from prompts_app.actions.prompts.guide import SECTIONS as GUIDED
from prompts_app.actions.prompts.guide import guide_for
from prompts_app.actions.prompts.secrets import SecretFinding, grouped
from prompts_app.engine.errors import why_not
from prompts_app.models import Prompt, Visibility
from prompts_app.views.signed_in import AuthorRequest, owner_view, typing_kept
from prompts_app.views.studio.studio_page import done, head

SENTENCES = {
    Visibility.PRIVATE: "Only you can open it. Its addresses do not exist for anybody else.",
    Visibility.UNLISTED: "Whoever has the link can open it. It is not listed, searched or indexed.",
    Visibility.PUBLIC: "Everybody can find it: on your profile, in search and in search engines.",
}


@owner_view(own_prompt)
def publish(request: AuthorRequest, prompt: Prompt) -> HttpResponse:
    if request.method == "POST":
        return _posted(request, prompt)
    kept = typing_kept(request)
    return _page(request, prompt, publishing.findings_of(prompt), kept.getlist("harmless") if kept else [])


def _posted(request: AuthorRequest, prompt: Prompt) -> HttpResponse:
    wanted, harmless = request.POST.get("visibility", ""), request.POST.getlist("harmless")
    here = reverse("studio_publish", args=[prompt.slug])
    if wanted == Visibility.PRIVATE:
        publishing.unpublish(prompt)
        return done(request, "It is private now, on every address, from this moment.", here)
    findings = publishing.findings_of(prompt)
    if wanted not in Visibility.values:
        return _page(request, prompt, findings, harmless, "Choose who can see it.")
    visibility = Visibility(wanted)
    if problem := why_not(publishing.check_can_publish, prompt, findings, harmless):
        return _page(request, prompt, findings, harmless, problem, wanted=visibility)
    publishing.publish(prompt, visibility)
    said = f"It is {visibility} now. This is its address; send it to whoever should read it."
    return done(request, said, f"{here}#link")


def _page(
    request: AuthorRequest,
    prompt: Prompt,
    findings: list[SecretFinding],
    harmless: list[str],
    problem: str = "",
    *,
    wanted: Visibility | None = None,
) -> HttpResponse:
    chosen = wanted or (Visibility.PUBLIC if prompt.is_private else Visibility(prompt.visibility))
    context = {
        **head(prompt, "publish"),
        "choices": [(value, value.label, SENTENCES[value], value == chosen) for value in Visibility],
        "visible": publishing.what_becomes_visible(prompt),
        "groups": grouped(findings),
        "harmless": harmless,
        "guide": guide_for(prompt),
        "profile_hides": publishing.profile_hides(prompt),
        "problem": problem,
    }
    return render(request, "studio/publish.html", context)


@owner_view(own_prompt)
def missing(request: AuthorRequest, prompt: Prompt) -> HttpResponse:
    """What a reader can't find yet, as a part of a page: asked for anew while one types, or comes back.

    What is posted stands in for what is saved; nothing is kept.
    """
    typed = {name: request.POST[name] for name in GUIDED if name in request.POST}
    return render(request, "studio/_missing.html", {"prompt": prompt, "guide": guide_for(prompt, typed)})
