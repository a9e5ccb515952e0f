"""The narrow row says what the prompt says, after every kind of change and whoever makes it."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from threading import Event, Thread

import pytest
from django.contrib.admin.sites import site
from django.db import connection, transaction
from django.test import RequestFactory

from prompts_app.actions.accounts.accounts import rename_handle, save_profile
from prompts_app.actions.accounts.deletion import delete_account
from prompts_app.actions.prompts.cases import add_cases
from prompts_app.actions.prompts.private_parts import add_span, remove_span, rename_span
from prompts_app.actions.prompts.publish import publish, unpublish
from prompts_app.actions.prompts.save import (
    StaleEdit,
    delete_prompts,
    delete_version,
    save_details,
    save_version,
)
from prompts_app.actions.runs.lifecycle import delete_runs
from prompts_app.engine import types as engine
from prompts_app.evidence import listings
from prompts_app.evidence.listings import fold_new_counts, out_of_step, refresh, write_missing
from prompts_app.models import Listing, ListingCount, ListingTerm, Profile, Prompt, Tag, User, Visibility
from prompts_app.tests.actions.running import in_a_thread
from prompts_app.tests.factories import PromptFactory, VersionFactory
from prompts_app.tests.listed import check_listings
from prompts_app.tests.people import alice, bob
from prompts_app.tests.views.recorded import improved_prompt, public_prompt, recorded_run, unjudged_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def prompt() -> Iterator[Prompt]:
    """Whatever a test does to it, or to Bob's, in the end all is as it should be."""
    improved_prompt(owner=bob(), task="code")
    yield improved_prompt(owner=alice(), title="Reads invoices of Elderflower Ltd", task="extraction")
    check_listings()


def row_of(prompt: Prompt) -> Listing:
    return Listing.objects.get(pk=prompt.pk)


def details(prompt: Prompt, tags: tuple[str, ...] = (), **fields: str) -> None:
    prompt.refresh_from_db()
    save_details(prompt, fields, tags, seen_revision=prompt.revision)


class TestTheRow:
    def test_says_what_lists_show(self, prompt: Prompt) -> None:
        row = row_of(prompt)
        assert (row.title, row.handle, row.author) == (prompt.title, "alice", "Alice Author")
        assert row.get_absolute_url() == prompt.get_absolute_url()
        assert (row.passed, row.cases, row.version, row.level) == (9, 10, 3, 2)
        assert [one[0] for one in row.on_models] == ["main-model", "small-model"]
        assert (row.base_version, row.base_passed, row.base_cases) == (1, 2, 10)
        assert row.recorded_runs == 4

    def test_has_terms_for_every_filter_and_each_level_up_to_its_own(self, prompt: Prompt) -> None:
        details(prompt, ("law", "json"))
        levels = ["level:0", "level:1", "level:2"]
        models = ["model:main-model", "model:small-model"]
        assert row_of(prompt).terms == [*levels, *models, "tag:json", "tag:law", "task:extraction"]

    def test_of_a_prompt_without_evidence_has_no_figures(self, prompt: Prompt) -> None:
        row = row_of(public_prompt(owner=alice()))
        assert (row.level, row.cases, row.by_evidence, row.by_tested) == (None, 0, 0, 0)

    def test_of_outputs_nothing_judged_comes_after_the_judged(self, prompt: Prompt) -> None:
        unjudged = public_prompt(owner=alice())
        unjudged_run(VersionFactory(prompt=unjudged), days_ago=0)
        assert 0 < row_of(unjudged).by_evidence < row_of(prompt).by_evidence


