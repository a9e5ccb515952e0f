"""Names that other tools take are text here, and are offered a name: wherever they stand, and only there."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.formats import parse
from prompts_app.engine.formats.variables import odd_names, renamed
from prompts_app.engine.names import names_to_follow, plain_name, renamed_text, renames_in
from prompts_app.engine.render import render
from prompts_app.engine.types import Assertion, CaseContent, Message


def offers(*texts: str, taken: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    found = renames_in([Message("user", text) for text in texts], taken)
    return [(one.found, one.becomes) for one in found]


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("{{user-name}}", "user_name"),
        ("{{ Standard Question }}", "Standard_Question"),
        ("{{Terms and Conditions}}", "Terms_and_Conditions"),
        ("{{user's name}}", "user_s_name"),
        ("{{e-mail/phone}}", "e_mail_phone"),
        ("{{Größe in cm}}", "Größe_in_cm"),
        ("{{QUESTION 1}}", "QUESTION_1"),
        ("`code {{user-name}}`", "user_name"),
    ],
)
def test_a_name_is_offered_that_can_be_one(text: str, becomes: str) -> None:
    assert [new for _, new in offers(text)] == [becomes]


@pytest.mark.parametrize(
    "text",
    [
        "{{name}}", "{{ user.name }}", "{{name | upper}}", "{{#if x}}", "{{else if x}}", "{{each items}}",
        "{{json value}}", "{{a or b}}", "{{x if y}}", "{{not x}}", "{{ a + b }}", "{{a - b}}", "{{1 2}}",
        "{{1st name}}", "${{ user-name }}", "{{{user-name}}}", "{% raw %}{{user-name}}{% endraw %}",
        "{{ '{{user-name}}' }}", "{{}}", "{{ }}", "{user-name}", "{{user -name}}", "{{a\nb}}",
    ],
)  # fmt: skip
def test_what_is_no_such_name_is_left_alone(text: str) -> None:
    assert offers(text) == []


def test_no_two_names_become_one() -> None:
    assert offers("{{user-name}} {{user name}} {{user_name}}") == [
        ("{{user-name}}", "user_name_2"), ("{{user name}}", "user_name_3"),
    ]  # fmt: skip
    assert offers("{{user-name}}", taken=("user_name",)) == [("{{user-name}}", "user_name_2")]
    assert offers("{{a-b}}", "{{ a-b }}") == [("{{a-b}}", "a_b")]


def test_only_what_was_chosen_is_renamed() -> None:
    text = "{{ user-name }}, {{a b}} {% raw %}{{user-name}}{% endraw %}"
    assert renamed_text(text, {"user-name": "who"}) == "{{who}}, {{a b}} {% raw %}{{user-name}}{% endraw %}"


@given(st.text(alphabet="{}ab- '%$rawend"))
def test_a_renamed_text_has_no_more_to_rename(text: str) -> None:
    names = {one.name: one.becomes for one in renames_in([Message("user", text)])}
    changed = renamed_text(text, names)
    assert not set(names) & {one.name for one in renames_in([Message("user", changed)])}
    assert plain_name(plain_name(text)) == plain_name(text)


def test_the_work_is_linear_in_the_text() -> None:
    assert offers("{{a-" * 20_000) == []
    assert offers("{{" + "a " * 20_000 + "}}") == []


def test_an_imported_prompt_is_renamed_with_its_cases_and_runs() -> None:
    test = {
        "vars": {"user-name": "Ann", "Standard Question": "Why?"},
        "assert": [{"type": "contains-any", "value": ["{{user-name}}", "x"]}],
    }
    config = {
        "prompts": ["Dear {{user-name}}: {{Standard Question}}", "{{ user-name }}?"],
        "providers": ["echo"], "tests": [test],
    }  # fmt: skip
    (imported,) = parse("promptfooconfig.json", json.dumps(config).encode()).prompts
    assert [one.becomes for one in odd_names(imported)] == ["user_name", "Standard_Question"]
    prompt = renamed(imported)
    (case,) = prompt.cases
    assert case.variables == {"user_name": "Ann", "Standard_Question": "Why?"}
    assert case.assertions == (Assertion("contains-any", ["{{user_name}}", "x"]),)
    sent = [render(version.prompt.messages[0].content, case.variables) for version in prompt.versions]
    assert sent == ["Dear Ann: Why?", "Ann?"]


def test_values_follow_a_new_name_where_nothing_stands_there() -> None:
    case = CaseContent("c", {"user-name": "Ann", "a b": "1", "a_b": "2", "plain": "3"})
    assert names_to_follow(case, {"user_name", "a_b", "plain"}) == {"user-name": "user_name"}
    assert names_to_follow(case, {"other"}) == {}
