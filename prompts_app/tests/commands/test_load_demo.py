"""``load_demo``: a new installation has sample authors, and nobody's own work is ever touched."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from io import StringIO
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from portfolio.release import check_release
from prompts_app.actions.demo.load import BUNDLES, DEMO_HANDLE, DEMO_PASSWORD, load_demo
from prompts_app.actions.demo.sources import read_author, read_failures, sample_authors
from prompts_app.actions.runs.batches import BatchPlan
from prompts_app.actions.runs.execute import execute_run
from prompts_app.actions.runs.lifecycle import practice_endpoint, start_batch
from prompts_app.engine.checking import judge
from prompts_app.engine.digests import suite_digest
from prompts_app.engine.formats.bundle import emit, parse
from prompts_app.engine.formats.bundle_types import Bundle, BundledPrompt, BundledResult, BundledRun
from prompts_app.engine.prices import OWN
from prompts_app.engine.render import values_for
from prompts_app.engine.response_format import schema_asked_for
from prompts_app.engine.types import Price, PromptContent, Reply
from prompts_app.models import Prompt, Result, Run, Source, User
from prompts_app.search import find
from prompts_app.tests.factories import PersonFactory, PromptFactory, VersionFactory

HANDLES = ["ada-example", "bo-sample", "cleo-specimen"]
MODELS = {"SmolLM2-135M-Instruct", "gemma-3-270m"}


def run_command(*options: str) -> str:
    out = StringIO()
    call_command("load_demo", *options, stdout=out)
    return out.getvalue()


@cache
def shipped() -> list[Bundle]:
    return [parse((BUNDLES / f"{handle}.json").read_text()) for handle in HANDLES]


def all_shipped() -> list[BundledPrompt]:
    return [prompt for bundle in shipped() for prompt in bundle.prompts]


def newest_run(prompt: BundledPrompt) -> BundledRun:
    """Of the newest version, on the model it is written for."""
    (run,) = (r for r in prompt.runs if (r.version, r.model) == (len(prompt.versions), prompt.target_model))
    return run


def sample_prompts() -> list[Prompt]:
    return list(Prompt.objects.filter(owner__profile__is_sample=True).order_by("pk"))


# --- what ships -------------------------------------------------------------------------------------------


def test_what_ships_is_what_the_sources_say() -> None:
    """Recordings belong to these very prompts and cases: change a source and you record again."""
    for folder, bundle in zip(sample_authors(), shipped(), strict=True):
        source = read_author(folder)
        assert bundle.author == source.author
        for written, recorded in zip(source.prompts, bundle.prompts, strict=True):
            assert [v.prompt for v in recorded.versions] == [v.prompt for v in written.versions]
            assert [v.note for v in recorded.versions] == [v.note for v in written.versions]
            assert [c.case for c in recorded.cases] == [c.case for c in written.cases]
            assert (recorded.limits, recorded.tags) == (written.limits, tuple(sorted(written.tags)))


def test_the_failure_shelves_are_the_sources_and_each_is_of_a_recorded_failure() -> None:
    for folder, bundle in zip(sample_authors(), shipped(), strict=True):
        for recorded in bundle.prompts:
            runs = {run.id: run for run in recorded.runs}
            shelf = [
                (runs[one.run].version, runs[one.run].suite[one.case_index].name, one.diagnosis, one.fixed_in)
                for one in recorded.known_failures
            ]
            written = read_failures(folder / f"{recorded.slug}.yaml")
            assert shelf == [(one.version, one.case, one.diagnosis, one.fixed_in) for one in written]
            for one in recorded.known_failures:
                (result,) = (r for r in runs[one.run].results if r.case_index == one.case_index)
                assert result.passed is False
    assert sum(len(prompt.known_failures) for bundle in shipped() for prompt in bundle.prompts) >= 5


def test_every_version_was_put_to_all_cases_and_every_case_was_answered() -> None:
    """By the model it is written for, named before; by the other one the first version and the newest."""
    for prompt in all_shipped():
        numbers = [version.number for version in prompt.versions]
        (other,) = MODELS - {prompt.target_model}
        assert [run.version for run in prompt.runs if run.model == prompt.target_model] == numbers
        assert [run.version for run in prompt.runs if run.model == other] == [numbers[0], numbers[-1]]
        assert len(prompt.runs) == len(numbers) + 2
        assert prompt.target_declared_at is not None
        assert prompt.target_declared_at <= min(run.created_at for run in prompt.runs)
        for run in prompt.runs:
            assert (run.source, run.state) == ("recorded", "finished")
            assert suite_digest(run.suite) == suite_digest([case.case for case in prompt.cases])
            asked = [(result.repeat, result.case_index) for result in run.results]
            assert sorted(asked) == list(product(range(run.repeats), range(len(prompt.cases))))
            assert all(result.output or result.finish_reason for result in run.results)


def test_every_recorded_output_is_judged_now_as_it_was_then() -> None:
    """An edited output, verdict or case does not survive this."""
    for prompt in all_shipped():
        versions = {version.number: version.prompt for version in prompt.versions}
        for run in prompt.runs:
            for result in run.results:
                assert judged(versions[run.version], run, result) == (
                    [(check["type"], check["value"], check["passed"]) for check in result.checks],
                    result.passed,
                )


def judged(version: PromptContent, run: BundledRun, result: BundledResult) -> tuple[list[Any], bool | None]:
    case = run.suite[result.case_index]
    reply = Reply(
        result.output,
        result.finish_reason,
        result.model,
        result.response_id,
        None,
        result.tokens_in,
        result.tokens_out,
        result.latency_ms or 0,
    )
    price, values = Price(result.cost, result.cost_source), values_for(version, case)
    checks, passed = judge(case, reply, price, values, version.parameters)
    return [(check.type, check.value, check.passed) for check in checks], passed


def test_the_samples_are_the_kinds_a_newcomer_should_see() -> None:
    prompts = all_shipped()
    tasks = {"extraction", "classification", "dialogue", "summarising", "code", "rewriting", "planning"}
    assert tasks <= {prompt.task for prompt in prompts}
    assert all(6 <= len(prompt.cases) <= 30 and len(prompt.versions) >= 2 for prompt in prompts)
    assert all(2 <= len(case.case.assertions) <= 8 for prompt in prompts for case in prompt.cases)


def test_the_first_profile_shows_what_an_engineered_prompt_can_do() -> None:
    """Its first three works: hardly a case passed at first, nearly all of at least twenty do now."""
    for place, prompt in enumerate(shipped()[0].prompts[:3], 1):
        first, newest = prompt.runs[0], newest_run(prompt)
        assert prompt.pin_position == place
        assert len(newest.results) >= 20
        assert passed(newest) >= 0.85 * len(newest.results)
        assert passed(first) <= 0.25 * len(first.results)
        assert len(prompt.versions) >= 3


def booking() -> BundledPrompt:
    (prompt,) = (prompt for prompt in all_shipped() if prompt.slug == "table-booking-to-json")
    return prompt


def test_one_of_them_is_held_to_a_schema_which_every_answer_then_fits_right_or_wrong() -> None:
    prompt = booking()
    held = {v.number for v in prompt.versions if schema_asked_for(v.prompt.parameters)}
    assert held == {3, 4, 5, 6}
    for version in prompt.versions[2:]:
        asked = schema_asked_for(version.prompt.parameters)
        assert asked is not None
        assert list(asked.schema["properties"]) == asked.schema["required"]  # sent in this order
    for run in prompt.runs:
        fits = [result.checks[0]["passed"] for result in run.results]
        assert all(fits) if run.version in held else not any(fits)


def test_it_was_asked_at_another_temperature_too_with_each_case_repeated() -> None:
    """The same words beside temperature 0: what sampling costs is seen in two columns."""
    prompt = booking()
    sampled, steady = prompt.versions[4:]
    assert sampled.prompt.messages == steady.prompt.messages
    assert (sampled.prompt.parameters["temperature"], steady.prompt.parameters["temperature"]) == (0.7, 0)
    assert [run.repeats for run in prompt.runs if run.version == sampled.number] == [3]
    assert {run.repeats for run in prompt.runs if run.version != sampled.number} == {1}


def passed(run: BundledRun) -> int:
    return sum(result.passed is True for result in run.results)


def test_no_example_is_a_case() -> None:
    """What the prompt shows solved is not what it is tested with."""
    for prompt in all_shipped():
        shown = {m.content for version in prompt.versions for m in version.prompt.messages[:-1]}
        for case in prompt.cases:
            asked = max(case.case.variables.values(), key=len)  # others are a date, a name
            assert not any(asked in text for text in shown), asked


def test_every_call_has_its_price_which_is_nothing_on_a_server_of_ones_own() -> None:
    for run in (run for prompt in all_shipped() for run in prompt.runs):
        assert {result.cost for result in run.results} == {0}
        assert all(result.cost_source.startswith(OWN) for result in run.results)


def test_the_bundles_are_as_the_recorder_wrote_them_and_small() -> None:
    paths = sorted(BUNDLES.glob("*.json"))
    assert [path.stem for path in paths] == HANDLES
    assert all(emit(parse(path.read_text())) == path.read_text() for path in paths)
    assert sum(path.stat().st_size for path in paths) < 4_000_000


# --- loading ----------------------------------------------------------------------------------------------


def _small(bundle: Bundle) -> Bundle:
    """The author's first prompt with its first two versions: loads in a moment."""
    prompt = replace(bundle.prompts[0], known_failures=())
    return replace(bundle, prompts=(replace(prompt, versions=prompt.versions[:2], runs=prompt.runs[:2]),))


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, db: None) -> list[Bundle]:
    """``load_demo`` finds one prompt of each author; these."""
    bundles = [_small(bundle) for bundle in shipped()]
    for bundle in bundles:
        (tmp_path / f"{bundle.author.handle}.json").write_text(emit(bundle))
    command = "prompts_app.management.commands.load_demo.load_demo"
    monkeypatch.setattr(command, partial(load_demo, folder=tmp_path))
    return bundles


