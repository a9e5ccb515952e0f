"""Pictures as input: they stand where their variable does, are sent whole, and are kept by digest."""

import base64
import json
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from prompts_app.engine.case_pictures import MOST_PICTURES, CasePicture, text_in
from prompts_app.engine.digests import case_from_json, case_json, suite_digest
from prompts_app.engine.errors import PictureRefused
from prompts_app.engine.pictures import LONGEST_SIDE, is_bare_jpeg, keep_again, keep_to_send
from prompts_app.engine.render import render_messages
from prompts_app.engine.responses_body import messages_in
from prompts_app.engine.run import conversation
from prompts_app.engine.tool_steps import sent_from_json
from prompts_app.engine.types import (
    Assertion,
    CaseContent,
    Cell,
    EndpointConfig,
    Json,
    Judge,
    Message,
    Outcome,
    PicturedMessage,
    PromptContent,
)
from prompts_app.tests.engine.asking import ask_cells
from prompts_app.tests.engine.files import (
    RED,
    a_file,
    a_picture,
    as_file,
    moving,
    png_that_claims,
    with_place,
)
from prompts_app.tests.engine.judges import says
from prompts_app.tests.engine.responding import response
from prompts_app.tests.engine.servers import answering, completion, http

PICTURE = keep_to_send(a_file("PNG", 80, 60))
DIGEST = sha256(PICTURE.data).hexdigest()
ONE = CasePicture("invoice", DIGEST, 80, 60, "An invoice of 12 May")
PROMPT = PromptContent((Message("system", "Read it."), Message("user", "Before {{invoice}} after {{word}}.")))
CASE = CaseContent("one", {"word": "that"}, pictures=(ONE,))
PART = {"type": "image_url", "image_url": {"url": f"sha256:{DIGEST}"}}


def read(digest: str) -> bytes:
    return {DIGEST: PICTURE.data}[digest]


def asked(
    case: CaseContent = CASE, prompt: PromptContent = PROMPT, **more: Any
) -> tuple[Outcome, list[Json]]:
    """What came of it, and the bodies that the server got."""
    with answering(*more.pop("script", [http(200, completion("42 euros"))])) as server:
        endpoint = server.endpoint()
        if "judge" in more:
            more["judge"] = Judge(endpoint, "judge-1")
        (outcome,) = ask_cells(prompt, [Cell(0, 0, case)], endpoint, read_picture=read, **more)
        return outcome, [one.json for one in server.asked]


# --- a case -----------------------------------------------------------------------------------------------


def test_a_case_without_pictures_is_written_as_before() -> None:
    plain = replace(CASE, pictures=())
    assert "pictures" not in case_json(plain)
    assert suite_digest([plain]) != suite_digest([CASE])


def test_a_case_comes_back_as_it_was_written() -> None:
    assert case_from_json(json.loads(json.dumps(case_json(CASE)))) == CASE
    assert "alt" not in case_json(replace(CASE, pictures=(replace(ONE, alt=""),)))["pictures"][0]


@pytest.mark.parametrize(
    "wrong",
    [
        "no list", [3], [{}], [{"variable": "a"}], [{"variable": 1, "sha256": "0", "width": 1, "height": 1}],
        [{"variable": "a", "sha256": "0", "width": 0, "height": 1}],
        [{"variable": "a", "sha256": "0", "width": True, "height": 1}],
        [{"variable": "a", "sha256": "0" * 9_999, "width": 1, "height": 1}],
        [ONE.as_json()] * (MOST_PICTURES + 1),
    ],
)  # fmt: skip
def test_a_case_of_another_shape_is_refused(wrong: Json) -> None:
    with pytest.raises(ValueError, match="case"):
        case_from_json({"name": "one", "pictures": wrong})


def test_a_label_in_place_of_a_digest_is_no_address() -> None:
    assert ONE.is_shown
    assert not replace(ONE, sha256="[private picture, 1 word]").is_shown


# --- a message --------------------------------------------------------------------------------------------


def test_a_picture_stands_where_its_variable_does() -> None:
    system, user = render_messages(PROMPT, CASE)
    assert system == Message("system", "Read it.")
    assert user.as_json()["content"] == [
        {"type": "text", "text": "Before "}, PART, {"type": "text", "text": " after that."}
    ]  # fmt: skip
    assert sent_from_json(user.as_json()) == user


