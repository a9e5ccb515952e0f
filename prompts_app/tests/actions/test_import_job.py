"""An import is kept in its row: it goes on after a kill, makes no doubles, and is taken back as a whole."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection

from prompts_app.actions.exporting.bundle import export_bundle
from prompts_app.actions.importing import apply as import_
from prompts_app.actions.importing import job as import_job
from prompts_app.actions.importing import plan as import_plan
from prompts_app.actions.importing.apply import CHUNK, ImportOptions
from prompts_app.actions.importing.job import (
    NotNow,
    changed_by_author,
    keep_file,
    resume_imports,
    run_import,
    start,
    stop,
    undo,
)
from prompts_app.actions.importing.made import Made
from prompts_app.actions.prompts.publish import publish
from prompts_app.actions.prompts.save import save_version
from prompts_app.actions.runs import stopping
from prompts_app.engine.errors import Overrun
from prompts_app.engine.formats.bundle import emit
from prompts_app.engine.formats.parsed_file import read_file
from prompts_app.engine.limited_process import BUSY, OURS
from prompts_app.engine.types import Message, PromptContent
from prompts_app.models import Case, Import, Prompt, Result, Run, Version, Visibility
from prompts_app.models.clock import now_plus
from prompts_app.tests.factories import CaseFactory, PromptFactory, VersionFactory
from prompts_app.tests.people import alice

DATA = Path(__file__).parents[1] / "data" / "promptfoo"
RESULTS = (DATA / "results" / "two-prompts-two-providers.json").read_bytes()
pytestmark = pytest.mark.django_db


def table(rows: int) -> bytes:
    return ("act,prompt\n" + "".join(f"Title {n},Text {n}\n" for n in range(rows))).encode()


def begun(data: bytes, name: str = "prompts.csv") -> Import:
    """Said yes to; whether it is done already depends on its size."""
    row = keep_file(alice(), name, data, read_file(name, data))
    start(row, ImportOptions())
    row.refresh_from_db()
    return row


def fresh(row: Import) -> Import:
    row.refresh_from_db()
    return row


class Killed(BaseException):
    """As the process would end: nothing after it is done."""


def killed_after(
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    name: str,
    calls: int,
    error: Callable[[], BaseException] = Killed,
) -> None:
    """The ``calls``-th call of ``name`` is the last thing this process does."""
    real, count = getattr(module, name), 0

    def dying(*args: Any, **more: Any) -> Any:
        nonlocal count
        count += 1
        if count == calls:
            raise error()
        return real(*args, **more)

    monkeypatch.setattr(module, name, dying)


def locked() -> Exception:
    """As Django raises it where another process holds SQLite's lock past the wait."""
    cause = sqlite3.OperationalError("database is locked")
    cause.sqlite_errorcode = sqlite3.SQLITE_BUSY
    error = OperationalError("database is locked")
    error.__cause__ = cause
    return error


def its_lease_runs_out(row: Import) -> None:
    Import.objects.filter(pk=row.pk).update(claim="gone", lease_until=now_plus(-1))


