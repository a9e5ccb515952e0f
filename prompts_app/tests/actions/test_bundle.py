"""Bundles out and in: what an export holds, and that a file from outside is never more than level 1."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from prompts_app.actions.exporting.bundle import export_bundle
from prompts_app.actions.exporting.export import as_markdown, as_messages, export
from prompts_app.actions.importing.apply import import_prompts, keep_prompt
from prompts_app.actions.importing.plan import BundleRefused
from prompts_app.actions.prompts.known_failures import shelve
from prompts_app.actions.runs.counting import count_run
from prompts_app.engine.digests import case_json, suite_digest
from prompts_app.engine.errors import Refused
from prompts_app.engine.formats import Parsed, Skip
from prompts_app.engine.formats import parse as parse_any
from prompts_app.engine.formats.bundle import emit, parse
from prompts_app.engine.formats.bundle_types import Bundle
from prompts_app.engine.response_format import schema_asked_for
from prompts_app.evidence.known_failures import shelf_of
from prompts_app.evidence.records import Records
from prompts_app.models import Case, Endpoint, Level, Prompt, Result, Run, Source, Version
from prompts_app.search import find
from prompts_app.tests.actions.bundles import import_bundle
from prompts_app.tests.factories import CaseFactory, PromptFactory, ResultFactory, RunFactory, VersionFactory
from prompts_app.tests.people import alice, bob

pytestmark = pytest.mark.django_db

THERE = Skip("Echo", "It is already there: your prompt “Echo”.")
MOMENT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
CHECK = {
    "type": "contains",
    "value": "yes",
    "passed": True,
    "score": 1.0,
    "reason": "It does.",
    "threshold": None,
}


def prompt_with_a_run(**fields: Any) -> Prompt:
    """Alice's prompt with one case, and a recorded run that passed it."""
    prompt = PromptFactory(owner=alice(), slug="echo", title="Echo", **fields)
    version = VersionFactory(prompt=prompt, parameters={"temperature": 0})
    CaseFactory(prompt=prompt)
    run_of(version)
    return prompt


def run_of(version: Any, source: Source = Source.RECORDED, **fields: Any) -> Run:
    suite = version.prompt.suite()
    run = RunFactory(
        version=version,
        source=source,
        suite=[case_json(case) for case in suite],
        suite_digest=suite_digest(suite),
        finished_at=MOMENT,
        **fields,
    )
    ResultFactory(
        run=run,
        case_index=0,
        request={"model": "test-model", "messages": [{"role": "user", "content": "Say yes."}]},
        cost=Decimal("0.00000012"),
        tokens_in=4,
        latency_ms=12.5,
        response_id="abc",
        checks=[CHECK],
    )
    return run


def bundle_of(owner: Any, everything: bool = True) -> Bundle:
    return export_bundle(owner, Prompt.objects.owned_by(owner), everything=everything)


def moved() -> Bundle:
    """Alice's work as text and back: what somebody else would upload."""
    return parse(emit(bundle_of(alice())))


# --- out --------------------------------------------------------------------------------------------------


def test_everything_of_a_result_is_in_the_bundle() -> None:
    prompt_with_a_run()
    (run,) = bundle_of(alice()).prompts[0].runs
    (result,) = run.results
    assert (result.output, result.cost, result.response_id) == ("yes", Decimal("0.00000012"), "abc")
    assert result.checks == (CHECK,)


def test_a_visitors_bundle_has_no_practice_no_unfinished_run_and_no_endpoint() -> None:
    prompt = prompt_with_a_run()
    version = prompt.versions.get()
    run_of(version, Source.PRACTICE)
    run_of(version, state=Run.State.CANCELLED)
    (run,) = bundle_of(alice(), everything=False).prompts[0].runs
    assert (run.source, run.endpoint) == ("recorded", "")
    assert len(bundle_of(alice()).prompts[0].runs) == 3


