"""``/prompts/``: all listed prompts, searched, filtered, sorted, a page at a time."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from prompts_app.evidence import prompt_filters, prompt_lists
from prompts_app.views.public.public_page import page_ld, public_page

PAGE = 20


@public_page
def browse(request: HttpRequest) -> HttpResponse:
    search, ignored = prompt_filters.read_search(request.GET)
    holding = prompt_lists.on_site()
    among = holding(search.q)
    place, lost = prompt_lists.asked_for(search, request.GET)
    total, page = among.total(search.terms), among.page(search, place, PAGE)
    # Not where htmx restores what was left by going back: that is the whole page.
    asked = request.headers
    is_part = bool(asked.get("HX-Request") and not asked.get("HX-History-Restore-Request"))
    context = {
        "is_part": is_part,
        "search": search,
        "ignored": [*ignored, *lost, *prompt_lists.beyond(place, page)],
        "page": page,
        "total": total,
        "counts_all": among.counts_all(search),
        "query": search.query(),
        "order": prompt_filters.ORDER_IN_WORDS[search.order],
        "filters": prompt_filters.filters_of(search, among),
        "set_filters": prompt_filters.set_filters(search),
        "sorts": prompt_filters.sorts_for(search),
        "json_ld": page_ld("CollectionPage", "Tested prompts", reverse("browse")),
        "ways_out": [] if total.n else prompt_filters.ways_out(search, holding),
    }
    response = render(request, "public/browse.html#results" if is_part else "public/browse.html", context)
    if is_part:
        # The address without the filters that are not set.
        response.headers["HX-Push-Url"] = f"{reverse('browse')}?{search.query()}".rstrip("?")
    patch_vary_headers(response, ["HX-Request"])
    return response
