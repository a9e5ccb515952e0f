"""is-refusal, is-xml, is-html."""

from time import process_time

import pytest

from prompts_app.engine.assertions import validate
from prompts_app.engine.types import Assertion, Json
from prompts_app.tests.engine.holding import hold


@pytest.mark.parametrize(
    "output",
    [
        "I'm sorry, but I can't help with that.",
        "I’m sorry, but I can’t assist with that request.",
        "I cannot provide medical advice.",
        "As an AI language model, I don't have opinions.",
        "I must respectfully decline.",
        "Unfortunately, I am unable to answer this.",
        "I won't write that.",
        "That goes against my guidelines.",
        "I'm not comfortable writing that letter.",
        "I don't feel comfortable with this.",
        "I do not give legal advice.",
        "I don’t provide medical advice, sorry.",
        "That would not be appropriate.",
        "It's not appropriate for me to answer.",
        "This would be illegal and unethical.",
        "The generated text has been blocked by our content filters.",
        "Your message was flagged by our content policy.",
        "That's not something I can do.",
        "This is beyond what I can help with.",
        "I'm not going to write that.",
        "Sorry, but I really cannot share this.",
        "If you have any other non-malicious requests, just ask.",
        "Das kann ich nicht: ich kann dir dabei leider nicht helfen.",
        "Je ne peux pas vous aider avec cela.",
        "No puedo ayudarte con eso.",
        "Ik kan u daar niet mee helpen.",
        "申し訳ありませんが、お答えできません。",
        "",
        "  \n",
    ],
)
def test_refusals_are_recognised(output: str) -> None:
    assert hold("is-refusal", output=output).passed
    assert not hold("not-is-refusal", output=output).passed


@pytest.mark.parametrize(
    "output",
    [
        "Paris is the capital of France.",
        "Sorry for the delay! Your order is on its way.",
        "I can help with that. Here is the plan.",
        "You cannot park here.",
        "Sorry for the wait; the table is booked for Friday.",
        "I'm sorry, but your order has not shipped yet.",
        "This is not legal advice, but here is how it works.",
        "I do not recommend the fish today.",
        "Parking here is illegal.",
        "I cannot stress enough how good it is.",
        "I won't lie: it is great.",
        "Ich kann das nur empfehlen.",
        "The model can't be fitted without data.",
    ],
)
def test_answers_are_not_refusals(output: str) -> None:
    assert not hold("is-refusal", output=output).passed
    assert hold("not-is-refusal", output=output).passed


@pytest.mark.parametrize(
    ("value", "output", "passes"),
    [
        (None, "<a><b/></a>", True),
        (None, '<?xml version="1.0"?>\n<a x="1">t</a>', True),
        (None, "<a><b></a>", False),
        (None, "Here: <a/>", False),
        (None, "", False),
        ("order.item, order", "<order><item/></order>", True),
        (["order.price"], "<order><item/></order>", False),
        ({"requiredElements": ["a.b"]}, "<a><b/></a>", True),
        (None, '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', False),  # a small text that could become huge
        (None, "<!DOCTYPE a><a/>", True),
        (None, "<a>\ud800</a>", False),
        # What a text says of its encoding says nothing of a text that was decoded already.
        (None, '<?xml version="1.0" encoding="UTF-16"?><a/>', True),
        (None, '<?xml version="1.0" encoding="no such"?><a/>', False),
        (None, '<?xml version="1.0" encoding="nosuch"?><a>é</a>', True),
    ],
)
def test_xml_is_well_formed_and_has_the_elements(value: Json, output: str, passes: bool) -> None:
    assert hold("is-xml", value, output).passed is passes
    assert hold("not-is-xml", value, output).passed is not passes


def test_the_billion_laughs_are_not_laughed() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]><x>&l9;</x>'
    assert "definitions of its own" in hold("is-xml", None, bomb).reason


def test_deeply_nested_xml_is_not_judged() -> None:
    assert hold("is-xml", ["a.a", "a"], "<a>" * 100 + "</a>" * 100).passed
    deeper = hold("is-xml", ["a.a", "a"], "<a>" * 100_000 + "</a>" * 100_000)
    assert (deeper.passed, "too many elements or levels" in deeper.reason) == (None, True)


@pytest.mark.parametrize(
    ("output", "passes"),
    [
        ("<!DOCTYPE html><html><body><p>Hi</p></body></html>", True),
        ("<p>One</p>\n<p>Two</p>", True),
        ("<ul><li>a<li>b</ul>", True),  # end tags may be left out
        ("<my-card>x</my-card>", True),
        ("<br>", True),
        ("<!-- only a comment -->", False),
        ("Here is your page: <p>Hi</p>", False),
        ("```html\n<p>Hi</p>\n```", False),
        ("<answer>42</answer>", False),
        ("a < b", False),
        ("", False),
        ("<p>a < b</p>", True),
        ("<script>if (a<b) '</p>'</script>", True),
        ("<script>never closed, as browsers take it", True),
        ("<title>a <b></title><p>x</p>", True),
        ("<br/></p></>", True),
        ('<p class="a>b">x</p>', True),
        ("<p>x</p><!-- not closed", True),
        ('<p>x</p><a href="', False),  # a tag that is none yet
        ("</p>", False),
    ],
)
def test_html_is_elements_and_nothing_beside_them(output: str, passes: bool) -> None:
    assert hold("is-html", None, output).passed is passes
    assert hold("not-is-html", None, output).passed is not passes


@pytest.mark.parametrize(
    "output",
    [
        "<!--" * 250_000,
        "<?" * 250_000,
        "<![CDATA[" * 100_000,
        "<b>" * 150_000 + "</i>" * 150_000,
        "<a b='" * 99_999,
    ],
)
def test_broken_html_of_a_megabyte_is_walked_over_once(output: str) -> None:
    started = process_time()
    hold("is-html", None, output)
    assert process_time() - started < 5


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("is-xml", {"requiredElement": ["a.b"]}),
        ("is-xml", {"requiredElements": "a.b"}),
        ("is-xml", {"requiredElements": ["a"], "strict": True}),
        ("word-count", {"min": 1, "maximum": 5}),
        ("is-sql", {"database": "MySQL"}),
    ],
)
def test_an_option_that_does_not_exist_is_told_and_judges_nothing(type_: str, value: Json) -> None:
    assert validate(Assertion(type_, value))
    assert hold(type_, value, "<a/>").passed is None
    assert hold(f"not-{type_}", value, "<a/>").passed is None
