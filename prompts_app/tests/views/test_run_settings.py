"""Effort and verbosity: columns of their own beside the others, and still one model."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils.html import strip_tags

from prompts_app.actions.exporting.bundle import export_bundle
from prompts_app.actions.exporting.export import as_promptfoo
from prompts_app.actions.runs import lifecycle as runs
from prompts_app.actions.runs.batches import BatchPlan
from prompts_app.actions.runs.execute import execute_run
from prompts_app.actions.runs.seal import sealed_file, verify
from prompts_app.engine.errors import FormatError
from prompts_app.engine.formats import bundle
from prompts_app.engine.vendors import (
    count_models,
    models_in_words,
    shortened,
    with_settings,
    without_settings,
)
from prompts_app.evidence import listings
from prompts_app.forms.evidence import RunForm
from prompts_app.models import Listing, Prompt, Result, Run
from prompts_app.models.visibility import Visibility
from prompts_app.tests.actions.running import YES, a_version, at
from prompts_app.tests.engine.servers import answering, completion, http
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, client_of

HIGH, LOW = {"reasoning_effort": "high"}, {"reasoning_effort": "low", "verbosity": "low"}


class TestNames:
    @pytest.mark.parametrize(
        ("named", "settings", "told"),
        [
            ("gpt-5", {}, "gpt-5"),
            ("gpt-5", HIGH, "gpt-5, high effort"),
            ("tiny (own server)", LOW, "tiny, low effort, low verbosity (own server)"),
            ("a, high effort (b)", HIGH, "a, high effort (b), high effort"),
        ],
    )
    def test_settings_are_told_behind_the_model_and_taken_off_again(
        self, named: str, settings: dict[str, str], told: str
    ) -> None:
        assert with_settings(named, settings) == told
        assert without_settings(told) == named

    def test_the_longest_fits_its_column(self) -> None:
        told = with_settings(
            f"{'m' * 200} (unknown server)", {"reasoning_effort": "minimal", "verbosity": "medium"}
        )
        assert len(told) <= 240
        assert told.endswith(", minimal effort, medium verbosity (unknown server)")
        assert shortened(told, 10).endswith("(unknown server)")

    @pytest.mark.parametrize(
        ("names", "told"),
        [
            (["a"], "1 model"),
            (["a", "b", "c"], "3 models"),
            (["a, high effort", "a, low effort"], "2 settings of one model"),
            (["a, high effort", "a", "b"], "3 settings of 2 models"),
        ],
    )
    def test_several_settings_are_no_more_models(self, names: list[str], told: str) -> None:
        assert models_in_words(names) == told
        assert count_models(names) == len({name[0] for name in names})


@pytest.mark.django_db(transaction=True)
class TestRuns:
    def run_with(self, *settings: dict[str, str]) -> tuple[Prompt, list[Any]]:
        version = a_version()
        with answering(YES) as server:
            plan = BatchPlan([version], at(server), ["tiny-1"], settings=settings)
            batch = runs.start_batch(version.prompt, plan)
            for run in batch.runs.order_by("pk"):
                assert execute_run(run.pk)
            return Prompt.objects.get(), [one.json for one in server.asked]

    def test_are_asked_with_them_in_place_of_what_the_version_says(self) -> None:
        _, asked = self.run_with({}, HIGH, LOW)
        assert [(one.get("reasoning_effort"), one.get("verbosity")) for one in asked] == [
            *[(None, None)] * 3, *[("high", None)] * 3, *[("low", "low")] * 3,
        ]  # fmt: skip
        assert [run.named for run in Run.objects.order_by("pk")] == [
            "tiny-1 (own server)",
            "tiny-1, high effort (own server)",
            "tiny-1, low effort, low verbosity (own server)",
        ]
        assert all(run.sealed_at for run in Run.objects.all())

    def test_are_columns_of_one_model_on_the_page_and_in_lists(self) -> None:
        prompt, _ = self.run_with(HIGH, LOW)
        prompt.visibility = Visibility.PUBLIC
        prompt.save()
        page = read_page(Client().get(prompt.get_absolute_url()))
        said = " ".join(strip_tags(page).split())
        assert "tiny-1, high effort (own server)" in said
        assert "on 2 settings of one model" in said
        assert "2 models" not in said
        listings.refresh([prompt])
        (listing,) = Listing.objects.all()
        assert [term for term in listing.terms if term.startswith("model:")] == ["model:tiny-1 (own server)"]
        assert listing.model_count == 1
        links = set(re.findall(r"/prompts/\?model=[^\"]+", page))
        assert links == {"/prompts/?model=tiny-1%20%28own%20server%29"}

    def test_are_named_where_one_result_is_read(self) -> None:
        prompt, _ = self.run_with(HIGH)
        (result,) = Result.objects.all()[:1]
        page = read_page(client_of(alice()).get(f"{prompt.get_absolute_url()}results/{result.public_id}/"))
        assert "<bdi>tiny-1, high effort (own server)</bdi>" in page

    def test_are_kept_in_a_bundle(self) -> None:
        self.run_with(LOW)
        made = export_bundle(alice(), Prompt.objects.all(), everything=True)
        again = bundle.parse(bundle.emit(made))
        assert [dict(run.settings) for run in again.prompts[0].runs] == [LOW]

    def test_are_named_in_a_promptfoo_file_which_has_no_place_for_them(self) -> None:
        prompt, _ = self.run_with({}, HIGH, LOW)
        text = as_promptfoo(prompt)
        assert (
            "# Not carried, set them by hand: tiny-1, low effort, low verbosity; tiny-1, high effort." in text
        )
        assert text.count("openai:chat:tiny-1") == 1

    def test_a_setting_that_is_none_is_refused_in_a_file(self) -> None:
        self.run_with(HIGH)
        text = bundle.emit(export_bundle(alice(), Prompt.objects.all(), everything=True))
        assert '"settings": {"reasoning_effort": "high"}' in text
        with pytest.raises(FormatError, match="is not one of none, minimal, low"):
            bundle.parse(
                text.replace('"settings": {"reasoning_effort": "high"}', '"settings": {"verbosity": "x"}')
            )


@pytest.mark.django_db(transaction=True)
class TestWhatFollowsTheThinking:
    def a_run(self) -> Run:
        version = a_version()
        version.prompt.visibility = Visibility.PUBLIC
        version.prompt.save()
        thought = http(200, completion("<think>no?</think>yes"))
        with answering(thought) as server:
            plan = BatchPlan([version], at(server), ["tiny-1"], judges_after_thinking=True)
            batch = runs.start_batch(version.prompt, plan)
            assert execute_run(batch.runs.get().pk)
        return Run.objects.get()

    def test_is_said_on_each_page_beside_the_whole_output(self) -> None:
        run = self.a_run()
        assert (run.cases_passed, run.cases_failed) == (3, 0)
        result = run.results.get(case_index=0)
        page = read_page(Client().get(f"{run.prompt.get_absolute_url()}results/{result.public_id}/"))
        assert "what follows the thinking, after &lt;/think&gt;" in page
        assert "&lt;think&gt;no?&lt;/think&gt;yes" in page
        prompt = read_page(Client().get(run.prompt.get_absolute_url()))
        assert "what follows the thinking, after &lt;/think&gt;" in prompt

    def test_is_sealed_and_bundled_and_ticked_the_next_time(self) -> None:
        run = self.a_run()
        file = sealed_file(run)
        assert file is not None
        assert verify(file).holds
        assert file["record"]["run"]["judges_after_thinking"] is True
        made = export_bundle(alice(), Prompt.objects.all(), everything=True)
        assert bundle.parse(bundle.emit(made)).prompts[0].runs[0].judges_after_thinking
        assert RunForm(prompt=run.prompt)["judges_after_thinking"].value() is True


@pytest.mark.django_db
class TestForm:
    def test_each_setting_ticked_is_counted_before_anything_is_asked(self) -> None:
        prompt = a_version().prompt
        form = RunForm(prompt=prompt, initial={"efforts": ["low", "high"], "verbosities": ["low"]})
        assert form.settings == [
            {"reasoning_effort": "low", "verbosity": "low"},
            {"reasoning_effort": "high", "verbosity": "low"},
        ]
        assert form.estimate().calls == 2 * form.estimate().models * 3

    def test_nothing_ticked_sets_nothing(self) -> None:
        assert RunForm(prompt=a_version().prompt).settings == [{}]

    def test_as_the_prompt_says_may_stand_beside_others(self) -> None:
        form = RunForm(prompt=a_version().prompt, initial={"efforts": ["as-written", "high"]})
        assert form.settings == [{}, HIGH]

    def test_what_is_no_level_is_refused_and_what_was_typed_stays(self) -> None:
        prompt = a_version().prompt
        start = {
            "versions": [1],
            "endpoint": RunForm(prompt=prompt).endpoints[0].public_id,
            "models": ["practice-1"],
        }
        answer = client_of(alice()).post(
            f"/studio/prompts/{prompt.slug}/run/", {**start, "repeats": 2, "efforts": ["huge"]}
        )
        page = read_page(answer)
        assert "huge" in page
        assert 'value="2"' in page
        assert not Run.objects.exists()
