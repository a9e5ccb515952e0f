"""Cases with pictures: kept once, sent whole, named by digest, gone with the last that names them."""

import base64
import json
from dataclasses import replace

import pytest

from prompts_app.actions.accounts.deletion import delete_account
from prompts_app.actions.exporting import bundle as bundles
from prompts_app.actions.exporting.bundle import export_bundle
from prompts_app.actions.exporting.export import as_promptfoo
from prompts_app.actions.importing.plan import BundleRefused
from prompts_app.actions.pictures import case_pictures as storage
from prompts_app.actions.prompts.case_pictures import add_pictures, hide_picture, remove_picture
from prompts_app.actions.prompts.cases import delete_cases, duplicate_case
from prompts_app.actions.prompts.fork import fork_prompt
from prompts_app.actions.prompts.publish import findings_of
from prompts_app.actions.runs import execute
from prompts_app.actions.runs import lifecycle as runs
from prompts_app.actions.runs.batches import BatchPlan
from prompts_app.actions.runs.outcomes import answered_of
from prompts_app.actions.runs.seal import sealed_file, verify
from prompts_app.engine import formats
from prompts_app.engine.errors import FormatError, Refused
from prompts_app.engine.formats.bundle import emit, parse
from prompts_app.engine.formats.bundle_types import BundledPrompt
from prompts_app.engine.formats.promptfoo.config import read as read_config
from prompts_app.engine.formats.source import SourceFile
from prompts_app.engine.formats.types import Problem
from prompts_app.engine.pictures import keep_to_send
from prompts_app.models import Case, CasePictureFile, Prompt, Run, Version, Visibility
from prompts_app.tests.actions.bundles import import_bundle
from prompts_app.tests.actions.running import at
from prompts_app.tests.engine.files import a_file
from prompts_app.tests.engine.servers import OddServer, answering, completion, http
from prompts_app.tests.factories import CaseFactory, PromptFactory, VersionFactory
from prompts_app.tests.people import alice, bob

pytestmark = pytest.mark.django_db

PICTURE = keep_to_send(a_file("PNG", 80, 60))
OTHER = keep_to_send(a_file("PNG", 60, 80))
VARIABLE = {"name": "invoice", "default": "", "description": ""}
DIGEST, ELSE = storage.digest_of(PICTURE.data), storage.digest_of(OTHER.data)


def a_case() -> Case:
    """Of a public prompt with a version; its variable ``invoice`` is a picture."""
    prompt: Prompt = PromptFactory(owner=alice(), slug="invoice", visibility=Visibility.PUBLIC)
    messages = [{"role": "user", "content": "Read {{invoice}}"}]
    VersionFactory(prompt=prompt, messages=messages, variables=[VARIABLE])
    case: Case = CaseFactory(prompt=prompt, name="May", variables={"invoice": ""}, assertions=[])
    add_pictures(case, "invoice", "An invoice", [PICTURE])
    return fresh(case)


def fresh(case: Case) -> Case:
    return Case.objects.get(pk=case.pk)


def ran(server: OddServer, case: Case) -> Run:
    version: Version = case.prompt.versions.get()
    run = runs.start_batch(case.prompt, BatchPlan([version], at(server), ["tiny"])).runs.get()
    execute.execute_run(run.pk)
    run.refresh_from_db()
    return run


def a_run() -> Run:
    with answering(http(200, completion("42 euros"))) as server:
        return ran(server, a_case())


def exported(*, everything: bool = True) -> BundledPrompt:
    return export_bundle(alice(), Prompt.objects.owned_by(alice()), everything=everything).prompts[0]


def held(prompt: Prompt) -> set[str]:
    return set(prompt.case_picture_files.values_list("sha256", flat=True))


# --- kept -------------------------------------------------------------------------------------------------


def test_a_picture_is_kept_once_however_many_cases_have_it() -> None:
    case = a_case()
    copy = duplicate_case(case)
    assert copy.pictures == case.pictures == [
        {"variable": "invoice", "sha256": DIGEST, "width": 80, "height": 60, "alt": "An invoice"}
    ]  # fmt: skip
    remove_picture(case, 0)
    assert held(case.prompt) == {DIGEST}  # the copy has it still
    remove_picture(copy, 0)
    assert held(case.prompt) == set()
    assert fresh(copy).revision == 2


