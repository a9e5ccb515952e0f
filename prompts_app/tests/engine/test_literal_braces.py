"""Braces that are text: how they are written, what is sent, and that promptfoo sends the same letters.

The rows of ``SENT`` were held against promptfoo 0.123 with its echo provider, by the configuration that is
written for them here: it sent each of them letter for letter, as a text and as a chat.
"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.checking import filled
from prompts_app.engine.formats import ImportedPrompt, ImportedVersion, parse
from prompts_app.engine.formats.promptfoo.writing import raw_of, write_config
from prompts_app.engine.formats.templates import for_nunjucks, plain_raw
from prompts_app.engine.formats.yaml_ import read_yaml
from prompts_app.engine.render import as_literal, as_quoted, find_variables, pieces, render, render_known
from prompts_app.engine.types import Assertion, CaseContent, Message, PromptContent

WHO = {"who": "Ann"}
SENT = [
    ('Write {% raw %}{"name": "{{name}}"}{% endraw %} for {{who}}.', 'Write {"name": "{{name}}"} for Ann.'),
    ("Write {{ '{{name}}' }} for {{who}}", "Write {{name}} for Ann"),
    ('Write {{ "{{who}}" }} for {{ who }}', "Write {{who}} for Ann"),
    ("run: echo ${{ github.ref }} and ${{who}} {{who}}", "run: echo ${{ github.ref }} and ${{who}} Ann"),
    ("$${{ who }} {{who}}", "$${{ who }} Ann"),
    ("{{ '$' }}{{who}}", "$Ann"),
    ('JSON {"a": {"b": 1}} {{who}}', 'JSON {"a": {"b": 1}} Ann'),
    ("Liquid {% if x %}a{% endif %} {# c #} {{who}}", "Liquid {% if x %}a{% endif %} {# c #} Ann"),
    ("Open {{ alone {{who}}", "Open {{ alone Ann"),
    ("a {{who}} {% alone", "a Ann {% alone"),
    ("set {{{who}}} and {{ user-name }} and {{Standard Question}}",
     "set {Ann} and {{ user-name }} and {{Standard Question}}"),
    ("{% raw %}{% raw %}{{x}}{% endraw %}{% endraw %} {{who}}", "{% raw %}{{x}}{% endraw %} Ann"),
    ("unpaired {% endraw %} {{who}}", "unpaired {% endraw %} Ann"),
    ("unpaired {% raw %} {{who}}", "unpaired {% raw %} Ann"),
    ("{{ '{%' }} raw %} {{who}} {{ '{' }}", "{% raw %} Ann {"),
    ("multi\nline {%raw%}{{a}}\n{{b}}{% endraw %}\n{{who}}", "multi\nline {{a}}\n{{b}}\nAnn"),
    ("{{ 'a' | upper }} {{who | upper}} {{ '{{x}}' | safe }}", "A ANN {{x}}"),
    ("{#{{who}}", "{#Ann"),
    ("x {{who}}{", "x Ann{"),
    ("x #} y %} z }} {{who}} #{ %{ {", "x #} y %} z }} Ann #{ %{ {"),
    ("{{ 'it\\'s' }} {{who}}", "it's Ann"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "sent"), SENT)
def test_what_is_sent_has_the_braces_letter_for_letter(text: str, sent: str) -> None:
    assert render(text, WHO) == sent
    assert find_variables([Message("user", text)]) == ("who",)
    assert "".join(piece.written for piece in pieces(text)) == text


@pytest.mark.parametrize(("text", "sent"), SENT)
def test_a_text_as_promptfoo_gets_it_is_sent_as_here(text: str, sent: str) -> None:
    written = for_nunjucks(text, is_nunjucks=False)
    assert render(written, WHO) == sent
    outside = "".join(one.text for one in pieces(written) if one.text == one.written)
    assert not any(sign in outside for sign in ("{{", "{%", "{#", "#}"))  # nothing it would take otherwise


@given(st.text(alphabet="{}%#'\"$ raw endverbati\n\\x-"))
def test_any_text_can_be_written_so_that_it_is_text(text: str) -> None:
    assert render(as_literal(text), {}) == text
    assert render(f"{as_literal(text)}{{{{who}}}}", WHO).endswith("Ann") or text.endswith(("{", "$"))
    assert render_known(as_quoted(text), {}) == text or "$" in text or "'" in text or '"' in text


@given(st.text(alphabet="{}%#'\"$ raw end\n\\x-|who"))
def test_no_text_breaks_the_reader(text: str) -> None:
    assert "".join(piece.written for piece in pieces(text)) == text
    assert render_known(for_nunjucks(text, is_nunjucks=False), {}) == render_known(text, {})


def test_a_raw_part_that_never_ends_takes_no_longer_for_being_long() -> None:
    text = "{% raw %}" * 20_000 + "{{who}}"
    assert render(text, WHO) == "{% raw %}" * 20_000 + "Ann"


def test_an_assertion_opens_them_too_and_keeps_what_it_cannot_fill() -> None:
    value = "{% raw %}{{who}}{% endraw %} {{who}} {{other}}"
    assert filled(Assertion("equals", value), WHO).value == "{{who}} Ann {{other}}"


# --- import -------------------------------------------------------------------------------------------------


def sent(name: str, text: str, **values: str) -> list[str]:
    (prompt,) = parse(name, text.encode()).prompts
    return [render(message.content, values) for message in prompt.versions[-1].prompt.messages]


def test_a_text_file() -> None:
    text = 'Write {% raw %}{"name": "{{name}}"}{% endraw %} for {{who}}.\n'
    assert sent("literal-braces.txt", text, who="Ann") == ['Write {"name": "{{name}}"} for Ann.']
    assert sent("ci.md", "Explain ${{ secrets.TOKEN }}", who="x") == ["Explain ${{ secrets.TOKEN }}"]


@pytest.mark.parametrize(
    ("raw", "as_sent"),
    [
        ("Say {% raw %}{{x}}{% endraw %} to {{who}}", ["Say {{x}} to Ann"]),
        ("Say {{ '{{x}}' }} to {{who}}", ["Say {{x}} to Ann"]),
        ("Say {% verbatim %}{{x}}{% endverbatim %} to {{who}}", ["Say {{x}} to Ann"]),
        ("Costs ${{who}}; ${{ github.ref }}", ["Costs $Ann; ${{ github.ref }}"]),
        ('[{"role": "user", "content": "Say {% raw %}{{x}}{% endraw %} to {{who}}"}]', ["Say {{x}} to Ann"]),
        ('{% raw %}[{"role": "user", "content": "Say {{x}}"}]{% endraw %}', ["Say {{x}}"]),
    ],
)
def test_a_promptfoo_configuration(raw: str, as_sent: list[str]) -> None:
    config = {"prompts": [{"raw": raw, "label": "a"}], "providers": ["echo"], "tests": [{"vars": WHO}]}
    assert sent("promptfooconfig.json", json.dumps(config), who="Ann") == as_sent
    (problems,) = [parse("promptfooconfig.json", json.dumps(config).encode()).unsupported]
    assert not [one.what for one in problems if "raw" in one.what or "expression" in one.what]


def test_values_that_are_templates_are_opened_where_promptfoo_does() -> None:
    test = {"vars": {"who": "{% raw %}{{x}}{% endraw %}", "b": "{{ '{{y}}' }}"}}
    config = {"prompts": ["Say {{who}} {{b}}"], "providers": ["echo"], "tests": [test]}
    (prompt,) = parse("promptfooconfig.json", json.dumps(config).encode()).prompts
    assert prompt.cases[0].variables == {"who": "{{x}}", "b": "{{y}}"}
    written = read_yaml(write_config(prompt))
    assert "{{ '{' }}" in written["tests"][0]["vars"]["who"]
    (again,) = parse("promptfooconfig.yaml", write_config(prompt).encode()).prompts
    assert again.cases == prompt.cases


def test_a_prompty_file() -> None:
    text = (
        "# Copyright\n\n---\nname: T\ninputs:\n  who: {type: string}\n---\nsystem:\nA  {%- raw -%}\n"
        " {{x}} {{{y}}} {% endraw %}b\n\nuser:\n{{who}}, ${{who}}, ${{ env.X }}\n"
    )
    assert sent("t.prompty", text, who="Ann") == ["A{{x}} {{{y}}} b", "Ann, $Ann, ${{ env.X }}"]


def test_a_dotprompt_file() -> None:
    text = (
        "# Copyright 2026 the authors\n# SPDX\n\n---\nmodel: m\ninput:\n  schema:\n    who: string\n---\n"
        '{{role "system"}}\n\\{{role "user"}} \\{{x}} \\\\{{who}} {% raw %}{{who}}\n{{role "user"}}\n${{who}}'
    )
    assert sent("t.prompt", text, who="Ann") == ['{{role "user"}} {{x}} \\Ann {% raw %}Ann', "$Ann"]


@pytest.mark.parametrize(
    "comment", ["# one\n# two\n\n", "// c\n", "<!-- c\nd -->\n", "{{!-- c --}}\n", "{# c #}\n", "\n\n"]
)
def test_comments_before_the_front_matter_of_a_template_are_no_text(comment: str) -> None:
    for name in ("t.prompt", "t.prompty"):
        (prompt,) = parse(
            name, f"{comment}---\nname: Weather\n---\nWeather in {{{{city}}}}?\n".encode()
        ).prompts
        assert prompt.title == "Weather"
        assert prompt.versions[0].prompt.messages[0].content == "Weather in {{city}}?"


def test_without_front_matter_a_template_keeps_its_first_lines() -> None:
    assert sent("t.prompt", "# Rules\nBe kind.\n") == ["# Rules\nBe kind."]


def test_braces_that_langchain_doubles_for_text() -> None:
    prompt = {
        "lc": 1, "type": "constructor", "id": ["langchain", "prompts", "prompt", "PromptTemplate"],
        "kwargs": {"template": "Form {{{{x}}}}, {who}", "template_format": "f-string"},
    }  # fmt: skip
    assert sent("p.json", json.dumps(prompt), who="Ann") == ["Form {{x}}, Ann"]


# --- there and back -----------------------------------------------------------------------------------------


def test_what_is_exported_comes_back_to_the_letter() -> None:
    versions = tuple(ImportedVersion(PromptContent((Message("user", text),))) for text, _ in SENT)
    cases = tuple(CaseContent(f"c{at}", {"who": value}) for at, (_, value) in enumerate(SENT))
    prompt = ImportedPrompt("Braces", versions, cases=cases)
    (again,) = parse("x.yaml", write_config(prompt).encode()).prompts
    assert [version.prompt for version in again.versions] == [version.prompt for version in versions]
    assert again.cases == cases


def test_a_text_that_was_changed_in_the_file_is_the_changed_one() -> None:
    prompt = ImportedPrompt("T", (ImportedVersion(PromptContent((Message("user", "CI ${{ x }} {{who}}"),))),))
    changed = write_config(prompt).replace("{% raw %}CI", "{% raw %}The CI", 1)
    (again,) = parse("x.yaml", changed.encode()).prompts
    assert again.versions[0].prompt.messages[0].content == "{% raw %}The CI ${{ x }} {% endraw %}{{who}}"


def test_logic_that_came_from_promptfoo_goes_back_as_it_came() -> None:
    config = {
        "prompts": ["{% if who %}Hi {{who}}{% endif %} ${{ x }}"],
        "providers": ["echo"],
        "tests": [{"vars": WHO}],
    }
    (prompt,) = parse("promptfooconfig.json", json.dumps(config).encode()).prompts
    (written,) = read_yaml(write_config(prompt))["prompts"]
    assert written["raw"] == "{% if who %}Hi {{who}}{% endif %} {% raw %}${{ x }}{% endraw %}"


def test_json_that_promptfoo_would_write_anew_is_a_chat() -> None:
    assert raw_of((Message("user", '{"a":1}'),)).startswith('[\n  {\n    "role"')


def test_signs_for_white_space_around_raw_parts_are_done_as_jinja_does_them() -> None:
    assert plain_raw("a {% raw %}{{x}}{% endraw %} b") == "a {% raw %}{{x}}{% endraw %} b"
    assert render(plain_raw("a {%- raw -%} {{x}} {%- endraw -%} b"), {}) == "a{{x}}b"
    assert plain_raw("{% raw -%} never closed {{x}}") == "{% raw -%} never closed {{x}}"
