"""Work on a whole account goes on in the background: whoever is killed on the way, another ends it."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models.fields.reverse_related import ForeignObjectRel
from django.test import Client
from django.utils import timezone
from psycopg.errors import DeadlockDetected

from prompts_app.actions.accounts import accounts, deletion, jobs
from prompts_app.actions.accounts.accounts import refresh_some, rename_handle
from prompts_app.actions.accounts.deletion import delete_account, delete_some
from prompts_app.actions.accounts.jobs import begin, resume_jobs, run_job_task, work_on
from prompts_app.actions.exporting import job as exporting
from prompts_app.actions.exporting.bundle import export_bundle
from prompts_app.actions.exporting.job import export_next, file_of, files_of, start_export
from prompts_app.actions.runs import stopping
from prompts_app.actions.site.health import tidy_up
from prompts_app.engine.digests import case_json
from prompts_app.engine.errors import Refused
from prompts_app.engine.formats.bundle import emit, parse
from prompts_app.engine.types import CaseContent
from prompts_app.evidence.listings import refresh
from prompts_app.models import (
    BlindVote,
    GoneHandle,
    Job,
    JobPart,
    Listing,
    PictureFile,
    Prompt,
    Result,
    Run,
    SearchDocument,
    User,
    Visibility,
)
from prompts_app.tests.factories import PromptFactory, ResultFactory, RunFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import PASSWORD, alice, bob, client_of

pytestmark = pytest.mark.django_db


SUITE = [case_json(CaseContent("One", {"word": "yes"}))]


class Killed(BaseException):
    """As the process would end: nothing after it is done."""


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (deletion, exporting):
        monkeypatch.setattr(module, "AT_ONCE_PROMPTS", 0)
    monkeypatch.setattr(accounts, "AT_ONCE", 0)
    monkeypatch.setattr(accounts, "IN_A_STEP", 1)
    monkeypatch.setattr(deletion, "RESULTS_IN_A_STEP", 2)


def some_work(owner: User, prompts: int = 3) -> list[Prompt]:
    made: list[Prompt] = []
    for number in range(prompts):
        prompt = PromptFactory(owner=owner, slug=f"work-{number}", visibility=Visibility.PUBLIC)
        run = RunFactory(version=VersionFactory(prompt=prompt), repeats=3, suite=SUITE)
        for repeat in range(3):
            ResultFactory(run=run, case_index=0, repeat=repeat)
        made.append(prompt)
    refresh(made)
    return made


def killed_after(steps: int, step: Any) -> Any:
    """The step, by a worker that is killed in the middle of the one after ``steps``."""
    left = [steps]

    def stepped(job: Job) -> bool:
        is_more: bool = step(job)
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return is_more

    return stepped


def lease_runs_out() -> None:
    Job.objects.update(lease_until=None)


def a_worker_takes_it_up() -> None:
    run_job_task.func(Job.objects.get().pk)


# --- deleting an account ----------------------------------------------------------------------------------


def test_from_the_press_on_the_account_is_closed_though_its_rows_are_there() -> None:
    some_work(alice())
    browser = client_of(alice())
    delete_account(alice())
    assert Prompt.objects.count() == 3
    for who in (Client(), client_of(bob())):
        for address in ("/@alice/", "/@alice/work-0/", "/@alice/work-0.md", "/@alice/feed.atom"):
            assert who.get(address).status_code == 410, address
    assert browser.get("/studio/").status_code == 302, "its sessions have ended"
    assert Client().post("/accounts/login/", {"login": "alice", "password": PASSWORD}).status_code == 200
    assert not Listing.objects.exists()
    assert "work-0" not in read_page(Client().get("/prompts/"))
    assert not User.objects.filter(username="alice").exists()
    assert User.objects.has_taken("alice")


@pytest.mark.parametrize("steps", [0, 1, 2, 4, 7])
def test_a_worker_that_is_killed_loses_nothing_and_another_ends_it(steps: int) -> None:
    some_work(alice())
    kept = some_work(bob(), prompts=1)
    delete_account(alice())
    with pytest.raises(Killed):
        work_on(Job.objects.get().pk, killed_after(steps, delete_some))
    lease_runs_out()
    a_worker_takes_it_up_until_it_is_gone()
    assert list(Prompt.objects.all()) == kept
    assert list(User.objects.values_list("username", flat=True)) == ["bob"]
    assert Result.objects.count() == 3
    assert GoneHandle.objects.count() == 1, "the name it had while it went is nobody's"
    assert Client().get("/@alice/").status_code == 410


def a_worker_takes_it_up_until_it_is_gone() -> None:
    a_worker_takes_it_up()
    assert not Job.objects.exists()


def test_no_step_deletes_more_than_a_chunk(django_assert_max_num_queries: Any) -> None:
    some_work(alice(), prompts=1)
    delete_account(alice())
    job = Job.objects.get()
    assert delete_some(job)
    assert Result.objects.count() == 1
    assert Run.objects.exists()


def test_a_worker_told_to_stop_leaves_it_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    some_work(alice())
    delete_account(alice())
    monkeypatch.setattr(stopping, "is_stopping", lambda: True)
    a_worker_takes_it_up()
    assert Job.objects.get().claim == ""
    assert Prompt.objects.exists()
    monkeypatch.undo()
    a_worker_takes_it_up_until_it_is_gone()


def test_a_step_that_fails_once_is_tried_again() -> None:
    """Nobody could press the button a second time: they cannot sign in."""
    some_work(alice())
    delete_account(alice())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deletion, "delete_results", _fails)
        work_on(Job.objects.get().pk, delete_some)
    assert resume_jobs() == 1
    a_worker_takes_it_up_until_it_is_gone()
    assert not User.objects.exists()


def _fails(*given: object) -> None:
    raise OperationalError("deadlock detected") from DeadlockDetected()


# --- another handle ---------------------------------------------------------------------------------------


def test_the_new_address_and_the_lists_have_the_new_handle_at_once_and_the_search_follows() -> None:
    some_work(alice())
    rename_handle(alice(), "alice-a")
    assert Client().get("/@alice-a/work-0/").status_code == 200
    assert set(Listing.objects.values_list("handle", flat=True)) == {"alice-a"}
    assert not SearchDocument.objects.filter(author__contains="alice-a").exists()
    with pytest.raises(Killed):
        work_on(Job.objects.get().pk, killed_after(1, refresh_some))
    lease_runs_out()
    a_worker_takes_it_up()
    assert Job.objects.get().state == Job.State.DONE
    assert Job.objects.get().done == 3
    assert SearchDocument.objects.exclude(author__contains="alice").count() == 0


def test_a_second_renaming_on_the_way_begins_again() -> None:
    some_work(alice())
    rename_handle(alice(), "alice-a")
    with pytest.raises(Killed):
        work_on(Job.objects.get().pk, killed_after(2, refresh_some))
    rename_handle(User.objects.get(username="alice-a"), "alice-b")
    assert Job.objects.get().done == 0
    lease_runs_out()
    a_worker_takes_it_up()
    authors = set(SearchDocument.objects.values_list("author", flat=True))
    assert {author.split()[-1] for author in authors} == {"alice-b"}


def at_the_end_of_the_last_step(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Somebody does it just when a worker has made the last step, once."""
    make_step, acts = jobs._step, [act]

    def stepped(*given: Any) -> bool:
        is_more = make_step(*given)
        if not is_more and acts:
            acts.pop()()
        return is_more

    monkeypatch.setattr(jobs, "_step", stepped)