def test_no_key_no_address_and_no_e_mail_is_ever_in_it() -> None:
    prompt = prompt_with_a_run()
    owner = alice()
    owner.profile.contact_email = "private@example.com"
    owner.profile.save()
    endpoint = Endpoint(owner=owner, name="Mine", base_url="https://models.example.com/v1")
    endpoint.set_key("sk-very-secret")
    endpoint.save()
    prompt.runs.update(endpoint=endpoint, endpoint_host="models.example.com")
    text = emit(bundle_of(owner))
    for secret in ("sk-very-secret", "models.example.com", "private@example.com", owner.email):
        assert secret not in text


def test_the_same_work_gives_the_same_text() -> None:
    prompt_with_a_run()
    assert emit(bundle_of(alice())) == emit(bundle_of(alice()))


def test_the_names_of_a_schema_come_in_again_in_the_order_a_model_is_to_write_them() -> None:
    """Those of the file stand by the alphabet, and many servers have them written in the order they get."""
    prompt = prompt_with_a_run()
    schema = {"type": "object", "required": ["name", "day"], "properties": {"name": {}, "day": {}}}
    parameters = {"response_format": {"type": "json_object", "schema": schema}}
    Version.objects.filter(prompt=prompt).update(parameters=parameters)
    (read,) = parse(emit(bundle_of(alice()))).prompts
    asked = schema_asked_for(read.versions[0].prompt.parameters)
    assert asked is not None
    assert list(asked.schema["properties"]) == ["name", "day"]


def test_the_number_of_queries_does_not_grow_with_the_results(count_queries: Any) -> None:
    prompt = prompt_with_a_run()
    few = count_queries(lambda: bundle_of(alice()))
    for _ in range(5):
        run_of(prompt.versions.get())
    assert count_queries(lambda: bundle_of(alice())) == few


# --- in ---------------------------------------------------------------------------------------------------


def test_a_recorded_run_out_of_a_file_is_level_1() -> None:
    prompt_with_a_run()
    (kept,) = import_bundle(bob(), moved().prompts).prompts
    run = kept.runs.get()
    assert (run.source, run.level) == (Source.IMPORTED, Level.IMPORTED)
    assert kept.evidence_level == Level.IMPORTED


@pytest.mark.parametrize("source", [Source.PASTED, Source.IMPORTED])
def test_a_run_below_that_keeps_its_level(source: Source) -> None:
    prompt = prompt_with_a_run()
    prompt.runs.update(source=source)
    (kept,) = import_bundle(bob(), moved().prompts).prompts
    assert kept.runs.get().source == source


def test_practice_stays_practice_and_never_counts() -> None:
    prompt = prompt_with_a_run()
    prompt.runs.update(source=Source.PRACTICE)
    (kept,) = import_bundle(bob(), moved().prompts).prompts
    assert (kept.runs.get().source, kept.evidence) == (Source.PRACTICE, {})


def test_an_imported_prompt_is_private_even_when_the_file_says_public() -> None:
    prompt_with_a_run(visibility="public", published_at=MOMENT)
    (kept,) = import_bundle(bob(), moved().prompts).prompts
    assert (kept.visibility, kept.published_at, kept.pin_position) == ("private", None, None)


def test_ids_are_new_so_that_no_address_is_taken_over() -> None:
    prompt = prompt_with_a_run()
    import_bundle(bob(), moved().prompts)
    run = prompt.runs.get()
    assert Run.objects.exclude(pk=run.pk).get().public_id != run.public_id
    assert Result.objects.count() == 2


def test_importing_twice_makes_no_doubles() -> None:
    prompt_with_a_run()
    import_bundle(bob(), moved().prompts)
    second = import_bundle(bob(), moved().prompts)
    assert (second.prompts, second.skipped) == ((), (THERE,))
    assert Prompt.objects.owned_by(bob()).count() == 1