@pytest.fixture
def loaded(small: list[Bundle]) -> str:
    return run_command()


@pytest.fixture
def all_loaded(db: None) -> str:
    return run_command()


def test_a_new_installation_has_three_sample_authors_with_public_evidence(all_loaded: str) -> None:
    authors = User.objects.filter(profile__is_sample=True).order_by("username")
    assert [author.handle for author in authors] == HANDLES
    assert "Loaded 13 sample prompts." in all_loaded
    for prompt in sample_prompts():
        assert prompt.is_public
        assert prompt.published_at is not None
        assert prompt.evidence["main_model"] == f"{prompt.target_model} (own server)"
        assert len(prompt.evidence["models"]) == len(MODELS)
        assert prompt.evidence["level"] == 2
        assert prompt.baseline == prompt.versions.get(number=1)


def test_the_evidence_is_what_the_file_says(all_loaded: str) -> None:
    for bundle in shipped():
        for prompt in bundle.prompts:
            last = newest_run(prompt)
            row = Prompt.objects.get(owner__username=bundle.author.handle, slug=prompt.slug)
            assert row.evidence_passed == sum(result.passed is True for result in last.results)
            assert row.evidence_cases == len(last.results)


def test_runs_keep_their_level_ids_and_times_and_say_where_they_are_from(loaded: str) -> None:
    (first, *_) = shipped()[0].prompts[0].runs
    run = Run.objects.get(public_id=first.id)
    assert (run.source, run.finished_at) == (Source.RECORDED, first.finished_at)
    assert run.source_note.startswith("Sample content, recorded by the Proofsheet maintainers on ")
    assert run.sealed_at is None
    assert run.version.created_at < first.created_at
    assert Result.objects.get(public_id=first.results[0].id).output == first.results[0].output


