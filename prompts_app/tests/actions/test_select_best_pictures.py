"""``select-best`` where cases put in pictures: who compares the outputs sees what was asked with."""

import base64

import pytest

from prompts_app.actions.prompts.case_pictures import add_pictures, add_to_message
from prompts_app.models import CasePictureFile, Result, Version
from prompts_app.tests.actions.test_case_pictures import DIGEST, ELSE, OTHER, PICTURE, VARIABLE
from prompts_app.tests.actions.test_select_best import BEST, outputs, run_all
from prompts_app.tests.engine.judges import says
from prompts_app.tests.engine.servers import OddServer, answering
from prompts_app.tests.factories import CaseFactory, PromptFactory, VersionFactory
from prompts_app.tests.people import alice

pytestmark = pytest.mark.django_db(transaction=True)

BY_SIZE = {**BEST, "value": "The shortest."}


def a_version() -> Version:
    """Whose only case puts in a picture."""
    prompt = PromptFactory(owner=alice())
    messages = [{"role": "user", "content": "Read {{invoice}}"}]
    version: Version = VersionFactory(prompt=prompt, messages=messages, variables=[VARIABLE])
    case = CaseFactory(prompt=prompt, variables={}, assertions=[BY_SIZE])
    add_pictures(case, "invoice", "", [PICTURE])
    return version


def seen_by(bench: OddServer) -> list[bytes]:
    content = bench.asked[0].json["messages"][1]["content"]
    urls = (part["image_url"]["url"] for part in content if part["type"] == "image_url")
    return [base64.b64decode(url.partition(",")[2]) for url in urls]


def test_the_judge_sees_the_cases_picture_once_and_its_call_is_kept_by_digest() -> None:
    with outputs("one", "two") as model, answering(says({"reason": "Short.", "best": 1})) as bench:
        run_all(model, bench, a_version())
        assert seen_by(bench) == [PICTURE.data]
    for result in Result.objects.all():
        asked = str(result.checks[0]["judge"]["calls"])
        assert f"[picture sha256:{DIGEST}]" in asked
        assert "base64" not in asked


def test_it_sees_those_of_the_versions_own_message_too() -> None:
    version = a_version()
    prompt = version.prompt
    prompt.cases.update(pictures=[])
    own = add_to_message(prompt, "invoice", "", [OTHER])
    with outputs("one", "two") as model, answering(says({"reason": "Short.", "best": 1})) as bench:
        run_all(model, bench, own)
        assert seen_by(bench) == [OTHER.data]
    assert ELSE in str(Result.objects.all()[0].checks)


def test_a_picture_that_is_gone_by_then_is_an_error_of_the_judge_and_no_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    version = a_version()
    monkeypatch.setattr(
        "prompts_app.actions.runs.select_best.PictureSpool", lambda prompt, digests: Emptied()
    )
    with outputs("one", "two") as model, answering(says({"reason": "Short.", "best": 1})) as bench:
        run_all(model, bench, version)
        assert bench.asked == []
    assert CasePictureFile.objects.exists()
    assert {(one.passed, one.error_kind) for one in Result.objects.all()} == {(None, "judge_error")}
    assert "not kept here any more" in Result.objects.all()[0].error_message


class Emptied:
    def read(self, digest: str) -> bytes:
        raise KeyError(digest)

    def close(self) -> None:
        """Nothing is open."""
