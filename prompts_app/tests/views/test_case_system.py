"""A system message of one case's own: typed, kept, sent and shown."""

from typing import Any

import pytest

from prompts_app.actions.exporting.bundle import export_bundle
from prompts_app.actions.prompts.cases import duplicate_case
from prompts_app.engine.digests import case_json, suite_digest
from prompts_app.engine.formats.bundle import emit, parse
from prompts_app.models import Case, Prompt, Version
from prompts_app.tests.actions.bundles import import_bundle
from prompts_app.tests.factories import CaseFactory, PromptFactory, ResultFactory, RunFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, client_of, dana

pytestmark = pytest.mark.django_db

NEW = "/studio/prompts/greeting/cases/new/"


def a_version() -> Version:
    version: Version = VersionFactory(prompt=PromptFactory(owner=alice(), slug="greeting"))
    return version


def typed(**fields: Any) -> dict[str, Any]:
    return {"name": "Shouting", "value_name": ["word"], "value": ["yes"], "do": "save", **fields}


def test_it_is_saved_changed_and_emptied_again() -> None:
    a_version()
    client_of(alice()).post(NEW, typed(system=" Shout,\r\n{{word}}. "))
    case = Case.objects.get()
    assert case.system == " Shout,\n{{word}}. "
    address = f"/studio/prompts/greeting/cases/{case.public_id}/"
    page = read_page(client_of(alice()).get(address))
    assert "Shout,\n{{word}}. </textarea>" in page
    client_of(alice()).post(address, typed(revision=case.revision, system=""))
    case.refresh_from_db()
    assert case.system == ""


@pytest.mark.parametrize(("system", "said"), [("a\x00b", "NUL"), ("x" * 100_001, "100")])
def test_what_cannot_be_kept_comes_back_with_a_sentence(system: str, said: str) -> None:
    a_version()
    answer = client_of(alice()).post(NEW, typed(system=system))
    assert answer.status_code == 200
    assert said in read_page(answer)
    assert not Case.objects.exists()


def test_it_changes_the_suite_and_a_case_without_it_has_the_digest_it_always_had() -> None:
    prompt: Prompt = a_version().prompt
    case = CaseFactory(prompt=prompt)
    before = suite_digest(prompt.suite())
    assert "system" not in case_json(case.as_engine())
    Case.objects.update(system="Shout.")
    assert suite_digest(prompt.suite()) != before


def test_a_copy_has_it_too() -> None:
    case = CaseFactory(prompt=a_version().prompt, system="Shout.")
    assert duplicate_case(case).system == "Shout."


def test_a_bundle_carries_it() -> None:
    CaseFactory(prompt=a_version().prompt, system="Shout.")
    bundle = export_bundle(alice(), Prompt.objects.all(), everything=True)
    read = parse(emit(bundle))
    assert read == bundle
    assert import_bundle(dana(), read.prompts).prompts[0].cases.get().system == "Shout."


def test_the_page_of_a_result_shows_it() -> None:
    version = VersionFactory(prompt=PromptFactory(visibility="public"))
    run = RunFactory(version=version, suite=[{"name": "One", "system": "Shout <loud>."}])
    page = read_page(client_of(None).get(ResultFactory(run=run, case_index=0).get_absolute_url()))
    assert "Shout &lt;loud&gt;." in page