def test_a_second_renaming_at_the_very_end_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    some_work(alice())
    rename_handle(alice(), "alice-a")
    at_the_end_of_the_last_step(monkeypatch, lambda: rename_handle(User.objects.get(), "alice-b"))
    a_worker_takes_it_up()
    run_job_task.func(Job.objects.under_way().get().pk)
    authors = set(SearchDocument.objects.values_list("author", flat=True))
    assert {author.split()[-1] for author in authors} == {"alice-b"}


def test_whoever_is_at_work_on_what_is_begun_again_stops() -> None:
    some_work(alice())
    rename_handle(alice(), "alice-a")
    steps: list[int] = []

    def renamed_meanwhile(job: Job) -> bool:
        steps.append(job.pk)
        refresh_some(job)
        return True

    def stop_at_two(pk: int, worker: str, step: Any) -> bool:
        if len(steps) == 2:
            begin(job.owner, Job.Kind.REFRESH, 3)
        assert len(steps) < 3
        return make_step(pk, worker, step)

    job, make_step = Job.objects.get(), jobs._step
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "_step", stop_at_two)
        work_on(job.pk, renamed_meanwhile)
    job.refresh_from_db()
    assert (len(steps), job.done, job.state, job.claim) == (2, 0, Job.State.QUEUED, "")


# --- exporting --------------------------------------------------------------------------------------------


def test_the_file_is_the_bundle_however_often_its_maker_was_killed() -> None:
    some_work(alice())
    job = start_export(alice())
    for steps in (0, 1):
        with pytest.raises(Killed):
            work_on(job.pk, killed_after(steps, export_next))
        lease_runs_out()
    a_worker_takes_it_up()
    job.refresh_from_db()
    assert (job.state, job.done, job.parts.count()) == (Job.State.DONE, 3, 3)
    whole = export_bundle(alice(), Prompt.objects.owned_by(alice()), everything=True)
    (parts,) = files_of(job)
    text = file_of(job, parts).read().decode()
    assert text == emit(whole)
    assert parse(text) == whole


