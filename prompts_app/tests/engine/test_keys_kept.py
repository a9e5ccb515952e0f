"""The endpoint's key is in nothing that comes of a call, however a server spells it back."""

from __future__ import annotations

import json
from time import process_time
from typing import Any

import pytest

from prompts_app.engine.endpoints.scrubbing import scrub
from prompts_app.tests.engine.asking import ask, list_models
from prompts_app.tests.engine.servers import answering, completion, http

KEY = "gw/Tb+7fixture/qq=="
SPELLED = {
    "as it is": KEY,
    "escaped slashes": KEY.replace("/", "\\/"),
    "escaped by number": "".join(f"\\u{ord(c):04x}" for c in KEY),
    "by number, in capitals": "".join(f"\\u{ord(c):04X}" for c in KEY),
    "in a URL": "gw%2FTb%2B7fixture%2fqq%3D%3D",
    "in HTML": "gw&#47;Tb&#x2B;7fixture&#x2f;qq&#61;&#61;",
}


def holds_the_key(found: Any) -> bool:
    return "fixture" in repr(found)


@pytest.mark.parametrize("spelled", SPELLED.values(), ids=SPELLED)
@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_it_is_blanked_out_of_every_answer(spelled: str, status: int) -> None:
    """The JSON is written by hand, so that the escapes are the server's."""
    bodies = [
        f'{{"error":{{"message":"bad key {spelled}"}}}}',
        f'[{{"error":{{"message":"bad key {spelled}"}}}}]',
        f'{{"error":"bad key {spelled}"}}',
        f"not JSON {spelled}",
        f'{{"id":"{spelled}","model":"{spelled}","system_fingerprint":"{spelled}","choices":[{{"message":'
        f'{{"content":"Your key is {spelled}"}},"finish_reason":"{spelled}"}}]}}',
        json.dumps(completion(json.dumps({"key": KEY}).replace("/", "\\/"))),
        json.dumps({"error": {"message": json.dumps({"error": {"message": KEY}}).replace("/", "\\/")}}),
    ]
    for body in bodies:
        with answering(http(status, body)) as server:
            found = ask(server.endpoint(key=KEY))
        assert not holds_the_key(found), body


def test_nor_is_it_among_the_models_or_in_a_redirect() -> None:
    with answering(http(200, '{"data":[{"id":"gw\\/Tb+7fixture\\/qq=="}]}')) as server:
        assert list_models(server.endpoint(key=KEY)) == ("[key]",)
    with answering(http(307, "", {"Location": f"https://{KEY}.example/"})) as server:
        assert not holds_the_key(ask(server.endpoint(key=KEY)))


def test_it_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"), answering(http(401, '{"error":"bad gw\\/Tb+7fixture\\/qq=="}')) as server:
        ask(server.endpoint(key=KEY))
    assert "fixture" not in caplog.text


def test_ordinary_words_stay() -> None:
    assert scrub("a 100% fit & more \\ less", "sk-test-1234") == "a 100% fit & more \\ less"
    assert scrub("short", "short") == "short"


@pytest.mark.parametrize("filling", ["\\", "%25", "&#0", "gw/", "%", "\\u00"])
def test_a_long_text_takes_time_in_proportion(filling: str) -> None:
    began = process_time()
    scrub(filling * 200_000, KEY)
    assert process_time() - began < 5  # some 0.1 s; quadratic would be minutes
