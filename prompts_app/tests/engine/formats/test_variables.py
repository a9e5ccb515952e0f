"""Other tools' placeholders, offered as {{variables}}; and everything that only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.formats.variables import STYLES, Offer, apply, convert, in_prompt, offered
from prompts_app.engine.render import find_variables
from prompts_app.engine.types import Message, PromptContent, Variable


def rewritten(text: str) -> str:
    return apply(text, offered(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Act as ${role}.", "Act as {{role}}."),
        ("Act as ${role:a developer}.", "Act as {{role}}."),
        ("Shirt of ${Jersey Team Name}", "Shirt of {{Jersey_Team_Name}}"),
        ("Selling ${Brand's core product:tea}", "Selling {{Brand_s_core_product}}"),
        ("Ratio ${ratio: 16:9 | 4:3}", "Ratio {{ratio}}"),
        ("関西${都市}へ", "関西{{都市}}へ"),
        ("Dear [NAME], about [JOB TITLE]?", "Dear {{name}}, about {{job_title}}?"),
        ("**[TOPIC]** and “[PRE-SALES NOTE]”: [ТЕМА]", "**{{topic}}** and “{{pre_sales_note}}”: {{тема}}"),
        ("You are {character} from {series_2}.", "You are {{character}} from {{series_2}}."),
        ("请翻译{text}成英文", "请翻译{{text}}成英文"),
        ("<document>{document}</document>", "<document>{{document}}</document>"),
        ('{"prompt": "Write about {topic}", "n": 1}', '{"prompt": "Write about {{topic}}", "n": 1}'),
        ("Save as report_{date}.md", "Save as report_{{date}}.md"),
        ("```\nReview: ${code}\n[PASTE IT HERE]\n```", "```\nReview: {{code}}\n{{paste_it_here}}\n```"),
    ],
)
def test_placeholders_become_variables(text: str, expected: str) -> None:
    assert rewritten(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Already {{mine}} and {{ mine.too }}",
        "{% if x %}y{% endif %}",
        # links, tick boxes, labels, notes
        "- [X] done\n- [ ] open\n- [x] done",
        "[README](docs/README.md) and ![LOGO](x.png) and [RFC][1]",
        "[RFC]: https://example.com/rfc",
        "[[WIKI PAGE]]",
        "[WARNING] Disk full\n[INST] x [/INST]\n[TODO: write it]",
        "Dates as [YYYY-MM-DD], priority [P0], see [1] and [A]",
        "[Your name] and [your name]",
        # code
        "```python\nprint(f'{name}')\nx = d[KEY_NAME]\n```",
        "```js\nconst a = `${name}`\n```",
        "Use `{name}` in `[LIKE THIS]`.",
        'raise ValueError(f"no {name}")',
        "import {useState} from 'react'",
        "const {name} = props;",
        "<Button label={label} />",
        "arr[INDEX] = values[KEY]",
        'echo "${HOME:-/root}" "${#list}" "${list[@]}" "$(x)"',
        "run: ${{ secrets.TOKEN }}",
        "`https://api.example.com/{id}/items`",
        "GET https://api.example.com/{id}/items",
        "#{ruby} %{puppet} @{less}",
        # JSON, CSS, LaTeX, regular expressions
        '{"a": {"b": 1}, "c": {}}',
        ".card { color: red } a{b:c}",
        r"\frac{a}{b} + \text{rate} x_{i} + x^{n} + \sum_{k}",
        r"$$x_{total}$$ and \({name}\)",
        r"[A-Z]+ [A-Z0-9_] [^ABC] a{n} \p{Lu} [ABC]{2}",
    ],
)
def test_what_only_looks_like_a_placeholder_is_left_alone(text: str) -> None:
    assert offered(text) == ()
    assert rewritten(text) == text


def test_an_offer_says_what_was_found_and_what_it_becomes() -> None:
    assert offered("${tone:formal} [YOUR NAME] {text} {text}") == (
        Offer("${tone:formal}", "tone", "formal", "dollar"),
        Offer("[YOUR NAME]", "your_name", "", "brackets"),
        Offer("{text}", "text", "", "braces"),
    )


def test_only_the_offers_taken_are_applied() -> None:
    text = "${a} [BEE] {cee}"
    offers = [offer for offer in offered(text) if offer.style == "braces"]
    assert apply(text, offers) == "${a} [BEE] {{cee}}"


def test_converting_a_prompt_keeps_defaults_and_what_the_author_said_of_a_variable() -> None:
    prompt = PromptContent(
        (Message("system", "Speak ${language:English}."), Message("user", "{text}")),
        (Variable("text", "", "what to translate"),),
        {"temperature": 0},
    )
    assert convert(prompt, STYLES) == PromptContent(
        (Message("system", "Speak {{language}}."), Message("user", "{{text}}")),
        (Variable("text", "", "what to translate"), Variable("language", "English")),
        {"temperature": 0},
    )


def test_converting_by_no_style_changes_nothing() -> None:
    prompt = PromptContent((Message("user", "${a}"),))
    assert convert(prompt, ()) is prompt


def test_one_name_with_two_defaults_becomes_two_variables_so_that_neither_is_lost() -> None:
    prompt = PromptContent((Message("user", "${tone:formal} then ${tone:warm}, ${tone:formal}, ${tone}"),))
    converted = convert(prompt, STYLES)
    assert converted.messages[0].content == "{{tone}} then {{tone_2}}, {{tone}}, {{tone}}"
    assert converted.variables == (Variable("tone", "formal"), Variable("tone_2", "warm"))


pieces = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "${",
                "$",
                "{",
                "}",
                "{{",
                "}}",
                "[",
                "]",
                "](",
                "NAME",
                "name",
                ":",
                "`",
                "```",
                "\n",
                " ",
                "_",
                "\\",
            ]
        ),
        st.text(max_size=3),
    ),
    max_size=25,
).map("".join)


@given(pieces)
def test_applying_twice_changes_nothing_more(text: str) -> None:
    offers = offered(text)
    once = apply(text, offers)
    assert apply(once, offers) == once


@given(pieces)
def test_what_is_applied_is_what_the_site_finds_as_variables(text: str) -> None:
    offers = offered(text)
    found = find_variables([Message("user", apply(text, offers))])
    assert {offer.name for offer in offers} <= set(found)


@given(pieces)
def test_text_without_offers_taken_is_untouched(text: str) -> None:
    assert apply(text, ()) == text


@given(pieces, pieces)
def test_a_prompt_is_converted_without_losing_a_default(first: str, second: str) -> None:
    prompt = PromptContent((Message("system", first), Message("user", second)))
    converted = convert(prompt, STYLES)
    defaults = {variable.default for variable in converted.variables}
    assert {offer.default for offer in in_prompt(prompt)} <= defaults | {""}
