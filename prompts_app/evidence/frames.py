"""How one case of a run came out: its letter in a row of frames."""

from __future__ import annotations

# One letter a case, in the suite's order.
PASSED, FAILED, NO_ANSWER, WAITING, UNJUDGED = "p", "f", "e", "w", "u"