def test_pages_of_one_file_are_told_apart() -> None:
    case = a_case()
    add_pictures(case, "invoice", "A letter", [PICTURE, OTHER])
    assert [one["alt"] for one in fresh(case).pictures] == [
        "An invoice",
        "A letter, page 1",
        "A letter, page 2",
    ]
    assert held(case.prompt) == {DIGEST, ELSE}


def test_too_many_pictures_or_bytes_are_refused_and_none_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    case = a_case()
    with pytest.raises(Refused, match="at most 10"):
        add_pictures(case, "invoice", "", [OTHER] * 10)
    monkeypatch.setattr(storage, "MOST_BYTES", len(PICTURE.data) + 10)
    with pytest.raises(Refused, match="MB"):
        add_pictures(case, "invoice", "", [OTHER])
    assert held(case.prompt) == {DIGEST}


def test_a_digest_is_not_taken_for_a_secret() -> None:
    assert findings_of(a_run().prompt) == []


def test_deleting_the_case_deletes_its_picture_and_deleting_all_deletes_all() -> None:
    case = a_case()
    delete_cases(case.prompt, [case])
    assert CasePictureFile.objects.count() == 0
    add_pictures(CaseFactory(prompt=case.prompt), "invoice", "", [PICTURE])
    delete_account(alice())
    assert CasePictureFile.objects.count() == 0


# --- run --------------------------------------------------------------------------------------------------


def test_a_run_sends_the_picture_and_stores_its_digest() -> None:
    with answering(http(200, completion("42 euros"))) as server:
        run = ran(server, a_case())
        (sent,) = [one.json["messages"][0]["content"] for one in server.asked]
    result = run.results.get()
    assert sent[1]["image_url"]["url"] == f"data:image/jpeg;base64,{base64.b64encode(PICTURE.data).decode()}"
    kept = result.request["messages"][0]["content"]
    assert kept[1]["image_url"]["url"] == f"sha256:{DIGEST}"
    assert answered_of(result).request.body() == result.request
    assert result.output == "42 euros"


def test_the_record_names_the_picture_and_its_seal_holds_until_the_bytes_are_changed() -> None:
    run = a_run()
    record = sealed_file(run)
    assert record is not None
    assert DIGEST in json.dumps(record)
    assert len(json.dumps(record)) < 10_000
    assert verify(record).holds
    CasePictureFile.objects.update(data=OTHER.data)
    assert not verify(record).holds


def test_the_picture_stays_as_long_as_a_run_names_it() -> None:
    run = a_run()
    remove_picture(run.prompt.cases.get(), 0)
    assert held(run.prompt) == {DIGEST}
    assert run.batch is not None
    runs.delete_batch(run.batch)
    assert held(run.prompt) == set()


def test_bytes_that_were_changed_are_never_sent() -> None:
    case = a_case()
    CasePictureFile.objects.update(data=OTHER.data)
    with answering(http(200, completion("x"))) as server:
        run = ran(server, case)
        assert server.asked == []
    assert run.results.get().error_kind == "template"


# --- out and in again -------------------------------------------------------------------------------------


def test_a_bundle_carries_the_bytes_and_brings_them_in_byte_for_byte() -> None:
    run = a_run()
    bundled = exported()
    assert base64.b64decode(bundled.pictures[DIGEST]) == PICTURE.data
    whole = export_bundle(alice(), Prompt.objects.owned_by(alice()), everything=True)
    assert parse(emit(whole)) == whole
    import_bundle(bob(), parse(emit(whole)).prompts)
    brought = Prompt.objects.get(owner=bob())
    assert brought.suite() == run.prompt.suite()
    assert bytes(brought.case_picture_files.get().data) == PICTURE.data
    assert brought.runs.get().suite_digest == run.suite_digest
    assert import_bundle(bob(), parse(emit(whole)).prompts).prompts == ()


