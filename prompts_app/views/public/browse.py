"""``/prompts/``: all public prompts, searched, filtered, sorted, a page at a time."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from prompts_app.models import Prompt
from prompts_app.views.public import finder
from prompts_app.views.public.door import page_ld, public_page
from prompts_app.views.public.home import LONG_COLUMNS

PAGE = 20


@public_page
def browse(request: HttpRequest) -> HttpResponse:
    search, ignored = finder.read_search(request.GET)
    found = finder.narrow(Prompt.objects.public(), search)
    ordered = finder.in_order(found, search).with_author().defer(*LONG_COLUMNS)
    page = Paginator(ordered, PAGE).get_page(request.GET.get("page"))
    context = {
        "search": search,
        "ignored": ignored,
        "page": page,
        "query": search.query(),
        "order": finder.ORDER_IN_WORDS[search.order],
        "filters": _filters(search),
        "set_filters": _set_filters(search),
        "sorts": finder.sorts_for(search),
        "json_ld": page_ld("CollectionPage", "Tested prompts", reverse("browse")),
        "ways_out": [] if page.paginator.count else finder.ways_out(search),
    }
    partial = request.headers.get("HX-Request") and not request.headers.get("HX-History-Restore-Request")
    response = render(request, "public/browse.html#results" if partial else "public/browse.html", context)
    if partial:
        # The address without the filters that are not set.
        response.headers["HX-Push-Url"] = f"{reverse('browse')}?{search.query()}".rstrip("?")
    patch_vary_headers(response, ["HX-Request"])
    return response


def _filters(search: finder.Search) -> list[tuple[str, str, str, str, list[finder.Choice]]]:
    """(name, label, the choice that is none, the value now, choices) of each list."""
    return [
        ("task", "Task", "Any task", search.task, _with_chosen(finder.tasks_left(search), search, "task")),
        (
            "model",
            "Model",
            "Any model",
            search.model,
            _with_chosen(finder.models_left(search), search, "model"),
        ),
        (
            "level",
            "Evidence, at least",
            "Any",
            search.level,
            _with_chosen(finder.levels_left(search), search, "level"),
        ),
        ("tag", "Tag", "Any tag", search.tag, _with_chosen(finder.tags_left(search), search, "tag")),
    ]


def _with_chosen(choices: list[finder.Choice], search: finder.Search, name: str) -> list[finder.Choice]:
    """What is chosen stays in its list, though nothing is left of it."""
    value = getattr(search, name)
    if value and all(choice.value != value for choice in choices):
        return [finder.Choice(value, finder.in_words(search)[name].removeprefix("tag "), 0), *choices]
    return choices


def _set_filters(search: finder.Search) -> list[tuple[str, str]]:
    """(in words, the query string without it) of each filter that is set."""
    return [(said, search.without(name).query()) for name, said in finder.in_words(search).items()]
