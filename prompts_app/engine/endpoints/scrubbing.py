"""Taking the endpoint's key out of whatever a server sent back.

A server that quotes the key may write it as JSON, a URL, HTML, a mail or a programming language writes it,
or in base64, and an answer is JSON inside of which there may be more of it. So each character of the key is
looked for in each of its spellings, before decoding and after, line breaks and invisible characters between
them or not.
"""

import re
from base64 import b64encode
from functools import cache, lru_cache
from html.entities import html5

from prompts_app.engine.types import Json

SHORTEST_SECRET = 8  # anything shorter would blank out ordinary words
_PUT_IN_PLACE = "[key]"
_BETWEEN = r"[\0\s\u00ad\u200b-\u200d\u2060\ufeff]"
_ESCAPES = re.compile(rf"[\\%&]|=[0-9A-Fa-f]|{_BETWEEN}")
_GAP = rf"(?:{_BETWEEN}|\\{{1,8}}[rnt]){{0,4}}"


def scrub(text: str, secret: str) -> str:
    """``text`` without the endpoint's key in it, however it is spelled."""
    if len(secret) < SHORTEST_SECRET:
        return text
    if not _ESCAPES.search(text):  # as the base64 of a picture, which is long
        for form in (secret, *_in_base64(secret)):
            text = text.replace(form, _PUT_IN_PLACE)
        return text
    return _spelled(secret).sub(_PUT_IN_PLACE, text)


@lru_cache(maxsize=32)
def _in_base64(secret: str) -> tuple[str, ...]:
    """What is the same in each base64 that the secret stands in, at each of the three places it may begin."""
    found = []
    for before in range(3):
        raw = bytes(before) + secret.encode()
        found.append(b64encode(raw).decode("ascii")[-(-before * 8 // 6) : len(raw) * 8 // 6])
    return (*found, *(form.translate({43: "-", 47: "_"}) for form in found if "+" in form or "/" in form))


@lru_cache(maxsize=32)
def _spelled(secret: str) -> re.Pattern[str]:
    forms = (secret, *_in_base64(secret))
    return re.compile("|".join(_GAP.join(map(_spellings, form)) for form in forms))


@cache
def _spellings(character: str) -> str:
    """As it is, escaped for JSON (once or more) and other languages, for a URL, a mail, or for HTML."""
    code = ord(character)
    digits = "".join(f"[{d}{d.upper()}]" if d.isalpha() else d for d in f"{code:02x}")
    named = "|".join(name.rstrip(";") for name, meant in html5.items() if meant == character)
    spelled = [
        rf"\\{{1,8}}(?:u00{digits}|u\{{0{{0,6}}{digits}\}}|x{digits}|{code:03o})",
        f"%(?:25){{0,4}}{digits}", f"={digits}",
        f"&(?:amp;){{0,4}}(?:#0{{0,5}}{code}|#[xX]0{{0,5}}{digits}{f'|{named}' if named else ''});?",
    ]  # fmt: skip
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
