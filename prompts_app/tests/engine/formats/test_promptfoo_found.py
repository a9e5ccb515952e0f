"""What configurations of other people's brought to light: each was once misread, refused or silent."""

from pathlib import Path

import pytest

from prompts_app.engine.formats import FormatError, ImportedPrompt, Parsed, parse_files
from prompts_app.engine.formats.files import Files, Folder
from prompts_app.engine.formats.promptfoo.writing import write_config
from prompts_app.engine.render import render_messages

NAME = "promptfooconfig.yaml"


def parsed(text: str, name: str = NAME, **others: str) -> Parsed:
    """``others``: further files, with "__" for "/" and "_dot_" for "." in their names."""
    files = {key.replace("__", "/").replace("_dot_", "."): value for key, value in others.items()}
    whole = {path: value.encode() for path, value in {**files, name: text}.items()}
    return parse_files(Files(whole), only=name)


def read(text: str, name: str = NAME, **others: str) -> tuple[ImportedPrompt, list[str]]:
    found = parsed(text, name, **others)
    (prompt,) = found.prompts
    return prompt, [problem.what for problem in found.unsupported]


def texts(prompt: ImportedPrompt) -> list[str]:
    return [version.prompt.messages[0].content for version in prompt.versions]


# --- which files are configurations --------------------------------------------------------------------


@pytest.mark.parametrize("name", [NAME, "agent-eval.yaml"])
def test_a_configuration_may_name_no_prompts(name: str) -> None:
    prompt, told = read("targets: [echo]\ntests:\n- vars: {prompt: Hi}\n- vars: {prompt: Ho}\n", name)
    assert texts(prompt) == ["{{prompt}}"]
    assert [case.variables for case in prompt.cases] == [{"prompt": "Hi"}, {"prompt": "Ho"}]
    assert told == ["prompts: there are none, so that each test’s “prompt” is the prompt"]


def test_prompts_alone_are_one_where_the_name_says_so() -> None:
    prompt, _ = read("prompts: ['Say {{a}}']\n")
    assert texts(prompt) == ["Say {{a}}"]


def test_a_prompt_that_is_a_variable_alone_is_named_after_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "refund-bot"
    folder.mkdir()
    (folder / NAME).write_text("prompts: ['{{prompt}}']\nproviders: [echo]\n")
    (prompt,) = parse_files(Folder(folder), only=NAME).prompts
    assert prompt.title == "Refund bot"


# --- prompts -----------------------------------------------------------------------------------------------


def test_prompts_may_be_a_mapping_of_names() -> None:
    prompt, told = read(
        "prompts:\n  planner: {id: one, raw: 'Plan {{a}}'}\n  coach: {raw: Cheer}\nproviders: [echo]\n"
    )
    assert texts(prompt) == ["Plan {{a}}", "Cheer"]
    assert "Prompt “planner”." in prompt.versions[0].note
    assert told == ["the id “one” of a prompt, beside its label"]


def test_a_prompt_of_messages_keeps_its_label_and_settings() -> None:
    prompt, told = read(
        "prompts:\n- label: Both\n  config: {temperature: 0}\n  messages:\n"
        "  - {role: system, content: Be brief}\n  - {role: user, content: '{{q}}'}\nproviders: [echo]\n"
    )
    (version,) = prompt.versions
    assert [message.role for message in version.prompt.messages] == ["system", "user"]
    assert "Prompt “Both”." in version.note
    assert version.prompt.parameters == {"temperature": 0}
    assert told == []


@pytest.mark.parametrize("address", ["pf://support:1", "langfuse://a:3", "exec:./make.sh x", "s3://b/c.txt"])
def test_a_prompt_from_elsewhere_is_kept_as_its_address(address: str) -> None:
    prompt, told = read(f"prompts: ['{address}', Hello]\nproviders: [echo]\n")
    assert texts(prompt) == [address, "Hello"]
    assert told == [f"the prompt “{address}”, kept as text: nothing is fetched or run"]


