"""``/prompts/``: all listed prompts, searched, filtered, sorted, a page at a time."""

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
    public = Prompt.objects.listed()
    found = finder.narrow(public, search)
    ordered = finder.in_order(found, search).with_author().defer(*LONG_COLUMNS)
    page = Paginator(ordered, PAGE).get_page(request.GET.get("page"))
    context = {
        "search": search,
        "ignored": ignored,
        "page": page,
        "query": search.query(),
        "order": finder.ORDER_IN_WORDS[search.order],
        "filters": finder.filters_of(search, public),
        "set_filters": finder.set_filters(search),
        "sorts": finder.sorts_for(search),
        "json_ld": page_ld("CollectionPage", "Tested prompts", reverse("browse")),
        "ways_out": [] if page.paginator.count else finder.ways_out(search, public),
    }
    partial = request.headers.get("HX-Request") and not request.headers.get("HX-History-Restore-Request")
    response = render(request, "public/browse.html#results" if partial else "public/browse.html", context)
    if partial:
        # The address without the filters that are not set.
        response.headers["HX-Push-Url"] = f"{reverse('browse')}?{search.query()}".rstrip("?")
    patch_vary_headers(response, ["HX-Request"])
    return response
