"""Whoever guesses a private text rightly is told so by nothing public: no digest, no seal, no form."""

import json
import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from prompts_app.actions.prompts.private_parts import add_span
from prompts_app.actions.prompts.reveal import reveal_of
from prompts_app.actions.runs.counting import count_run, rebuild_evidence
from prompts_app.actions.runs.seal import record_of, seal_run, sealed_file
from prompts_app.engine.digests import canonical, case_json, digest, suite_digest
from prompts_app.engine.masking import Mask, Span, placeholder
from prompts_app.engine.reveals import Reveal, merged
from prompts_app.models import PictureFile, PrivateSpan, Prompt, Run
from prompts_app.tests.factories import CaseFactory, PromptFactory, ResultFactory, RunFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of

pytestmark = pytest.mark.django_db

RULE = "Never promise a refund above 40 euros unless the shift leader agreed to it in writing"
NAME = "Grimbaldi Lamps"
WRONG = {RULE: "Never promise anything to anybody who is on the telephone", NAME: "Acme Lamps"}
PNG = "ab" * 32  # SHA-256 of the file an image server sent, which may have the prompt in it


@pytest.fixture(params=[RULE, NAME], ids=["long", "short"])
def text(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def run(text: str) -> Run:
    """A sealed run of a public prompt with one private part, in the prompt, its case and what came back."""
    prompt: Prompt = PromptFactory(owner=alice(), slug="desk", title="Refund desk", visibility="public")
    version = VersionFactory(prompt=prompt, messages=[{"role": "system", "content": f"{text}. {{{{word}}}}"}])
    CaseFactory(prompt=prompt, variables={"word": text}, assertions=[{"type": "contains", "value": text}])
    run: Run = RunFactory(
        version=version,
        suite=[case_json(case) for case in prompt.suite()],
        suite_digest=suite_digest(prompt.suite()),
    )
    check = {"type": "contains", "value": text, "passed": True, "score": 1.0, "reason": "found"}
    drawn = {"sha256": sha256(b"large").hexdigest(), "small_sha256": sha256(b"small").hexdigest()}
    picture = {"type": "image/webp", **drawn, "original_sha256": PNG, "original_bytes": 1234}
    ResultFactory(run=run, case_index=0, output=f"So: {text}", request={"m": text}, checks=[check])
    pictured = ResultFactory(run=run, case_index=0, repeat=1, output="", picture=picture)
    PictureFile.objects.create(result=pictured, data=b"large", small=b"small")
    count_run(run)
    seal_run(run)
    rebuild_evidence(prompt)
    add_span(prompt, "client", text)
    run.refresh_from_db()
    return run


def public_texts(run: Run) -> Iterator[str]:
    """Everything of the prompt a stranger can fetch."""
    at, result = "/@alice/desk", run.results.order_by("repeat").first()
    assert result
    addresses = [
        f"{at}/", f"{at}/v1/", f"{at}/results/", f"{at}/interview/", result.get_absolute_url(),
        f"{at}.md", f"{at}.json", f"{at}.promptfoo.yaml", f"{at}.messages.json", f"{at}/badge.svg",
        f"{at}/runs/{run.public_id}.json", "/@alice/", "/@alice/feed.atom", "/prompts/", "/sitemap.xml",
        f"{at}/results/{run.results.get(repeat=1).public_id}/",
    ]  # fmt: skip
    for address in addresses:
        response = Client().get(address)
        assert response.status_code == 200, address
        yield read_page(response)
        yield response.headers.get("ETag", "")


def guess_of(run: Run, text: str) -> dict[str, Any]:
    """The full record, as a stranger makes it from the masked one and a guess."""
    masked = Client().get(f"/@alice/desk/runs/{run.public_id}.json").json()
    part = run.prompt.private_spans.get()
    record = json.loads(json.dumps(masked["record"]).replace(part.placeholder, text))
    content = {name: record["version"][name] for name in ("messages", "variables", "parameters")}
    record["version"]["digest"], record["suite_digest"] = digest(content), digest(record["suite"])
    for result in record["results"]:
        if "picture" in result:
            result["picture"] |= {"original_sha256": PNG, "original_bytes": 1234}
    found: dict[str, Any] = record
    return found


def answer_to(file: object, reveals: object = "") -> str:
    """What /verify/ says, without what was typed."""
    said = Client().post(reverse("verify"), {"text": json.dumps(file), "reveals": reveals})
    shown = read_page(said).partition('id="verdict-h"')[2].partition("</section>")[0]
    assert shown, read_page(said)[:3000]
    return shown


def test_the_guess_would_be_the_very_record(run: Run, text: str) -> None:
    """Otherwise nothing below would show anything."""
    seal = run.seals.get()
    assert guess_of(run, text) == json.loads(json.dumps(record_of(run, seal.names)))
    assert digest(guess_of(run, text)) == seal.record_digest


def test_nothing_public_has_a_digest_that_the_guess_gives(run: Run, text: str) -> None:
    record, seal = guess_of(run, text), run.seals.get()
    parts = [
        record, record["suite"], record["suite"][0], record["version"]["messages"], record["results"],
        record["results"][0], record["results"][0]["request"], record["results"][0]["checks"], text,
    ]  # fmt: skip
    known = {digest(part) for part in parts} | {sha256(canonical(part)).hexdigest() for part in parts}
    known |= {sha256(one.encode()).hexdigest() for one in (text, f"{text}.", f"So: {text}", text.lower())}
    known |= {record["version"]["digest"], record["suite_digest"], seal.record_digest, PNG, seal.jws}
    for found in public_texts(run):
        spaced = re.sub(r"(?<=[0-9a-f]) (?=[0-9a-f])", "", found)
        assert not [one for one in known if one[:12] in found or one[:12] in spaced]
        assert not re.search(r"eyJ[\w-]{20,}\.[\w-]+\.", found), "a signature"


def test_verify_says_the_same_to_a_right_guess_and_a_wrong_one(run: Run, text: str) -> None:
    right, wrong = guess_of(run, text), guess_of(run, WRONG[text])
    other = RunFactory(version=VersionFactory(prompt__owner=bob()), suite=[{"name": "x"}])
    ResultFactory(run=other, case_index=0)
    theirs = seal_run(other)
    assert theirs
    own = run.seals.get().jws  # of somebody who downloaded it before the part was private
    for seal in (None, theirs.jws, own, "x.y.z", 1):
        for is_masked in (False, True):
            more: dict[str, Any] = {"private": {"parts": []}} if is_masked else {}
            one, two = ({"record": record, "seal": seal, **more} for record in (right, wrong))
            assert answer_to(one) == answer_to(two), (seal, is_masked)


def test_nor_does_it_with_the_salt_of_another_part(run: Run, text: str) -> None:
    """Somebody was given one part, and guesses the other."""
    Run.objects.get(pk=run.pk).results.filter(repeat=0).update(output=f"So: {text} by Quibbleworth and Sons")
    seal_run(run)
    given = add_span(run.prompt, "firm", "Quibbleworth and Sons")
    reveal = json.dumps(reveal_of(given).as_json())
    part = PrivateSpan.objects.get(label="client")
    masked = Client().get(f"/@alice/desk/runs/{run.public_id}.json").json()
    with_own = masked | {"seal": run.seals.last().jws}  # type: ignore[union-attr]
    for file in (masked, with_own):
        answers = set()
        for guess in (text, WRONG[text]):
            filled = json.loads(json.dumps(file).replace(part.placeholder, guess))
            answers.add(answer_to(filled, reveal))
            # and with a made-up reveal of the guess, whatever its short hash
            made_up = [json.loads(reveal), Reveal(guess, "0" * 32, "client").as_json()]
            answers.add(answer_to(filled, json.dumps(made_up)))
        assert len(answers) == 1


def test_a_reveal_that_only_fits_the_short_hash_puts_nothing_back(
    run: Run, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight digits of a hash can be met by trying salts; the whole hash cannot."""
    masked = Client().get(f"/@alice/desk/runs/{run.public_id}.json").json()
    short = run.prompt.private_spans.get().placeholder[-8:]
    monkeypatch.setattr(Reveal, "by_hash", property(lambda self: {short: self.text}))
    assert merged(masked, [Reveal(text, "0" * 32, "client")])[1] == 0  # it would fit
    answers = {
        answer_to(masked, json.dumps(Reveal(guess, "0" * 32, "client").as_json()))
        for guess in (text, WRONG[text])
    }
    assert len(answers) == 1
    assert "put back" not in answers.pop()


def test_its_author_and_whoever_was_given_the_part_are_told(run: Run, text: str) -> None:
    full = json.dumps({"record": guess_of(run, text), "seal": run.seals.get().jws})
    reveal = json.dumps(reveal_of(run.prompt.private_spans.get()).as_json())
    assert "It holds<" in read_page(client_of(alice()).post(reverse("verify"), {"text": full}))
    assert "It holds<" in read_page(Client().post(reverse("verify"), {"text": full, "reveals": reveal}))
    masked = read_page(Client().get(f"/@alice/desk/runs/{run.public_id}.json"))
    assert "It holds<" in read_page(Client().post(reverse("verify"), {"text": masked, "reveals": reveal}))
    assert client_of(alice()).get(f"/@alice/desk/runs/{run.public_id}.json?private=shown").json() == (
        json.loads(json.dumps(sealed_file(run)))
    )


def test_a_run_that_was_deleted_is_no_way_round(run: Run, text: str) -> None:
    files = [{"record": guess_of(run, one), "seal": run.seals.get().jws} for one in (text, WRONG[text])]
    Run.objects.all().delete()
    assert answer_to(files[0]) == answer_to(files[1])


def test_a_fork_in_which_the_guess_is_written_is_not_told_that_its_cases_are_the_same(
    run: Run, text: str
) -> None:
    said = []
    for guess in (text, WRONG[text]):
        fork = PromptFactory(owner=bob(), visibility="public", forked_from=run.version, forked_licence="MIT")
        version = VersionFactory(prompt=fork)
        suite = json.loads(json.dumps(run.suite).replace(text, guess))
        theirs = RunFactory(version=version, suite=suite, suite_digest=digest(suite))
        ResultFactory(run=theirs, case_index=0)
        count_run(theirs)
        rebuild_evidence(fork)
        html = read_page(client_of(bob()).get(fork.get_absolute_url()))
        said.append(" ".join(re.findall(r"Not compared[^<]*|same cases", html)))
    assert said[0] == said[1]


def test_where_two_parts_overlap_the_salt_of_one_says_nothing_of_the_other() -> None:
    one = Span("one", "the secret recipe is", "1" * 32)
    other = Span("other", "recipe is three cups of sugar", "2" * 32)
    whole = "the secret recipe is three cups of sugar"
    shown = Mask([one, other]).text(f"Well: {whole}.")
    assert "sugar" not in shown
    for salt in (one.salt, other.salt):
        assert placeholder("one", whole, salt)[-8:] not in shown
    assert salt_is_of_all(Mask([one, other]))


def salt_is_of_all(mask: Mask) -> bool:
    return all(span.salt in mask.salt and mask.salt != span.salt for span in mask.spans)


def test_a_part_inside_another_needs_only_the_other() -> None:
    outer = Span("outer", "the secret recipe is sugar", "1" * 32)
    inner = Span("inner", "recipe is sugar", "2" * 32)
    mask = Mask([outer, inner])
    assert mask.text("Well: the secret recipe is sugar.") == f"Well: {outer.placeholder}."
    assert mask.used == {outer}
