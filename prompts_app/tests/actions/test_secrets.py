"""What looks like a secret is found, masked and named by its place; what is meant as an example is not."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.actions.prompts.secrets import SecretFinding, find_secrets, mask
from prompts_app.models.texts import Text


def look(*texts: tuple[str, object]) -> list[SecretFinding]:
    return find_secrets(Text(where, value, "") for where, value in texts)


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
    "github_" + "pat_11ABCDEFG0a8Kd03nfLq92_mZx71bVta8Kd03nfLq92mZxPqbVta8Kd03nfLq92mZ",
    "npm" + "_a8Kd03nfLq92mZx71bVta8Kd03nfLq92mZxQ",
    "ya29" + ".a0AfB_byD8Kd03nfLq92mZx71bVta8Kd03nfLq92m",
    "whsec" + "_a8Kd03nfLq92mZx71bVta8Kd03nfLq92",
    "tvly" + "-a8Kd03nfLq92mZx71bVta8Kd03nfLq92",
    "pcsk" + "_a8Kd03_nfLq92mZx71bVta8Kd03nfLq92mZxPqbVta8Kd03nfLq92mZ",
    "dapi" + "9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c",
    "sk-lf-" + "723e4567-e89b-12d3-a456-42661417e4bc",
]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_found_and_masked(key: str) -> None:
    (finding,) = look(("v1, message 2", f"Authorization: {key}\nThen go on."))
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
        ("Passwort: Sommer2024!", "password or key"),
        ("密码：qwe83hfz2", "password or key"),
        ("aws_secret_access_key = a8Kd03nfLq92mZx71bVta8Kd03nfLq92mZxQ/+ab", "password or key"),
        ('"auth_token": "0a9s8d7f6g5h4j3k2l1m0n9b"', "password or key"),
        ("Authorization: Basic dXNlcjpzM2NyZXRwYXNzdzByZA==", "password in a header"),
        ("Write to anna.keller@firm.de please", "e-mail address"),
        ("Schreib an anna@müller.de", "e-mail address"),
    ],
)
def test_other_secrets_are_found(text: str, kind: str) -> None:
    assert [finding.kind for finding in look(("here", text))] == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "Write to someone@example.com, a@mail.example.org or b@host.test.",
        "api_key: {{api_key}}",
        "OPENAI_API_KEY=sk-xxxxxxxxxxxxxxxxxxxxxxxx",
        "password: your-password-here1",
        "the task-oriented-prompt-number-1234567",
        "the secret is: to write short sentences",
        "max_tokens: 4096, next_token: {{token}}, a primary_key: customer_id",
        "Passwort: mindestens acht Zeichen",
        "token: 123e4567-e89b-12d3-a456-426614174000",
        "id 123e4567-e89b-12d3-a456-426614174000",
        "AKIA" + "IOSFODNN7EXAMPLE",
        "a @ b, and user@localhost",
        "",
    ],
)
def test_examples_placeholders_and_prose_are_fine(text: str) -> None:
    assert look(("here", text)) == []


def test_one_value_in_many_places_is_one_finding() -> None:
    texts = [(f"case {n}", f"Key {KEYS[0]} in case {n}") for n in range(1, 9)]
    (finding,) = look(*texts)
    assert finding.places == ("case 1", "case 2", "case 3", "case 4", "case 5")
    assert (finding.count, finding.more) == (8, 3)


def test_the_same_value_has_the_same_token_and_another_has_another() -> None:
    first, second = (look(("x", key))[0].token for key in KEYS[:2])
    assert first == look(("y", f"again {KEYS[0]}"))[0].token
    assert first != second


def test_keys_come_before_addresses() -> None:
    found = look(("a", "anna@firm.de"), ("b", KEYS[0]))
    assert [finding.is_personal for finding in found] == [False, True]


@pytest.mark.parametrize(("value", "masked"), [(KEYS[1], "sk-…3f9a"), ("anna.k@firm.de", "an…@firm.de")])
def test_a_mask_says_enough_to_find_it_again(value: str, masked: str) -> None:
    assert mask(value) == masked


@given(st.text())
def test_no_text_is_an_error(text: str) -> None:
    look(("x", text))


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        "@a." * 300_000,
        "sk-" * 300_000,
        "password: " * 100_000,
        "pa-" * 300_000,
        "tvly-1" * 150_000,
        "token=" * 150_000,
    ],
)
def test_a_megabyte_of_anything_is_quick(text: str) -> None:
    began = time.monotonic()
    look(("x", text))
    assert time.monotonic() - began < 5


def test_ten_thousand_outputs_are_read_in_seconds() -> None:
    words = "the total of this invoice is 214.30 EUR and it is due on 2 May; write to billing now " * 12
    began = time.monotonic()
    look(*((f"output {n}", f"{n} {words}") for n in range(10_000)))
    assert time.monotonic() - began < 10


class TestJson:
    """Settings, requests, assertions: read as they are written, and as what is written there means."""

    def test_a_name_says_what_its_value_is(self) -> None:
        (found,) = look(("settings", {"password": "tr0ub4dor&3"}))
        assert found.kind == "password or key"

    def test_a_key_at_the_start_of_a_line_is_found(self) -> None:
        (found,) = look(("request", {"messages": [{"content": f"Use this:\n{KEYS[0]}\nNow go."}]}))
        assert found.places == ("request",)

    def test_names_are_read_too(self) -> None:
        assert len(look(("settings", {KEYS[3]: 1}))) == 1


# Numbers nobody has: of documentation, or made up around right check digits.
PEOPLE = [
    ("Ring me: +49 30 901820", "phone number"),
    ("Reach us on +44 20 7946 0958, any day", "phone number"),
    ("(212) 736-5000 is the front desk", "phone number"),
    ("Office 212-736-5000", "phone number"),
    ("Tel.: 030 901820", "phone number"),
    ("mobile 0171 2345678", "phone number"),
    ("1-212-736-5000", "phone number"),
    ("8 (495) 697-03-49 from ten", "phone number"),
    ("тел. +7 495 697-03-49", "phone number"),
    ("＋４９ ３０ ９０１８２０", "phone number"),
    ("+49\u202f30\u202f901820", "phone number"),
    ("हमें +९१ ९८७६५ ४३२१० पर", "phone number"),
    ("电话：010-6552 9988", "phone number"),
    ("Transfer it to DE89 3704 0044 0532 0130 00 and write", "IBAN"),
    ("GB82WEST12345698765432", "IBAN"),
    ("nl91 abna 0417 1643 00.", "IBAN"),
    ("DE89.3704.0044.0532.0130.00", "IBAN"),
    ("DE89\u202f3704\u202f0044\u202f0532\u202f0130\u202f00", "IBAN"),
    ("ＤＥ８９３７０４００４４０５３２０１３０００", "IBAN"),
    ("IBANDE89370400440532013000", "IBAN"),
    ("4111.1111.1111.1111", "card number"),
    ("4111\u20101111\u20101111\u20101111", "card number"),
    ("4111  1111  1111  1111", "card number"),
    ("4111_1111_1111_1111", "card number"),
    ("card 4111 1111 1111 1111, 12/29", "card number"),
    ("5500005555555559", "card number"),
    ("3782-822463-10005", "card number"),
]


@pytest.mark.parametrize(("text", "kind"), PEOPLE)
def test_what_belongs_to_a_person_is_found_and_masked(text: str, kind: str) -> None:
    (found,) = look(("here", text))
    assert (found.kind, found.is_personal) == (kind, True)
    assert len(found.masked) < 9


@pytest.mark.parametrize(
    "text",
    [
        "Order 4711-2024-0815 came on 2026-11-29 at 10:30:15",
        "DE88 3704 0044 0532 0130 00",  # check digits wrong
        "4111 1111 1111 1112",
        "0.4111111111111111",
        "between 1000000 and 9999999 rows",
        "Call 555-0134 or (212) 555-0134",  # North America's numbers for examples
        "+1 999 000 0000",
        "192.168.100.200 and 2001:0db8:85a3:0000:0000:8a2e:0370:7334",
        "978-3-16-148410-0",  # a book
        "1732886400000",  # a time
        "Version 12.0.1234567",
        "Modified 01-16-2026, born 09/14/1994, due 03.04.2025 or 2024-11-03",
        "call before 2026-11-29 10",
        "4 11 11 11 11 11 11 11 1 and 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",  # a row of numbers
        "chatcmpl-76ec02ce-0747-4166-8295-99544bc32815",
        "My phone number is 123-456-7890, or +1 123 456 789",
        "你好@小明.然后",
    ],
)
def test_other_numbers_are_nobodys(text: str) -> None:
    assert look(("here", text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "1 " * 500_000,
        "٣ " * 500_000,
        "4111-" * 200_000,
        "+49 30 901820 " * 70_000,
        "DE89 " * 200_000,
        "4111" * 250_000,
    ],
)
def test_a_megabyte_of_digits_is_quick(text: str) -> None:
    began = time.monotonic()
    look(("x", text))
    assert time.monotonic() - began < 5


def test_one_long_word_of_beginnings_of_tokens_is_looked_at_once() -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
    found = find_secrets([Text("a prompt", f"token={token}", "version.messages")])
    assert [one.kind for one in found] == ["JSON Web Token"]
    assert find_secrets([Text("a prompt", "eyJ" * 300_000, "version.messages")]) == []
