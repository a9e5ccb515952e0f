"""Asking with the bytes of the pictures in a request: read when they are sent, and held no longer."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from prompts_app.engine.case_pictures import MOST_SENT, digests_in
from prompts_app.engine.endpoints.kinds import Asker
from prompts_app.engine.types import Embedded, Fault, Reply, Request

type ReadPicture = Callable[[str], bytes]
"""The bytes of the picture with this digest, quickly. Raises ``KeyError`` where it is not there."""

NO_PICTURES = "The images API takes no pictures. Take them out of the case or the message, or ask for texts."
NOT_KEPT = "A picture of this request is not kept here any more. Give it again in the case or the message."
TOO_MANY = f"There would be more than {MOST_SENT} pictures in one request. Name their variables less often."


@dataclass(frozen=True, slots=True)
class PictureAsker:
    """``asker``, which is given the pictures too."""

    asker: Asker
    read: ReadPicture

    @property
    def origin(self) -> str:
        return self.asker.origin

    async def ask(self, request: Request, deadline_s: float) -> Reply | Fault:
        digests = list(digests_in(message.as_json() for message in request.messages))
        if digests and request.api == "images":
            return Fault("bad_request", NO_PICTURES)
        if len(digests) > MOST_SENT:
            return Fault("bad_request", TOO_MANY)
        try:
            pictures = {digest: self.read(digest) for digest in digests}
        except KeyError:
            return Fault("template", NOT_KEPT)
        sent = replace(request, pictures=pictures) if pictures else request
        return await self.asker.ask(sent, deadline_s)

    async def embed(self, model: str, texts: tuple[str, ...], deadline_s: float) -> Embedded | Fault:
        return await self.asker.embed(model, texts, deadline_s)

    async def list_models(self, deadline_s: float) -> tuple[str, ...] | Fault:
        return await self.asker.list_models(deadline_s)


def no_pictures(digest: str) -> bytes:
    """Of a run that has none. Raises ``KeyError``."""
    raise KeyError(digest)