def test_a_prompt_without_a_text_is_named() -> None:
    prompt, told = read("prompts: [Hello, {label: empty, raw: ''}]\nproviders: [echo]\n")
    assert texts(prompt) == ["Hello"]
    assert told == ["a prompt without a text"]


def test_a_chat_that_a_value_makes_is_named() -> None:
    _, told = read(
        "prompts: ['{{ messages | dump }}']\nproviders: [echo]\n"
        "tests: [{vars: {messages: [{role: user, content: Hi}]}}]\n"
    )
    assert told == ["the chat in the value of “messages”: it is sent as one message"]


def test_a_table_of_prompts_may_be_long_and_have_columns_of_its_own() -> None:
    long = "x" * 200_000
    prompt, told = read(
        "prompts: [file://p.csv]\nproviders: [echo]\n", p_dot_csv=f"prompt,label,owner\n{long},Long,me\n"
    )
    assert texts(prompt) == [long]
    assert told == ["the column “owner” of a table of prompts"]


def test_what_a_prompty_file_says_beside_its_messages_is_named() -> None:
    prompty = (
        "---\nname: A\nmodel: {parameters: {temperature: 0}}\ninputs: {q: 'Why?'}\n---\nsystem:\nBe brief\n"
    )
    _, told = read("prompts: [file://p.prompty]\nproviders: [echo]\n", p_dot_prompty=prompty)
    assert told == ["the setting “temperature” of a Prompty file", "what stands for “q” in a Prompty file"]


# --- values -------------------------------------------------------------------------------------------------


def test_a_text_in_a_yaml_file_keeps_its_quotation_marks_as_a_value() -> None:
    prompt, _ = read(
        "prompts: ['{{a}}']\nproviders: [echo]\ntests: [{vars: {a: file://a.yaml}}]\n", a_dot_yaml="hello\n"
    )
    assert prompt.cases[0].variables == {"a": '"hello"'}


def test_a_part_that_a_value_lacks_is_empty_rather_than_an_error() -> None:
    prompt, told = read(
        "prompts: ['{{user.name}} {{user.age}}', '{{user | dump}}']\nproviders: [echo]\n"
        "tests: [{vars: {user: {name: Ada}}}]\n"
    )
    rendered = render_messages(prompt.versions[0].prompt, prompt.cases[0])
    assert rendered[0].content == "Ada "
    assert told == ["no value for “user.age”: it is empty, as promptfoo takes it"]


def test_both_names_of_a_loop_are_given_by_the_template() -> None:
    _, told = read(
        "prompts: ['{% for role, text in past %}{{role}}: {{text}}{% endfor %}']\nproviders: [echo]\n"
        "tests: [{vars: {past: []}}]\n"
    )
    assert told == ["the template tag “for”, kept as text"]


def test_what_the_configuration_gives_the_environment_stands_in() -> None:
    prompt, told = read(
        "env: {TEAM: blue, API_KEY: sk-123, OTHER: 1}\nproviders: [echo]\n"
        "prompts: ['{{env.TEAM}} {{env.API_KEY}} {{a}}']\ntests: [{vars: {a: 'for {{env.TEAM}}'}}]\n"
    )
    (version,) = prompt.versions
    assert [(one.name, one.default) for one in version.prompt.variables] == [("env.TEAM", "blue")]
    assert prompt.cases[0].variables == {"a": "for blue"}
    assert told == ["the environment variable “API_KEY”", "the setting “env” (TEAM, API_KEY, OTHER)"]


def test_names_of_files_and_of_the_environment_are_text_in_our_own_export() -> None:
    before, _ = read(
        "env: {TEAM: blue}\nproviders: [echo]\nprompts:\n- 'For {{env.TEAM}}'\n- messages:\n"
        "  - {role: system, content: file://make.js}\n  - {role: user, content: Hi}\n"
    )
    found = parsed(write_config(before), "x.promptfoo.yaml", make_dot_js="other")
    assert found.prompts[0].versions == before.versions
    assert found.unsupported == ()