def test_sample_authors_cannot_sign_in(loaded: str) -> None:
    assert not any(user.has_usable_password() for user in User.objects.filter(profile__is_sample=True))


def test_samples_are_found_by_search(loaded: str) -> None:
    assert [Prompt.objects.get(pk=key).slug for key in find("pharmacy desk").prompts] == ["pharmacy-desk"]


def test_a_second_time_nothing_changes_and_almost_nothing_is_asked(
    loaded: str, count_queries: Callable[[Callable[[], Any]], int]
) -> None:
    before = list(Prompt.objects.values_list("pk", "updated_at"))
    of_its_release = count_queries(check_release)  # as every command does
    assert count_queries(run_command) - of_its_release <= 2
    assert list(Prompt.objects.values_list("pk", "updated_at")) == before


def test_what_the_operator_deleted_stays_deleted_unless_asked_for_again(loaded: str) -> None:
    Prompt.objects.filter(slug="pharmacy-desk").delete()
    User.objects.get(username="bo-sample").delete()
    run_command()
    assert [prompt.owner.handle for prompt in sample_prompts()] == ["ada-example"]
    assert "Loaded 2 sample prompts." in run_command("--again")
    assert len(sample_prompts()) == 3


def test_again_does_not_double_a_prompt_that_was_renamed(loaded: str) -> None:
    Prompt.objects.filter(slug="pharmacy-desk").update(slug="desk", title="Desk")
    run_command("--again")
    assert len(sample_prompts()) == 3


