"""Where an answer is from stands beside it for every reader, and no vendor's name over what is not theirs."""

import json
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client

from prompts_app.actions.runs.counting import count_run, rebuild_evidence
from prompts_app.actions.runs.seal import seal_run
from prompts_app.models import Prompt, Result, Run, Source, Version
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice
from prompts_app.tests.views.recorded import public_prompt, recorded_prompt, recorded_run

pytestmark = pytest.mark.django_db

OPENAI, OWN, STRANGE = "https://api.openai.com", "http://127.0.0.1:8111", "https://llm.example.com"
MODEL = "gpt-4.1-mini"


def asked(origin: str, model: str = MODEL, **fields: Any) -> Prompt:
    prompt = public_prompt(owner=alice())
    recorded_run(VersionFactory(prompt=prompt), model, 10, [3], asked_at=origin, **fields)
    prompt.refresh_from_db()
    return prompt


def get(address: str) -> str:
    html = read_page(Client().get(address))
    return " ".join(html.replace("<bdi>", "").replace("</bdi>", "").split())


def result_page(prompt: Prompt) -> str:
    return get(Result.objects.filter(run__prompt=prompt).first().get_absolute_url())  # type: ignore[union-attr]


class TestAtItsMakers:
    def test_the_place_stands_on_the_result_in_the_table_and_in_the_evidence(self) -> None:
        prompt = asked(OPENAI)
        assert "asked at api.openai.com" in result_page(prompt)
        html = get(prompt.get_absolute_url())
        for name in ("models", "evidence"):
            assert "asked at api.openai.com" in html.partition(f'id="{name}"')[2].partition("</section>")[0]
        assert "own server" not in html

    def test_the_vendor_is_counted_and_named(self) -> None:
        asked(OPENAI)
        html = get("/@alice/")
        assert ">1 model</a></dd><dd>of 1 vendor" in html
        assert '<span class="quiet">OpenAI</span>' in html

    def test_a_port_that_is_not_the_usual_and_http_are_said(self) -> None:
        assert "asked at api.openai.com:8443" in result_page(asked("https://api.openai.com:8443"))
        assert "asked at http://127.0.0.1:8111" in result_page(asked(OWN))


class TestOneNameAtTwoPlaces:
    """The author gave both the name: what rose between them is no version's merit alone."""

    def two(self, first: str, second: str) -> Prompt:
        prompt = public_prompt(owner=alice())
        recorded_run(VersionFactory(prompt=prompt), "tiny", 10, range(10), asked_at=first)
        recorded_run(VersionFactory(prompt=prompt, number=2), "tiny", 10, [], asked_at=second)
        prompt.refresh_from_db()
        return prompt

    def test_it_is_said_wherever_two_versions_stand_side_by_side(self) -> None:
        at = self.two(OWN, "http://127.0.0.1:8222").get_absolute_url()
        page = get(at)
        told = "v1 was asked at http://127.0.0.1:8111, v2 at http://127.0.0.1:8222."
        assert "for v1 (asked at another address)" in page
        assert told in page.partition('id="before"')[2].partition("</section>")[0]
        assert "asked at another address" in page.partition('id="versions"')[2].partition("</section>")[0]
        assert told in get(f"{at}compare/v1...v2/")

    def test_and_no_figure_is_made_of_it(self) -> None:
        self.two(STRANGE, "https://other.example.com")
        assert "Gained on the way" not in get("/@alice/")

    def test_at_one_place_nothing_is_said(self) -> None:
        at = self.two(OWN, OWN).get_absolute_url()
        for address in (at, f"{at}compare/v1...v2/"):
            assert "another address" not in get(address)
            assert "was asked at" not in get(address)
        assert "Gained on the way" in get("/@alice/")


@pytest.mark.parametrize(("origin", "what"), [(OWN, "own server"), (STRANGE, "unknown server")])
class TestElsewhere:
    def test_it_is_labelled_wherever_the_model_is_named(self, origin: str, what: str) -> None:
        prompt = asked(origin)
        at = prompt.get_absolute_url()
        assert f"{what}, named {MODEL} by its author" in result_page(prompt)
        assert f"{what}, named {MODEL} by its author" in get(at)
        addresses = [
            at, f"{at}v1/", f"{at}results/", f"{at}interview/", "/@alice/", "/prompts/", "/",
            f"{at}badge.svg", "/@alice/feed.atom",
        ]  # fmt: skip
        for address in addresses:
            html = get(address)
            shown = unquote(html).replace(f"{MODEL} ({what})", "").replace(f"named {MODEL} by its author", "")
            shown = shown.replace(f"<dd>{MODEL}, asked at", "").replace(f"<dd>{MODEL}-2026</dd>", "")
            assert MODEL not in shown, (address, shown[max(0, shown.find(MODEL) - 80) :][:160])

    def test_it_counts_for_no_vendor_and_is_under_no_vendors_name(self, origin: str, what: str) -> None:
        prompt = asked(origin)
        for address in ("/@alice/", prompt.get_absolute_url(), "/prompts/"):
            assert "OpenAI" not in get(address).replace("OpenAI-compatible", "").replace("ChatGPT", "")
        assert "vendor" not in get("/@alice/").partition('class="figures"')[2].partition("</dl>")[0].replace(
            "vendor unknown", ""
        )

    def test_the_filter_tells_it_from_the_vendors(self, origin: str, what: str) -> None:
        here, there = asked(origin), asked(OPENAI)
        found = get(f"/prompts/?model={MODEL}")
        assert there.get_absolute_url() in found
        assert here.get_absolute_url() not in found
        found = get(f"/prompts/?model={MODEL} ({what})")
        assert here.get_absolute_url() in found
        assert there.get_absolute_url() not in found

    def test_it_does_not_take_the_place_of_a_run_at_the_vendors(self, origin: str, what: str) -> None:
        """The latest run of a model counts; this is another model."""
        prompt = asked(OPENAI)
        recorded_run(Version.objects.get(), MODEL, 10, range(1, 11), days_ago=0, asked_at=origin)
        prompt.refresh_from_db()
        models = {model["model"]: model["passed"] for model in prompt.evidence["models"]}
        assert models == {MODEL: 9, f"{MODEL} ({what})": 0}

    def test_the_exports_and_the_sealed_record_have_the_place(self, origin: str, what: str) -> None:
        prompt = asked(origin)
        seal_run(Run.objects.get())
        file = Client().get(f"{prompt.stem}.json").json()
        assert {r["asked_at"] for r in file["prompts"][0]["runs"][0]["results"]} == {origin}
        record = json.loads(get(f"{prompt.get_absolute_url()}runs/{Run.objects.get().public_id}.json"))
        assert {r["asked_at"] for r in record["record"]["results"]} == {origin}