def test_a_prompt_that_gets_another_slug_meanwhile_is_in_it_once() -> None:
    first, _, last = some_work(alice())
    job = start_export(alice())
    export_next(job)
    Prompt.objects.filter(pk=first.pk).update(slug="zebra")
    Prompt.objects.filter(pk=last.pk).update(slug="aardvark")
    while export_next(job):
        pass
    (parts,) = files_of(job)
    titles = [prompt.title for prompt in parse(file_of(job, parts).read().decode()).prompts]
    assert sorted(titles) == sorted(Prompt.objects.owned_by(alice()).values_list("title", flat=True))


def test_the_page_shows_how_far_it_is_then_the_file() -> None:
    some_work(alice())
    browser = client_of(alice())
    assert "Nothing made yet" in read_page(browser.get("/studio/export/"))
    assert browser.post("/studio/export/").status_code == 302
    page = read_page(browser.get("/studio/export/"))
    assert "0 of 3" in page
    assert "<noscript><meta http-equiv" in page
    assert browser.post("/studio/export/").status_code == 302, "pressed twice is once"
    job = Job.objects.get()
    assert browser.get(f"/studio/export/{job.public_id}/1/").status_code == 404, "not ready"
    a_worker_takes_it_up()
    part = browser.get("/studio/export/", headers={"HX-Request": "true"})
    assert part.status_code == 286, "htmx asks no more"
    assert "Download the file" in read_page(part)
    sent: Any = browser.get(f"/studio/export/{job.public_id}/1/")
    assert sent["Content-Disposition"] == 'attachment; filename="alice.json"'
    assert len(json.loads(b"".join(sent.streaming_content))["prompts"]) == 3
    assert client_of(bob()).get(f"/studio/export/{job.public_id}/1/").status_code == 404


def test_a_download_goes_on_whole_when_the_export_is_made_anew() -> None:
    some_work(alice())
    browser = client_of(alice())
    first = start_export(alice())
    a_worker_takes_it_up()
    address = f"/studio/export/{first.public_id}/1/"
    begun: Any = browser.get(address)
    start_export(alice())
    a_worker_takes_it_up()
    assert not Job.objects.filter(pk=first.pk).exists()
    read = b"".join(begun.streaming_content)
    assert (len(json.loads(read)["prompts"]), len(read)) == (3, int(begun["Content-Length"]))
    assert browser.get(address).status_code == 404


def test_an_export_made_anew_just_before_its_file_is_read_is_not_sent_cut() -> None:
    some_work(alice())
    job = start_export(alice())
    a_worker_takes_it_up()
    job.refresh_from_db()
    (parts,) = files_of(job)
    job.parts.filter(number=1).delete()
    with pytest.raises(Refused, match="made anew"):
        file_of(job, parts)


def test_an_export_begun_at_the_very_end_of_another_is_not_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    some_work(alice())
    start_export(alice())
    at_the_end_of_the_last_step(monkeypatch, lambda: start_export(alice()))
    a_worker_takes_it_up()
    run_job_task.func(Job.objects.under_way().get().pk)
    job = Job.objects.get()
    assert (job.state, job.done, job.parts.count()) == (Job.State.DONE, 3, 3)


def test_more_than_one_import_takes_comes_in_several_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "MOST_IN_A_FILE", 1)
    prompts = some_work(alice())
    job = start_export(alice())
    a_worker_takes_it_up()
    job.refresh_from_db()
    bundles = [parse(file_of(job, parts).read().decode()) for parts in files_of(job)]
    assert [one.slug for bundle in bundles for one in bundle.prompts] == [one.slug for one in prompts]
    assert len(bundles) == 3
    browser = client_of(alice())
    assert "in 3 files" in read_page(browser.get("/studio/export/"))
    assert browser.get(f"/studio/export/{job.public_id}/3/")["Content-Disposition"].endswith('alice-3.json"')
    assert browser.get(f"/studio/export/{job.public_id}/4/").status_code == 404


def test_with_nothing_to_export_it_says_so() -> None:
    response = client_of(alice()).post("/studio/export/", follow=True)
    assert "There is no prompt to export yet." in read_page(response)


def test_another_takes_the_place_of_the_one_before_and_a_day_later_none_is_left(settings: Any) -> None:
    some_work(alice())
    for _ in range(2):
        start_export(alice())
        a_worker_takes_it_up()
    assert JobPart.objects.count() == 3
    tidy_up()
    assert Job.objects.exists()
    Job.objects.update(finished_at=timezone.now() - timedelta(hours=25))
    tidy_up()
    assert not JobPart.objects.exists()


def test_what_hangs_on_a_result_is_what_is_deleted_with_it() -> None:
    """``delete_results`` names it, in place of the cascade that loads every row."""
    fields = Result._meta.get_fields(include_hidden=True)
    hanging = {(one.related_model, one.field.name) for one in fields if isinstance(one, ForeignObjectRel)}
    assert hanging == {(PictureFile, "result"), (BlindVote, "one"), (BlindVote, "other")}
