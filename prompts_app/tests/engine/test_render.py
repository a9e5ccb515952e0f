"""Filling ``{{variables}}`` in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.errors import RenderError
from prompts_app.engine.render import find_variables, render, render_messages
from prompts_app.engine.types import CaseContent, Message, PromptContent, Variable

NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}(\.[a-z0-9]{1,4}){0,2}", fullmatch=True)


def test_variables_are_found_in_order_of_first_use_each_once() -> None:
    messages = [
        Message("system", "As {{ role }}, answer {{question}}."),
        Message("user", "{{question}} {{role}} {{x.y}}"),
    ]
    assert find_variables(messages) == ("role", "question", "x.y")


@pytest.mark.parametrize("text", ["{{name}}", "{{ name }}", "{{\n\tname }}", "{{  name}}"])
def test_white_space_around_a_name_does_not_matter(text: str) -> None:
    assert render(text, {"name": "Ada"}) == "Ada"


@pytest.mark.parametrize(
    "text",
    [
        '{"a": {"b": 1}}',
        "{single}",
        "{{}}",
        "{{ 1 + 1 }}",
        "{% if x %}",
        "{{ x | indent(4) }}",
        "{{ x | upper(y) }}",
        "{{ x if y }}",
        "${x}",
        "{{a b}}",
        "{{1a}}",
    ],
)
def test_other_braces_are_ordinary_text(text: str) -> None:
    assert render(text, {}) == text
    assert find_variables([Message("user", text)]) == ()


def test_a_value_is_never_rendered_again() -> None:
    assert render("{{a}} {{b}}", {"a": "{{b}}", "b": "{{a}}"}) == "{{b}} {{a}}"


def test_a_value_may_hold_what_regular_expressions_find_special() -> None:
    assert render("{{a}}", {"a": r"\1 \g<0> $0"}) == r"\1 \g<0> $0"


def test_a_dotted_name_is_one_name() -> None:
    assert render("{{user.name}}", {"user.name": "Ada", "user": "no"}) == "Ada"


def test_letters_of_any_script_make_a_name() -> None:
    assert render("{{größe}} {{名前}}", {"größe": "L", "名前": "花"}) == "L 花"


def test_the_case_decides_then_the_default() -> None:
    prompt = PromptContent(
        (Message("user", "{{greeting}}, {{name}}"),), (Variable("greeting", "Hello"), Variable("name", "you"))
    )
    assert render_messages(prompt, CaseContent("c", {"name": "Ada"})) == (Message("user", "Hello, Ada"),)


def test_an_empty_value_in_the_case_is_a_value() -> None:
    prompt = PromptContent((Message("user", "[{{a}}]"),), (Variable("a", "default"),))
    assert render_messages(prompt, CaseContent("c", {"a": ""}))[0].content == "[]"


def test_a_variable_without_value_or_default_is_named() -> None:
    prompt = PromptContent((Message("user", "{{city}}"),), (Variable("city"),))
    with pytest.raises(RenderError, match="city") as caught:
        render_messages(prompt, CaseContent("c"))
    assert caught.value.name == "city"


@given(st.text(alphabet=st.characters(exclude_characters="{}")))
def test_text_without_braces_stays_as_it_is(text: str) -> None:
    assert render(text, {}) == text


@given(st.text() | st.text(alphabet="{} ab.1"))
def test_any_text_at_all_either_renders_or_names_a_variable(text: str) -> None:
    names = find_variables([Message("user", text)])
    if names:
        with pytest.raises(RenderError) as caught:
            render(text, {})
        assert caught.value.name == names[0]
    else:
        assert render(text, {}) == text


@given(st.lists(st.tuples(NAMES, st.text()), max_size=5), st.text(alphabet="ab \n,"))
def test_every_found_variable_is_replaced_by_its_value(pairs: list[tuple[str, str]], between: str) -> None:
    values = dict(pairs)
    text = between.join(f"{{{{{name}}}}}" for name in values)
    assert find_variables([Message("user", text)]) == tuple(values)
    assert render(text, values) == between.join(values.values())


class TestSystemOfACase:
    PROMPT = PromptContent(
        (Message("system", "Be brief."), Message("user", "Hi {{a}}"), Message("system", "In English.")),
        (Variable("a", "x"),),
    )

    def test_it_takes_the_place_of_the_prompts_own(self) -> None:
        sent = render_messages(self.PROMPT, CaseContent("c", {"a": "b"}, system="Shout, {{a}}."))
        assert sent == (Message("system", "Shout, b."), Message("user", "Hi b"))

    def test_it_comes_first_where_the_prompt_has_none(self) -> None:
        sent = render_messages(PromptContent((Message("user", "Hi"),)), CaseContent("c", system="Shout."))
        assert sent == (Message("system", "Shout."), Message("user", "Hi"))

    def test_without_it_nothing_changes(self) -> None:
        assert len(render_messages(self.PROMPT, CaseContent("c"))) == 3
