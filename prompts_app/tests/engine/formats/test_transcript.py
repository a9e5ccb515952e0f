"""Chats copied out of chat products, by the lines that name who speaks."""

import pytest

from prompts_app.engine.formats import FormatError, parse, parse_and_offer

SAID = [("user", "Hi."), ("assistant", "Hello,\n\nwho is there?"), ("user", "Me:\nnobody else")]


def told(*names: str) -> str:
    return "\n\n".join(f"{name}\n{text}" for name, (_, text) in zip(names, SAID, strict=True))


def messages(text: str, **options: str) -> list[tuple[str, str]]:
    (prompt,) = parse("", text.encode(), **options).prompts
    return [(message.role, message.content) for message in prompt.versions[0].prompt.messages]


@pytest.mark.parametrize(
    "names",
    [
        ("You said:", "ChatGPT said:", "You said:"),
        ("User:", "Assistant:", "User:"),
        ("Human:", "AI:", "human:"),
        ("**You:**", "**Claude:**", "**You:**"),
        ("### User:", "### Assistant:", "### User:"),
        ("Du hast gesagt:", "ChatGPT hat gesagt:", "Du hast gesagt:"),
        ("Vous avez dit :", "ChatGPT a dit :", "Vous avez dit\u00a0:"),
    ],
)
def test_each_turn_is_a_message(names: tuple[str, str, str]) -> None:
    read = messages(told(*names).replace("Me:\nnobody", "Mine:\nnobody"))
    assert read == [(role, text.replace("Me:", "Mine:")) for role, text in SAID]


@pytest.mark.parametrize(
    "text",
    [
        "Answer in this form.\n\nUser:\nwhat was asked\nAssistant:\nwhat is said",  # an example in a prompt
        "You:\nare a helpful assistant.",  # nobody answers
        "User: Hi.\nAssistant: Hello.",  # may as well be one text
        "Assistants:\none\nUsers:\ntwo",
    ],
)
def test_a_text_that_only_looks_a_little_like_one_stays_a_text(text: str) -> None:
    assert messages(text) == [("user", text)]


def test_it_may_be_read_as_one_text_too() -> None:
    text = told("You said:", "ChatGPT said:", "You said:").encode()
    assert list(parse_and_offer("", text)[1]) == ["chat", "text"]


def test_what_stands_before_the_first_speaker_is_named() -> None:
    parsed = parse("", b"Copied on Monday\nUser:\nHi.\nAssistant:\nHello.", hint="chat")
    assert "Copied on Monday" in parsed.unsupported[0].what


@pytest.mark.parametrize("text", ["Hello.", "User:\n\nAssistant:\n "])
def test_where_nobody_says_anything_it_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        parse("", text.encode(), hint="chat")