# --- words around prompts ------------------------------------------------------------------------------


def rendered(prompt: ImportedPrompt) -> list[str]:
    return [
        render_messages(version.prompt, case)[0].content
        for version in prompt.versions
        for case in prompt.cases
    ]


AROUND = """
prompts: ['Say {{word}}', 'Tell {{word}}']
providers: [echo]
defaultTest: {options: {prefix: 'Now {{word | upper}}: '}}
tests:
- {vars: {word: hi}, options: {suffix: ' please.'}}
- {vars: {word: ho}, options: {prefix: 'Then: '}}
- {vars: {word: he}, options: {prefix: ''}}
"""


def test_words_around_prompts_are_variables_around_them() -> None:
    prompt, told = read(AROUND)
    assert rendered(prompt) == [
        "Now HI: Say hi please.", "Then: Say ho", "Now HE: Say he",
        "Now HI: Tell hi please.", "Then: Tell ho", "Now HE: Tell he",
    ]  # fmt: skip
    assert told == []
    assert "Its tests’ prefix and suffix are variables around it." in prompt.versions[0].note
    assert [case.name for case in prompt.cases] == ["hi", "ho", "he"]
    assert prompt.title == "Say {{word}}"


def test_words_around_prompts_come_back_from_our_export() -> None:
    before, _ = read(AROUND)
    after, _ = read(write_config(before), "x.promptfoo.yaml")
    assert (after.versions, after.cases) == (before.versions, before.cases)


def test_words_around_a_chat_are_named_only() -> None:
    prompt, told = read(
        'prompts:\n- \'Say {{a}}\'\n- \'[{"role": "user", "content": "{{a}}"}]\'\nproviders: [echo]\n'
        "tests: [{vars: {a: 1}, options: {prefix: P}}]\n"
    )
    assert texts(prompt) == ["Say {{a}}", "{{a}}"]
    assert told == ["the option “prefix” of a test"]


def test_words_around_a_prompt_that_cannot_be_filled_in_are_named() -> None:
    prompt, told = read(
        "prompts: [Hello]\nproviders: [echo]\n"
        "tests: [{options: {prefix: '{{who}} {% if a %}x{% endif %}'}}]\n"
    )
    assert rendered(prompt) == ["{{who}} {% if a %}x{% endif %}Hello"]
    assert told == [
        "the template tag “if” in a test’s prefix, kept as text",
        "“{{who}}” in a test’s prefix: nothing fills it in here",
    ]


# --- tables ------------------------------------------------------------------------------------------------


def test_words_in_quotation_marks_may_have_commas() -> None:
    table = 'a,__expected\n1,"contains-any: ""x, y"", z"\n2,"icontains-all:""say """"hi""""""",\n'
    prompt, _ = read("prompts: ['{{a}}']\nproviders: [echo]\ntests: t.csv\n", t_dot_csv=table[:-2] + "\n")
    assert [case.assertions[0].value for case in prompt.cases] == [["x, y", "z"], ['say "hi"']]


def test_every_column_that_begins_with_expected_is_an_assertion() -> None:
    prompt, told = read(
        "prompts: ['{{a}}']\nproviders: [echo]\ntests: t.csv\n",
        t_dot_csv="a,__expected_json,__expectedB\n1,is-json,contains: x\n",
    )
    assert [assertion.type for assertion in prompt.cases[0].assertions] == ["is-json", "contains"]
    assert told == []


def test_semicolons_divide_columns_where_there_are_no_commas() -> None:
    prompt, _ = read(
        "prompts: ['{{a}}']\nproviders: [echo]\ntests: t.csv\n", t_dot_csv="a;__expected\n1,5;contains: x\n"
    )
    assert prompt.cases[0].variables == {"a": "1,5"}
    assert prompt.cases[0].assertions[0].value == "x"


