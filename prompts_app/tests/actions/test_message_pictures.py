"""Pictures of a version's own message: part of it, sent with each case, kept as those of cases are."""

import base64
import json

import pytest

from prompts_app.actions.exporting.bundle import export_bundle
from prompts_app.actions.exporting.export import as_promptfoo
from prompts_app.actions.pictures import case_pictures as storage
from prompts_app.actions.prompts.case_pictures import (
    add_pictures,
    add_to_message,
    remove_from_message,
)
from prompts_app.actions.prompts.fork import fork_prompt
from prompts_app.actions.prompts.publish import findings_of
from prompts_app.actions.prompts.save import delete_version, save_version
from prompts_app.actions.runs import execute
from prompts_app.actions.runs import lifecycle as runs
from prompts_app.actions.runs.batches import BatchPlan
from prompts_app.actions.runs.seal import sealed_file, verify
from prompts_app.actions.tries.asking import execute_try
from prompts_app.actions.tries.starting import ModelAt, start_try
from prompts_app.engine.errors import FormatError, Refused
from prompts_app.engine.formats.bundle import emit, parse
from prompts_app.engine.formats.promptfoo.config import read as read_config
from prompts_app.engine.formats.source import SourceFile
from prompts_app.engine.names import renamed_prompt
from prompts_app.engine.render import find_variables, pictures_for
from prompts_app.engine.types import CaseContent
from prompts_app.models import CasePictureFile, Prompt, Run, Version, Visibility
from prompts_app.tests.actions.bundles import import_bundle
from prompts_app.tests.actions.running import at
from prompts_app.tests.actions.test_case_pictures import (
    DIGEST,
    ELSE,
    OTHER,
    PICTURE,
    VARIABLE,
    exported,
    held,
)
from prompts_app.tests.engine.servers import OddServer, answering, completion, http
from prompts_app.tests.engine.streaming import FINISHED, says, streamed
from prompts_app.tests.factories import CaseFactory, PromptFactory, VersionFactory
from prompts_app.tests.people import alice, bob

pytestmark = pytest.mark.django_db


def a_prompt() -> Prompt:
    """A public one whose second version sends a picture of its own for ``invoice``."""
    prompt: Prompt = PromptFactory(owner=alice(), slug="invoice", visibility=Visibility.PUBLIC)
    messages = [{"role": "user", "content": "Read {{invoice}}"}]
    VersionFactory(prompt=prompt, messages=messages, variables=[VARIABLE])
    CaseFactory(prompt=prompt, name="May", variables={"invoice": ""}, assertions=[])
    add_to_message(prompt, "invoice", "An invoice", [PICTURE])
    return prompt


def newest(prompt: Prompt) -> Version:
    return prompt.versions.order_by("-number")[0]


def ran(server: OddServer, prompt: Prompt) -> Run:
    run = runs.start_batch(prompt, BatchPlan([newest(prompt)], at(server), ["tiny"])).runs.get()
    execute.execute_run(run.pk)
    run.refresh_from_db()
    return run


def a_run() -> Run:
    with answering(http(200, completion("42 euros"))) as server:
        return ran(server, a_prompt())


# --- of the version ---------------------------------------------------------------------------------------


def test_a_picture_makes_a_new_version_with_another_digest_and_the_old_one_stays() -> None:
    prompt = a_prompt()
    first, second = prompt.versions.order_by("number")
    assert (first.pictures, [one.sha256 for one in second.pictures]) == ([], [DIGEST])
    assert first.variables == [VARIABLE]
    assert first.digest != second.digest
    assert second.note == "1 picture for {{invoice}}."


def test_versions_without_pictures_keep_the_digest_they_had() -> None:
    version = VersionFactory(variables=[VARIABLE])
    with pytest.raises(Refused, match="Nothing has changed"):
        save_version(version.prompt, version.as_engine())


def test_several_stand_in_their_order_and_too_many_are_refused() -> None:
    prompt = a_prompt()
    add_to_message(prompt, "invoice", "", [OTHER])
    assert [one.sha256 for one in newest(prompt).pictures] == [DIGEST, ELSE]
    with pytest.raises(Refused, match="at most 10"):
        add_to_message(prompt, "invoice", "", [OTHER] * 9)
    assert newest(prompt).number == 3


def test_without_a_version_there_is_nothing_to_add_to() -> None:
    with pytest.raises(Refused, match="no version"):
        add_to_message(PromptFactory(), "invoice", "", [PICTURE])


def test_a_variable_with_a_picture_may_be_renamed() -> None:
    content = renamed_prompt(newest(a_prompt()).as_engine(), {"invoice": "bill"})
    assert [(one.name, one.pictures[0].variable) for one in content.variables] == [("bill", "bill")]


def test_it_is_let_go_of_with_the_last_version_that_has_it() -> None:
    prompt = a_prompt()
    remove_from_message(prompt, newest(prompt).pictures[0])
    assert newest(prompt).pictures == []
    assert held(prompt) == {DIGEST}, "the version before has it still"
    delete_version(prompt.versions.get(number=2))
    assert held(prompt) == set()


