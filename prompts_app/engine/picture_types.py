"""An output that is a picture, as a frozen dataclass. See ``engine.types`` for the others."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

type Json = Any


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is kept (see ``engine.pictures``): a WebP, and a small one of the same.

    ``original_digest`` is the SHA-256 of the bytes that came, in hex; ``revised_prompt`` what the server
    says it drew, where that is not what it was asked.
    """

    data: bytes = field(repr=False)
    small: bytes = field(repr=False)
    width: int
    height: int
    original_digest: str
    original_size: int  # bytes
    revised_prompt: str = ""

    def about(self) -> dict[str, Json]:
        """What is known of it, as the JSON that is stored, sealed and exported; digests are in hex."""
        known: dict[str, Json] = {
            "type": "image/webp",
            "width": self.width,
            "height": self.height,
            "bytes": len(self.data),
            "sha256": sha256(self.data).hexdigest(),
            "small_sha256": sha256(self.small).hexdigest(),
            "original_bytes": self.original_size,
            "original_sha256": self.original_digest,
        }
        return known | ({"revised_prompt": self.revised_prompt} if self.revised_prompt else {})
