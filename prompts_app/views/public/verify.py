"""Checking a sealed record: the page, the site's public keys, and the record itself for download."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from prompts_app.access import run_visible_to
from prompts_app.actions.prompts.reveal import NOT_PROVEN as PART_NOT_PROVEN
from prompts_app.actions.prompts.reveal import matches, verify_with, visitors_file
from prompts_app.actions.runs.seal import NOT_PROVEN, key_set
from prompts_app.forms.verify import PartForm, VerifyForm
from prompts_app.models import Prompt
from prompts_app.models.reading import now
from prompts_app.views.public.public_page import page_ld, prompt_page, public_page


@csrf_exempt  # it changes nothing and needs no account
@cache_control(private=True, no_cache=True)  # kept for the way back to what was typed, and asked for anew
@require_http_methods(["GET", "HEAD", "POST"])
def verify_page(request: HttpRequest) -> HttpResponse:
    """Two forms: a record, and a private part (``part=1``)."""
    about_part = request.method == "POST" and "part" in request.POST
    page: dict[str, Any] = {
        "form": VerifyForm(),
        "part_form": PartForm(),
        "not_proven": NOT_PROVEN,
        "json_ld": page_ld("WebPage", "Verify a record", reverse("verify")),
    }
    if request.method != "POST":
        return render(request, "public/verify.html", page)
    answer = _of_part(request) if about_part else _of_record(request)
    status = 200 if answer.keys() & {"verdict", "part"} else 422
    return render(request, "public/verify.html", page | answer, status=status)


def _of_record(request: HttpRequest) -> dict[str, Any]:
    form = VerifyForm(request.POST, request.FILES)
    if not form.is_valid():
        return {"form": form}
    given = form.cleaned_data
    verdict = verify_with(given["sealed"], given["revealed"], request.user)
    return {"form": form, "verdict": verdict}


def _of_part(request: HttpRequest) -> dict[str, Any]:
    form = PartForm(request.POST)
    if not form.is_valid():
        return {"part_form": form}
    reveal, digest, wanted = (form.cleaned_data[name] for name in ("reveal", "digest", "wanted"))
    return {
        "part_form": form,
        "part": reveal,
        "digest": digest,
        "differs": bool(reveal and wanted and wanted != digest),
        "matches": matches(request.user, digest),
        "part_not_proven": PART_NOT_PROVEN,
    }


@public_page
def jwks(request: HttpRequest) -> HttpResponse:
    """The site's public signing keys, retired ones included (RFC 7517)."""
    return JsonResponse(key_set(), content_type="application/jwk-set+json")


@prompt_page
def record(request: HttpRequest, prompt: Prompt, public_id: str) -> HttpResponse:
    """A run's record with its seal, as it can be checked anywhere; its author may ask for it in full."""
    run = run_visible_to(request.user, prompt, public_id)
    reader = now()
    sealed = visitors_file(run, reader) if reader else None
    if sealed is None:
        raise Http404
    response = JsonResponse(sealed, json_dumps_params={"ensure_ascii": False, "indent": 1})
    name = f"{prompt.owner.handle}-{prompt.slug}-{run.public_id}.sealed.json"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
