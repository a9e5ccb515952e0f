"""The page of all kinds of assertions: made from the registry, and true."""

from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from prompts_app.engine.assertions import ALIASES, KINDS, check
from prompts_app.engine.assertions.javascript import METHODS
from prompts_app.engine.formats.promptfoo import assertions as promptfoo_assertions
from prompts_app.engine.formats.yaml_ import read_yaml
from prompts_app.tests.pages import read_page

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client: Client) -> str:
    return read_page(client.get(reverse("about_assertions")))


def test_every_kind_is_there_with_its_sentence_and_its_own_anchor(page: str) -> None:
    for kind in KINDS.values():
        assert f'<li id="{kind.name}">' in page
        assert kind.sentence in unescape(page)
    assert f"{len(KINDS)} kinds" in page
    for alias in ALIASES:
        assert f"also {alias}" in page


def test_the_reasons_are_those_a_result_would_show(page: str) -> None:
    for kind in KINDS.values():
        for answer in filter(None, (kind.passes, kind.fails)):
            if (found := check(kind.as_example, answer)).passed is not None:
                assert found.reason in unescape(page)


def test_examples_can_be_copied_into_a_configuration(client: Client) -> None:
    families = client.get(reverse("about_assertions")).context["families"]
    for shown in (one for _, _, kinds in families for one in kinds):
        assert read_yaml(shown.example) == [promptfoo_assertions.write(shown.kind.as_example)]


def test_it_says_what_needs_a_judge_and_what_has_no_opposite(page: str) -> None:
    assert page.count("needs a judge<") == 9
    assert page.count("needs a judge and embeddings<") == 1
    assert page.count("needs embeddings<") == 3
    assert page.count("no opposite<") == sum(not kind.has_opposite for kind in KINDS.values())


def test_it_says_what_is_not_run_here_and_which_transforms_are_evaluated(page: str) -> None:
    elsewhere = page.partition('id="not-run-here"')[2]
    assert "<code>javascript</code>" in elsewhere
    assert "<code>moderation</code>" in elsewhere
    assert "<code>contains</code>" not in elsewhere
    for method in METHODS:
        assert f"<code>{method}</code>" in page


def test_the_picker_and_the_page_on_evidence_lead_to_it(client: Client) -> None:
    address = reverse("about_assertions")
    assert f'href="{address}"' in read_page(client.get(reverse("about_evidence")))
    assert f"{address}</loc>" in read_page(client.get(reverse("sitemap_part", args=["pages"])))
