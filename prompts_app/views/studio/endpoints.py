"""The author's endpoints: list, new, change, test, delete."""

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from prompts_app.access import own_endpoint
from prompts_app.actions.runs.endpoints import Untested, test_connection
from prompts_app.engine.endpoints.presets import PRESETS
from prompts_app.engine.wording import how_many
from prompts_app.forms.endpoints import EndpointForm
from prompts_app.models import Endpoint
from prompts_app.views.signed_in import AuthorRequest, author_view, owner_view, typing_kept
from prompts_app.views.studio.studio_page import done


@author_view
@require_safe
def endpoints(request: AuthorRequest) -> HttpResponse:
    mine = Endpoint.objects.filter(owner=request.user)
    return render(
        request, "studio/endpoints.html", {"here": "endpoints", "endpoints": mine, "presets": PRESETS}
    )


@author_view
def new(request: AuthorRequest) -> HttpResponse:
    preset = next((one for one in PRESETS if one.name == request.GET.get("preset")), None)
    initial = {"name": preset.name, "base_url": preset.base_url} if preset else {}
    if kept := typing_kept(request):
        initial = {"name": kept.get("name", ""), "base_url": kept.get("base_url", "")}
    form = EndpointForm(request.user, request.POST or None, initial=initial)
    if request.method == "POST" and (endpoint := _saved(form)):
        return _after_saving(request, form, endpoint)
    context = {"here": "endpoints", "form": form, "presets": PRESETS, "preset": preset}
    return render(request, "studio/endpoint_edit.html", context)


@owner_view(own_endpoint)
def edit(request: AuthorRequest, endpoint: Endpoint) -> HttpResponse:
    if endpoint.is_practice:
        return redirect("studio_endpoints")
    name = endpoint.name
    form = EndpointForm(request.user, request.POST or None, instance=endpoint)
    if request.method == "POST" and (saved := _saved(form)):
        return _after_saving(request, form, saved)
    context = {"here": "endpoints", "form": form, "endpoint": endpoint, "name": name}
    return render(request, "studio/endpoint_edit.html", context)


def _saved(form: EndpointForm) -> Endpoint | None:
    if not form.is_valid():
        return None
    try:
        with transaction.atomic():
            return form.save()
    except IntegrityError:  # another tab took the name between the check and the save
        form.add_error("name", "You have an endpoint of this name already. Choose another.")
        return None


def _after_saving(request: AuthorRequest, form: EndpointForm, endpoint: Endpoint) -> HttpResponse:
    messages.success(request, f"“{endpoint.name}” is saved.")
    if form.key_was_dropped:
        messages.warning(
            request, "The stored key was for another address, so it was dropped. Enter the key for this one."
        )
    if request.POST.get("do") == "test":
        _test(request, endpoint)
    return redirect("studio_endpoint", endpoint.public_id)


@require_POST
@owner_view(own_endpoint)
def test(request: AuthorRequest, endpoint: Endpoint) -> HttpResponse:
    _test(request, endpoint)
    return redirect("studio_endpoint", endpoint.public_id)


def _test(request: AuthorRequest, endpoint: Endpoint) -> None:
    answer = test_connection(endpoint)
    if isinstance(answer, Untested):
        said = (
            f"{answer.message.rstrip('.')}. " if answer.message else ""
        )  # a server's words end as they like
        messages.error(request, f"No connection: {answer.label}. {said}{answer.next_step}")
    elif answer:
        messages.success(request, f"It answers, and offers {how_many(len(answer), 'model')}.")
    else:
        messages.warning(request, "It answers, but names no models. Type the model’s name when you run.")


@owner_view(own_endpoint)
def delete(request: AuthorRequest, endpoint: Endpoint) -> HttpResponse:
    if request.method == "POST":
        endpoint.delete()
        said = f"“{endpoint.name}” and its key are deleted. Runs keep their results."
        return done(request, said, "studio_endpoints")
    running = endpoint.runs.under_way().count()
    context = {"here": "endpoints", "endpoint": endpoint, "runs": endpoint.runs.count(), "running": running}
    return render(request, "studio/endpoint_delete.html", context)
