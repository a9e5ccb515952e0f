"""granian, whose processes are forked off one that has loaded the site: what none of them changes is in
memory once. Started as granian is. (On Linux only: elsewhere each process loads the site for itself.)
"""

import gc
import multiprocessing
import sys
from importlib import import_module

from granian.cli import entrypoint

if __name__ == "__main__":
    if sys.platform == "linux":
        multiprocessing.set_start_method("fork")
        import_module(sys.argv[-1].partition(":")[0])
        gc.collect()
        gc.freeze()  # else the first collection of each process writes to all of it, which copies it
    entrypoint()  # type: ignore[no-untyped-call]  # granian does not say what it returns
