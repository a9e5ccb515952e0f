"""Opening a prompt in a chat product: a plain link with the text typed in, as long as an address takes it."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.types import Message, PromptContent
from prompts_app.evidence.chat_links import PRODUCTS, flattened, ways_for
from prompts_app.evidence.fill_in import unfilled
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice
from prompts_app.tests.security.world import Tags
from prompts_app.tests.views.recorded import public_prompt


def text_in(href: str) -> str:
    return parse_qs(urlsplit(href).query)["q"][0]


class TestTheText:
    def test_one_message_is_its_text(self) -> None:
        assert flattened([Message("user", "Say {{word}}.\n")]) == "Say {{word}}.\n"

    def test_system_and_user_follow_each_other(self) -> None:
        said = flattened([Message("system", "Be brief."), Message("user", "Say hello.")])
        assert said == "Be brief.\n\nSay hello."

    def test_with_an_answer_among_them_each_is_named(self) -> None:
        chat = [Message("user", "1+1?"), Message("assistant", "2"), Message("user", "2+2?")]
        assert flattened(chat) == "User:\n1+1?\n\nAssistant:\n2\n\nUser:\n2+2?"

    @pytest.mark.parametrize(
        "text",
        [
            "  an indented\n\tblock  \n",
            "Windows\r\nlines",
            "نمی\u200cدانم",
            "👩\u200d💻",
            "zero\u200bwidth",
            "ﬁ",
        ],
    )
    def test_it_is_the_text_that_was_tested_letter_for_letter(self, text: str) -> None:
        assert [text_in(way.href) for way in ways_for([Message("user", text)])] == [text] * len(PRODUCTS)

    def test_braces_that_are_text_go_as_they_are_sent(self) -> None:
        prompt = PromptContent(
            (Message("user", "Form {% raw %}{{x}}{% endraw %} for {{who}}, {{ '{{y}}' }}"),)
        )
        assert flattened(unfilled(prompt)) == "Form {{x}} for {{who}}, {{y}}"

    def test_nothing_gives_no_links(self) -> None:
        assert ways_for([Message("user", " \n")]) == []

    @given(st.text(max_size=300))
    def test_any_text_survives_the_address(self, text: str) -> None:
        messages = [Message("user", text)]
        for way in ways_for(messages):
            assert re.fullmatch(r"[\x21-\x7e]+", way.href)
            assert urlsplit(way.href).hostname == urlsplit(way.product.plain).hostname
            if way.has_text:
                assert text_in(way.href) == flattened(messages)

    @given(st.integers(0, 9000))
    def test_a_text_too_long_for_the_address_stays_here(self, length: int) -> None:
        for way in ways_for([Message("user", "x" * length)]):
            assert way.has_text == (length <= way.product.longest)
            assert way.has_text or way.href == way.product.plain


@pytest.mark.django_db
class TestThePage:
    def links(self, html: str) -> dict[str, str]:
        hosts = {urlsplit(product.plain).hostname: product.name for product in PRODUCTS}
        found = {}
        for link in Tags(html).named("a"):
            host = urlsplit(str(link.get("href"))).hostname
            if host in hosts:
                assert link["rel"] == "nofollow noopener noreferrer"
                found[hosts[host]] = str(link["href"])
        return found

    def test_links_with_the_text(self) -> None:
        prompt = public_prompt(owner=alice())
        VersionFactory(prompt=prompt)
        links = self.links(read_page(Client().get(prompt.get_absolute_url())))
        assert list(links) == [product.name for product in PRODUCTS]
        assert {text_in(href) for href in links.values()} == {"Say {{word}}."}

    def test_with_what_was_filled_in(self) -> None:
        prompt = public_prompt(owner=alice())
        VersionFactory(prompt=prompt)
        html = read_page(Client().get(prompt.get_absolute_url(), {"fill": "1", "var.word": "a & b"}))
        assert {text_in(href) for href in self.links(html).values()} == {"Say a & b."}
        assert html.count("https://chatgpt.com/") == 1

    def test_too_long_says_to_copy_first(self) -> None:
        prompt = public_prompt(owner=alice())
        VersionFactory(prompt=prompt, messages=[{"role": "user", "content": "word " * 5000}], variables=[])
        html = read_page(Client().get(prompt.get_absolute_url()))
        assert self.links(html) == {product.name: product.plain for product in PRODUCTS}
        assert html.count("copy first") == len(PRODUCTS)

    def test_the_policy_is_untouched(self) -> None:
        prompt = public_prompt(owner=alice())
        VersionFactory(prompt=prompt)
        response = Client().get(prompt.get_absolute_url())
        assert "chatgpt" not in response.headers["Content-Security-Policy"]
        assert response.headers["Referrer-Policy"] == "same-origin"
