"""Templates are indented for whoever reads them; pages are sent without it."""

import re

from django.template.base import Origin
from django.template.loaders.filesystem import Loader as FilesystemLoader

INDENTATION = re.compile(r"\n[ \t]+")


class Loader(FilesystemLoader):
    """Reads a page's template without its indentation, once: it is kept compiled. Lines keep their numbers.

    A browser sees white space at the beginning of a line only in ``pre`` and ``textarea``, and no template
    has such a line there (tests/test_templates.py).
    """

    def get_contents(self, origin: Origin) -> str:
        source: str = super().get_contents(origin)
        return INDENTATION.sub("\n", source) if str(origin.name).endswith(".html") else source
