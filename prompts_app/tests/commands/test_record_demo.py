"""``record_demo``: the sources put to servers by our own runner."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from prompts_app.actions.demo import record
from prompts_app.engine.formats.bundle import parse
from prompts_app.engine.formats.bundle_types import BundledRun
from prompts_app.models import User
from prompts_app.tests.engine.servers import OddServer, answering, completion, http

pytestmark = pytest.mark.django_db

PROFILE = "handle: dora\nname: Dora\nheadline: Writes.\nprompts: [greeting]\n"
PROMPT = """
slug: greeting
title: Greeting
{target}
variables: [{{name: who}}]
versions:
  - messages: [{{role: user, content: "{{{{who}}}}"}}]
  - note: "Politer."
    messages: [{{role: user, content: "Dear {{{{who}}}}"}}]
  - note: "Shorter."
    messages: [{{role: user, content: "Hi {{{{who}}}}"}}]
cases:
  - name: a friend
    variables: {{who: Tom}}
    assertions: [{{type: contains, value: Tom}}]
"""
TOM = http(200, completion("Hello Tom"))


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Path:
    settings.ENDPOINT_CONCURRENCY = 1
    folder = tmp_path / "dora"
    folder.mkdir()
    (folder / "profile.yaml").write_text(PROFILE)
    (folder / "greeting.yaml").write_text(PROMPT.format(target=""))
    monkeypatch.setattr(record, "sample_authors", lambda: [folder])
    return folder


def recorded(to: Path, one: OddServer, other: OddServer, *options: str) -> tuple[BundledRun, ...]:
    models = [*("--model", "small", one.base_url), *("--model", "large", other.base_url)]
    call_command("record_demo", *models, "--to", str(to), *options)
    (prompt,) = parse((to / "dora.json").read_text()).prompts
    return prompt.runs


def asked(runs: tuple[BundledRun, ...]) -> list[tuple[str, int]]:
    return [(run.model, run.version) for run in runs]


def test_the_first_model_is_asked_with_every_version_and_others_with_two(
    sources: Path, tmp_path: Path
) -> None:
    with answering(TOM) as one, answering(TOM) as other:
        runs = recorded(tmp_path, one, other)
    assert asked(runs) == [("small", 1), ("small", 2), ("small", 3), ("large", 1), ("large", 3)]
    assert (len(one.asked), len(other.asked)) == (3, 2)
    assert all(result.cost == 0 for run in runs for result in run.results)


def test_a_prompt_may_be_written_for_another_model_which_is_named_before_the_first_run(
    sources: Path, tmp_path: Path
) -> None:
    (sources / "greeting.yaml").write_text(PROMPT.format(target="target_model: large"))
    with answering(TOM) as one, answering(TOM) as other:
        runs = recorded(tmp_path, one, other)
    assert asked(runs) == [("large", 1), ("large", 2), ("large", 3), ("small", 1), ("small", 3)]
    (prompt,) = parse((tmp_path / "dora.json").read_text()).prompts
    assert prompt.target_model == "large"
    assert prompt.target_declared_at is not None
    assert prompt.target_declared_at <= runs[0].created_at


def test_a_call_without_an_answer_stops_it_and_nothing_is_written(sources: Path, tmp_path: Path) -> None:
    refused = http(400, {"error": {"message": "No."}})
    said = pytest.raises(CommandError, match="greeting v1 on large: calls without an answer")
    with answering(TOM) as one, answering(refused) as other, said:
        recorded(tmp_path, one, other)
    assert not (tmp_path / "dora.json").exists()


@pytest.mark.parametrize("option", ["--author", "--prompt"])
def test_an_author_or_a_prompt_that_no_sources_have_is_said(
    sources: Path, tmp_path: Path, option: str
) -> None:
    said = pytest.raises(CommandError, match="no sources of nobody")
    with answering(TOM) as one, answering(TOM) as other, said:
        recorded(tmp_path, one, other, option, "nobody")
    assert one.asked == []


def test_a_version_may_be_put_to_each_case_several_times(sources: Path, tmp_path: Path) -> None:
    text = PROMPT.format(target="").replace('"Politer."', '"Politer."\n    repeats: 3')
    (sources / "greeting.yaml").write_text(text)
    with answering(TOM) as one, answering(TOM) as other:
        runs = recorded(tmp_path, one, other)
    assert [(run.version, run.repeats, len(run.results)) for run in runs[:3]] == [
        (1, 1, 1),
        (2, 3, 3),
        (3, 1, 1),
    ]


class TestOnePromptAlone:
    @pytest.fixture
    def second(self, sources: Path, tmp_path: Path) -> Path:
        """Recorded with "greeting"; since then "farewell" was written, and is the one that is pinned."""
        with answering(TOM) as one, answering(TOM) as other:
            recorded(tmp_path, one, other)
        User.objects.all().delete()  # each recording has a database of its own
        (sources / "farewell.yaml").write_text(
            PROMPT.format(target="").replace("greeting", "farewell").replace("Greeting", "Farewell")
        )
        profile = PROFILE.replace("[greeting]", "[farewell, greeting]\npinned: [farewell, greeting]")
        (sources / "profile.yaml").write_text(profile)
        return tmp_path

    def test_is_recorded_and_the_others_stay_as_they_were(self, second: Path) -> None:
        path = second / "dora.json"
        (before,) = parse(path.read_text()).prompts
        models = ("--model", "small")
        with answering(http(200, completion("Bye Tom"))) as one:
            call_command("record_demo", *models, one.base_url, "--to", str(second), "--prompt", "farewell")
        new, kept = parse(path.read_text()).prompts
        assert {result.output for run in new.runs for result in run.results} == {"Bye Tom"}
        assert kept == replace(before, pin_position=2)
        assert new.pin_position == 1


def test_several_calls_at_once_would_be_timed_in_the_servers_queue(sources: Path, settings: Any) -> None:
    settings.ENDPOINT_CONCURRENCY = 8
    with pytest.raises(CommandError, match="Set ENDPOINT_CONCURRENCY=1"):
        call_command("record_demo", "--model", "small", "http://127.0.0.1:1/v1")
