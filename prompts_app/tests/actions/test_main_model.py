"""Which model the figures are of: the one declared before the run, else by a rule blind to what passed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags

from prompts_app.actions.exporting.bundle import export_bundle
from prompts_app.evidence.wording import as_text, why_main
from prompts_app.models import Prompt, Run, Source, Version
from prompts_app.tests.actions.bundles import import_bundle
from prompts_app.tests.actions.test_evidence import a_run, another, evidence_of
from prompts_app.tests.evidence.summaries import summarised
from prompts_app.tests.factories import PromptFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of, dana

pytestmark = pytest.mark.django_db


def declare(version: Version, model: str, days_ago: float) -> None:
    at = timezone.now() - timedelta(days=days_ago)
    Prompt.objects.filter(pk=version.prompt_id).update(target_model=model, target_declared_at=at)
    version.prompt.refresh_from_db()


def main_of(version: Version) -> tuple[str, str]:
    evidence = evidence_of(version)
    return evidence["main_model"], evidence["main_by"]


def said(version: Version) -> str:
    evidence_of(version)
    version.prompt.refresh_from_db()
    return as_text(why_main(summarised(version.prompt), version.prompt.target_model))


def run_days_ago(version: Version, cases: str, model: str, days: float, **facts: Any) -> Run:
    run = a_run(version, cases, model=model, **facts)
    Run.objects.filter(pk=run.pk).update(created_at=timezone.now() - timedelta(days=days))
    return run


class TestDeclared:
    def test_before_the_run_it_is_the_main_one_however_it_did(self) -> None:
        version: Version = VersionFactory()
        declare(version, "b", 3)
        run_days_ago(version, "p p p", "a", 2)
        run_days_ago(version, "f f f", "b", 1)
        assert main_of(version) == ("b", "declared")
        assert said(version).startswith("The figures are those on b, the model it was written for, as its")

    def test_after_the_runs_it_picks_nothing(self) -> None:
        version: Version = VersionFactory()
        run_days_ago(version, "f f f", "a", 3)
        run_days_ago(version, "p p p", "b", 2)
        declare(version, "b", 1)
        assert main_of(version) == ("a", "first")
        assert said(version).endswith("b was named as the one it is written for only after its run.")

    def test_it_holds_for_the_runs_that_come_after(self) -> None:
        version: Version = VersionFactory()
        run_days_ago(version, "p p p", "a", 5)
        run_days_ago(version, "p p p", "b", 4)
        declare(version, "b", 3)
        run_days_ago(version, "f p p", "b", 2)
        assert main_of(version) == ("b", "declared")

    def test_where_it_was_not_run_the_page_says_so(self) -> None:
        version: Version = VersionFactory()
        declare(version, "z", 3)
        run_days_ago(version, "p", "a", 1)
        assert main_of(version) == ("a", "only")
        assert said(version).endswith("z is the one it is written for, and has no output of v1.")

    def test_pasted_outputs_of_it_do_not_stand_before_recorded_ones(self) -> None:
        version: Version = VersionFactory()
        declare(version, "b", 3)
        run_days_ago(version, "f", "a", 2)
        run_days_ago(version, "p", "b", 1, source=Source.PASTED)
        assert main_of(version) == ("a", "kind")
        assert said(version).endswith("b is the one it is written for, but its evidence is of a lesser kind.")


class TestNotDeclared:
    def test_the_model_most_versions_were_put_to(self) -> None:
        first: Version = VersionFactory()
        second = another(first, 2)
        a_run(second, "p p", model="a")
        a_run(first, "f f", model="z")
        a_run(second, "f f", model="z")
        assert main_of(first) == ("z", "versions")
        assert "the model most versions were put to" in said(first)

    @pytest.mark.parametrize(("early", "late"), [("a", "z"), ("z", "a")])
    @pytest.mark.parametrize("cases", [("p p", "f f"), ("f f", "p p")])
    def test_then_the_one_tested_first_not_the_best_nor_the_first_by_name(
        self, early: str, late: str, cases: tuple[str, str]
    ) -> None:
        version: Version = VersionFactory()
        run_days_ago(version, cases[0], early, 2)
        run_days_ago(version, cases[1], late, 1)
        assert main_of(version) == (early, "first")
        for _ in range(3):  # running one again and again makes it no other
            run_days_ago(version, cases[1], late, 0)
        assert main_of(version) == (early, "first")

    def test_all_figures_at_the_top_are_of_that_model(self) -> None:
        version: Version = VersionFactory()
        for model, cases in (("dear", "p f"), ("cheap", "p p p")):
            run = a_run(version, cases, model=model)
            run.results.update(cost="0.5" if model == "dear" else "0.1", latency_ms=900, tokens_in=7)
        evidence = evidence_of(version)
        main = evidence["models"][0]
        assert evidence["main_model"] == main["model"] == "dear"
        for top, of_model in (("cost_call", "cost_median"), ("passed", "passed"), ("cases", "cases")):
            assert evidence[top] == main[of_model]
        for name in ("latency_ms", "tokens_in", "tested", "level", "frames", "outputs"):
            assert evidence[name] == main[name]

    def test_models_after_it_stand_by_the_low_end_and_those_not_judged_last(self) -> None:
        version: Version = VersionFactory()
        for model, cases in (("main", "p f"), ("open", "u u"), ("low", "f f"), ("high", "p p")):
            a_run(version, cases, model=model)
        assert [one["model"] for one in evidence_of(version)["models"]] == ["main", "high", "low", "open"]


class TestDeclaring:
    def posted(self, prompt: Prompt, **more: Any) -> dict[str, Any]:
        fields = {"title": prompt.title, "slug": prompt.slug, "task": "other", "licence": prompt.licence,
                  "impact_kind": "none", "revision": prompt.revision, "do": "save"}  # fmt: skip
        return fields | more

    def save(self, prompt: Prompt, **more: Any) -> Prompt:
        prompt.refresh_from_db()
        address = f"/studio/prompts/{prompt.slug}/details/"
        assert client_of(alice()).post(address, self.posted(prompt, **more)).status_code == 302
        prompt.refresh_from_db()
        return prompt

    def test_in_the_details_with_its_moment_which_another_save_keeps(self) -> None:
        prompt = PromptFactory(owner=alice(), slug="p")
        version = VersionFactory(prompt=prompt)
        run_days_ago(version, "f f", "a", 2)
        run_days_ago(version, "p p", "b", 1)
        before = timezone.now()
        declared = self.save(prompt, target_model="b").target_declared_at
        assert declared is not None
        assert before <= declared <= timezone.now()
        assert prompt.evidence["main_model"] == "a"
        assert self.save(prompt, target_model="b", summary="New.").target_declared_at == declared
        a_run(version, "f p", model="b", created_at=timezone.now())
        assert main_of(version) == ("b", "declared")
        assert self.save(prompt, target_model="c").target_declared_at != declared
        assert self.save(prompt, target_model="").target_declared_at is None

    def test_the_page_says_which_and_why(self) -> None:
        prompt = PromptFactory(owner=alice(), slug="p", visibility="public")
        version = VersionFactory(prompt=prompt)
        declare(version, "b", 1)
        a_run(version, "p p", model="a")
        a_run(version, "f p", model="b")
        evidence_of(version)
        html = strip_tags(read_page(Client().get(prompt.get_absolute_url())))
        assert "The figures are those on b, the model it was written for, as its author said before" in html
        assert "1 of 2 cases pass on b" in html

    def test_a_file_takes_it_along_but_never_from_tomorrow(self) -> None:
        prompt = PromptFactory(owner=alice(), slug="p")
        version = VersionFactory(prompt=prompt)
        declare(version, "b", 3)
        run_days_ago(version, "p", "b", 2)
        bundled = export_bundle(alice(), Prompt.objects.all(), everything=True).prompts[0]
        there = import_bundle(bob(), [bundled]).prompts[0]
        assert (there.target_model, there.evidence["main_by"]) == ("b", "declared")
        later = timezone.now() + timedelta(days=9)
        there = import_bundle(dana(), [replace(bundled, target_declared_at=later)]).prompts[0]
        assert there.target_declared_at is not None
        assert there.target_declared_at <= timezone.now()