class TestChanges:
    def test_details_and_tags(self, prompt: Prompt) -> None:
        details(prompt, ("law",), title="Another title", task="writing", slug="elsewhere")
        assert row_of(prompt).title == "Another title"
        details(prompt, ("medicine",))
        assert "tag:law" not in row_of(prompt).terms

    def test_a_new_version_and_a_deleted_one(self, prompt: Prompt) -> None:
        content = engine.PromptContent(messages=(engine.Message("user", "Say {{word}} again."),))
        version = save_version(prompt, content)
        assert not row_of(prompt).is_current
        delete_version(version)
        assert row_of(prompt).is_current

    def test_cases(self, prompt: Prompt) -> None:
        before = row_of(prompt).updated_at
        add_cases(prompt, [engine.CaseContent(name="One", variables={"word": "x"})])
        assert row_of(prompt).updated_at > before

    def test_runs_that_end_and_that_are_deleted(self, prompt: Prompt) -> None:
        run = recorded_run(prompt.versions.get(number=3), "third-model")
        assert "model:third-model" in row_of(prompt).terms
        delete_runs(prompt, [run])
        assert "model:third-model" not in row_of(prompt).terms
        assert row_of(prompt).deleted_runs == 1

    def test_private_parts(self, prompt: Prompt) -> None:
        span = add_span(prompt, "client", "Elderflower Ltd")
        assert "Elderflower" not in row_of(prompt).title
        assert "client" in row_of(prompt).title
        rename_span(span, "customer")
        assert "customer" in row_of(prompt).title
        remove_span(span)
        assert row_of(prompt).title == prompt.title

    def test_a_new_name_and_a_new_handle(self, prompt: Prompt) -> None:
        profile = alice().profile
        profile.name = "Alice Elsewhere"
        save_profile(profile)
        assert row_of(prompt).author == "Alice Elsewhere"
        rename_handle(alice(), "alice-two")
        assert row_of(prompt).handle == "alice-two"

    def test_deleting_it(self, prompt: Prompt) -> None:
        delete_prompts(prompt.owner, [prompt])

    def test_deleting_the_account(self, prompt: Prompt) -> None:
        delete_account(alice())
        assert set(Listing.objects.values_list("handle", flat=True)) == {"bob"}


class TestPrivacy:
    def test_unpublished_it_has_no_row(self, prompt: Prompt) -> None:
        unpublish(prompt)
        assert not Listing.objects.filter(pk=prompt.pk).exists()
        publish(prompt, Visibility.UNLISTED)
        assert not Listing.objects.filter(pk=prompt.pk).exists()
        publish(prompt, Visibility.PUBLIC)
        assert row_of(prompt).is_listed

    def test_a_private_one_never_gets_one(self, prompt: Prompt) -> None:
        hidden = PromptFactory(owner=alice())
        refresh([hidden])
        assert not Listing.objects.filter(pk=hidden.pk).exists()

    @pytest.mark.parametrize(("visibility", "rows"), [("private", 0), ("unlisted", 1)])
    def test_an_authors_page_hides_them_and_shows_them_again(
        self, prompt: Prompt, visibility: str, rows: int
    ) -> None:
        for shown in (visibility, "public"):
            profile = Profile.objects.get(user=alice())
            profile.visibility = shown
            save_profile(profile)
            expected = rows if shown == visibility else 1
            assert Listing.objects.owned_by(alice()).count() == expected
            assert Listing.objects.listed().owned_by(alice()).exists() == (shown == "public")
            check_listings()

    def test_even_where_somebody_goes_past_the_actions(self, prompt: Prompt) -> None:
        """Hiding holds by the database: no code can forget it."""
        Prompt.objects.filter(pk=prompt.pk).update(visibility=Visibility.PRIVATE)
        assert not Listing.objects.filter(pk=prompt.pk).exists()
        User.objects.filter(username="bob").update(is_active=False)
        assert not Listing.objects.exists()
        assert not ListingTerm.objects.exists()

    def test_the_operators_switches(self, prompt: Prompt) -> None:
        request = RequestFactory().post("/")
        request.user = bob()
        admin = site.get_model_admin(User)
        admin._say = lambda *_: None  # type: ignore[attr-defined]
        alices = User.objects.filter(username="alice")
        admin.switch_off(request, alices)  # type: ignore[attr-defined]
        assert not Listing.objects.owned_by(alice()).exists()
        admin.switch_on(request, alices)  # type: ignore[attr-defined]
        assert Listing.objects.owned_by(alice()).exists()


class TestMending:
    def test_rows_of_an_earlier_release_are_written_by_the_worker(self, prompt: Prompt) -> None:
        Listing.objects.all().delete()
        assert out_of_step().count() == 2
        assert write_missing() is False
        check_listings()

    def test_what_was_changed_past_the_actions_is_found(self, prompt: Prompt) -> None:
        Prompt.objects.filter(pk=prompt.pk).update(task="other", updated_at=datetime.now(UTC))
        assert list(out_of_step()) == [prompt]
        write_missing()
        assert not out_of_step().exists()

    def test_folding_changes_no_count(self, prompt: Prompt) -> None:
        details(prompt, ("law",))
        while fold_new_counts():
            pass
        check_listings()
        assert not ListingCount.objects.filter(is_new=True).exists()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="on SQLite one writes at a time")