class TestOpenWeights:
    def test_they_are_said_to_be_and_count_for_nobody(self) -> None:
        prompt = asked(OWN, "SmolLM2-135M-Instruct")
        said = "own server, named SmolLM2-135M-Instruct by its author (a family with open weights)"
        at = get(prompt.get_absolute_url())
        assert f"asked at http://127.0.0.1:8111: {said}" in at
        assert f"SmolLM2-135M-Instruct (own server): {said}." in at
        html = get("/@alice/")
        assert "Hugging Face" not in html
        assert ">1 model</a></dd><dd>on an own server" in html


class TestNotKnown:
    def test_a_run_from_before_it_was_kept_says_so(self) -> None:
        prompt = asked("", endpoint_host="api.openai.com")
        said = "started to ask api.openai.com; where it was really asked was not kept then"
        assert said in result_page(prompt)
        assert said in get(prompt.get_absolute_url())
        assert "vendor unknown" in get("/@alice/")

    def test_one_that_was_started_on_an_own_server_is_labelled_so(self) -> None:
        html = result_page(asked("", endpoint_host="127.0.0.1"))
        assert f"{MODEL} (own server)" in html
        assert "started to ask 127.0.0.1" in html

    def test_what_a_file_says_is_said_to_be_the_files_word(self) -> None:
        html = result_page(asked(OPENAI, source=Source.IMPORTED))
        assert "asked at https://api.openai.com, says the file" in html


class TestTheJudge:
    @pytest.mark.parametrize(
        ("origin", "said"),
        [
            (OPENAI, "Asked of gpt-4.1, asked at api.openai.com"),
            (OWN, "Asked of gpt-4.1 (own server), asked at http://127.0.0.1:8111: own server, named gpt-4.1"),
        ],
    )
    def test_its_place_stands_with_each_call(self, origin: str, said: str) -> None:
        prompt = recorded_prompt(owner=alice())
        call = {"asked": "?", "answer": "{}", "model_asked": "gpt-4.1", "model": None, "asked_at": origin}
        check = {"type": "llm-rubric", "passed": True, "judge": {"rubric": "x", "calls": [call]}}
        Result.objects.update(checks=[check], judge_calls=1)
        Run.objects.update(judge_model="gpt-4.1")
        assert said in result_page(prompt)


class TestWithoutAnAnswer:
    """A run none of whose calls was answered is no test of anything; that it ended so is told."""

    def test_it_raises_no_count_and_is_counted_as_what_it_is(self) -> None:
        asked(OPENAI)
        version = VersionFactory(prompt=public_prompt(owner=alice()))
        recorded_run(version, "claude-3", 10, errors=range(1, 11), endpoint_name="Another")
        stopped = recorded_run(version, "grok-3", 10, errors=range(1, 11), endpoint_name="A third")
        Run.objects.filter(pk=stopped.pk).update(state=Run.State.STOPPED)
        html = get("/@alice/")
        assert ">1 run</a>" in html
        assert "2 more ended without an answer" in html
        assert "from 1 endpoint<" in html
        assert ">1 model</a>" in html
        assert "2 runs ended without an answer" in get(version.prompt.get_absolute_url())
        assert version.prompt.get_absolute_url() not in get("/prompts/?model=claude-3")

    def test_beside_runs_that_count_it_is_told_too(self) -> None:
        prompt = asked(OPENAI)
        run = recorded_run(Version.objects.get(), "grok-3", 10, errors=range(1, 11))
        Run.objects.filter(pk=run.pk).update(state=Run.State.CANCELLED)
        html = get(prompt.get_absolute_url())
        assert "1 ended without an answer" in html
        assert "ended early" not in html

    def test_one_whose_judge_failed_was_answered(self) -> None:
        prompt = asked(OPENAI)
        run = recorded_run(Version.objects.get(), "grok-3", 10, errors=range(1, 11))
        run.results.update(error_kind="judge_error", output="an answer")
        count_run(run)
        rebuild_evidence(prompt)
        assert "ended without an answer" not in get(prompt.get_absolute_url())
        assert ">2 runs</a>" in get("/@alice/")


def test_a_run_without_a_seal_says_why() -> None:
    prompt = asked(OPENAI)
    Run.objects.update(unsealed_why="The signing key could not be read.")
    assert "The signing key could not be read." in result_page(prompt)
    assert "The signing key could not be read." in get(prompt.get_absolute_url())
