"""Every request reads with somebody's eyes: rows of other people's prompts come masked, whatever the page."""

from collections.abc import Callable, Iterable, Iterator
from typing import cast

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

from prompts_app.access import reads_own
from prompts_app.models.reading import Reading, reading

type Answer = Callable[[HttpRequest], HttpResponseBase]


def masked_for_its_reader(answer: Answer) -> Answer:
    """Middleware; after the one that says who is signed in. The operator's admin shows what is stored."""

    def masked(request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(reverse("admin:index")):
            return answer(request)
        reader = reads_own(lambda: request.user)
        with reading(reader):
            response = answer(request)
        if isinstance(response, StreamingHttpResponse) and not response.is_async:
            sent = cast(Iterator[bytes], response.streaming_content)  # it is not async
            response.streaming_content = streamed(reader, sent)
        return response

    return masked


def streamed(reader: Reading, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """What is made while it is sent is made with the same eyes."""
    source = iter(chunks)
    while True:
        with reading(reader):
            chunk = next(source, None)
        if chunk is None:
            return
        yield chunk