def test_what_was_imported_is_counted_and_found() -> None:
    prompt_with_a_run(baseline=None)
    (kept,) = import_bundle(bob(), moved().prompts).prompts
    assert (kept.evidence_passed, kept.evidence_cases) == (1, 1)
    assert find("echo", author=bob().pk).prompts == [kept.pk]


def test_a_run_that_was_under_way_elsewhere_is_not_under_way_here() -> None:
    prompt = prompt_with_a_run()
    prompt.runs.update(state=Run.State.RUNNING)
    (kept,) = import_bundle(bob(), moved().prompts).prompts
    assert kept.runs.get().state == Run.State.STOPPED


def test_out_in_and_out_again_is_the_same_apart_from_what_the_rules_change() -> None:
    prompt = prompt_with_a_run(situation="Some shop.", limits="Few cases.", impact_kind="none")
    Prompt.objects.filter(pk=prompt.pk).update(baseline=prompt.versions.get())
    before = bundle_of(alice())
    import_bundle(bob(), moved().prompts)
    (first,), (second,) = before.prompts, bundle_of(bob()).prompts
    assert second.runs[0].results[0] == replace(first.runs[0].results[0], id=second.runs[0].results[0].id)
    assert (second.versions, second.cases, second.limits) == (first.versions, first.cases, first.limits)
    assert second.baseline == 1


def failing_prompt() -> Prompt:
    """Two versions; the first fails its case, which stands on the shelf as fixed in the second."""
    prompt = PromptFactory(owner=alice(), slug="echo", title="Echo")
    CaseFactory(prompt=prompt)
    runs = [run_of(VersionFactory(prompt=prompt, number=number)) for number in (1, 2)]
    Result.objects.filter(run=runs[0]).update(passed=False)
    for run in runs:
        count_run(run)
    shelve(runs[0], 0, "It **echoed** the question.", prompt.versions.get(number=2))
    return prompt


def test_known_failures_travel_with_their_runs() -> None:
    failing_prompt()
    assert [one.diagnosis for one in bundle_of(alice(), everything=False).prompts[0].known_failures]
    (kept,) = import_bundle(bob(), moved().prompts).prompts
    one = kept.known_failures.get()
    assert (one.diagnosis, one.case_index, one.run.prompt, one.run.version.number) == (
        "It **echoed** the question.", 0, kept, 1,
    )  # fmt: skip
    assert one.fixed_in == kept.versions.get(number=2)
    assert [item.fix and item.fix.state for item in shelf_of(Records(kept))] == ["passes"]


def test_a_failure_of_a_run_that_visitors_do_not_get_stays_at_home() -> None:
    failing_prompt()
    Run.objects.filter(version__number=1).update(source=Source.PRACTICE)
    assert bundle_of(alice(), everything=False).prompts[0].known_failures == ()


def test_the_markdown_file_tells_of_known_failures_and_reading_it_says_they_are_left_out() -> None:
    prompt = failing_prompt()
    text = as_markdown(prompt)
    assert "It **echoed** the question." in text
    assert "v2: passes this case, 1/1" in text
    parsed = parse_any("echo.md", text.encode())
    assert parsed.prompts[0].versions[0].prompt.messages == prompt.latest_version.as_engine().messages  # type: ignore[union-attr]
    assert ["a known failure" in problem.what for problem in parsed.unsupported] == [True]


def change(**fields: Any) -> Bundle:
    data = json.loads(emit(moved()))
    data["prompts"][0].update(fields)
    return parse(json.dumps(data))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"title": "x" * 121}, "title: "),
        ({"title": "a\u202eb"}, "invisible"),
        ({"task": "juggling"}, "task: "),
        ({"licence": "mine"}, "licence: "),
        ({"tags": ["Not A Tag"]}, "name: Small letters"),
        ({"limits": "x" * 8001}, "limits: "),
    ],
)
def test_what_a_column_cannot_hold_is_refused_and_nothing_is_kept(
    fields: dict[str, Any], sentence: str
) -> None:
    prompt_with_a_run()
    with pytest.raises(BundleRefused, match=sentence):
        import_bundle(bob(), change(**fields).prompts)
    assert not Prompt.objects.owned_by(bob()).exists()


