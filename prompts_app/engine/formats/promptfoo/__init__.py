"""promptfoo's files: configurations read (``config``) and written (``writing``), and results (``results``).

``reading`` is what all parts share: the files a configuration names, and what is not carried over.
``prompts``, ``providers``, ``tests`` (with ``tables`` of them) and ``assertions`` read one part each,
``variables`` the values of tests, and ``rows`` one row of results.
"""
