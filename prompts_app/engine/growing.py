"""What can be seen of an answer before it is whole."""

from typing import Protocol


class Growing(Protocol):
    """An answer that is still coming. ``text`` is what it says so far, thinking aside, as it came: the
    endpoint's key may be in it."""

    @property
    def text(self) -> str: ...
