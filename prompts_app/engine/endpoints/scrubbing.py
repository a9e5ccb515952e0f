"""Taking the endpoint's key out of whatever a server sent back.

A server that quotes the key may write it as JSON, a URL or HTML writes it, and an answer is JSON inside of
which there may be more of it. So each character of the key is looked for in each of its spellings, before
decoding and after.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache

from prompts_app.engine.types import Json

SHORTEST_SECRET = 8  # anything shorter would blank out ordinary words
_PUT_IN_PLACE = "[key]"
_ESCAPES = re.compile(r"[\\%&]")


def scrub(text: str, secret: str) -> str:
    """``text`` without the endpoint's key in it, however it is spelled."""
    if len(secret) < SHORTEST_SECRET:
        return text
    if not _ESCAPES.search(text):  # as the base64 of a picture, which is long
        return text.replace(secret, _PUT_IN_PLACE)
    return _spelled(secret).sub(_PUT_IN_PLACE, text)


@lru_cache(maxsize=32)
def _spelled(secret: str) -> re.Pattern[str]:
    return re.compile("".join(map(_spellings, secret)))


def _spellings(character: str) -> str:
    """As it is, escaped for JSON (once or more), for a URL, or for HTML."""
    code = ord(character)
    digits = "".join(f"[{d}{d.upper()}]" if d.isalpha() else d for d in f"{code:02x}")
    spelled = [
        rf"\\{{1,8}}u00{digits}", f"%(?:25){{0,4}}{digits}", f"&#(?:0{{0,5}}{code}|[xX]0{{0,5}}{digits});",
    ]  # fmt: skip
    named = html.escape(character)
    if named != character:
        spelled.append(re.escape(named))
    plain = re.escape(character)
    if not character.isalnum():
        plain = rf"\\{{0,8}}{plain}"
    return f"(?:{plain}|{'|'.join(spelled)})"


def scrub_all(data: Json, secret: str) -> Json:
    """JSON as ``json.loads`` gives it, with every text in it scrubbed, the names of members too."""
    if isinstance(data, str):
        return scrub(data, secret)
    if isinstance(data, list):
        return [scrub_all(item, secret) for item in data]
    if isinstance(data, dict):
        return {scrub(name, secret): scrub_all(value, secret) for name, value in data.items()}
    return data
