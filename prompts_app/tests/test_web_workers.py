"""Several web processes, as `serve` starts them: limits and one-time codes count in all of them together."""

import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from http.cookiejar import CookieJar
from pathlib import Path
from threading import Barrier

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from prompts_app.models import ShareLink, User
from prompts_app.tests.accounts import code_of, with_second_step
from prompts_app.tests.actions.running import in_a_thread
from prompts_app.tests.commands.test_serve import answers_http, free_port, serving
from prompts_app.tests.people import PASSWORD, alice
from prompts_app.tests.workers import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def hashed(secret: str) -> str:
    """As the served site hashes, in less time."""
    return PBKDF2PasswordHasher().encode(secret, "salt", 1000)


class Browser:
    def __init__(self, site: str, address: str) -> None:
        self.site, self.address = site, address
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def ask(self, path: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Status, where it ended, and the page."""
        data = urllib.parse.urlencode(form).encode() if form else None
        headers = {"X-Forwarded-For": self.address, "Origin": self.site}
        try:
            answer = self.opener.open(urllib.request.Request(self.site + path, data, headers), timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.geturl(), answer.read().decode()

    def send(self, path: str, **form: str) -> tuple[int, str, str]:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.ask(path)[2])
        return self.ask(path, {**form, "csrfmiddlewaretoken": token[1] if token else ""})


def at_once[T](acts: Sequence[Callable[[], T]]) -> list[T]:
    together, said = Barrier(len(acts)), list[T]()

    def act(one: Callable[[], T]) -> Callable[[], None]:
        def acted() -> None:
            together.wait()
            said.append(one())

        return acted

    for thread in [in_a_thread(act(one)) for one in acts]:
        thread.join(120)
    return said


@pytest.fixture(scope="module")
def site(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory, static_files: Path
) -> Iterator[str]:
    """With the static files, which every page names; each visitor has the address it says."""
    directory, port = tmp_path_factory.mktemp("data"), free_port()
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {"BEHIND_PROXY": "1", "CACHE_URL": "", "DATA_DIR": str(directory)}.items():
            environment.setenv(name, value)
        (directory / "static").symlink_to(static_files)
        with serving(directory, port, "--no-worker", "--workers", "3"):
            eventually(lambda: answers_http(port), 60)
            yield f"http://127.0.0.1:{port}"


def test_of_forty_guesses_at_a_passphrase_ten_are_heard_and_its_recipient_gets_in(site: str) -> None:
    link = ShareLink(owner=alice(), label="For Bob", passphrase=hashed("open sesame"))
    token = link.new_token()
    link.save()
    guesser = Browser(site, "192.0.2.1")
    path = f"/s/{token}/"

    def guess() -> int:
        return guesser.ask(path, {"passphrase": "a guess"})[0]

    counted = Counter(at_once([guess] * 40))
    assert counted[403] <= 10
    assert counted == Counter({403: counted[403], 429: 40 - counted[403]})
    assert Browser(site, "198.51.100.7").ask(path, {"passphrase": "open sesame"})[0] == 200


def test_a_one_time_code_works_once(site: str) -> None:
    with_second_step(alice())
    User.objects.filter(username="alice").update(password=hashed(PASSWORD))
    browsers = [Browser(site, f"192.0.2.{place}") for place in range(6)]
    for browser in browsers:
        assert "/2fa/" in browser.send("/accounts/login/", login="alice", password=PASSWORD)[1]
    eventually(
        lambda: time.time() % 30 < 15
    )  # what is sent now is still this half minute's code when it comes
    code = code_of(alice())
    sent = [partial(browser.send, "/accounts/2fa/authenticate/", code=code) for browser in browsers]
    let_in = [where for _, where, _ in at_once(sent) if where.endswith("/studio/")]
    assert len(let_in) == 1


def test_wrong_passwords_are_counted_together(site: str) -> None:
    User.objects.filter(pk=alice().pk).update(password=hashed(PASSWORD))
    guessers = [Browser(site, f"192.0.2.{place}") for place in range(12)]
    sent = [partial(guesser.send, "/accounts/login/", login="alice", password="no") for guesser in guessers]
    pages = [page for _, _, page in at_once(sent)]
    heard = sum("do not belong together" in page for page in pages)
    assert 0 < heard <= 5
    assert sum("Too many failed attempts" in page for page in pages) == 12 - heard