def test_one_bad_prompt_keeps_the_good_ones_out_too() -> None:
    prompt_with_a_run()
    good, bad = moved(), change(title="x" * 121)
    with pytest.raises(BundleRefused):
        import_prompts(bob(), Parsed((), bundled=(*good.prompts, *bad.prompts)))
    assert not Prompt.objects.owned_by(bob()).exists()


def test_only_what_ships_with_the_software_keeps_its_level_and_says_where_it_is_from() -> None:
    prompt_with_a_run(visibility="public", published_at=MOMENT)
    bundle = moved()
    Prompt.objects.all().delete()
    kept = keep_prompt(bob(), bundle.prompts[0])
    run = kept.runs.get()
    assert (run.level, run.public_id) == (Level.RECORDED, bundle.prompts[0].runs[0].id)
    assert run.source_note == "Sample content, recorded by the Proofsheet maintainers on 22 November 2026"
    assert (kept.visibility, kept.published_at) == ("public", MOMENT)


# --- other formats ----------------------------------------------------------------------------------------


def test_markdown_and_messages_can_be_imported_again() -> None:
    prompt = prompt_with_a_run()
    for name, text in [("echo.md", as_markdown(prompt)), ("echo.json", as_messages(prompt))]:
        (again,) = parse_any(name, text.encode()).prompts
        assert again.title == "Echo"
        assert again.versions[0].prompt.messages == prompt.versions.get().as_engine().messages
        assert again.versions[0].prompt.parameters == {"temperature": 0}


def test_a_prompt_without_a_version_says_so() -> None:
    prompt = PromptFactory(owner=alice(), title="Empty")
    with pytest.raises(Refused, match="“Empty” has no version yet"):
        [list(text) for _, text in export(alice(), Prompt.objects.filter(pk=prompt.pk), "md")]


# --- into an account that has the prompt ------------------------------------------------------------------


def later(prompt: Prompt) -> Bundle:
    """A file of the prompt as it was when it had a second version, case and run, all gone since."""
    version = VersionFactory(prompt=prompt, number=2, messages=[{"role": "user", "content": "Say no."}])
    case = CaseFactory(prompt=prompt, name="Second")  # behind the other
    run = run_of(version)
    bundle = moved()
    run.delete()
    case.delete()
    version.delete()
    return bundle


def test_a_file_of_ones_own_prompt_makes_no_copy_and_says_that_nothing_is_new() -> None:
    prompt_with_a_run()
    kept = import_bundle(alice(), moved().prompts)
    assert (kept.prompts, kept.added_to, kept.skipped) == ((), (), (THERE,))
    assert (Prompt.objects.count(), Run.objects.count()) == (1, 1)


def test_what_is_missing_is_added_once() -> None:
    prompt = prompt_with_a_run()
    bundle = later(prompt)
    report = import_prompts(alice(), Parsed((), bundled=bundle.prompts))
    assert [(added.prompt, added.what) for added in report.added_to] == [
        (prompt, "1 version, 1 case and 1 run")
    ]
    counts = {"prompts": 0, "versions": 1, "cases": 1, "assertions": 1, "results": 1}
    assert {name: report.as_json()[name] for name in counts} == counts
    assert bundle_of(alice()).prompts[0].versions == bundle.prompts[0].versions
    assert bundle_of(alice()).prompts[0].cases == bundle.prompts[0].cases
    assert sorted(prompt.runs.values_list("source", flat=True)) == ["imported", "recorded"]
    again = import_prompts(alice(), Parsed((), bundled=bundle.prompts))
    assert (again.added_to, again.versions, again.skipped) == (
        (), 0, (Skip("Echo", "It is already there: your prompt “Echo”."),),
    )  # fmt: skip