def test_somebody_elses_handle_and_rows_are_left_alone(small: list[Bundle]) -> None:
    owner = PersonFactory(username="ada-example")
    PromptFactory(owner=owner, slug="order-email-to-json", title="My own")
    said = run_command()
    assert "@ada-example is somebody's own handle here" in said
    assert Prompt.objects.get(owner=owner).title == "My own"
    assert not User.objects.get(username="ada-example").profile.is_sample


# --- a later release brings a newer recording ------------------------------------------------------------


@pytest.fixture
def release(tmp_path: Path, db: None) -> Callable[[str], Any]:
    """``release("title")`` loads a bundle in which Ada's first prompt has that title."""

    def load(title: str) -> Any:
        bundle = _small(shipped()[0])
        changed = replace(bundle, prompts=(replace(bundle.prompts[0], title=title),))
        (tmp_path / "ada-example.json").write_text(emit(changed))
        return load_demo(folder=tmp_path)

    return load


def test_a_newer_recording_takes_the_place_of_the_old(release: Callable[[str], Any]) -> None:
    release("Old")
    assert release("New").added == ("ada-example/praise-or-complaint",)
    assert [prompt.title for prompt in sample_prompts()] == ["New"]


def test_but_not_of_what_was_deleted(release: Callable[[str], Any]) -> None:
    release("Old")
    Prompt.objects.all().delete()
    assert release("New").added == ()
    assert not Prompt.objects.exists()


def _edit(prompt: Prompt) -> None:
    Prompt.objects.filter(pk=prompt.pk).update(revision=2)


def _unpublish(prompt: Prompt) -> None:
    Prompt.objects.filter(pk=prompt.pk).update(visibility="private")


def _add_version(prompt: Prompt) -> None:
    VersionFactory(prompt=prompt, number=99)


def _fork(prompt: Prompt) -> None:
    PromptFactory(forked_from=prompt.versions.latest("number"))


@pytest.mark.parametrize("change", [_edit, _unpublish, _add_version, _fork])
def test_nor_of_what_was_changed_here(
    release: Callable[[str], Any], change: Callable[[Prompt], None]
) -> None:
    release("Old")
    change(sample_prompts()[0])
    assert "was changed here" in release("New").left[0]
    assert [prompt.title for prompt in sample_prompts()] == ["Old"]


