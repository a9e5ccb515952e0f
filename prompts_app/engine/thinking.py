"""Thinking that stands in an answer itself, between ``<think>`` and ``</think>``, as open models write it."""

import re

_ENDS = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_BEGINS = re.compile(r"\s*<think(?:ing)?>", re.IGNORECASE)


def after_thinking(output: str) -> str:
    """What follows the thinking; "" where that never ends; all of it where there is none.

    Some servers leave out the tag that begins it, so what tells is the one that ends it: the last one, as
    thinking may speak of it.
    """
    parts = _ENDS.split(output)
    if len(parts) > 1:
        return parts[-1].lstrip()
    return "" if _BEGINS.match(output) else output
