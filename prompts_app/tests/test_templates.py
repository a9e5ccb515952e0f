"""How templates are written: lines that can be read whole, and nothing that depends on where they break."""

import re

import pytest
from django.conf import settings
from django.template.loader import get_template

from prompts_app.tests.pages import as_read

TEMPLATES = settings.BASE_DIR / "templates"
NAMES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))
LONGEST = 120


def test_no_line_is_longer_than_can_be_read() -> None:
    long = [
        f"{name}:{number} has {len(line)} characters"
        for name in NAMES
        for number, line in enumerate((TEMPLATES / name).read_text().splitlines(), 1)
        if len(line) > LONGEST
    ]
    assert long == []


@pytest.mark.parametrize("name", NAMES)
def test_no_line_of_a_text_that_keeps_its_white_space_is_indented(name: str) -> None:
    """The loader takes indentation away: portfolio/template_loader.py."""
    kept = re.findall(r"<(pre|textarea)\b(.*?)</\1>", (TEMPLATES / name).read_text(), re.S)
    for _, element in kept:
        texts = re.split(r"<[^<>]*>", element.partition(">")[2])
        assert not any(re.search(r"\n[ \t]", text) for text in texts)


def test_a_page_is_sent_without_its_templates_indentation() -> None:
    assert "\n  " in (TEMPLATES / "404.html").read_text()
    assert "\n " not in get_template("404.html").render()


@pytest.mark.parametrize(
    ("html", "read"),
    [
        ("<p>\n  One,\n  <b>two</b>\n</p>", "<p>One, <b>two</b></p>"),
        ("<b>one</b> <i>two</i><b>three</b>", "<b>one</b> <i>two</i><b>three</b>"),
        ('<a\n  href="a  b"\n  >x</a>', '<a href="a  b">x</a>'),
        ("<li> <pre\n>a\n  b <b>c  d</b>\n</pre> </li>", "<li><pre>a\n  b <b>c  d</b>\n</pre></li>"),
        ("<label>x</label>\n<textarea>\n y</textarea>", "<label>x</label> <textarea>\n y</textarea>"),
    ],
)
def test_tests_read_a_page_as_a_browser_does(html: str, read: str) -> None:
    assert as_read(html) == read
