"""Honest small-sample numbers."""

from collections.abc import Iterable
from math import sqrt
from statistics import median as _median

Z95 = 1.959963984540054  # the normal quantile for a two-sided 95% interval


def wilson(passed: int, total: int) -> tuple[float, float]:
    """Wilson's 95% score interval for ``passed`` of ``total``, both ends in 0..1.

    Nothing tried says nothing: ``total`` 0 gives ``(0.0, 1.0)``. Raises ``ValueError`` unless
    ``0 <= passed <= total``.
    """
    if not 0 <= passed <= total:
        raise ValueError(f"{passed} of {total} is not a proportion")
    if total == 0:
        return (0.0, 1.0)
    share, zz = passed / total, Z95 * Z95
    middle = (share + zz / (2 * total)) / (1 + zz / total)
    half = Z95 * sqrt(share * (1 - share) / total + zz / (4 * total * total)) / (1 + zz / total)
    # At the ends rounding would leave 1e-17 where the formula says exactly 0 or 1.
    low = 0.0 if passed == 0 else max(0.0, middle - half)
    high = 1.0 if passed == total else min(1.0, middle + half)
    return (low, high)


def median(values: Iterable[float | None]) -> float | None:
    """The middle of the known values; ``None`` where none is known."""
    known = [value for value in values if value is not None]
    return _median(known) if known else None