def test_a_dry_run_says_the_same_and_adds_nothing() -> None:
    bundle = later(prompt_with_a_run())
    report = import_prompts(alice(), Parsed((), bundled=bundle.prompts), dry_run=True)
    assert [added.what for added in report.added_to] == ["1 version, 1 case and 1 run"]
    assert bundle_of(alice()).prompts[0].versions[-1].number == 1


def test_what_was_edited_since_is_not_overwritten() -> None:
    prompt = prompt_with_a_run(limits="Few cases.")
    bundle = later(prompt)
    case = prompt.cases.get()
    Prompt.objects.filter(pk=prompt.pk).update(title="Renamed", slug="renamed", limits="None.")
    case.name, case.variables = "Edited", {"word": "other"}
    case.save()
    VersionFactory(prompt=prompt, number=2, messages=[{"role": "user", "content": "Say maybe."}])
    (added,) = import_bundle(alice(), bundle.prompts).added_to
    assert added.cases == 1
    prompt.refresh_from_db()
    assert (prompt.title, prompt.slug, prompt.limits) == ("Renamed", "renamed", "None.")
    assert [one.name for one in prompt.cases.in_order()] == ["Edited", "Second"]
    texts = prompt.versions.order_by("number").values_list("number", "messages__0__content")
    assert list(texts)[1:] == [(2, "Say maybe."), (3, "Say no.")]
    assert prompt.runs.get(source="imported").version.number == 3


def test_a_copy_somebody_made_from_a_file_gets_what_a_later_file_has() -> None:
    prompt = prompt_with_a_run()
    earlier = moved()
    both = later(prompt)
    (copy,) = import_bundle(bob(), earlier.prompts).prompts
    kept = import_bundle(bob(), both.prompts)
    assert (kept.prompts, [added.prompt for added in kept.added_to]) == ((), [copy])
    assert (copy.versions.count(), copy.cases.count(), copy.runs.count()) == (2, 2, 2)
    assert import_bundle(bob(), both.prompts).skipped == (THERE,)


def test_somebody_elses_prompt_is_none_of_ones_own() -> None:
    prompt_with_a_run()
    assert len(import_bundle(bob(), moved().prompts).prompts) == 1


def test_another_prompt_made_at_the_same_moment_is_another() -> None:
    prompt_with_a_run()
    data = json.loads(emit(moved()))
    data["prompts"][0] |= {"runs": [], "suites": {}}
    data["prompts"][0]["versions"][0]["messages"][0]["content"] = "Something else."
    assert len(import_bundle(alice(), parse(json.dumps(data)).prompts).prompts) == 1


def test_to_a_prompt_that_others_see_nothing_is_added_that_looks_like_a_secret() -> None:
    prompt = prompt_with_a_run(visibility="public")
    version = VersionFactory(
        prompt=prompt,
        number=2,
        messages=[{"role": "user", "content": "Write to carol@smith-consulting.com."}],
    )
    bundle = moved()
    version.delete()
    report = import_prompts(alice(), Parsed((), bundled=bundle.prompts))
    assert (prompt.versions.count(), report.added_to, report.versions) == (1, (), 0)
    ((what, why),) = [(skip.what, skip.why) for skip in report.skipped]
    assert what == "Echo"
    assert why.startswith("Others can see this prompt, and the file would show: e-mail address")
    assert "carol" not in why
    Prompt.objects.filter(pk=prompt.pk).update(visibility="private")
    assert import_prompts(alice(), Parsed((), bundled=bundle.prompts)).versions == 1


def test_more_cases_than_fit_are_refused() -> None:
    prompt = prompt_with_a_run()
    bundle = later(prompt)
    Case.objects.bulk_create(Case(prompt=prompt, name="x", position=n) for n in range(1, 1000))
    with pytest.raises(BundleRefused, match="it has 1001 cases"):
        import_bundle(alice(), bundle.prompts)
    assert prompt.versions.count() == 1