@pytest.mark.parametrize("head", ["sep=;\na;__expected", "a;__expected", '"sep=;"\na;__expected'])
def test_a_table_may_say_what_divides_its_columns(head: str) -> None:
    prompt, told = read(
        "prompts: ['{{a}}']\nproviders: [echo]\ntests: t.csv\n", t_dot_csv=f"{head}\n1;is-json\n"
    )
    assert [(case.variables, len(case.assertions)) for case in prompt.cases] == [({"a": "1"}, 1)]
    assert told == []


def test_columns_that_are_lost_are_named() -> None:
    prompt, told = read(
        "prompts: ['{{a}}']\nproviders: [echo]\ntests: t.csv\n",
        t_dot_csv="a,__expected,__expected,\n1,is-json,contains: x,odd\n2,,,\n",
    )
    assert [case.variables for case in prompt.cases] == [{"a": "1"}, {"a": "2"}]
    assert told == ["all but the last of the columns “__expected”", "the column without a name"]


# --- what is no configuration anybody meant ---------------------------------------------------------------


@pytest.mark.parametrize("name", [NAME, "agent-eval.yaml"])
def test_a_key_that_stands_twice_is_refused_with_its_line(name: str) -> None:
    with pytest.raises(FormatError, match="line 4, column 16: the key “a” stands twice"):
        parsed("prompts: ['{{a}}']\nproviders: [echo]\ntests:\n- vars: {a: 1, a: 2}\n", name)


def test_what_is_merged_into_a_mapping_may_be_said_anew() -> None:
    prompt, _ = read(
        "_all: &all {a: 1, b: 2}\nprompts: ['{{a}}{{b}}']\nproviders: [echo]\n"
        "tests: [{vars: {<<: *all, a: 3}}, {vars: {<<: *all}}]\n"
    )
    assert [case.variables["a"] for case in prompt.cases] == ["3", "1"]


@pytest.mark.parametrize(
    ("config", "what"),
    [
        ("tests: [{vars: 3, assert: []}]", "the vars of a test, which have no names"),
        ("tests: [{vars: {a: 1}, options: [x]}]", "the options of a test, which have no names"),
        ("tests: [{vars: {a: 1}, metadata: 5}]", "the metadata of a test, which have no names"),
        ("defaultTest: [1]", "a test that is none"),
        ("targets: [{}]", "a provider without an id"),
    ],
)
def test_what_has_the_wrong_shape_is_named(config: str, what: str) -> None:
    _, told = read(f"prompts: ['{{{{a}}}}']\n{config}\n")
    assert what in told


def test_a_number_names_a_case_too() -> None:
    prompt, _ = read("prompts: [P]\nproviders: [echo]\ntests: [{description: 7, vars: {a: 1}}]\n")
    assert prompt.cases[0].name == "7"


# --- references --------------------------------------------------------------------------------------------


def test_a_reference_that_leads_nowhere_is_named_and_a_schemas_own_is_left() -> None:
    schema = {"$ref": "#/definitions/a", "definitions": {"a": {"items": {"$ref": "#"}}}}
    prompt, told = read(
        "prompts: [P]\nproviders: [echo]\ntests:\n- assert:\n  - {$ref: '#/assertionTemplates/gone'}\n"
        "  - {type: is-json, value: {$ref: '#/definitions/a', definitions: {a: {items: {$ref: '#'}}}}}\n"
    )
    assert prompt.cases[0].assertions[0].value == schema
    assert told == [
        "the reference “#/assertionTemplates/gone”, which leads nowhere",
        "an assertion without a type",
    ]


def test_a_hidden_file_is_named_as_one() -> None:
    _, told = read("prompts: [P]\nproviders: [echo]\ntests: [.evals/t.yaml]\n")
    assert told == [
        "the tests in the file “.evals/t.yaml”, which is hidden or a tool’s own: such files are never read"
    ]
