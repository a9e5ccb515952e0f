"""Private parts in sealed records, and what an author gives away to reveal one.

A *masked file* is a sealed file whose record has labels in the place of private texts, and says so under
``private``. It is without its seal, and so without anything a guess could be tried against (those that were
downloaded from earlier releases may have one). A
*reveal* is ``{"format": "proofsheet-reveal/1", "label", "text", "salt", "sha256", "forms"}``; ``forms`` are
other spellings and parts of the text that are masked somewhere.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from prompts_app.engine.digests import digest
from prompts_app.engine.errors import RevealUnreadable
from prompts_app.engine.json_texts import strings_in, with_texts
from prompts_app.engine.masking import PLACEHOLDER, Mask, Span, salted
from prompts_app.engine.types import Json

FORMAT = "proofsheet-reveal/1"
SALT_LENGTH = 32

IN_A_FILE = (
    "Private parts of this record are masked. Its seal is over the full record, and can be checked only when "
    "each part is revealed."
)
NO_SEAL = (
    "The seal is left out of this file: whoever guesses a private part could try the guess against the "
    "digest in it. This site checks it for whoever was given each part, and the author can hand over the "
    "full record."
)


@dataclass(frozen=True, slots=True)
class Reveal:
    """A private text with its salt."""

    text: str
    salt: str
    label: str = ""
    forms: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        return salted(self.salt, self.text)

    @property
    def words(self) -> int:
        return len(self.text.split())

    @property
    def by_hash(self) -> dict[str, str]:
        """Short hash, as it stands in a placeholder → the text that stands behind it."""
        return {salted(self.salt, form)[:8]: form for form in (self.text, *self.forms)}

    def as_json(self) -> dict[str, Json]:
        said: dict[str, Json] = {
            "format": FORMAT,
            "label": self.label,
            "text": self.text,
            "salt": self.salt,
            "sha256": self.digest,
        }
        return said | ({"forms": list(self.forms)} if self.forms else {})


def read_reveals(value: Json) -> tuple[Reveal, ...]:
    """One reveal, or a list of them. Raises RevealUnreadable."""
    blocks = value if isinstance(value, list) else [value]
    if not blocks:
        raise RevealUnreadable("There is nothing in it.")
    return tuple(map(_read, blocks))


def _read(block: Json) -> Reveal:
    if not isinstance(block, dict) or block.get("format") != FORMAT:
        raise RevealUnreadable(f"This is no reveal: it should be JSON with “format”: “{FORMAT}”.")
    text, salt, label = (block.get(name, "") for name in ("text", "salt", "label"))
    forms = block.get("forms", [])
    if not all(isinstance(part, str) for part in (text, salt, label)) or not isinstance(forms, list):
        raise RevealUnreadable("A reveal’s “text”, “salt” and “label” are texts, its “forms” a list.")
    if not text or len(salt) != SALT_LENGTH:
        raise RevealUnreadable(f"A reveal has a “text”, and a “salt” of {SALT_LENGTH} characters.")
    return Reveal(text, salt, label, tuple(form for form in forms if isinstance(form, str)))


def parts_json(spans: Iterable[Span]) -> list[dict[str, Json]]:
    """What anybody may know of private parts."""
    return [
        {
            "label": span.label,
            "words": span.words,
            "sha256": span.digest,
            "since": span.since.isoformat(timespec="seconds") if span.since else None,
        }
        for span in spans
    ]


def masked_file(sealed: Mapping[str, Any], spans: Iterable[Span]) -> dict[str, Any]:
    """A sealed file as visitors get it; the very same where nothing in it is private.

    Without its seal and without the digests in it: they are not salted, and would confirm a guess.
    """
    mask = Mask(spans)
    record = mask.value(sealed["record"])
    if record == sealed["record"]:
        return dict(sealed)
    parts = parts_json(span for span in mask.spans if span in mask.used)
    private = {"note": f"{IN_A_FILE} {NO_SEAL}", "parts": parts}
    return {"record": without_digests(record), "seal": None, "private": private}


def without_digests(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record without what was computed from its texts."""
    found = dict(record)
    if isinstance(version := found.get("version"), Mapping):
        found["version"] = {**version, "digest": ""}
    if isinstance(results := found.get("results"), list):
        found["results"] = [
            {**one, "picture": without_first_digest(about)}
            if isinstance(one, Mapping) and isinstance(about := one.get("picture"), Mapping)
            else one
            for one in results
        ]
    return found | {"suite_digest": ""}


def without_first_digest(about: Mapping[str, Any]) -> dict[str, Any]:
    """A picture without what is known of the file that came: image servers write the prompt into theirs."""
    return {name: value for name, value in about.items() if name not in ("original_sha256", "original_bytes")}


def is_masked(sealed: Json) -> bool:
    return isinstance(sealed, Mapping) and "private" in sealed and isinstance(sealed.get("record"), Mapping)


def merged(sealed: Mapping[str, Any], reveals: Iterable[Reveal]) -> tuple[dict[str, Any], int]:
    """A masked file with the revealed texts put back, and how many placeholders are left in it.

    With none left it is an ordinary sealed file again.
    """
    texts = {short: form for reveal in reveals for short, form in reveal.by_hash.items()}
    record = restored(sealed["record"], texts)
    labels = {label for part in _parts(sealed) if isinstance(label := part.get("label"), str)}
    left = sum(match[1] in labels for text in strings_in(record) for match in PLACEHOLDER.finditer(text))
    if left:
        return {**sealed, "record": record}, left
    return {"record": _with_digests(record), "seal": sealed.get("seal")}, 0


def restored(value: Json, texts: Mapping[str, str]) -> Json:
    """The opposite: placeholders whose short hash is in ``texts`` become the text again."""
    return with_texts(value, lambda text: PLACEHOLDER.sub(lambda match: texts.get(match[3], match[0]), text))


def _parts(sealed: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    private = sealed["private"]
    parts = private.get("parts", []) if isinstance(private, Mapping) else []
    return [part for part in parts if isinstance(part, Mapping)] if isinstance(parts, list) else []


def _with_digests(record: Mapping[str, Any]) -> dict[str, Any]:
    """Those that were left out, computed as they were in the beginning."""
    found = dict(record)
    version = found.get("version")
    try:
        if isinstance(version, Mapping) and version.get("digest") == "":
            content = {name: version.get(name) for name in ("messages", "variables", "parameters")}
            found["version"] = {**version, "digest": digest(content)}
        if found.get("suite_digest") == "":
            found["suite_digest"] = digest(found.get("suite"))
    except ValueError:
        pass  # no canonical form: it cannot be what was sealed, and the check of the content says so
    return found
