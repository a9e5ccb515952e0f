"""Whether this program is ending.

Python then refuses new threads ("cannot schedule new futures after shutdown"), and whatever needed one fails.
That says nothing about the model, the answer or the judge, so it must never be kept as if it did.
"""

import sys
from concurrent.futures import ThreadPoolExecutor


class ProgramEnds(BaseException):
    """Nothing further can be asked here. No ``Exception``: no handler of faults is to take it for one."""


def check_not_ending(error: Exception) -> None:
    """Raises ``ProgramEnds`` where ``error`` may be nothing but the end of the program."""
    if isinstance(error, RuntimeError) and is_ending():
        raise ProgramEnds from error


def is_ending() -> bool:
    """Found by trying: there is no public flag for the time between the main thread's end and Python's."""
    if sys.is_finalizing():
        return True
    try:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(int)
    except RuntimeError as refused:  # a machine that is merely out of threads says it in other words
        return "shutdown" in str(refused)
    return False