class TestSizes:
    def test_a_small_one_is_there_at_once(self) -> None:
        row = begun(table(3))
        assert (row.state, row.done, row.total) == (Import.State.DONE, 3, 3)
        assert row.report["counts"]["prompts"] == Prompt.objects.count() == 3
        assert not row.data
        assert not row.parts.exists()

    def test_a_large_one_waits_for_a_worker_and_tells_how_far_it_is(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        row = begun(table(CHUNK * 2 + 50))
        assert (row.state, row.total, Prompt.objects.count()) == (Import.State.QUEUED, 2 * CHUNK + 50, 0)
        told: list[tuple[int, int]] = []
        real = import_job._check_may_go_on

        def look() -> None:
            told.append((fresh(row).done, len(row.made["prompts"])))
            real()

        monkeypatch.setattr(import_job, "_check_may_go_on", look)
        run_import(row.pk)
        assert told == [(done, done) for done in (CHUNK, 2 * CHUNK, 2 * CHUNK + 50)]
        assert (fresh(row).state, row.report["counts"]["prompts"]) == (Import.State.DONE, 2 * CHUNK + 50)
        assert len(row.report["prompts"]) == import_job.MOST_LISTED

    def test_each_chunk_is_a_transaction_of_its_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """While a file is read and planned, and between two chunks, nobody waits for this."""
        row = begun(table(CHUNK * 2 + 1))
        depth = len(connection.savepoint_ids)
        real = import_plan.plan

        def planning(*args: Any) -> Any:
            assert len(connection.savepoint_ids) == depth, "planned within a transaction"
            return real(*args)

        monkeypatch.setattr(import_, "plan", planning)
        run_import(row.pk)
        assert Prompt.objects.count() == 2 * CHUNK + 1


def test_one_that_an_earlier_release_queued_is_read_by_its_worker() -> None:
    """It kept the file until then, and no parts."""
    row = Import.objects.create(
        owner=alice(), name="prompts.csv", data=table(3), state=Import.State.QUEUED, total=3
    )
    run_import(row.pk)
    assert (fresh(row).state, bytes(row.data), Prompt.objects.count()) == (Import.State.DONE, b"", 3)
    assert not row.parts.exists()


class TestInterrupted:
    @pytest.mark.parametrize("calls", [1, 2, 3])
    def test_killed_within_a_chunk_nothing_is_lost_or_doubled(
        self, monkeypatch: pytest.MonkeyPatch, calls: int
    ) -> None:
        row = begun(table(CHUNK * 2 + 50))
        with monkeypatch.context() as patched:
            killed_after(patched, import_, "_report", calls)
            with pytest.raises(Killed):
                run_import(row.pk)
        assert Prompt.objects.count() == (calls - 1) * CHUNK == fresh(row).done
        its_lease_runs_out(row)
        run_import(row.pk)
        assert fresh(row).report["counts"] == {
            "prompts": 2 * CHUNK + 50, "versions": 2 * CHUNK + 50, "cases": 0, "assertions": 0, "results": 0,
            "added_to": 0, "unsupported": 0, "skipped": 0,
        }  # fmt: skip
        assert Prompt.objects.count() == Version.objects.count() == 2 * CHUNK + 50

    def test_killed_between_two_runs_of_a_prompt(self, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = begun(RESULTS, "out.json")
        counts, runs = whole.report["counts"], Run.objects.count()
        assert runs > 1
        Prompt.objects.all().delete()
        row = keep_file(alice(), "out.json", RESULTS, read_file("out.json", RESULTS))
        with monkeypatch.context() as patched:
            killed_after(patched, import_, "save_run", 2)
            with pytest.raises(Killed):
                start(row, ImportOptions())
        assert Run.objects.count() == 1
        its_lease_runs_out(row)
        run_import(row.pk)
        assert (fresh(row).state, row.report["counts"]) == (Import.State.DONE, counts)
        assert Run.objects.count() == runs
        assert all(prompt.evidence for prompt in Prompt.objects.all())

    def test_a_worker_that_is_told_to_stop_leaves_it_to_another(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        row = begun(table(CHUNK * 3))
        with monkeypatch.context() as patched:
            patched.setattr(stopping, "_stopping_since", 1.0)
            run_import(row.pk)
        assert (fresh(row).state, row.done, row.claim) == (Import.State.RUNNING, CHUNK, "")
        assert resume_imports() == 1
        run_import(row.pk)
        assert (fresh(row).state, Prompt.objects.count()) == (Import.State.DONE, 3 * CHUNK)

    def test_two_workers_do_not_do_it_twice(self) -> None:
        row = begun(table(CHUNK + 1))
        Import.objects.filter(pk=row.pk).update(claim="another", lease_until=now_plus(60))
        run_import(row.pk)
        assert Prompt.objects.count() == 0
        assert resume_imports() == 0

    def test_the_same_file_twice_at_once_makes_no_doubles(self) -> None:
        first, second = begun(table(CHUNK + 1)), begun(table(CHUNK + 1))
        Import.objects.filter(pk=first.pk).update(claim="another", lease_until=now_plus(60))
        run_import(second.pk)
        assert fresh(second).state == Import.State.QUEUED  # one at a time of each author
        its_lease_runs_out(first)
        run_import(first.pk)
        run_import(second.pk)
        assert Prompt.objects.count() == CHUNK + 1
        assert fresh(second).report["counts"]["skipped"] == CHUNK + 1

    def test_an_error_leaves_nothing_and_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        row = begun(table(CHUNK * 2))
        killed_after(monkeypatch, import_, "save", 2, RuntimeError)
        run_import(row.pk)
        assert (fresh(row).state, Prompt.objects.count()) == (Import.State.FAILED, 0)
        assert "please report it" in row.problem

    @pytest.mark.parametrize("fault", [locked, lambda: Overrun(BUSY), lambda: Overrun(OURS)])
    def test_what_passes_is_no_failure_and_it_goes_on(
        self, monkeypatch: pytest.MonkeyPatch, fault: Callable[[], Exception]
    ) -> None:
        """A database that is locked or away, a server that has its hands full."""
        row = begun(table(CHUNK * 2))
        with monkeypatch.context() as patched:
            killed_after(patched, import_, "save", 2, fault)
            run_import(row.pk)
        assert (fresh(row).state, row.done, row.claim) == (Import.State.RUNNING, CHUNK, "")
        assert row.parts.exists()
        run_import(row.pk)
        assert (fresh(row).state, Prompt.objects.count()) == (Import.State.DONE, CHUNK * 2)


def test_what_was_not_committed_is_not_among_what_was_made() -> None:
    """Its ids may be given to something else meanwhile, which taking back must not delete."""
    made = Made(prompts=[1])

    def begin() -> None:
        with made.atomically():
            made.prompts.append(2)
            raise Killed

    with pytest.raises(Killed):
        begin()
    assert made.prompts == [1]


class TestBack:
    def test_it_is_undone_as_a_whole(self) -> None:
        mine = PromptFactory(owner=alice(), title="Mine")
        row = begun(table(30))
        undo(row, keep_changed=True)
        assert fresh(row).state == Import.State.UNDONE
        assert list(Prompt.objects.all()) == [mine]
        assert not row.can_be_undone

    def test_a_large_one_is_undone_by_a_worker_and_again_after_a_kill(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        row = begun(table(CHUNK + 50))
        run_import(row.pk)
        undo(fresh(row), keep_changed=True)
        assert fresh(row).state == Import.State.UNDOING
        with monkeypatch.context() as patched:
            patched.setattr(stopping, "_stopping_since", 1.0)
            run_import(row.pk)
        assert 0 < Prompt.objects.count() < CHUNK + 50
        run_import(row.pk)
        assert (fresh(row).state, Prompt.objects.count()) == (Import.State.UNDONE, 0)

    @pytest.mark.parametrize("keep", [True, False])
    def test_what_was_worked_on_since_stays_where_that_is_wanted(self, keep: bool) -> None:
        row = begun(table(4))
        saved, shown, cased, _ = Prompt.objects.order_by("pk")
        save_version(saved, PromptContent((Message("user", "Better."),)))
        publish(shown, Visibility.UNLISTED)
        CaseFactory(prompt=cased)
        assert changed_by_author(row) == [saved, shown, cased]
        undo(row, keep_changed=keep)
        assert Prompt.objects.count() == (3 if keep else 0)

    def test_what_it_added_to_a_prompt_that_was_there_goes_and_the_rest_stays(self) -> None:
        mine = PromptFactory(owner=alice(), title="Echo")
        VersionFactory(prompt=mine, number=1)
        text = json.loads(emit(export_bundle(alice(), Prompt.objects.all(), everything=True)))
        (bundled,) = text["prompts"]
        bundled["versions"].append(
            {"number": 2, "note": "From the file", "messages": [{"role": "user", "content": "Two."}]}
        )
        bundled["cases"] = [{"name": "One", "variables": {"word": "x"}}]
        row = begun(json.dumps(text).encode(), "echo.json")
        assert (Version.objects.count(), Case.objects.count()) == (2, 1)
        assert row.report["added_to"] == [["Echo", mine.slug, "1 version and 1 case"]]
        undo(row, keep_changed=True)
        assert (list(Prompt.objects.all()), Case.objects.count()) == ([mine], 0)
        assert [version.number for version in Version.objects.all()] == [1]

    def test_results_that_were_added_go_and_stay_counted_where_others_saw_them(self) -> None:
        begun(json.dumps(json.loads(RESULTS)["config"]).encode(), "promptfooconfig.json")
        prompt = Prompt.objects.get()
        row = begun(RESULTS, "out.json")
        assert Run.objects.exists()
        publish(prompt, Visibility.PUBLIC)
        undo(row, keep_changed=True)
        prompt.refresh_from_db()
        assert (Run.objects.count(), Result.objects.count()) == (0, 0)
        assert prompt.deleted_runs > 0

    def test_one_that_is_under_way_is_stopped_and_taken_back(self) -> None:
        row = begun(table(CHUNK * 3))
        Import.objects.filter(pk=row.pk).update(claim="w", lease_until=now_plus(60))
        stop(row)
        with pytest.raises(import_job._Lost):
            import_job._write(row, "w", done=1)
        run_import(row.pk)
        assert (fresh(row).state, Prompt.objects.count()) == (Import.State.UNDONE, 0)

    @pytest.mark.parametrize("act", [lambda row: undo(row, keep_changed=True), stop])
    def test_what_has_ended_otherwise_is_told(self, act: Callable[[Import], None]) -> None:
        row = begun(table(2))
        undo(row, keep_changed=True)
        with pytest.raises(NotNow):
            act(fresh(row))
