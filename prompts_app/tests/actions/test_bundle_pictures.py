"""Pictures go out in a bundle and come in again: drawn anew, checked, and never more than level 1."""

import base64
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from prompts_app.actions.exporting import bundle as bundles
from prompts_app.actions.exporting.bundle import export_bundle
from prompts_app.actions.importing.plan import BundleRefused
from prompts_app.actions.pictures.storage import replace_picture
from prompts_app.engine.digests import case_json, suite_digest
from prompts_app.engine.errors import FormatError
from prompts_app.engine.formats.bundle import emit, parse
from prompts_app.engine.formats.bundle_types import Bundle, BundledPrompt
from prompts_app.engine.pictures import keep
from prompts_app.models import PictureFile, Prompt, Result
from prompts_app.models.endpoints import IMAGES
from prompts_app.tests.actions.bundles import import_bundle
from prompts_app.tests.engine.files import a_file
from prompts_app.tests.factories import CaseFactory, PromptFactory, ResultFactory, RunFactory, VersionFactory
from prompts_app.tests.people import alice, bob

pytestmark = pytest.mark.django_db

ORIGINAL = a_file("PNG", 300, 200)


def a_pictured_prompt() -> Prompt:
    prompt: Prompt = PromptFactory(owner=alice(), slug="fox", title="Fox")
    CaseFactory(prompt=prompt)
    suite = prompt.suite()
    run = RunFactory(
        version=VersionFactory(prompt=prompt),
        suite=[case_json(case) for case in suite],
        suite_digest=suite_digest(suite),
        api=IMAGES,
    )
    picture = keep(ORIGINAL, "a red fox")
    result = ResultFactory(run=run, case_index=0, output="", picture=picture.about(), passed=None)
    replace_picture(result, picture)
    return prompt


def exported(everything: bool = True) -> Bundle:
    return export_bundle(alice(), Prompt.objects.owned_by(alice()), everything=everything)


def the_picture(bundle: Bundle) -> dict[str, Any]:
    return dict(bundle.prompts[0].runs[0].results[0].picture)


def with_picture(prompt: BundledPrompt, **changes: Any) -> BundledPrompt:
    run = prompt.runs[0]
    result = replace(run.results[0], picture={**run.results[0].picture, **changes})
    return replace(prompt, runs=(replace(run, results=(result,)),))


def test_a_bundle_with_a_picture_comes_back_as_it_was_written() -> None:
    a_pictured_prompt()
    bundle = exported()
    assert parse(emit(bundle)) == bundle
    packed = the_picture(bundle)
    data = base64.b64decode(packed["data"])
    assert sha256(data).hexdigest() == packed["sha256"]
    assert packed["original_sha256"] == sha256(ORIGINAL).hexdigest()
    assert bundle.prompts[0].runs[0].asks == IMAGES


def test_an_imported_picture_is_drawn_anew_and_says_what_it_was_made_from() -> None:
    a_pictured_prompt()
    import_bundle(bob(), parse(emit(exported())).prompts)
    result = Result.objects.get(run__prompt__owner=bob())
    file = PictureFile.objects.get(result=result)
    assert (result.run.source, result.run.api) == ("imported", IMAGES)
    assert result.picture["original_sha256"] == sha256(ORIGINAL).hexdigest()
    assert result.picture["revised_prompt"] == "a red fox"
    assert result.picture["sha256"] == sha256(bytes(file.data)).hexdigest()
    assert result.picture["small_sha256"] == sha256(bytes(file.small)).hexdigest()
    assert (result.picture["width"], result.picture["height"]) == (300, 200)


def test_the_same_bundle_twice_makes_no_doubles() -> None:
    a_pictured_prompt()
    text = emit(exported())
    import_bundle(bob(), parse(text).prompts)
    assert import_bundle(bob(), parse(text).prompts).prompts == ()
    assert PictureFile.objects.count() == 2


def test_where_there_is_no_room_only_the_digests_go(monkeypatch: pytest.MonkeyPatch) -> None:
    a_pictured_prompt()
    monkeypatch.setattr(bundles, "MOST_PICTURES", 10)
    bundle = exported()
    assert "data" not in the_picture(bundle)
    import_bundle(bob(), parse(emit(bundle)).prompts)
    result = Result.objects.get(run__prompt__owner=bob())
    assert result.picture["original_sha256"] == sha256(ORIGINAL).hexdigest()
    assert "width" not in result.picture, "nothing to show"
    assert PictureFile.objects.count() == 1


def test_a_changed_picture_is_refused_with_its_place() -> None:
    a_pictured_prompt()
    other = base64.b64encode(keep(a_file("PNG", 90, 90)).data).decode()
    text = emit(exported()).replace(the_picture(exported())["data"], other)
    with pytest.raises(FormatError, match=r"results\[0\]\.picture\.data is not the picture its digest"):
        parse(text)


@pytest.mark.parametrize("data", [b"hello", b"<svg onload=alert(1)>", a_file("WEBP")[:-9], a_file("GIF")])
def test_what_is_no_plain_picture_is_refused_and_nothing_is_kept(data: bytes) -> None:
    a_pictured_prompt()
    packed = {"data": base64.b64encode(data).decode(), "sha256": sha256(data).hexdigest()}
    hostile = with_picture(exported().prompts[0], **packed)
    with pytest.raises(BundleRefused, match="a picture in it was refused"):
        import_bundle(bob(), [hostile])
    assert not Prompt.objects.owned_by(bob()).exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"sha256": "x"},
        {"width": -1},
        {"height": "9"},
        {"data": 5},
        {"data": "%%%"},
        {"revised_prompt": 5},
        {"original_sha256": "0" * 63},
    ],
)
def test_a_picture_of_the_wrong_shape_is_refused(wrong: dict[str, Any]) -> None:
    a_pictured_prompt()
    bundle = exported()
    text = emit(replace(bundle, prompts=(with_picture(bundle.prompts[0], **wrong),)))
    with pytest.raises(FormatError):
        parse(text)


def test_bundles_from_before_there_were_pictures_stay_the_same_text() -> None:
    prompt = a_pictured_prompt()
    prompt.runs.update(api="chat")
    Result.objects.update(picture={})
    text = emit(exported())
    assert '"picture"' not in text
    assert '"asks"' not in text
