"""What a burst of sign-ups costs those who read meanwhile. The site under test listens on loopback.

    BEHIND_PROXY=1 DATA_DIR=/tmp/burst manage.py serve --prepare --port 8170 &
    python benchmarks/signing_up.py http://127.0.0.1:8170 --at-once 25

``BEHIND_PROXY`` lets each of them come from an address of its own: one address may sign up 20 times a minute.
"""

import argparse
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable
from http.client import HTTPConnection
from threading import Barrier, Event, Thread
from urllib.parse import urlencode, urlsplit

PAGES = ("/", "/prompts/", "/prompts/?sort=newest", "/evidence/")
READERS, CALM_S = 3, 5.0


class Browser:
    """One address, one cookie jar, one connection a request."""

    def __init__(self, site: str, address: str) -> None:
        self.site, self.address, self.cookies = urlsplit(site), address, dict[str, str]()

    def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
        at = HTTPConnection(self.site.hostname or "", self.site.port, timeout=120)
        headers = {
            "X-Forwarded-For": self.address,
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": f"{self.site.scheme}://{self.site.netloc}",
        }
        at.request(method, path, urlencode(form or {}) if form else None, headers)
        answer = at.getresponse()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        text = answer.read().decode("utf-8", "replace")
        at.close()
        return answer.status, text


def sign_up(site: str, number: int, together: Barrier, said: list[tuple[int, float]], stamp: str) -> None:
    browser = Browser(site, f"198.51.100.{number % 250}")
    _, page = browser.ask("GET", "/accounts/signup/")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    form = {
        "csrfmiddlewaretoken": token[1] if token else "",
        "email": f"burst-{stamp}-{number}@example.com",
        "username": f"b{stamp}-{number}",
        "password1": "correct horse battery staple",
    }
    together.wait()
    began = time.perf_counter()
    status, _ = browser.ask("POST", "/accounts/signup/", form)
    said.append((status, time.perf_counter() - began))


def read(site: str, until: Event, took: list[tuple[int, float]]) -> None:
    browser = Browser(site, "203.0.113.9")
    while not until.is_set():
        for path in PAGES:
            began = time.perf_counter()
            status, _ = browser.ask("GET", path)
            took.append((status, time.perf_counter() - began))


def reading(site: str, act: Callable[[], None]) -> list[tuple[int, float]]:
    """How long each page took somebody who read while ``act`` lasted."""
    took, over = list[tuple[int, float]](), Event()
    threads = [Thread(target=read, args=(site, over, took)) for _ in range(READERS)]
    for thread in threads:
        thread.start()
    act()
    over.set()
    for thread in threads:
        thread.join()
    return took


def told(name: str, took: list[tuple[int, float]]) -> str:
    ms = sorted(1000 * seconds for _, seconds in took)
    p95 = statistics.quantiles(ms, n=20)[-1] if len(ms) > 1 else ms[0]
    counted = dict(Counter(status for status, _ in took))
    times = f"median {ms[len(ms) // 2]:.0f} ms, p95 {p95:.0f}, max {ms[-1]:.0f}"
    return f"{name}: {len(ms)} answers {counted}, {times}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("site")
    parser.add_argument("--at-once", type=int, default=25)
    options = parser.parse_args()
    if urlsplit(options.site).hostname not in {"127.0.0.1", "localhost", "::1"}:
        parser.error("Only a site on this machine is put under load.")
    print(told("readers, calm", reading(options.site, lambda: time.sleep(CALM_S))))
    said, together = list[tuple[int, float]](), Barrier(options.at_once)
    stamp = f"{int(time.time()) % 1_000_000:x}"

    def burst() -> None:
        arguments = (together, said, stamp)
        people = [Thread(target=sign_up, args=(options.site, n, *arguments)) for n in range(options.at_once)]
        for person in people:
            person.start()
        for person in people:
            person.join()

    print(told("readers, burst", reading(options.site, burst)))
    print(told("sign-ups", said))


if __name__ == "__main__":
    main()
