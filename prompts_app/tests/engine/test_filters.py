"""Filters and places in ``{{variables}}``: each line was checked against Nunjucks 3.2.4 itself."""

import json
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.checking import filled
from prompts_app.engine.errors import RenderError
from prompts_app.engine.filters import FILTERS
from prompts_app.engine.render import VARIABLE, find_variables, render
from prompts_app.engine.types import Assertion, Message

LIST = json.dumps(["a", "b"])
PEOPLE = json.dumps([{"name": "Ada", "born": 1815}, {"name": "Alan", "born": 1912.0}])
PERSON = json.dumps({"name": "Ada", "langs": ["en", "fr"], "address": {"city": "London"}})


@pytest.mark.parametrize(
    ("template", "value", "text"),
    [
        ("{{ v | lower }}", "MiXeD", "mixed"),
        ("{{ v | upper }}", "straße", "STRASSE"),
        ("{{v|trim}}", "\ufeff\u00a0 a b\n", "a b"),
        ("{{ v | capitalize }}", "aB cD", "Ab cd"),
        ("{{ v | title }}", "aB  cD", "Ab  Cd"),
        ('{{ v | default("you") }}', "", ""),
        ('{{ v | default("you", true) }}', "", "you"),
        ("{{ v | replace('a', '<>') }}", "banana", "b<>n<>n<>"),
        ("{{ v | replace('a', '<>', 1) }}", "banana", "b<>nana"),
        ("{{ v | replace('', '.') }}", "abc", ".a.b.c."),
        ("{{ v | replace(1, 'one') }}", "1 or 11", "one or oneone"),
        ("{{ v | replace('\\n', ' ') }}", "a\nb", "a b"),
        ("{{ v | length }}", "a😀", "3"),
        ("{{ v | length }}", LIST, "2"),
        ("{{ v | length }}", PERSON, "3"),
        ("{{ v.length }}", LIST, "2"),
        ("{{ v | first }}", "xyz", "x"),
        ("{{ v | last }}", LIST, "b"),
        ("{{ v | join }}", LIST, "ab"),
        ("{{ v | join(', ') }}", LIST, "a, b"),
        ("{{ v | join(', ', 'name') }}", PEOPLE, "Ada, Alan"),
        ("{{ v | join('-', 'born') }}", PEOPLE, "1815-1912"),
        ("{{ v | dump }}", 'say "hi"\n', '"say \\"hi\\"\\n"'),
        ("{{ v | dump | safe }}", LIST, '["a","b"]'),
        ("{{ v | dump(2) }}", LIST, '[\n  "a",\n  "b"\n]'),
        ("{{ v | trim | upper | replace('A', '4') }}", " ada ", "4D4"),
        ("{{ v[1] }}", LIST, "b"),
        ("{{ v[1].name | upper }}", PEOPLE, "ALAN"),
        ("{{ v['name'] }}", PERSON, "Ada"),
        ("{{ v.address.city }}", PERSON, "London"),
        ("{{ v.langs[0] }}", PERSON, "en"),
        ("{{ v.langs | join('/') }}", PERSON, "en/fr"),
        ("a  {{- v -}}\n b", "x", "axb"),
        ("a  {{-v}}\n b", "x", "ax\n b"),
    ],
)
def test_it_is_what_nunjucks_makes_of_it(template: str, value: str, text: str) -> None:
    assert render(template, {"v": value}) == text
    assert find_variables([Message("user", template)])[0].partition(".")[0] == "v"


def test_a_default_stands_for_a_value_that_is_not_there() -> None:
    assert render("Dear {{ name | default('reader') | upper }}", {}) == "Dear READER"
    assert render("{{ user.name | d('x') }}", {"user": "{}"}) == "x"


def test_without_a_default_a_missing_value_is_named() -> None:
    for template in ("{{ name | upper }}", "{{ name[0] }}"):
        with pytest.raises(RenderError, match=r"{{name}} has no value"):
            render(template, {})
    with pytest.raises(RenderError, match=r"{{user\.age}} has no value"):
        render("{{ user.age }}", {"user": PERSON})


def test_a_filter_that_cannot_take_the_value_is_told() -> None:
    with pytest.raises(RenderError, match="join” needs a list"):
        render("{{ v | join }}", {"v": "no list"})
    with pytest.raises(RenderError, match="fewer arguments"):
        render("{{ v | lower(1) }}", {"v": "x"})


def test_the_whole_dotted_name_comes_before_a_part() -> None:
    assert render("{{ user.name }}", {"user": PERSON, "user.name": "Grace"}) == "Grace"


def test_the_value_a_list_wants_goes_by_the_lists_name() -> None:
    assert find_variables([Message("user", "{{ items.length }} {{ items[0] }} {{ user.name }}")]) == (
        "items", "user.name",
    )  # fmt: skip


def test_values_of_assertions_are_filled_in_alike() -> None:
    wanted = Assertion("contains", "{{ v[0] | upper }} {{ other }}")
    assert filled(wanted, {"v": LIST}).value == "A {{ other }}"


@given(
    st.lists(
        st.sampled_from(
            ["{{", "}}", "-", "v", " | ", *FILTERS, "('", "')", '"', "\\", "[0]", ".a", " ", "\n"]
        )
    )
)
def test_no_template_raises_anything_but_a_render_error(pieces: list[str]) -> None:
    for value in ("", LIST, PERSON, "1"):
        with suppress(RenderError):
            render("".join(pieces), {"v": value})


@given(st.text())
def test_what_comes_out_of_dump_is_the_same_value(text: str) -> None:
    dumped = render("{{ v | replace('[', '(') | replace('{', '(') | dump }}", {"v": text})
    assert json.loads(dumped) == text.replace("[", "(").replace("{", "(")


@pytest.mark.parametrize(
    "text",
    ["{{ " * 50_000, "{{x|trim" + " " * 200_000, " " * 200_000 + "{{-", "{{x|replace('" * 20_000,
     "{{ x" + "[0]" * 60_000, "{{ a" + ".b" * 100_000],
)  # fmt: skip
def test_no_text_takes_quadratic_time(text: str) -> None:
    start = time.monotonic()
    VARIABLE.sub("", text)
    assert time.monotonic() - start < 5
