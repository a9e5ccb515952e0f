"""Files of tools with a template language of their own: prompty, dotprompt, Langfuse, LangChain."""

import json
from typing import Any

import pytest

from prompts_app.engine.formats import FormatError, ImportedPrompt, Parsed, parse
from prompts_app.engine.formats.templates import logic
from prompts_app.engine.types import Message, Variable


def only(parsed: Parsed) -> ImportedPrompt:
    (prompt,) = parsed.prompts
    return prompt


def messages_of(prompt: ImportedPrompt) -> list[tuple[str, str]]:
    return [(m.role, m.content) for m in prompt.versions[-1].prompt.messages]


def problems_of(parsed: Parsed) -> list[str]:
    return [problem.what for problem in parsed.unsupported]


# --- prompty ----------------------------------------------------------------------------------------------

PROMPTY_1 = b"""---
name: Greeter
description: Greets people
authors: [jane@example.com]
tags: [hello]
model:
  api: chat
  configuration:
    type: azure_openai
    azure_deployment: gpt-35-turbo
    api_key: sk-secret
  parameters: {temperature: 0.7, max_tokens: 500}
inputs:
  first:
    type: string
    sample: Jane
    description: whom to greet
  last: Doe
---
system:
Be kind.

user:
Greet {{first}} {{last}}.
"""

PROMPTY_2 = b"""---
name: Greeter
metadata: {authors: [jane@example.com], tags: [hello]}
model:
  id: gpt-4
  connection: {kind: key, apiKey: sk-secret}
  options: {temperature: 0.7, maxOutputTokens: 1000}
inputSchema:
  properties:
    - {name: first, kind: string, default: Jane}
---
Be kind.

user[name="x"]:
Greet {{first}}.
"""


def test_a_prompty_file_of_version_1() -> None:
    prompt = only(parse("g.prompty", PROMPTY_1))
    assert (prompt.title, prompt.summary, prompt.tags) == ("Greeter", "Greets people", ("hello",))
    assert messages_of(prompt) == [("system", "Be kind."), ("user", "Greet {{first}} {{last}}.")]
    (version,) = prompt.versions
    assert version.prompt.variables == (Variable("first", "Jane", "whom to greet"), Variable("last", "Doe"))
    assert version.prompt.parameters == {"temperature": 0.7, "max_tokens": 500}
    assert prompt.written_for == "gpt-35-turbo"


def test_a_prompty_file_of_version_2() -> None:
    parsed = parse("g.prompty", PROMPTY_2)
    prompt = only(parsed)
    assert messages_of(prompt) == [("system", "Be kind."), ("user", "Greet {{first}}.")]
    assert prompt.versions[0].prompt.variables == (Variable("first", "Jane"),)
    assert prompt.versions[0].prompt.parameters == {"temperature": 0.7, "max_tokens": 1000}
    assert (prompt.written_for, prompt.tags) == ("gpt-4", ("hello",))
    assert 'the attributes “[name="x"]” of a role' in problems_of(parsed)


@pytest.mark.parametrize("data", [PROMPTY_1, PROMPTY_2])
def test_keys_and_authors_addresses_never_leave_a_prompty_file(data: bytes) -> None:
    parsed = parse("g.prompty", data)
    assert "secret" not in repr(parsed)
    assert "example.com" not in repr(parsed)
    assert any("authors" in problem for problem in problems_of(parsed))
    assert any(problem.startswith("the field “model.con") for problem in problems_of(parsed))


def test_a_prompty_file_without_text_says_so() -> None:
    with pytest.raises(FormatError, match="no messages"):
        parse("g.prompty", b"---\nname: x\n---\nsystem:\n")


# --- dotprompt ----------------------------------------------------------------------------------------------

DOTPROMPT = b"""---
model: googleai/gemini-1.5-flash
config: {temperature: 0.9}
input:
  schema:
    place: string, where it is
    style?: string
  default: {place: a restaurant}
output: {format: json}
---
{{role "system"}}
You work at {{place}}.
{{role "user"}}
Greet me{{#if style}} in {{style}}{{/if}}.
{{role "model"}}
Hello!
"""


def test_a_dotprompt_file() -> None:
    parsed = parse("greet-guest.prompt", DOTPROMPT)
    prompt = only(parsed)
    assert prompt.title == "Greet guest"
    assert messages_of(prompt) == [
        ("system", "You work at {{place}}."),
        ("user", "Greet me{{#if style}} in {{style}}{{/if}}."),
        ("assistant", "Hello!"),
    ]
    assert prompt.versions[0].prompt.variables == (
        Variable("place", "a restaurant", "where it is"),
        Variable("style"),
    )
    assert prompt.versions[0].prompt.parameters == {
        "response_format": {"type": "json_object"},
        "temperature": 0.9,
    }
    assert prompt.written_for == "googleai/gemini-1.5-flash"
    assert problems_of(parsed) == ["the template tag “#if”"]


# --- Langfuse -----------------------------------------------------------------------------------------------


def langfuse(*items: dict[str, Any]) -> Parsed:
    return parse("p.json", json.dumps(list(items) if len(items) > 1 else items[0]).encode())


CRITIC = {
    "name": "movie-critic", "type": "text", "prompt": "Do you like {{movie}}?", "version": 1,
    "config": {"model": "gpt-4o", "temperature": 0.5, "voice": "x"}, "labels": ["latest"], "tags": ["movies"],
}  # fmt: skip


