"""``/studio/links/``: make a link for one recipient, change it, take it back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from prompts_app.actions.sharing.links import (
    DAYS_SHOWN,
    PromptChoice,
    change_link,
    count_open,
    create_link,
    opens_by_day,
)
from prompts_app.models import Prompt, ShareLink, ShareLinkOpens, Visibility
from prompts_app.search import reindex
from prompts_app.templatetags.sharing import day_bars, opens_in_words
from prompts_app.tests.factories import PromptFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of

pytestmark = pytest.mark.django_db


def prompt(title: str, visibility: str = Visibility.PUBLIC) -> Prompt:
    made: Prompt = PromptFactory(owner=alice(), slug=title.lower(), title=title, visibility=visibility)
    VersionFactory(prompt=made)
    return made


def typed(**more: Any) -> dict[str, Any]:
    return {"label": "Birch Ltd, Ms Lind", "note": "", "expires": "30", "prompts": ["alpha"], **more}


def make(**more: Any) -> Any:
    return client_of(alice()).post("/studio/links/new/", typed(**more))


def link() -> ShareLink:
    return ShareLink.objects.get()


def titles() -> list[str]:
    return [shown.title for shown in link().shown_prompts()]


class TestMaking:
    def test_the_address_is_shown_once_and_opens_the_work(self) -> None:
        prompt("Alpha")
        client = client_of(alice())
        page = read_page(client.post("/studio/links/new/", typed(), follow=True))
        address = page.split('id="new-address">')[1].split("</code>")[0]
        assert address.startswith("http://127.0.0.1:8000/s/")
        path = address.removeprefix("http://127.0.0.1:8000")
        assert "Alpha" in read_page(Client().get(path))
        again = read_page(client.get(link().get_absolute_url()))
        assert "/s/" not in again
        assert "New address" in again

    def test_the_prompts_stand_in_the_authors_order(self) -> None:
        for title in ("Alpha", "Beta", "Gamma"):
            prompt(title)
        places = {"place-alpha": "3", "place-beta": "", "place-gamma": " 1 "}
        make(prompts=["alpha", "beta", "gamma"], **places)
        assert titles() == ["Gamma", "Alpha", "Beta"]

    def test_a_prompt_may_stand_in_several_links_at_different_places(self) -> None:
        alpha, beta = prompt("Alpha"), prompt("Beta")
        first, _ = create_link(alice(), PromptChoice("One", [alpha, beta]))
        second, _ = create_link(alice(), PromptChoice("Two", [beta, alpha]))
        assert list(first.shown_prompts()) == [alpha, beta]
        assert list(second.shown_prompts()) == [beta, alpha]

    @pytest.mark.parametrize(("lasts", "days"), [("7", 7), ("30", 30), ("90", 90), ("never", None)])
    def test_it_lasts_as_long_as_chosen(self, lasts: str, days: int | None) -> None:
        prompt("Alpha")
        make(expires=lasts)
        expires = link().expires_at
        if days is None:
            assert expires is None
        else:
            assert expires is not None
            assert abs(expires - timezone.now() - timedelta(days=days)) < timedelta(minutes=1)

    def test_a_passphrase_is_stored_as_passwords_are(self) -> None:
        prompt("Alpha")
        make(passphrase="open sesame")
        assert "sesame" not in link().passphrase
        assert link().is_passphrase("open sesame")
        assert not link().is_passphrase("open")

    def test_unlisted_work_may_be_shown(self) -> None:
        prompt("Alpha", Visibility.UNLISTED)
        make()
        assert titles() == ["Alpha"]


class TestPrivateWork:
    def test_it_needs_the_authors_word(self) -> None:
        prompt("Alpha", Visibility.PRIVATE)
        page = read_page(make())
        assert "“Alpha” is private. Tick this to show it to whoever has the link" in page
        assert "Birch Ltd, Ms Lind" in page
        assert not ShareLink.objects.exists()
        make(although_private="on")
        assert titles() == ["Alpha"]

    def test_the_word_is_for_the_prompts_that_are_private_now(self) -> None:
        """A public prompt in the same link leaves it when it is unpublished later."""
        prompt("Alpha", Visibility.PRIVATE)
        beta = prompt("Beta")
        make(prompts=["alpha", "beta"], although_private="on")
        Prompt.objects.filter(pk=beta.pk).update(visibility=Visibility.PRIVATE)
        assert titles() == ["Alpha"]

    def test_changing_the_link_asks_again_only_where_something_private_is_ticked(self) -> None:
        prompt("Alpha", Visibility.PRIVATE)
        prompt("Beta")
        make(although_private="on")
        client = client_of(alice())
        page = read_page(client.get(link().get_absolute_url()))
        assert 'name="although_private" id="id_although_private" checked' in page.replace(
            'aria-describedby="id_although_private_helptext" ', ""
        )
        client.post(link().get_absolute_url(), typed(prompts=["beta"], expires="keep"))
        assert titles() == ["Beta"]

    def test_a_likely_secret_in_it_is_told_before_the_link_is_sent(self) -> None:
        alpha = prompt("Alpha", Visibility.PRIVATE)
        VersionFactory(prompt=alpha, number=2, note="Ask jane.lind@birch-ltd.co.uk, she knows.")
        data = typed(although_private="on")
        page = read_page(client_of(alice()).post("/studio/links/new/", data, follow=True))
        assert "“Alpha” has 1 thing in it that look" in page
        assert 'id="new-address"' in page


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"label": ""}, "Say who it is for"),
        ({"label": "x" * 1_000_000}, "At most 80 characters"),
        ({"label": "a\u202eb"}, "invisible character"),
        ({"label": "a\0b"}, "invisible character"),
        ({"note": "x" * 1_000_000}, "At most 2000 characters"),
        ({"note": "a\0b"}, "NUL character"),
        ({"prompts": []}, "Tick at least one prompt"),
        ({"prompts": ["nobodys"]}, "Tick at least one prompt"),
        ({"place-alpha": "first"}, "must be a number from 1 to 999"),
        ({"place-alpha": "0"}, "must be a number from 1 to 999"),
        ({"place-alpha": "²"}, "must be a number from 1 to 999"),
        ({"place-alpha": "9" * 5000}, "must be a number from 1 to 999"),
        ({"expires": "1000"}, "Select a valid choice"),
        ({"expires": "keep"}, "Select a valid choice"),
        ({"passphrase": "x" * 201}, "At most 200 characters"),
        ({"passphrase": "a\u200bb"}, "invisible character"),
    ],
)  # fmt: skip
def test_wrong_input_comes_back_with_a_sentence_and_what_was_typed(wrong: dict[str, Any], said: str) -> None:
    prompt("Alpha")
    answer = make(**({"note": "Typed before."} | wrong))
    assert answer.status_code == 200
    page = read_page(answer)
    assert said in page
    assert ("Typed before." in page) == ("note" not in wrong)
    assert not ShareLink.objects.exists()


def test_somebody_elses_prompt_cannot_be_shared() -> None:
    theirs = PromptFactory(owner=bob(), slug="theirs", visibility=Visibility.PUBLIC)
    assert "Tick at least one prompt" in read_page(make(prompts=["theirs"]))
    assert theirs.title not in read_page(client_of(alice()).get("/studio/links/new/"))


class TestChanging:
    def test_the_address_stays_and_so_do_time_and_passphrase(self) -> None:
        alpha = prompt("Alpha")
        prompt("Beta")
        made, token = create_link(
            alice(),
            PromptChoice("One", [alpha], expires_at=timezone.now() + timedelta(days=3), passphrase="sesame"),
        )
        client_of(alice()).post(
            made.get_absolute_url(), typed(label="Two", note="Hello", prompts=["beta"], expires="keep")
        )
        now = link()
        assert (now.label, now.note, now.expires_at) == ("Two", "Hello", made.expires_at)
        assert now.is_passphrase("sesame")
        assert titles() == ["Beta"]
        assert ShareLink.objects.with_token(token).exists()

    def test_the_passphrase_can_be_taken_off(self) -> None:
        made, _ = create_link(alice(), PromptChoice("One", [prompt("Alpha")], passphrase="sesame"))
        client_of(alice()).post(made.get_absolute_url(), typed(expires="keep", remove_passphrase="on"))
        assert link().passphrase == ""

    def test_a_new_address_replaces_the_old_one_and_revives_a_revoked_link(self) -> None:
        made, token = create_link(alice(), PromptChoice("One", [prompt("Alpha")]))
        client = client_of(alice())
        client.post(f"{made.get_absolute_url()}revoke/")
        assert link().revoked_at
        page = read_page(client.post(f"{made.get_absolute_url()}renew/", follow=True))
        assert 'id="new-address"' in page
        assert token not in page
        assert Client().get(f"/s/{token}/").status_code == 404
        assert link().is_open

    def test_an_expired_link_works_again_with_a_new_time(self) -> None:
        made, token = create_link(
            alice(), PromptChoice("One", [prompt("Alpha")], expires_at=timezone.now() - timedelta(days=1))
        )
        page = read_page(client_of(alice()).get(made.get_absolute_url()))
        assert "the link has expired" in page
        client_of(alice()).post(made.get_absolute_url(), typed(expires="7"))
        assert Client().get(f"/s/{token}/").status_code == 200

    def test_deleting_names_what_is_lost(self) -> None:
        made, _ = create_link(alice(), PromptChoice("Ms Lind", [prompt("Alpha")]))
        count_open(made)
        page = read_page(client_of(alice()).get(f"{made.get_absolute_url()}delete/"))
        assert "Ms Lind" in page
        assert "the count of its 1 open are gone" in page
        client_of(alice()).post(f"{made.get_absolute_url()}delete/")
        assert not ShareLink.objects.exists()
        assert not ShareLinkOpens.objects.exists()
        assert Prompt.objects.exists()


class TestOpens:
    def test_the_list_draws_the_last_thirty_days(self) -> None:
        made, _ = create_link(alice(), PromptChoice("One", [prompt("Alpha")]))
        today = timezone.now().date()
        for back, count in ((0, 2), (29, 5), (30, 100)):
            ShareLinkOpens.objects.create(link=made, day=today - timedelta(days=back), count=count)
        days = opens_by_day([made])[made.pk]
        assert len(days) == DAYS_SHOWN
        assert [count for _, count in days if count] == [5, 2]
        page = read_page(client_of(alice()).get("/studio/links/"))
        assert "107 opens in all" in page
        assert opens_in_words(days) in page

    def test_the_drawing_has_its_figures_in_words(self) -> None:
        today = timezone.now().date()
        days = [(today - timedelta(days=back), back % 2) for back in range(30)]
        assert opens_in_words(days) == "Last 30 days: 15 opens on 15 days"
        assert opens_in_words([(today, 0)]) == "Last 1 days: not opened"
        assert day_bars(days).count("z") == 15
        assert day_bars([]) == ""

    def test_ten_more_links_cost_no_more_queries(
        self, count_queries: Callable[[Callable[[], Any]], int]
    ) -> None:
        alpha = prompt("Alpha")
        client = client_of(alice())
        counts = []
        for _ in range(2):
            for number in range(10):
                count_open(create_link(alice(), PromptChoice(f"No. {number}", [alpha]))[0])
            counts.append(count_queries(lambda: client.get("/studio/links/")))
        assert counts[0] == counts[1]

    @pytest.mark.parametrize("address", ["/studio/links/new/", "shared"])
    def test_ten_more_prompts_cost_no_more_queries(
        self, address: str, count_queries: Callable[[Callable[[], Any]], int]
    ) -> None:
        made, token = create_link(alice(), PromptChoice("One", []))
        counts = []
        for _ in range(2):
            for _ in range(10):
                VersionFactory(prompt=PromptFactory(owner=alice(), visibility=Visibility.PUBLIC))
            change_link(made, PromptChoice("One", list(Prompt.objects.all())))
            path = f"/s/{token}/" if address == "shared" else address
            client = Client() if address == "shared" else client_of(alice())
            client.get(path)
            counts.append(count_queries(lambda client=client, path=path: client.get(path)))  # type: ignore[misc]
        assert counts[0] == counts[1]


def test_the_list_is_mine_alone() -> None:
    create_link(alice(), PromptChoice("Ms Lind", [prompt("Alpha")]))
    assert "Ms Lind" in read_page(client_of(alice()).get("/studio/links/"))
    assert "Ms Lind" not in read_page(client_of(bob()).get("/studio/links/"))


def test_there_is_an_end_to_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prompts_app.actions.sharing.links.MOST_LINKS", 1)
    prompt("Alpha")
    make()
    assert "You have 1 links already" in read_page(make())


def test_what_was_typed_survives_a_lost_session_but_not_the_passphrase() -> None:
    cache.clear()
    prompt("Alpha")
    stranger = Client()
    stranger.post("/studio/links/new/", typed(note="A long note", passphrase="sesame"))
    assert "sesame" not in str(dict(stranger.session))
    stranger.force_login(alice(), backend="django.contrib.auth.backends.ModelBackend")
    page = read_page(stranger.get("/studio/links/new/"))
    assert "A long note" in page
    assert "sesame" not in page
    assert not ShareLink.objects.exists()


def test_an_author_without_prompts_is_told_what_to_do() -> None:
    assert "You have no prompt yet" in read_page(client_of(alice()).get("/studio/links/new/"))
    assert "No link yet" in read_page(client_of(alice()).get("/studio/links/"))


class TestFinding:
    """Any of one's prompts can be ticked, however many there are."""

    def find(self, **more: Any) -> Any:
        asked = typed(do="find", **more)
        return client_of(alice()).post("/studio/links/new/", asked).context["form"]

    def test_a_search_finds_private_ones_among_many_and_keeps_what_was_ticked_and_typed(self) -> None:
        prompt("Alpha")
        for number in range(60):
            prompt(f"Filler{number}")
        reindex([prompt("Needle", Visibility.PRIVATE)])
        form = self.find(find="needle", note="Hello", prompts=["alpha"], **{"place-alpha": "3"})
        rows = [(row.prompt.title, row.is_ticked, row.place) for row in form.rows]
        assert rows == [("Alpha", True, "3"), ("Needle", False, "")]
        assert (form["note"].value(), form.errors, ShareLink.objects.exists()) == ("Hello", {}, False)

    def test_what_was_found_can_be_ticked_and_sent(self) -> None:
        for number in range(60):
            prompt(f"Filler{number}")
        prompt("Needle", Visibility.PRIVATE)
        Prompt.objects.filter(slug="needle").update(updated_at=timezone.now() - timedelta(days=400))
        make(prompts=["filler1", "needle"], although_private="1")
        assert sorted(titles()) == ["Filler1", "Needle"]

    def test_nobody_elses_is_found(self) -> None:
        reindex([PromptFactory(owner=bob(), title="Needle")])
        assert self.find(find="needle", prompts=[]).rows == []
