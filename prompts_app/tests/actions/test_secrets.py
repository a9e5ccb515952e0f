"""What looks like a secret is found, masked and named by its place; what is meant as an example is not."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.actions.secrets import find_secrets, mask

# Put together here, so that no file of ours holds a whole one.
KEYS = [
    "sk-" + "proj-a8Kd03nfLq92mZx71bVt",
    "sk-" + "sample-00000000003f9a",
    "sk-ant-" + "api03-Zk29fjQ0vmAp3LxT81bNsw",
    "gsk_" + "a8Kd03nfLq92mZx71bVta8Kd03nf",
    "hf_" + "a8Kd03nfLq92mZxPqbVta8Kd03nfLq92mZ",
    "AIza" + "SyA8Kd03nfLq92mZx71bVta8Kd03nfLq92m",
    "ghp_" + "a8Kd03nfLq92mZx71bVta8Kd03nfLq92mZxQ",
    "AKIA" + "Q7ZRN4WXKD2VTBPL",
    "xoxb-" + "129384756012-abcdefghijk",
    "sk_live_" + "a8Kd03nfLq92mZx71bVta8Kd",
]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_found_and_masked(key: str) -> None:
    (finding,) = find_secrets([("v1, message 2", f"Authorization: {key}\nThen go on.")])
    assert finding.places == ("v1, message 2",)
    assert key not in finding.masked
    assert key[5:-5] not in repr(finding)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7", "private key"),
        ("postgres://app:hunter2x@db.internal/prod", "password in an address"),
        ("curl -H 'Authorization: Bearer 0a9s8d7f6g5h4j3k2l1m0n9b'", "bearer token"),
        ('{"password": "tr0ub4dor&3"}', "password or key"),
        ("Write to anna.keller@firm.de please", "e-mail address"),
    ],
)
def test_other_secrets_are_found(text: str, kind: str) -> None:
    assert [finding.kind for finding in find_secrets([("here", text)])] == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "Write to someone@example.com, a@mail.example.org or b@host.test.",
        "api_key: {{api_key}}",
        "OPENAI_API_KEY=sk-xxxxxxxxxxxxxxxxxxxxxxxx",
        "password: your-password-here1",
        "the task-oriented-prompt-number-1234567",
        "the secret is: to write short sentences",
        "id 123e4567-e89b-12d3-a456-426614174000",
        "AKIA" + "IOSFODNN7EXAMPLE",
        "a @ b, and user@localhost",
        "",
    ],
)
def test_examples_placeholders_and_prose_are_fine(text: str) -> None:
    assert find_secrets([("here", text)]) == []


def test_one_value_in_many_places_is_one_finding() -> None:
    texts = [(f"case {n}", f"Key {KEYS[0]} in case {n}") for n in range(1, 9)]
    (finding,) = find_secrets(texts)
    assert finding.places == ("case 1", "case 2", "case 3", "case 4", "case 5")
    assert (finding.count, finding.more) == (8, 3)


def test_the_same_value_has_the_same_token_and_another_has_another() -> None:
    first, second = (find_secrets([("x", key)])[0].token for key in KEYS[:2])
    assert first == find_secrets([("y", f"again {KEYS[0]}")])[0].token
    assert first != second


def test_keys_come_before_addresses() -> None:
    found = find_secrets([("a", "anna@firm.de"), ("b", KEYS[0])])
    assert [finding.is_email for finding in found] == [False, True]


@pytest.mark.parametrize(("value", "masked"), [(KEYS[1], "sk-…3f9a"), ("anna.k@firm.de", "an…@firm.de")])
def test_a_mask_says_enough_to_find_it_again(value: str, masked: str) -> None:
    assert mask(value) == masked


@given(st.text())
def test_no_text_is_an_error(text: str) -> None:
    find_secrets([("x", text)])


@pytest.mark.parametrize("text", ["a" * 1_000_000, "@a." * 300_000, "sk-" * 300_000, "password: " * 100_000])
def test_a_megabyte_of_anything_is_quick(text: str) -> None:
    began = time.monotonic()
    find_secrets([("x", text)])
    assert time.monotonic() - began < 5


def test_ten_thousand_outputs_are_read_in_seconds() -> None:
    words = "the total of this invoice is 214.30 EUR and it is due on 2 May; write to billing now " * 12
    began = time.monotonic()
    find_secrets((f"output {n}", f"{n} {words}") for n in range(10_000))
    assert time.monotonic() - began < 10