def test_several_for_one_variable_follow_one_another_and_text_counts_for_nothing() -> None:
    two = replace(CASE, variables={"word": "x", "invoice": "a text"}, pictures=(ONE, replace(ONE, alt="")))
    (message,) = render_messages(PromptContent((Message("user", "{{invoice}}"),)), two)
    assert message.as_json()["content"] == [PART, PART]
    assert message.content == ""


def test_turns_and_a_system_message_of_the_case_may_hold_pictures() -> None:
    case = replace(CASE, turns=("And {{invoice}}?",), system="{{ invoice }}")
    (system, _), (turn,) = conversation(PROMPT, case)
    assert isinstance(system, PicturedMessage)
    assert turn.as_json()["content"][1] == PART


def test_a_prompt_without_the_variable_sends_no_picture() -> None:
    (message,) = render_messages(PromptContent((Message("user", "Hello"),)), CASE)
    assert message == Message("user", "Hello")


def test_the_texts_of_a_content_of_any_shape() -> None:
    assert text_in([{"type": "text", "text": "a"}, PART, 3, {"text": None}]) == "a"
    assert text_in(None) == text_in({}) == ""


# --- asking -----------------------------------------------------------------------------------------------


def test_the_server_gets_the_bytes_and_the_request_is_kept_by_digest() -> None:
    outcome, (body,) = asked()
    (sent,) = [part for part in body["messages"][1]["content"] if part["type"] == "image_url"]
    address = sent["image_url"]["url"]
    assert address.startswith("data:image/jpeg;base64,")
    assert base64.b64decode(address.partition(",")[2]) == PICTURE.data
    assert outcome.request.body()["messages"][1]["content"][1] == PART
    assert not outcome.request.pictures
    assert outcome.reply is not None
    assert outcome.reply.output == "42 euros"


def test_the_responses_api_gets_them_in_its_own_shape() -> None:
    outcome, (body,) = asked(api="responses", script=[http(200, response("42 euros"))])
    text, picture, _ = body["input"][1]["content"]
    assert text == {"type": "input_text", "text": "Before "}
    assert picture["type"] == "input_image"
    assert base64.b64decode(picture["image_url"].partition(",")[2]) == PICTURE.data
    kept = outcome.request.body()
    assert kept["input"][1]["content"][1]["image_url"] == f"sha256:{DIGEST}"
    assert messages_in(kept)[1]["content"][1] == PART
    assert outcome.passed is not False


def test_with_further_turns_every_call_has_the_picture() -> None:
    outcome, bodies = asked(replace(CASE, turns=("Sure?",)), script=[http(200, completion("a"))] * 2)
    assert [json.dumps(body).count("data:image/jpeg") for body in bodies] == [1, 1]
    assert "data:" not in json.dumps(outcome.request.body())


def test_what_is_sent_may_be_changed_as_the_server_wants_it() -> None:
    refused = http(400, {"error": {"message": "Role 'system' is not supported; use 'developer'."}})
    case = replace(CASE, system="See {{invoice}}")
    outcome, bodies = asked(case, script=[refused, http(200, completion("ok"))])
    assert bodies[-1]["messages"][0]["role"] == "developer"
    assert outcome.request.messages[0].as_json()["content"][1] == PART


@pytest.mark.parametrize(
    ("case", "prompt", "api", "kind", "words"),
    [
        (replace(CASE, pictures=(replace(ONE, sha256="0" * 64),)), PROMPT, "chat", "template", "not kept"),
        (replace(CASE, pictures=(replace(ONE, sha256="[x, 1 word]"),)), PROMPT, "chat", "template", "kept"),
        (CASE, PromptContent((Message("user", "{{invoice}}" * 21),)), "chat", "bad_request", "more than 20"),
        (CASE, PROMPT, "images", "bad_request", "images API takes no pictures"),
    ],
)
def test_what_cannot_be_sent_is_a_row_and_no_call(
    case: CaseContent, prompt: PromptContent, api: str, kind: str, words: str
) -> None:
    outcome, bodies = asked(case, prompt, api=api)
    assert bodies == []
    assert outcome.fault is not None
    assert (outcome.fault.kind, words in outcome.fault.message) == (kind, True)


