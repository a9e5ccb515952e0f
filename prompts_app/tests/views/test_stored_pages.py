"""Stored pages: at once others when what they show changes, for everybody and in every process."""

import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import BoundedSemaphore
from time import sleep
from typing import Any

import pytest
from django.apps import apps
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from portfolio.release import what_does_not_fit
from prompts_app.actions.pictures.storage import set_face
from prompts_app.actions.prompts.private_parts import add_span
from prompts_app.actions.runs.counting import count_run, rebuild_evidence
from prompts_app.engine.pictures import square
from prompts_app.evidence import case_study
from prompts_app.models import (
    KnownFailure,
    Prompt,
    Result,
    Run,
    Tag,
    User,
    Visibility,
    page_triggers,
)
from prompts_app.models.page_changes import change
from prompts_app.models.reading import Masked
from prompts_app.tests.commands.test_serve import answers_http, free_port, serving
from prompts_app.tests.engine.files import a_file
from prompts_app.tests.factories import PromptFactory, ResultFactory, RunFactory, VersionFactory
from prompts_app.tests.people import bob
from prompts_app.tests.security.world import World, build_world
from prompts_app.tests.views.stored import NEVER_STORED, SITE, addresses, ask, elsewhere
from prompts_app.tests.workers import eventually
from prompts_app.views import stored_pages

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def w() -> World:
    return build_world()


def test_every_public_page_is_stored_and_the_same_again(w: World) -> None:
    for name, path in addresses(w).items():
        first, again = ask(path), ask(path)
        assert (again.status, again.headers, again.body) == (first.status, first.headers, first.body), name
        assert again.was_stored == (name not in NEVER_STORED), name
        fresh = Client().get(path)
        assert again.body == fresh.content, name
        assert again.headers == dict(fresh.headers), name


def test_nobodys_name_and_no_token_is_in_them(w: World) -> None:
    for name, path in addresses(w).items():
        if (answer := ask(path)) and ask(path).was_stored:
            assert "Set-Cookie" not in answer.headers, name
            assert "csrfmiddlewaretoken" not in answer.text, name
            assert "nonce" not in answer.text + str(answer.headers), name


# --- what changes is seen at once -----------------------------------------------------------------------


def _update(**columns: Any) -> Callable[[World], None]:
    return lambda w: _ignore(Prompt.objects.filter(pk=w.prompt.pk).update(**columns))


def _profile(**columns: Any) -> Callable[[World], None]:
    def act(w: World) -> None:
        for name, value in columns.items():
            setattr(w.prompt.owner.profile, name, value)
        w.prompt.owner.profile.save()

    return act


def _person(**columns: Any) -> Callable[[World], None]:
    return lambda w: _ignore(User.objects.filter(pk=w.prompt.owner.pk).update(**columns))


def _ignore(value: object) -> None:
    """For what is done for its effect."""


def _fork(w: World) -> Prompt:
    return PromptFactory(
        owner=bob(),
        title="A fork of it",
        slug="a-fork",
        forked_from=w.version,
        visibility=Visibility.PUBLIC,
        published_at=timezone.now(),
    )


def _new_verdict(w: World) -> None:
    Result.objects.filter(pk=w.result.pk).update(passed=False)
    count_run(w.run)
    rebuild_evidence(w.prompt)


def _finish_a_run(w: World) -> None:
    run = RunFactory(version=w.version, state=Run.State.RUNNING, model="another-model", suite=w.run.suite)
    Run.objects.filter(pk=run.pk).update(state=Run.State.FINISHED, finished_at=timezone.now())


def _noted_failure(w: World) -> None:
    KnownFailure.objects.create(prompt=w.prompt, run=w.run, case_index=0, diagnosis="It could not read")


