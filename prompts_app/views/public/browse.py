"""``/prompts/``: all listed prompts, searched, filtered, sorted, a page at a time."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from prompts_app.evidence import prompt_filters
from prompts_app.models import Prompt
from prompts_app.views.public.home import LONG_COLUMNS
from prompts_app.views.public.public_page import page_ld, public_page

PAGE = 20


@public_page
def browse(request: HttpRequest) -> HttpResponse:
    search, ignored = prompt_filters.read_search(request.GET)
    public = Prompt.objects.listed()
    found = prompt_filters.narrow(public, search)
    ordered = prompt_filters.in_order(found, search).with_author().defer(*LONG_COLUMNS)
    page = Paginator(ordered, PAGE).get_page(request.GET.get("page"))
    context = {
        "search": search,
        "ignored": ignored,
        "page": page,
        "query": search.query(),
        "order": prompt_filters.ORDER_IN_WORDS[search.order],
        "filters": prompt_filters.filters_of(search, public),
        "set_filters": prompt_filters.set_filters(search),
        "sorts": prompt_filters.sorts_for(search),
        "json_ld": page_ld("CollectionPage", "Tested prompts", reverse("browse")),
        "ways_out": [] if page.paginator.count else prompt_filters.ways_out(search, public),
    }
    partial = request.headers.get("HX-Request") and not request.headers.get("HX-History-Restore-Request")
    response = render(request, "public/browse.html#results" if partial else "public/browse.html", context)
    if partial:
        # The address without the filters that are not set.
        response.headers["HX-Push-Url"] = f"{reverse('browse')}?{search.query()}".rstrip("?")
    patch_vary_headers(response, ["HX-Request"])
    return response