def test_a_langfuse_text_prompt() -> None:
    parsed = langfuse(CRITIC)
    prompt = only(parsed)
    assert parsed.format == "langfuse"
    assert messages_of(prompt) == [("user", "Do you like {{movie}}?")]
    assert (prompt.title, prompt.tags, prompt.written_for) == ("movie-critic", ("movies",), "gpt-4o")
    assert prompt.versions[0].prompt.parameters == {"temperature": 0.5}
    assert problems_of(parsed) == ["the setting “voice”", "the field “labels”"]


def test_langfuse_versions_of_one_name_are_one_prompt_oldest_first() -> None:
    newer = CRITIC | {"version": 2, "prompt": "Better.", "commitMessage": "Shorter", "config": None}
    parsed = langfuse(newer, CRITIC, CRITIC | {"name": "other"})
    first, second = parsed.prompts
    assert [v.prompt.messages[0].content for v in first.versions] == ["Do you like {{movie}}?", "Better."]
    assert [v.note for v in first.versions] == ["", "Shorter"]
    assert second.title == "other"


def test_a_langfuse_chat_prompt_names_its_placeholders() -> None:
    chat = [{"role": "system", "content": "Hi"}, {"type": "placeholder", "name": "history"}]
    parsed = langfuse({"name": "c", "type": "chat", "prompt": chat})
    assert messages_of(only(parsed)) == [("system", "Hi")]
    assert problems_of(parsed) == ["a placeholder for messages"]


# --- LangChain ----------------------------------------------------------------------------------------------


def lc(name: str, **kwargs: Any) -> dict[str, Any]:
    return {"lc": 1, "type": "constructor", "id": ["langchain_core", "prompts", name], "kwargs": kwargs}


def templated(name: str, text: str, **more: Any) -> dict[str, Any]:
    return lc(name, prompt=lc("PromptTemplate", template=text, **more))


def langchain(value: dict[str, Any]) -> Parsed:
    return parse("p.json", json.dumps(value).encode())


def test_a_langchain_chat_prompt() -> None:
    parsed = langchain(
        lc(
            "ChatPromptTemplate",
            messages=[
                templated("SystemMessagePromptTemplate", 'Answer as {{"a": 1}} in {language}.'),
                templated("HumanMessagePromptTemplate", "{text}"),
                lc("AIMessage", content="Fixed {text}"),
                lc("MessagesPlaceholder", variable_name="history"),
            ],
            partial_variables={"language": "French"},
            metadata={"lc_hub_repo": "translator"},
        )
    )
    prompt = only(parsed)
    assert parsed.format == "langchain"
    assert prompt.title == "translator"
    assert messages_of(prompt) == [
        ("system", 'Answer as {"a": 1} in {{language}}.'),
        ("user", "{{text}}"),
        ("assistant", "Fixed {text}"),
    ]
    assert prompt.versions[0].prompt.variables == (Variable("language", "French"),)
    assert problems_of(parsed) == ["a MessagesPlaceholder"]


def test_a_langchain_text_prompt_and_its_other_template_languages() -> None:
    parsed = langchain(lc("PromptTemplate", template="{% if x %}{{x}}{% endif %}", template_format="jinja2"))
    assert messages_of(only(parsed)) == [("user", "{% if x %}{{x}}{% endif %}")]
    assert problems_of(parsed) == ["the template tag “if”"]


def test_a_chain_that_begins_with_a_prompt_is_that_prompt() -> None:
    chain = lc("RunnableSequence", first=lc("PromptTemplate", template="Say {word}."), last={"lc": 1})
    parsed = langchain(chain)
    assert messages_of(only(parsed)) == [("user", "Say {{word}}.")]
    assert problems_of(parsed) == ["the steps of the chain after the prompt"]


@pytest.mark.parametrize("text", ["Unmatched { brace", "{a:.2f} {b!r} {0}"])
def test_formats_langchain_knows_and_we_do_not_are_named(text: str) -> None:
    assert problems_of(langchain(lc("PromptTemplate", template=text)))


@pytest.mark.parametrize(
    "value", [lc("RunnableSequence", first=3), lc("ChatPromptTemplate", messages=[]), lc("LLMChain", x=1)]
)
def test_langchain_objects_without_a_prompt_are_refused(value: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        langchain(value)


# --- what all of them share --------------------------------------------------------------------------------


def test_what_still_looks_like_a_placeholder_is_text_in_a_template_file() -> None:
    parsed = langchain(lc("PromptTemplate", template='Give me {{"name"}} or {{name}}.'))
    prompt = only(parsed)
    assert prompt.is_templated
    assert prompt.versions[0].prompt.messages == (Message("user", 'Give me {"name"} or {name}.'),)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{{a}} {{ b.c }} {a} {% raw", []),
        ("{% if a %}x{% else %}y{% endif %}", ["the template tag “if”", "the template tag “else”"]),
        (
            "{{#each items}}{{this}}{{/each}} {{> part}}",
            ["the template tag “#each”", "the template tag “>part”"],
        ),
        ("{{ a | upper }} {{ a[0] }}", []),
        ("{{ a | indent }} {{b|indent}}", ["the template filter “indent”"]),
        ("{# note #}", ["a template comment"]),
        ("{{ a + b }}", ["the template expression “{{ a + b }}”"]),
    ],
)
def test_template_logic_is_recognised(text: str, found: list[str]) -> None:
    assert logic(text) == found