def test_a_case_that_loses_the_same_picture_leaves_it_to_the_version() -> None:
    prompt = a_prompt()
    prompt.cases.all().delete()
    storage.sweep(prompt)
    assert held(prompt) == {DIGEST}


def test_a_digest_is_not_taken_for_a_secret() -> None:
    assert findings_of(a_run().prompt) == []


# --- what is sent -----------------------------------------------------------------------------------------


def test_it_is_sent_whole_and_kept_by_its_digest() -> None:
    with answering(http(200, completion("42 euros"))) as server:
        run = ran(server, a_prompt())
        text, picture = server.asked[0].json["messages"][0]["content"]
    assert text == {"type": "text", "text": "Read "}
    assert base64.b64decode(picture["image_url"]["url"].partition(",")[2]) == PICTURE.data
    assert run.results.get().request["messages"][0]["content"][1]["image_url"] == {"url": f"sha256:{DIGEST}"}
    assert "base64" not in json.dumps(run.results.get().request)


@pytest.mark.parametrize("variables", [{}, {"invoice": ""}])
def test_a_case_that_gives_nothing_gets_the_versions(variables: dict[str, str]) -> None:
    content = newest(a_prompt()).as_engine()
    assert [one.sha256 for one in pictures_for(content, CaseContent("c", variables))] == [DIGEST]


def test_a_text_or_a_picture_of_the_case_comes_before_it() -> None:
    prompt = a_prompt()
    content, case = newest(prompt).as_engine(), prompt.cases.get()
    assert pictures_for(content, CaseContent("c", {"invoice": "No. 7"})) == ()
    add_pictures(case, "invoice", "", [OTHER])
    assert [one.sha256 for one in pictures_for(content, prompt.suite()[0])] == [ELSE]
    assert find_variables(content.messages) == ("invoice",)


def test_one_that_is_gone_is_a_labelled_row() -> None:
    prompt = a_prompt()
    CasePictureFile.objects.all().delete()
    with answering(http(200, completion("42 euros"))) as server:
        run = ran(server, prompt)
        assert server.asked == []
    assert "not kept here any more" in run.results.get().error_message


def test_a_text_that_is_tried_before_it_is_saved_is_sent_with_it() -> None:
    prompt = a_prompt()
    with answering(streamed(says(role="assistant", content="42"), *FINISHED)) as server:
        content = newest(prompt).as_engine()
        one = start_try(alice(), prompt, content, CaseContent("c"), [ModelAt(at(server), "tiny")])
        execute_try(one.pk)
        _, picture = server.asked[0].json["messages"][0]["content"]
    assert base64.b64decode(picture["image_url"]["url"].partition(",")[2]) == PICTURE.data


# --- records, bundles, forks ------------------------------------------------------------------------------


def test_the_record_names_it_and_a_changed_picture_breaks_the_seal() -> None:
    run = a_run()
    record = sealed_file(run)
    assert record is not None
    assert DIGEST in json.dumps(record["record"]["version"])
    assert verify(record).holds
    CasePictureFile.objects.update(data=OTHER.data)
    assert not verify(record).holds


def test_a_bundle_carries_it_and_gives_the_same_version() -> None:
    run = a_run()
    bundled = exported()
    assert bundled.pictures.keys() == {DIGEST}
    text = emit_of(run.prompt)
    import_bundle(bob(), parse(text).prompts)
    copy = Prompt.objects.get(owner=bob())
    assert newest(copy).digest == newest(run.prompt).digest
    assert bytes(copy.case_picture_files.get().data) == PICTURE.data


def emit_of(prompt: Prompt) -> str:
    return emit(export_bundle(alice(), Prompt.objects.filter(pk=prompt.pk), everything=True))


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ('"width": 80', '"width": -1'),
        ('"width": 80', '"width": 1000000'),
        ('"variable": "invoice"', '"variable": "other"'),
    ],
)
def test_a_bundle_with_a_picture_of_the_wrong_shape_is_refused(was: str, now: str) -> None:
    text = emit_of(a_prompt())
    assert was in text
    with pytest.raises(FormatError):
        parse(text.replace(was, now))


def test_promptfoo_gives_the_version_back_with_its_digest() -> None:
    prompt = a_prompt()
    read = read_config(SourceFile("promptfooconfig.yaml", as_promptfoo(prompt))).prompts[0]
    assert read.versions[-1].prompt == newest(prompt).as_engine()


def test_a_fork_takes_it_along_unless_it_is_private() -> None:
    prompt = a_prompt()
    fork, _ = fork_prompt(newest(prompt), bob(), "Mine")
    assert held(fork) == {DIGEST}
    assert newest(fork).as_engine() == newest(prompt).as_engine()
    again, is_new = fork_prompt(newest(prompt), bob(), "Mine")
    assert (again, is_new) == (fork, False)