def test_a_server_that_takes_no_pictures_is_a_labelled_row() -> None:
    said = {
        "error": {
            "message": "image_url is only supported by certain models.",
            "type": "invalid_request_error",
        }
    }
    outcome, _ = asked(script=[http(400, said)])
    assert outcome.fault is not None
    assert "image_url is only supported" in outcome.fault.message


def test_a_judge_sees_the_pictures_before_its_question() -> None:
    case = replace(CASE, assertions=(Assertion("llm-rubric", "The total is right"),))
    script = [http(200, completion("42 euros")), says({"reason": "It is.", "pass": True, "score": 1})]
    outcome, (_, judged) = asked(case, script=script, judge=True)
    content = judged["messages"][1]["content"]
    assert [part["type"] for part in content] == ["text", "image_url", "text"]
    assert "material" in content[0]["text"]
    assert content[2]["text"].rstrip().endswith("}")  # the form stays the last thing it reads
    assert content[1]["image_url"]["url"].startswith("data:image/jpeg;base64,")
    (check,) = outcome.checks
    assert check.passed is True
    assert check.judge is not None
    assert f"sha256:{DIGEST}" in check.judge.calls[0].asked
    assert "data:" not in check.judge.calls[0].asked


def test_practice_sees_how_large_a_picture_is() -> None:
    (outcome,) = ask_cells(
        PromptContent((Message("system", "Repeat."), Message("user", "{{invoice}}"))),
        [Cell(0, 0, CASE)], EndpointConfig("practice"), read_picture=read, model="practice-1",
    )  # fmt: skip
    assert outcome.reply is not None
    assert outcome.reply.output == "Picture: 80 × 60 pixels"


# --- what comes in ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_what_is_kept_is_a_bare_jpeg_whatever_came(kind: str) -> None:
    kept = keep_to_send(with_place(kind))
    assert is_bare_jpeg(kept.data)
    assert is_bare_jpeg(kept.small)
    assert b"Secret" not in kept.data + kept.small
    with Image.open(BytesIO(kept.data)) as picture:
        assert (picture.format, picture.size, dict(picture.getexif())) == (
            "JPEG",
            (kept.width, kept.height),
            {},
        )


def test_what_is_transparent_lies_on_white() -> None:
    picture = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    with Image.open(BytesIO(keep_to_send(as_file(picture)).data)) as kept:
        assert min(kept.getpixel((5, 5))) > 250  # type: ignore[arg-type]  # three bands


def test_a_large_one_is_made_smaller() -> None:
    kept = keep_to_send(a_file("PNG", 3000, 1000))
    assert (kept.width, kept.height) == (LONGEST_SIDE, 683)


@pytest.mark.parametrize(
    "hostile",
    [
        b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a" + b"\0" * 40, b"%PDF-1.4",
        png_that_claims(60_000, 60_000), moving("PNG"), a_file()[:100], a_file() + b"PK\x03\x04",
        a_file("PNG", 2100, 100),
    ],
)  # fmt: skip
def test_hostile_files_are_refused_with_a_sentence(hostile: bytes) -> None:
    with pytest.raises(PictureRefused, match=r"\."):
        keep_to_send(hostile)


def test_what_one_site_kept_another_keeps_byte_for_byte() -> None:
    assert keep_again(PICTURE.data) == PICTURE


@pytest.mark.parametrize(
    "changed",
    [
        with_place("JPEG"), a_file("PNG"), PICTURE.data + b"more", PICTURE.data[:-2] + b"\xff\xfe\xff\xd9",
        PICTURE.data[:2] + b"\xff\xfe\x00\x08secret" + PICTURE.data[2:],
        PICTURE.data[:2] + b"\xff\xe1\x00\x08Exif\0\0" + PICTURE.data[2:], PICTURE.data[:300],
        as_file(a_picture(LONGEST_SIDE + 10, 300), "JPEG"),
    ],
)  # fmt: skip
def test_another_file_is_not_taken_for_one(changed: bytes) -> None:
    with pytest.raises(PictureRefused):
        keep_again(changed)


def test_red_stays_red() -> None:
    with Image.open(BytesIO(keep_to_send(as_file(Image.new("RGB", (30, 30), RED))).data)) as kept:
        pixel = kept.getpixel((15, 15))
    assert isinstance(pixel, tuple)
    assert all(abs(a - b) < 12 for a, b in zip(pixel, RED, strict=True))
