"""Pasting outputs by hand: level 0, judged like any other."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from prompts_app.actions.runs.paste import paste_output
from prompts_app.actions.sharing.links import PromptChoice, create_link, revoke_link
from prompts_app.engine.errors import Refused
from prompts_app.models import Case, KnownFailure, Prompt, Result, Run, Source, Version
from prompts_app.tests.factories import CaseFactory, PromptFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of

pytestmark = pytest.mark.django_db

ADDRESS = "/studio/prompts/greeting/paste/"


@pytest.fixture
def version() -> Version:
    made: Version = VersionFactory(prompt=PromptFactory(owner=alice(), slug="greeting"))
    for name in ("First", "Second"):
        CaseFactory(prompt=made.prompt, name=name)
    return made


def first_case() -> Case:
    return Case.objects.in_order()[0]


def typed(**more: Any) -> dict[str, Any]:
    return {
        "version": "1",
        "case": first_case().public_id,
        "model": "some-model",
        "date": "2026-03-01",
        "output": "yes\r\nof course ",
        **more,
    }


def paste(**more: Any) -> Any:
    return client_of(alice()).post(ADDRESS, typed(**more))


def test_an_output_is_kept_as_typed_judged_and_counted(version: Version) -> None:
    paste(finish_reason="stop", tokens_in="12", tokens_out="3")
    result, run = Result.objects.get(), Run.objects.get()
    assert (result.output, result.passed, result.finish_reason) == ("yes\nof course ", True, "stop")
    assert (result.tokens_in, result.tokens_out, result.latency_ms, result.cost) == (12, 3, None, None)
    assert (run.source, run.state, run.frames, run.model) == (Source.PASTED, "finished", "pw", "some-model")
    assert run.finished_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    prompt = Prompt.objects.get()
    assert (prompt.evidence_level, prompt.evidence_passed, prompt.evidence_cases) == (0, 1, 1)


def test_the_page_goes_on_with_the_next_case_and_says_how_it_was_judged(version: Version) -> None:
    second = Case.objects.in_order()[1]
    answer = client_of(alice()).post(ADDRESS, typed(), follow=True)
    page = read_page(answer)
    assert "Kept the output for “First”: it passes." in page
    assert f'<option value="{second.public_id}" selected>' in page
    assert 'value="some-model"' in page
    assert 'value="2026-03-01"' in page


def test_pasting_again_replaces_and_another_case_joins_the_same_run(version: Version) -> None:
    paste()
    paste(output="no")
    paste(case=Case.objects.in_order()[1].public_id)
    assert Run.objects.get().frames == "fp"


def test_another_model_and_another_suite_are_other_runs(version: Version) -> None:
    paste()
    paste(model="other-model")
    CaseFactory(prompt=version.prompt)
    paste()
    assert Run.objects.count() == 3


def added_case(version: Version, name: str) -> str:
    made: Case = CaseFactory(prompt=version.prompt, name=name)
    return made.public_id


def shown_evidence() -> dict[str, Any]:
    evidence: dict[str, Any] = Prompt.objects.get().evidence
    return evidence


def test_case_paste_case_paste_keeps_every_output(version: Version) -> None:
    """Each with its own date and address; the run is dated by the newest of them."""
    Case.objects.all().delete()
    days = ["2026-03-05", "2026-03-01", "2026-03-03"]
    for number, day in enumerate(days, 1):
        paste(case=added_case(version, f"Case {number}"), date=day, output=f"yes {number}")
        if number == 1:
            first = Result.objects.get().public_id
    run = Run.objects.get()
    assert (run.frames, run.finished_at) == ("ppp", datetime(2026, 3, 5, 12, tzinfo=UTC))
    assert (shown_evidence()["passed"], shown_evidence()["cases"], shown_evidence()["runs"]) == (3, 3, 1)
    dates = run.results.order_by("case_index").values_list("created_at", flat=True)
    assert [f"{date:%Y-%m-%d}" for date in dates] == days
    assert Result.objects.get(public_id=first).output == "yes 1"


def test_where_some_cases_have_no_output_nothing_is_said_to_be_waiting(version: Version) -> None:
    paste_output(version.prompt, version, first_case(), model="tiny", output="yes", date=date(2026, 3, 1))
    Prompt.objects.filter(pk=version.prompt_id).update(visibility="public")
    for address in (version.prompt.get_absolute_url(), version.get_absolute_url()):
        html = read_page(Client().get(address))
        assert "no output yet" in html
        assert "waiting" not in html


def test_an_output_of_a_case_that_changed_does_not_go_along(version: Version) -> None:
    paste(output="yes, of the first as it was")
    Case.objects.filter(pk=first_case().pk).update(assertions=[{"type": "contains", "value": "no"}])
    paste(case=Case.objects.in_order()[1].public_id, output="yes, of the second")
    assert Run.objects.count() == 2
    newest = Run.objects.order_by("-pk")[0]
    assert (newest.frames, [r.output for r in newest.results.all()]) == ("wp", ["yes, of the second"])
    older = Run.objects.order_by("pk")[0]
    assert [r.output for r in older.results.all()] == ["yes, of the first as it was"]


def test_places_change_with_the_suite_and_verdicts_go_along(version: Version) -> None:
    first, second = Case.objects.in_order()
    paste(case=second.public_id, output="no")
    run = Run.objects.get()
    KnownFailure.objects.create(prompt=version.prompt, run=run, case_index=1, diagnosis="Why.", position=0)
    Case.objects.filter(pk=first.pk).delete()
    paste(case=added_case(version, "Third"))
    now = Run.objects.get()
    assert now.frames == "fp"
    assert [(f.run_id, f.case_index) for f in KnownFailure.objects.all()] == [(now.pk, 0)]


def test_time_and_cost_are_unknown_so_their_limits_count_neither_way(version: Version) -> None:
    limit = CaseFactory(prompt=version.prompt, assertions=[{"type": "latency", "threshold": 99999}])
    paste(case=limit.public_id)
    result = Result.objects.get()
    assert result.passed is None
    assert result.checks[0]["unknown"] is True
    assert "unknown" in result.checks[0]["reason"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"model": " "}, "Fill this in"),
        ({"model": "m\u200b"}, "invisible character"),
        ({"model": "m" * 201}, "At most 200 characters"),
        ({"output": ""}, "Paste the output, or choose its picture"),
        ({"output": "a\0b"}, "NUL character"),
        ({"output": "a" * 1_000_000}, "At most 500000 characters"),
        ({"date": "soon"}, "Enter a valid date"),
        ({"date": "9999-12-31"}, "in the future"),
        ({"tokens_in": "-1"}, "greater than or equal to 0"),
        ({"tokens_out": "99999999999"}, "less than or equal to"),
        ({"version": "8"}, "Select a valid choice"),
        ({"version": "x"}, "Select a valid choice"),
        ({"version": "\0"}, "Null characters are not allowed"),
        ({"case": "\0"}, "Null characters are not allowed"),
        ({"case": "gone"}, "Select a valid choice"),
        ({"finish_reason": "f" * 61}, "At most 60 characters"),
    ],
)  # fmt: skip
def test_wrong_input_comes_back_with_a_sentence_and_what_was_typed(
    version: Version, wrong: dict[str, str], said: str
) -> None:
    answer = paste(**{"output": "what was typed"} | wrong)
    page = read_page(answer)
    assert answer.status_code == 200
    assert said in page
    assert "output" in wrong or "what was typed" in page
    assert not Result.objects.exists()


def test_right_to_left_and_zero_width_characters_in_an_output_are_kept(version: Version) -> None:
    paste(output="yes \u202eabc\u200b")
    assert Result.objects.get().output == "yes \u202eabc\u200b"


def test_without_a_case_the_page_says_what_to_do(version: Version) -> None:
    Case.objects.all().delete()
    assert "An output belongs to a version and a case" in read_page(client_of(alice()).get(ADDRESS))


def test_pasted_outputs_are_listed_and_their_deletion_is_counted_once_others_saw_them(
    version: Version,
) -> None:
    paste()
    Prompt.objects.update(visibility="public", published_at=timezone.now())
    run = Run.objects.get()
    assert "some-model" in read_page(client_of(alice()).get(ADDRESS))
    client_of(alice()).post(f"{ADDRESS}{run.public_id}/delete/")
    assert not Run.objects.exists()
    prompt = Prompt.objects.get()
    assert (prompt.deleted_runs, prompt.evidence) == (1, {})


def test_nobody_else_gets_in(version: Version) -> None:
    paste()
    delete = f"{ADDRESS}{Run.objects.get().public_id}/delete/"
    assert client_of(bob()).get(ADDRESS).status_code == 404
    assert client_of(bob()).post(ADDRESS, typed()).status_code == 404
    assert client_of(bob()).post(delete).status_code == 404
    assert client_of(None).get(ADDRESS).status_code == 302
    assert Run.objects.exists()


def test_a_case_of_another_prompt_is_refused(version: Version) -> None:
    foreign = CaseFactory()
    with pytest.raises(Refused, match="do not belong together"):
        paste_output(version.prompt, version, foreign, model="m", output="yes", date=date(2026, 1, 1))


def test_tomorrow_is_refused(version: Version) -> None:
    tomorrow = datetime.now(tz=UTC).date() + timedelta(days=1)
    with pytest.raises(Refused, match="future"):
        paste_output(version.prompt, version, first_case(), model="m", output="yes", date=tomorrow)


def test_where_others_would_read_it_at_once_what_looks_like_a_secret_is_asked_about(version: Version) -> None:
    Prompt.objects.update(visibility="unlisted")
    key = "sk-" + "proj-a8Kd03nfLq92mZx71bVt"
    page = read_page(paste(output=f"Use {key}, please"))
    assert "looks like a secret" in page
    assert f"Use {key}, please" in page  # what was typed stays
    assert not Result.objects.exists()
    token = page.partition('name="harmless" value="')[2].partition('"')[0]
    assert paste(output=f"Use {key}, please", harmless=token).status_code == 302
    assert Result.objects.get().output == f"Use {key}, please"


def test_in_a_private_prompt_it_is_asked_about_when_it_is_published(version: Version) -> None:
    assert paste(output="Ring +49 30 901820").status_code == 302


def test_unless_a_share_link_shows_it(version: Version) -> None:
    link, _ = create_link(alice(), PromptChoice("Acme", [version.prompt], although_private=True))
    page = read_page(paste(output="Ring +49 30 901820"))
    assert "A share link shows this prompt, so others could read what looks like a secret" in page
    assert 'name="harmless"' in page
    revoke_link(link)
    assert paste(output="Ring +49 30 901820").status_code == 302