def test_a_damaged_file_says_so_and_loads_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    text = (BUNDLES / "ada-example.json").read_text()
    (tmp_path / "ada-example.json").write_text(text[: len(text) // 2])
    command = "prompts_app.management.commands.load_demo.load_demo"
    monkeypatch.setattr(command, partial(load_demo, folder=tmp_path))
    with pytest.raises(CommandError, match="The sample content is damaged: This is not valid JSON: line"):
        run_command()
    assert not User.objects.exists()


# --- the demo account -------------------------------------------------------------------------------------


def practised(prompt: Prompt) -> list[Run]:
    """Its versions put to the practice endpoint: their runs."""
    endpoint = practice_endpoint(prompt.owner)
    batch = start_batch(prompt, BatchPlan(list(prompt.versions.all()), endpoint, ["practice-1"]))
    for run in batch.runs.all():
        execute_run(run.pk)
    return list(batch.runs.order_by("version__number"))


@pytest.mark.usefixtures("small")
class TestTheDemoAccount:
    def test_is_made_on_a_local_site_with_private_prompts(self, client: Any) -> None:
        said = run_command()
        assert f"Demo sign-in: {DEMO_HANDLE}, password {DEMO_PASSWORD}." in said
        assert client.login(username=DEMO_HANDLE, password=DEMO_PASSWORD)
        prompts = Prompt.objects.filter(owner__username=DEMO_HANDLE).order_by("slug")
        assert [(prompt.slug, prompt.cases.count()) for prompt in prompts] == [
            ("contact-card", 6),
            ("order-desk", 4),
            ("photo-desk", 4),
        ]
        assert all(prompt.is_private and prompt.evidence == {} for prompt in prompts)
        assert all(prompt.tags.filter(name="practice").exists() for prompt in prompts)

    def test_can_press_run_with_the_practice_endpoint_at_once(self) -> None:
        run_command()
        user = User.objects.get(username=DEMO_HANDLE)
        prompt = Prompt.objects.get(owner=user, slug="contact-card")
        naive, engineered = practised(prompt)
        assert naive.cases_passed == 0
        assert 0 < engineered.cases_passed < 6
        prompt.refresh_from_db()
        assert prompt.evidence == {}

    def test_can_watch_calls_of_a_tool_answered_from_canned_results(self) -> None:
        run_command()
        prompt = Prompt.objects.get(owner__username=DEMO_HANDLE, slug="order-desk")
        _, engineered = practised(prompt)
        assert engineered.cases_passed == 3
        found = engineered.results.get(case_index=0)
        roles = [message["role"] for message in found.request["messages"]]
        assert roles == ["system", "user", "assistant", "tool"]
        assert found.output == "Order 4117 left Ghent this morning."
        prompt.refresh_from_db()
        assert prompt.evidence == {}

    def test_can_watch_pictures_being_sent_of_which_practice_knows_the_size_alone(self) -> None:
        run_command()
        prompt = Prompt.objects.get(owner__username=DEMO_HANDLE, slug="photo-desk")
        naive, engineered = practised(prompt)
        assert (naive.cases_passed, engineered.cases_passed, engineered.cases_counted) == (0, 3, 4)
        wide = engineered.results.get(case_index=0)
        (sent,) = wide.request["messages"][-1]["content"]
        assert (
            sent["image_url"]["url"]
            == f"sha256:{prompt.cases.get(name='a wide picture').pictures[0]['sha256']}"
        )
        assert wide.output == '{"picture": "480 × 300 pixels"}'
        assert engineered.results.get(case_index=3).passed is False
        prompt.refresh_from_db()
        assert prompt.evidence == {}

    def test_is_not_made_elsewhere(self, settings: Any) -> None:
        settings.LOCAL = False
        assert "Demo sign-in" not in run_command()
        assert not User.objects.filter(username=DEMO_HANDLE).exists()

    def test_loses_its_public_password_when_the_site_moves_to_the_network(
        self, settings: Any, client: Any
    ) -> None:
        run_command()
        settings.LOCAL = False
        run_command()
        assert not client.login(username=DEMO_HANDLE, password=DEMO_PASSWORD)

    def test_a_demo_that_somebody_made_themselves_is_left_alone(self, settings: Any) -> None:
        user = PersonFactory(username=DEMO_HANDLE)
        user.set_password(DEMO_PASSWORD)
        user.save()
        assert "Demo sign-in" not in run_command()
        settings.LOCAL = False
        run_command()
        user.refresh_from_db()
        assert user.check_password(DEMO_PASSWORD)
        assert not Prompt.objects.filter(owner=user).exists()

    def test_is_not_made_again_after_it_was_deleted(self) -> None:
        run_command()
        User.objects.get(username=DEMO_HANDLE).delete()
        assert "Demo sign-in" not in run_command()
        assert not User.objects.filter(username=DEMO_HANDLE).exists()
        assert "Demo sign-in" in run_command("--again")


# --- export_prompts ---------------------------------------------------------------------------------------


def export(*arguments: str) -> str:
    out = StringIO()
    call_command("export_prompts", *arguments, stdout=out)
    return out.getvalue()


def test_an_authors_work_comes_out_as_the_same_bundle_it_came_in(loaded: str, small: list[Bundle]) -> None:
    out, (bundle, *_) = parse(export("ada-example")), small
    assert out.author == bundle.author
    for now, then in zip(out.prompts, sorted(bundle.prompts, key=lambda p: p.slug), strict=True):
        assert (now.versions, now.cases, now.limits) == (then.versions, then.cases, then.limits)
        assert [run.results for run in now.runs] == [run.results for run in then.runs]


def test_one_prompt_as_markdown(loaded: str) -> None:
    assert "# Pharmacy desk that knows" in export("@cleo-specimen/pharmacy-desk", "--format", "md")


def test_several_files_need_a_folder(loaded: str, tmp_path: Path) -> None:
    PromptFactory(owner=User.objects.get(username="ada-example"), slug="second")
    VersionFactory(prompt=Prompt.objects.get(slug="second"))
    with pytest.raises(CommandError, match="That is 2 files"):
        export("ada-example", "--format", "messages")
    to = tmp_path / "out"
    assert f"Wrote 2 files to {to}." in export("ada-example", "--format", "messages", "--to", str(to))
    assert len(list(to.glob("*.json"))) == 2


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("nobody", "nobody with the handle “nobody”"),
        ("ada-example/none", "no prompt with the address “none”"),
    ],
)
def test_what_is_not_there_is_said(loaded: str, what: str, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        export(what)