CHANGES: dict[str, Callable[[World], object]] = {
    "unpublished": _update(visibility=Visibility.PRIVATE),
    "unlisted": _update(visibility=Visibility.UNLISTED),
    "deleted": lambda w: w.prompt.delete(),
    "renamed": _update(title="Another title"),
    "moved": _update(slug="elsewhere"),
    "its licence changed": _update(licence="reserved"),
    "tagged": lambda w: w.prompt.tags.add(Tag.objects.create(name="brand-new")),
    "untagged": lambda w: w.prompt.tags.clear(),
    "a tag renamed": lambda w: Tag.objects.filter(name="ledgers").update(name="books"),
    "a part made private": lambda w: add_span(w.prompt, "animal", "quokka-in-the-summary"),
    "a new version": lambda w: VersionFactory(prompt=w.prompt, number=7, note="a seventh"),
    "a run deleted": lambda w: w.run.delete(),
    "a run ended": _finish_a_run,
    "a verdict changed": _new_verdict,
    "a failure noted": _noted_failure,
    "its profile closed": _profile(visibility="private"),
    "its profile unlisted": _profile(visibility="unlisted"),
    "its author renamed": _profile(name="Somebody Else"),
    "a contact given": _profile(contact_email="quokka@example.com"),
    "its author's handle changed": _person(username="alix"),
    "its author deactivated": _person(is_active=False),
    "its author made operator": _person(is_superuser=True),
    "its author deleted": lambda w: w.prompt.owner.delete(),
    "the face taken down": lambda w: set_face(w.prompt.owner.profile, None),
    "another face": lambda w: set_face(w.prompt.owner.profile, square(a_file(width=90, height=80))),
    "a fork published": _fork,
    "another prompt published": lambda w: PromptFactory(
        owner=bob(), title="Of Bob", visibility=Visibility.PUBLIC, published_at=timezone.now()
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", CHANGES)
def test_after_a_change_every_page_is_as_if_it_had_never_been_stored(what: str, w: World) -> None:
    known = {}
    for name, path in addresses(w).items():
        known[path] = ask(path).headers.get("ETag", "")
        assert name in NEVER_STORED or ask(path).was_stored
    changed = 0
    with transaction.atomic():
        CHANGES[what](w)
    for path, etag in known.items():
        if path.endswith(("/random/", "/draw/")):
            continue
        fresh = Client().get(path)
        answers = [ask(path, if_none_match=etag), ask(path)] if etag else [ask(path)]
        if fresh.status_code == 200 and fresh.headers.get("ETag") == etag and etag:
            assert answers[0].status == 304, path
        else:
            changed += 1
            assert answers[0].status == fresh.status_code, path
        assert (answers[-1].status, answers[-1].body) == (fresh.status_code, fresh.content), path
    assert changed


def test_a_page_made_while_its_prompt_is_changed_is_not_served_after_it(
    w: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = w.prompt.get_absolute_url()
    study_of = case_study.study_of

    def and_meanwhile(*given: Any) -> Any:
        """The prompt was read; before its page is done somebody renames it."""
        monkeypatch.setattr(case_study, "study_of", study_of)
        elsewhere(lambda: Prompt.objects.filter(pk=w.prompt.pk).update(title="Another title"))
        return study_of(*given)

    monkeypatch.setattr(case_study, "study_of", and_meanwhile)
    assert "Another title" not in ask(path).text
    assert "Another title" in ask(path).text


def test_what_is_committed_late_is_seen_although_newer_changes_were_seen_before(w: World) -> None:
    """On Postgres transactions overlap: this one begins first and ends last."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite's writers come one after another")
    path = w.prompt.get_absolute_url()
    with transaction.atomic():
        Prompt.objects.filter(pk=w.prompt.pk).update(title="Another title")
        elsewhere(lambda: change("list"))
        elsewhere(lambda: ask(path))
        asked = elsewhere(lambda: ask(path))
        assert asked.was_stored
        assert "Another title" not in asked.text
    assert "Another title" in ask(path).text


def test_changes_of_two_at_once_wait_for_nobody(w: World) -> None:
    """Each has rows of its own for the keys that both change."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    other = PromptFactory(owner=w.prompt.owner, visibility=Visibility.PUBLIC)
    with transaction.atomic():
        Prompt.objects.filter(pk=w.prompt.pk).update(title="One title")
        assert elsewhere(lambda: Prompt.objects.filter(pk=other.pk).update(title="Another title")) == 1


def test_many_who_ask_for_a_page_at_once_have_it_made_once(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    study_of, made = case_study.study_of, list[str]()

    def slowly(*args: Any, **kwargs: Any) -> Any:
        made.append("once")
        sleep(1)
        return study_of(*args, **kwargs)

    def status(path: str) -> str:
        environ, said = RequestFactory(headers={"host": "testserver"}).get(path).environ, list[Any]()
        elsewhere(lambda: SITE(environ, stored_pages._noting(said)))
        return str(said[0][0])

    monkeypatch.setattr(case_study, "study_of", slowly)
    monkeypatch.setattr(stored_pages, "_TURNS", BoundedSemaphore(1))
    with ThreadPoolExecutor(4) as readers:
        assert set(readers.map(status, [w.prompt.get_absolute_url()] * 4)) == {"200 OK"}
    assert made == ["once"]


def test_a_page_with_a_run_under_way_is_not_stored(w: World) -> None:
    run = RunFactory(version=w.version, state=Run.State.RUNNING, suite=w.run.suite)
    result = ResultFactory(run=run, case_index=0)
    path = reverse("result", args=[w.prompt.owner.handle, w.prompt.slug, result.public_id])
    assert ask(path).status == 200
    assert not ask(path).was_stored
    prompt = w.prompt.get_absolute_url()
    ask(prompt)
    ResultFactory(run=run, case_index=1)
    assert ask(prompt).was_stored, "what is not shown changes nothing"


def test_every_table_that_public_pages_read_has_its_triggers() -> None:
    watched = {watched.table for watched in page_triggers.WATCHED}
    rows = {model._meta.db_table for model in apps.get_models() if issubclass(model, Masked)}
    assert rows <= watched
    assert page_triggers.are_there()


def test_every_page_is_made_anew_when_told_to(w: World) -> None:
    paths = [path for name, path in addresses(w).items() if name not in NEVER_STORED]
    for path in paths:
        ask(path)
    call_command("forget_pages")
    assert not any(ask(path).was_stored for path in paths)


def test_it_is_another_day(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages say "yesterday"."""
    assert 0 < stored_pages._until_midnight_s() <= 24 * 60 * 60
    monkeypatch.setattr(stored_pages, "_until_midnight_s", lambda: 0.001)
    ask("/")
    sleep(0.01)
    assert not ask("/").was_stored


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_what_cannot_be_checked_is_not_served(
    error: type[Exception], w: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*given: Any) -> Any:
        raise error("away")

    path = w.prompt.get_absolute_url()
    ask(path)
    Prompt.objects.filter(pk=w.prompt.pk).update(visibility=Visibility.PRIVATE)
    monkeypatch.setattr(stored_pages, "have_changed", away)
    assert ask(path).status == 404
    monkeypatch.setattr("prompts_app.views.public.public_page.prompt_visible_to", away)
    assert ask(path).status == 503


def test_what_breaks_while_a_page_is_made_is_no_reason_to_make_it_again(
    w: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def broken(self: Any, environ: Any, start_response: Any) -> Any:
        asked.append(environ["PATH_INFO"])
        raise DatabaseError("in the middle of the page")

    monkeypatch.setattr(WSGIHandler, "__call__", broken)
    for _ in range(stored_pages.MADE_AT_ONCE + 1):  # and none keeps its turn
        with pytest.raises(DatabaseError):
            ask(w.prompt.get_absolute_url())
    assert len(asked) == stored_pages.MADE_AT_ONCE + 1


def test_nothing_is_served_while_tables_are_rebuilt(w: World) -> None:
    path = w.prompt.get_absolute_url()
    ask(path)
    page_triggers.drop_triggers("default")
    try:
        assert what_does_not_fit()
        Prompt.objects.filter(pk=w.prompt.pk).update(title="Another title")
        assert "Another title" in ask(path).text
        assert not ask(path).was_stored
    finally:
        page_triggers.make_triggers("default")
    assert "Another title" in ask(path).text
    assert ask(path).was_stored


@pytest.mark.slow
def test_a_second_process_shows_a_change_at_once_too(w: World, tmp_path: Path, static_files: Path) -> None:
    path, port = w.prompt.get_absolute_url(), free_port()
    address = f"http://127.0.0.1:{port}{path}"

    def titles() -> set[bool]:
        """Asked so often that both processes have answered."""
        found = set()
        for _ in range(30):
            with urllib.request.urlopen(address, timeout=30) as answer:
                found.add("Another title" in answer.read().decode())
        return found

    (tmp_path / "static").symlink_to(static_files)
    with serving(tmp_path, port, "--no-worker", "--workers", "2"):
        eventually(lambda: answers_http(port), 60)
        assert titles() == {False}
        Prompt.objects.filter(pk=w.prompt.pk).update(title="Another title")
        assert titles() == {True}
        Prompt.objects.filter(pk=w.prompt.pk).update(visibility=Visibility.PRIVATE)
        for _ in range(30):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(address, timeout=30)
