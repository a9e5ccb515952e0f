"""All work of an author: a form to find one among many, restricted to the author, and calm about nonsense."""

import re
from typing import Any

import pytest
from django.test import Client

from prompts_app.evidence.listings import refresh
from prompts_app.models import Prompt, Tag
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, dana
from prompts_app.tests.views.recorded import public_prompt, recorded_prompt
from prompts_app.views.public.profile import AT_A_GLANCE

pytestmark = pytest.mark.django_db


def page(**query: Any) -> str:
    response = Client().get("/@alice/", query)
    assert response.status_code == 200
    return read_page(response)


def work(**query: Any) -> str:
    return page(**query).partition('id="all"')[2].partition("</section>")[0]


def titles(html: str) -> list[str]:
    return re.findall(r"<td><a href=[^>]*><bdi>([^<]*)</bdi>", html)


def many(count: int = AT_A_GLANCE + 1) -> None:
    for number in range(1, count + 1):
        public_prompt(owner=alice(), title=f"Plain {number}", task="writing")


class TestTheForm:
    def test_stands_there_only_where_there_is_much_to_look_through(self) -> None:
        many(AT_A_GLANCE)
        assert 'role="search"' not in work()
        many(1)
        assert 'role="search"' in work()

    def test_offers_what_this_author_has_and_counts_only_that(self) -> None:
        many()
        public_prompt(owner=alice(), task="code")
        public_prompt(owner=dana(), task="translation")
        html = work()
        assert f"Writing ({AT_A_GLANCE + 1})" in html
        assert "Code and SQL (1)" in html
        assert "Translation (" not in html

    def test_the_choice_stays_chosen(self) -> None:
        many()
        assert '<option value="writing" selected>' in work(task="writing")


class TestFiltering:
    def test_by_each_filter(self) -> None:
        wanted = recorded_prompt(owner=alice(), title="Wanted", task="code", model="birch")
        wanted.tags.add(Tag.objects.create(name="sql"))
        refresh([wanted])
        recorded_prompt(owner=alice(), title="Other", task="writing", model="oak")
        public_prompt(owner=alice(), title="Untested")
        for query in ({"task": "code"}, {"tag": "sql"}, {"model": "birch"}, {"q": "wanted"}):
            assert titles(work(**query)) == ["Wanted"], query
        assert sorted(titles(work(level="2"))) == ["Other", "Wanted"]
        assert "1 of 3 prompts" in work(task="code")

    def test_nobody_elses_work_is_found(self) -> None:
        public_prompt(owner=alice(), title="Mine", task="code")
        public_prompt(owner=dana(), title="Hers", task="code")
        assert titles(work(task="code")) == ["Mine"]
        assert titles(work(q="hers")) == []

    def test_what_is_not_public_is_not_found(self) -> None:
        public_prompt(owner=alice())
        for visibility in ("private", "unlisted"):
            public_prompt(owner=alice(), title="Hidden", task="code", visibility=visibility)
        html = work(task="code")
        assert "Hidden" not in html
        assert "None of the 1 prompt of this author is so." in html

    def test_sorted_as_asked(self) -> None:
        recorded_prompt(owner=alice(), title="Tested")
        public_prompt(owner=alice(), title="Newest")
        assert titles(work()) == ["Tested", "Newest"]
        assert titles(work(sort="newest")) == ["Newest", "Tested"]

    def test_nothing_found_leads_on(self) -> None:
        recorded_prompt(owner=alice(), task="code")
        html = work(task="code", model="no-such-model")
        assert 'href="/@alice/?task=code#all"' in html
        assert "Any model (1)" in html

    def test_the_figures_above_are_of_all_work(self) -> None:
        recorded_prompt(owner=alice(), cases=20, task="code")
        html = page(task="writing")
        assert ">20 of 20</a>" in html
        assert ">1 prompt</a>" in html

    def test_pages_keep_the_filters(self) -> None:
        many(51)
        html = work(task="writing", page="2")
        assert "51 to 51 of 51" in html
        assert 'href="?task=writing&amp;page=1#all"' in html

    def test_a_filtered_page_is_not_indexed_and_names_the_whole_one(self) -> None:
        recorded_prompt(owner=alice(), task="code")
        html = page(task="code")
        assert '<meta name="robots" content="noindex, follow">' in html
        assert '<link rel="canonical" href="http://127.0.0.1:8000/@alice/">' in html
        assert "noindex" not in page()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"task": "no-such-task"}, "There is no task “no-such-task”; it was left out."),
        ({"level": "9"}, "There is no evidence level “9”; it was left out."),
        ({"sort": "votes"}, "There is no order “votes”; it was left out."),
        ({"q": '"(* OR'}, "None of the 1 prompt"),
        ({"tag": "<b>"}, "None of the 1 prompt"),
        ({"page": "-3"}, "One prompt"),
        ({"q": "\x00\u202e"}, "One prompt"),
        ({"model": "x" * 5000}, "None of the 1 prompt"),
    ],
)
def test_what_means_nothing_is_answered_calmly(query: dict[str, str], said: str) -> None:
    recorded_prompt(owner=alice())
    assert said in work(**query)
    assert Prompt.objects.count() == 1
