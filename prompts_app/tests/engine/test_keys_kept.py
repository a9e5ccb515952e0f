"""The endpoint's key is in nothing that comes of a call, however a server spells it back."""

import json
import re
from base64 import b64encode, urlsafe_b64encode
from time import process_time
from typing import Any

import pytest

from prompts_app.engine.endpoints.answers import HttpAnswer, read_json
from prompts_app.engine.endpoints.scrubbing import scrub
from prompts_app.engine.types import Fault
from prompts_app.tests.engine.asking import ask, list_models
from prompts_app.tests.engine.servers import answering, completion, http

KEY = "gw/Tb+7fixture/qq=="
IN_BASE64 = ("Zml4dHVy", "ZpeHR1cm", "maXh0dXJl")  # of "fixture", wherever it begins
SPELLED = {
    "as it is": KEY,
    "escaped slashes": KEY.replace("/", "\\/"),
    "escaped by number": "".join(f"\\u{ord(c):04x}" for c in KEY),
    "by number, in capitals": "".join(f"\\u{ord(c):04X}" for c in KEY),
    "in a URL": "gw%2FTb%2B7fixture%2fqq%3D%3D",
    "in HTML": "gw&#47;Tb&#x2B;7fixture&#x2f;qq&#61;&#61;",
    "in HTML by name": "gw&sol;Tb&plus;7fixture&amp;sol;qq&equals;&equals",
    "in HTML without its ends": "gw&#47Tb&#437fixture&#47qq&#61&#61",
    "as Python writes bytes": "gw\\\\x2fTb\\\\x2b7fixture\\\\057qq==",
    "as JavaScript may": "gw\\\\u{2f}Tb\\\\u{2B}7fixture/qq\\\\u{00003d}=",
    "in a mail": "gw/Tb+7fixture/qq=3D=3D",
    "broken over lines": "gw/Tb+7fix\\r\\n  ture/qq==",
    "with what nobody sees": "gw/Tb+7f\u200bi\u00adx\u2060ture/qq==",
    "in base64": b64encode(KEY.encode()).decode(),
    "in base64 after a name": b64encode(f"me:{KEY}".encode()).decode(),
    "in base64 among more": urlsafe_b64encode(f"user {KEY} host".encode()).decode(),
}


def holds_the_key(found: Any) -> bool:
    """Its middle, with what stands in between left out; also of its base64."""
    said = re.sub(r"\\\\[rn]|\\\\u[0-9a-f]{4}|\\\\xad|[^\w+/=-]", "", repr(found))
    return any(part in said for part in ("fixture", "fixtu", "ixture", *IN_BASE64))


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


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("body", [f"bad key {KEY}", json.dumps({"error": {"message": f"bad key {KEY}"}})])
def test_nor_is_it_in_an_answer_in_another_encoding(body: str, encoding: str) -> None:
    answered = HttpAnswer(401, {}, body.encode(encoding), 1.0)
    fault = read_json(answered, KEY)
    assert isinstance(fault, Fault)
    assert fault.message == "The server answered 401: bad key [key]"


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


@pytest.mark.parametrize("filling", ["\\", "%25", "&#0", "&amp;", "gw/", "g\n\n\n\n", "=6", "%", "\\u00"])
def test_a_long_text_takes_time_in_proportion(filling: str) -> None:
    began = process_time()
    scrub(filling * 200_000, KEY)
    assert process_time() - began < 5  # some 0.1 s; quadratic would be minutes