class TestWritersAtOnce:
    """Nobody waits for another's counts, and no count is lost."""

    @pytest.fixture
    def prompts(self, transactional_db: None) -> list[Prompt]:
        return [public_prompt(owner=alice(), task="code") for _ in range(4)]

    def test_on_the_same_prompt(self, prompts: list[Prompt]) -> None:
        at_once(
            *(partial(details_again, prompts[0], (f"tag{n}", "shared")) for n in range(6)),
            *(partial(refresh, prompts) for _ in range(3)),
            *(partial(refresh, prompts[::-1]) for _ in range(3)),
        )
        check_listings()

    def test_on_several_while_counts_are_folded(self, prompts: list[Prompt]) -> None:
        at_once(
            *(partial(details_again, prompt, (f"tag{n}", "shared")) for prompt in prompts for n in range(3)),
            *(fold_new_counts for _ in range(3)),
            partial(unpublish, prompts[3]),
        )
        check_listings()
        while fold_new_counts():
            pass
        check_listings()

    def test_deleted_renamed_and_switched_off_meanwhile(self, prompts: list[Prompt]) -> None:
        """None waits for one who waits for it."""
        prompts += [public_prompt(owner=bob(), task="code") for _ in range(20)]
        people = User.objects.filter(username="alice")
        at_once(
            *(partial(delete_prompts, prompt.owner, [prompt]) for prompt in prompts[4:]),
            *(partial(refresh, prompts) for _ in range(8)),
            partial(rename_handle, alice(), "alice-a"),
            partial(people.update, is_active=False),
        )
        check_listings()

    @pytest.mark.parametrize("close", ["switch_off", "hide_profile"])
    def test_closed_while_the_rows_are_written(
        self, close: str, prompts: list[Prompt], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The writer has read that the account is open; the operator closes it before the rows are there."""
        read, closing, make = Event(), list[Thread](), listings.listing_of

        def slow(prompt: Prompt, runs: listings.Runs) -> Listing:
            read.set()
            closing[0].join(0.5)
            return make(prompt, runs)

        def operator() -> None:
            read.wait(10)
            people = User.objects.filter(pk=prompts[0].owner.pk)
            if close == "switch_off":
                people.update(is_active=False)
            else:
                Profile.objects.filter(user__in=people).update(visibility=Visibility.PRIVATE)

        monkeypatch.setattr(listings, "listing_of", slow)
        closing.append(in_a_thread(operator))
        refresh(prompts)
        closing[0].join(30)
        assert not Listing.objects.exists()

    def test_a_long_transaction_holds_nobody_up(self, prompts: list[Prompt]) -> None:
        first, second = prompts[:2]
        Tag.objects.create(name="shared")
        with transaction.atomic():
            details(first, ("shared",))
            (other,) = at_once(partial(details_again, second, ("shared",)), timeout_s=5)
            assert not other.is_alive()
        check_listings()


def details_again(prompt: Prompt, tags: tuple[str, ...]) -> None:
    """Until nobody else was faster."""
    while True:
        with suppress(StaleEdit):
            return details(Prompt.objects.get(pk=prompt.pk), tags)


def at_once(*acts: Callable[[], object], timeout_s: float = 30) -> list[Thread]:
    went_wrong = list[Exception]()

    def watched(act: Callable[[], object]) -> None:
        try:
            act()
        except Exception as error:
            went_wrong.append(error)

    threads = [in_a_thread(partial(watched, act)) for act in acts]
    for thread in threads:
        thread.join(timeout_s)
    assert went_wrong == []
    return threads


def test_every_trigger_is_there() -> None:
    """SQLite loses those of a table that a later migration rebuilds."""
    names = "SELECT tgname FROM pg_trigger" if connection.vendor == "postgresql" else SQLITE_TRIGGERS
    with connection.cursor() as cursor:
        cursor.execute(names)
        there = {name for (name,) in cursor.fetchall()}
    kinds = ("added", "removed", "changed", "prompt", "profile", "user")
    assert {f"prompts_app_listing_{kind}" for kind in kinds} <= there


SQLITE_TRIGGERS = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