def test_without_room_only_digests_go_out(monkeypatch: pytest.MonkeyPatch) -> None:
    a_case()
    monkeypatch.setattr(bundles, "MOST_PICTURES", 100)
    bundled = exported()
    assert bundled.pictures == {}
    import_bundle(bob(), [bundled])
    brought = Prompt.objects.get(owner=bob())
    assert (held(brought), brought.suite()[0].pictures[0].sha256) == (set(), DIGEST)


def test_a_file_without_the_bytes_says_which_prompt_wants_pictures_again() -> None:
    prompt = a_case().prompt
    said = Problem(
        "1 picture of its cases is not in the file. Give each again before you run it.", prompt.title
    )
    assert formats.parse("p.yaml", as_promptfoo(prompt).encode()).unsupported == (said,)
    whole = export_bundle(alice(), Prompt.objects.owned_by(alice()), everything=True)
    assert formats.parse("b.json", emit(whole).encode()).unsupported == ()
    bare = replace(whole, prompts=(replace(whole.prompts[0], pictures={}),))
    assert formats.parse("b.json", emit(bare).encode()).unsupported == (said,)


def test_a_bundle_whose_picture_was_changed_is_refused() -> None:
    a_case()
    text = emit(export_bundle(alice(), Prompt.objects.owned_by(alice()), everything=True))
    forged = json.loads(text)
    forged["prompts"][0]["pictures"][DIGEST] = base64.b64encode(OTHER.data).decode()
    with pytest.raises(FormatError, match="digest"):
        parse(json.dumps(forged))
    forged["prompts"][0]["pictures"][DIGEST] = "no base64"
    with pytest.raises(FormatError, match="base64"):
        parse(json.dumps(forged))


def test_a_picture_with_more_in_it_is_refused_and_nothing_is_kept() -> None:
    case = a_case()
    loud = a_file("JPEG", 80, 60, comment=b"a secret place")
    digest = storage.digest_of(loud)
    Case.objects.filter(pk=case.pk).update(pictures=[{**case.pictures[0], "sha256": digest}])
    bundled = replace(exported(), pictures={digest: base64.b64encode(loud).decode()})
    with pytest.raises(BundleRefused, match="picture"):
        import_bundle(bob(), [bundled])
    assert not Prompt.objects.filter(owner=bob()).exists()


def test_a_picture_that_no_case_names_is_left_out() -> None:
    a_case()
    more = {ELSE: base64.b64encode(OTHER.data).decode()}
    bundled = exported()
    import_bundle(bob(), [replace(bundled, pictures={**bundled.pictures, **more})])
    assert held(Prompt.objects.get(owner=bob())) == {DIGEST}


def test_a_fork_has_the_pictures_but_not_private_ones() -> None:
    case = a_case()
    version = case.prompt.versions.get()
    fork, _ = fork_prompt(version, bob(), "Mine")
    assert held(fork) == {DIGEST}
    assert fork_prompt(version, bob(), "Mine") == (fork, False)
    case.prompt.delete()
    assert held(fork) == {DIGEST}


def test_promptfoo_is_told_what_its_file_cannot_carry_and_gives_the_case_back() -> None:
    case = a_case()
    text = as_promptfoo(case.prompt)
    assert "# Pictures of cases are not in this file" in text
    assert "base64" not in text
    (read,) = read_config(SourceFile("promptfooconfig.yaml", text)).prompts
    assert read.cases == case.prompt.suite()


def test_a_case_without_pictures_goes_out_as_ever() -> None:
    case = a_case()
    remove_picture(case, 0)
    text = emit(export_bundle(alice(), Prompt.objects.owned_by(alice()), everything=True))
    assert "pictures" not in json.loads(text)["prompts"][0]
    assert "Pictures of cases" not in as_promptfoo(case.prompt)


def test_hiding_twice_is_told() -> None:
    case = a_case()
    hide_picture(case.prompt, DIGEST)
    with pytest.raises(Refused, match="already"):
        hide_picture(case.prompt, DIGEST)
