"""`verify_evidence` and `rotate_keys` on the command line."""

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command

from prompts_app.actions.runs.seal import key_set, seal_run, sealed_file, verify
from prompts_app.models import Endpoint, KeyUnreadable, Run
from prompts_app.tests.accounts import code_of, with_second_step
from prompts_app.tests.factories import EndpointFactory, ResultFactory, RunFactory
from prompts_app.tests.people import alice

pytestmark = pytest.mark.django_db


def run_with_seal(**fields: object) -> Run:
    run: Run = RunFactory(suite=[{"name": "One"}], **fields)
    ResultFactory(run=run, case_index=0, output="Ja 12,50 €")
    seal_run(run)
    return run


def written(path: Path, content: object) -> str:
    path.write_text(json.dumps(content))
    return str(path)


def test_a_record_that_holds(tmp_path: Path) -> None:
    out = StringIO()
    call_command("verify_evidence", written(tmp_path / "r.json", sealed_file(run_with_seal())), stdout=out)
    assert "holds   content" in out.getvalue()


def test_a_record_that_was_changed_fails(tmp_path: Path) -> None:
    file: Any = sealed_file(run_with_seal())
    file["record"]["run"]["model"] = "a better one"
    with pytest.raises(CommandError, match="does not hold"):
        call_command("verify_evidence", written(tmp_path / "r.json", file), stdout=StringIO())


def test_with_a_key_set_no_database_is_asked(tmp_path: Path, django_assert_num_queries: Any) -> None:
    record = written(tmp_path / "r.json", sealed_file(run_with_seal()))
    keys = written(tmp_path / "keys.json", key_set())
    with django_assert_num_queries(0):
        call_command("verify_evidence", record, "--keys", keys, stdout=StringIO())


TEMPLATE, DOCS = "templates/public/verify.html", "docs/evidence.md"


def ten_lines(place: str) -> str:
    text = (Path(django_settings.BASE_DIR) / place).read_text().split("pip install joserfc rfc8785\n\n")[1]
    return text.split("</pre>")[0] if place == TEMPLATE else dedent(text.split("\nA file in which")[0])


@pytest.mark.parametrize("place", [TEMPLATE, DOCS])
def test_the_documented_ten_lines_say_the_same(tmp_path: Path, place: str) -> None:
    """Of a record with a number in it that the public library would refuse as a whole one."""
    run = run_with_seal(parameters={"seed": 2**63 + 1})
    record = written(tmp_path / "r.json", sealed_file(run))
    keys = written(tmp_path / "keys.json", key_set())
    done = subprocess.run(
        [sys.executable, "-c", ten_lines(place), record, keys], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("holds"), done.stderr


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("not json", "not JSON"),
        ('{"seal": 1, "seal": 2}', "stands twice"),
    ],
)
def test_a_file_that_is_no_json(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "r.json"
    path.write_text(content)
    with pytest.raises(CommandError, match=why):
        call_command("verify_evidence", str(path))


def test_rotating_keys_lets_the_old_one_go(settings: Any) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.ENDPOINT_KEYS = [old]
    endpoint: Endpoint = EndpointFactory()
    endpoint.set_key("sk-secret")
    endpoint.save()
    run = run_with_seal()

    settings.ENDPOINT_KEYS = [new, old]
    call_command("rotate_keys", "--signing", stdout=StringIO())

    settings.ENDPOINT_KEYS = [new]
    endpoint.refresh_from_db()
    assert endpoint.as_engine().key == "sk-secret"
    assert verify(sealed_file(run)).holds
    run_with_seal()


def test_second_steps_are_stored_encrypted_and_rotate_too(settings: Any) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.ENDPOINT_KEYS = [old]
    user = alice()
    codes = with_second_step(user)
    stored = json.dumps([step.data for step in Authenticator.objects.filter(user=user)])
    assert not any(code in stored for code in codes)
    assert code_of(user)

    settings.ENDPOINT_KEYS = [new, old]
    call_command("rotate_keys", stdout=StringIO())

    settings.ENDPOINT_KEYS = [new]
    recovery = Authenticator.objects.get(user=user, type="recovery_codes").wrap()
    assert recovery.get_unused_codes() == codes


def test_an_endpoint_key_no_key_opens_is_named_and_left(settings: Any) -> None:
    endpoint: Endpoint = EndpointFactory(name="Lost one")
    endpoint.set_key("sk-secret")
    endpoint.save()
    settings.ENDPOINT_KEYS = [Fernet.generate_key().decode()]
    err = StringIO()
    call_command("rotate_keys", stdout=StringIO(), stderr=err)
    assert "Lost one" in err.getvalue()
    endpoint.refresh_from_db()
    with pytest.raises(KeyUnreadable):
        endpoint.as_engine()


def test_a_key_is_never_in_the_database_or_a_repr_in_clear() -> None:
    endpoint: Endpoint = EndpointFactory()
    endpoint.set_key("sk-secret-value")
    endpoint.save()
    endpoint.refresh_from_db()
    assert b"sk-secret-value" not in bytes(endpoint.encrypted_key)
    assert "sk-secret-value" not in repr(endpoint.as_engine())
