"""What template files of other people's brought to light: each was once misread or lost a part silently."""

import json
from typing import Any

from prompts_app.engine.formats import ImportedPrompt, parse
from prompts_app.engine.response_format import AskedSchema, schema_asked_for


def read(name: str, text: str) -> tuple[ImportedPrompt, list[str]]:
    found = parse(name, text.encode())
    (prompt,) = found.prompts
    return prompt, [problem.what for problem in found.unsupported]


def variables(prompt: ImportedPrompt) -> dict[str, str]:
    return {variable.name: variable.default for variable in prompt.versions[0].prompt.variables}


def contents(prompt: ImportedPrompt) -> list[str]:
    return [message.content for message in prompt.versions[0].prompt.messages]


# --- prompty ---------------------------------------------------------------------------------------


def test_an_empty_head_is_none_of_the_text() -> None:
    prompt, _ = read("a.prompty", "---\n---\nsystem:\nBe brief.\n")
    assert contents(prompt) == ["Be brief."]


def test_lists_and_objects_that_stand_in_are_kept_as_json() -> None:
    prompt, _ = read(
        "a.prompty",
        "---\ninputs:\n  items: [1, two]\n  who: {first: Ada}\n  gone: {type: array}\n"
        "sample: {gone: [x], more: {a: 1}}\n---\nsystem:\n{{items}}\n",
    )
    assert variables(prompt) == {
        "items": '[1,"two"]', "who": '{"first":"Ada"}', "gone": '["x"]', "more": '{"a":1}',
    }  # fmt: skip


def test_a_conversation_as_an_input_and_another_kind_of_model_are_named() -> None:
    _, told = read(
        "a.prompty",
        "---\nmodel: {api: embedding}\ninputSchema:\n  properties:\n  - {name: past, kind: thread}\n"
        "  - {name: q}\n---\nsystem:\n{{past}} {{q}}\n",
    )
    assert told == ["the field “model.api”", "that the input “past” is a whole conversation"]


# --- dotprompt -------------------------------------------------------------------------------------


def test_a_json_schema_names_its_properties() -> None:
    prompt, _ = read(
        "a.prompt",
        "---\ninput:\n  schema:\n    type: object\n    required: [mood]\n    properties:\n"
        "      mood: {type: string, description: how it sounds, default: dark}\n---\nBe {{mood}}\n",
    )
    (variable,) = prompt.versions[0].prompt.variables
    assert (variable.name, variable.default, variable.description) == ("mood", "dark", "how it sounds")


def test_names_of_a_short_schema_may_have_a_kind_and_words_in_brackets() -> None:
    prompt, _ = read(
        "a.prompt",
        "---\ninput:\n  schema:\n    parts?(array, what is in it): string\n    size(enum): [s, l]\n"
        "    (*): any\n  default: {parts: [salt]}\n---\n{{parts}}\n",
    )
    assert variables(prompt) == {"parts": '["salt"]', "size": ""}
    assert prompt.versions[0].prompt.variables[0].description == "what is in it"


def test_what_stands_elsewhere_and_what_only_dotprompt_fills_in_is_named() -> None:
    _, told = read("a.prompt", "---\ninput: {schema: Joke, extra: 1}\n---\n{{topic}} {{history}}\n")
    assert told == [
        "the field “input.extra”",
        "the schema “Joke”, which is kept elsewhere",
        "the messages so far ({{history}})",
    ]


def test_three_braces_are_two() -> None:
    prompt, told = read("a.prompt", "Say {{{ word }}} and {{&other}}\n")
    assert contents(prompt) == ["Say {{word}} and {{other}}"]
    assert told == []


# --- LangChain -------------------------------------------------------------------------------------


def step(name: str, **kwargs: Any) -> dict[str, Any]:
    return {"lc": 1, "type": "constructor", "id": ["langchain_core", "x", name], "kwargs": kwargs}


def test_a_prompt_in_the_middle_of_a_chain_is_found() -> None:
    inner = step("PromptTemplate", template="Solve {a} in {style}", partial_variables={"style": "brief"})
    chat = step(
        "ChatPromptTemplate", messages=[step("HumanMessagePromptTemplate", prompt=inner)], schema_={"t": 1}
    )
    chain = step(
        "RunnableSequence", first=step("RunnableParallel", steps={}), middle=[chat], last=step("Model")
    )
    prompt, told = read("a.json", json.dumps(chain))
    assert contents(prompt) == ["Solve {{a}} in {{style}}"]
    assert variables(prompt) == {"style": "brief"}
    assert told == [
        "the steps of the chain before the prompt",
        "the steps of the chain after the prompt",
    ]
    assert schema_asked_for(prompt.versions[0].prompt.parameters) == AskedSchema({"t": 1}, "answer")


def test_the_older_form_of_a_text_prompt() -> None:
    old = {"_type": "prompt", "input_variables": ["a"], "template": "Tell {a}", "output_parser": {"b": 1}}
    prompt, told = read("a.json", json.dumps(old))
    assert contents(prompt) == ["Tell {{a}}"]
    assert told == ["the field “output_parser”"]
