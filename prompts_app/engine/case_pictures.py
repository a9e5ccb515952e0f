"""Pictures as input: what a case gives for a variable in place of a text, and how a message holds them.

Wherever a request is kept, a picture in it stands by its digest (``sha256:…`` for its address); its bytes are
put in when it is sent, as a ``data:`` address. So the request can be made again from what is kept.
"""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

type Json = Any

MOST_PICTURES = 10  # of one case
MOST_SENT = 20  # in one request: a variable may stand in a text many times
LONGEST_ALT = 500  # characters that an author may type
LONGEST_READ = 9_000  # of a text: labels of private parts are longer than some of these
KIND = "image/jpeg"  # which every server that takes pictures takes, llama.cpp and Ollama too
_ADDRESS = "sha256:"
_DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class CasePicture:
    """One picture for a variable; several for one are sent in their order.

    ``sha256`` is that of the JPEG that is kept and sent, in hex; where it is a private part, its label.
    ``alt`` says what is seen, for people. It is not sent.
    """

    variable: str
    sha256: str
    width: int
    height: int
    alt: str = ""

    @property
    def is_shown(self) -> bool:
        """Whether who reads this may see it."""
        return bool(_DIGEST.fullmatch(self.sha256))

    def as_json(self) -> dict[str, Json]:
        known = {"variable": self.variable, "sha256": self.sha256, "width": self.width, "height": self.height}
        return known | ({"alt": self.alt} if self.alt else {})

    def as_part(self) -> dict[str, Json]:
        """As a part of a message's content, as Chat Completions has it."""
        return part_of(self.sha256)


def part_of(digest: str) -> dict[str, Json]:
    """A picture as a part of a message's content, as Chat Completions has it."""
    return {"type": "image_url", "image_url": {"url": f"{_ADDRESS}{digest}"}}


def case_picture_from_json(data: Json) -> CasePicture:
    """The opposite of ``as_json``. Raises ``ValueError`` saying what has the wrong shape."""
    known = data if isinstance(data, dict) else {}
    texts: list[Json] = [known.get("variable"), known.get("sha256"), known.get("alt", "")]
    sides: list[Json] = [known.get("width"), known.get("height")]
    if not all(isinstance(text, str) and len(text) <= LONGEST_READ for text in texts):
        raise ValueError("A picture of a case is an object with a “variable” and a “sha256”.")
    if not all(type(side) is int and 0 < side <= 100_000 for side in sides):
        raise ValueError("The “width” and “height” of a case’s picture are whole numbers of pixels.")
    return CasePicture(texts[0], texts[1], sides[0], sides[1], texts[2])


def parts_of(pieces: Iterable[str | CasePicture]) -> tuple[Json, ...]:
    """A message's content as its parts: texts that follow one another are one."""
    parts = list[dict[str, Json]]()
    for piece in pieces:
        if isinstance(piece, CasePicture):
            parts.append(piece.as_part())
        elif parts and parts[-1]["type"] == "text":
            parts[-1]["text"] += piece
        elif piece:
            parts.append({"type": "text", "text": piece})
    return tuple(part for part in parts if part["type"] != "text" or part["text"].strip())


def text_in(content: Json) -> str:
    """The texts of a message's content, which is one, or a list of parts."""
    if isinstance(content, list | tuple):
        texts = (part.get("text") for part in content if isinstance(part, dict))
        return "\n".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else ""


def digest_of(part: Json) -> str:
    """Of the picture that a part of a content is, as ``CasePicture.sha256``; "" for any other."""
    image = part.get("image_url") if isinstance(part, dict) else None
    address = image.get("url") if isinstance(image, dict) else image  # as the Responses API has it
    is_ours = isinstance(address, str) and address.startswith(_ADDRESS)
    return address.removeprefix(_ADDRESS) if is_ours and isinstance(address, str) else ""


def digests_in(messages: Iterable[Mapping[str, Json]]) -> Iterator[str]:
    """Of all pictures in messages as they are kept."""
    for message in messages:
        content = message.get("content")
        yield from filter(None, map(digest_of, content if isinstance(content, list) else ()))


def with_bytes(body: Mapping[str, Json], data: Mapping[str, bytes]) -> Mapping[str, Json]:
    """The body of a chat completion or a response as it is sent: each picture in place of its digest. Raises
    ``KeyError`` where the bytes of one are not in ``data``."""
    name = "input" if "input" in body else "messages"
    if not any(digests_in(messages := body.get(name, []))):
        return body
    sent = [
        {**one, "content": [_sent(part, data) for part in one["content"]]}
        if isinstance(one.get("content"), list)
        else one
        for one in messages
    ]
    return {**body, name: sent}


def _sent(part: Json, data: Mapping[str, bytes]) -> Json:
    if not (digest := digest_of(part)):
        return part
    image, address = part["image_url"], f"data:{KIND};base64,{base64.b64encode(data[digest]).decode('ascii')}"
    return {**part, "image_url": {**image, "url": address} if isinstance(image, dict) else address}
