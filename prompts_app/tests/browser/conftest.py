"""The whole product, started as its users start it: web server and worker in processes of their own, on a
database of their own, beside a real OpenAI-compatible server; and a real Chromium to walk it with."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

ROOT = Path(settings.BASE_DIR)
LLMOCK = str(Path(sys.executable).parent / "llmock")
SYSTEM_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MACOS_BROWSER = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
NO_BROWSER = "BROWSER TESTS DID NOT RUN: no Chromium found (Playwright's own, or chromium or google-chrome)."


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)


@dataclass(frozen=True)
class Site:
    """The running product."""

    url: str
    data_dir: Path
    database_url: str
    process: subprocess.Popen[bytes]

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A management command on this site's own data."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=_environment(self.data_dir, self.database_url, self.url),
            capture_output=True,
            text=True,
            check=False,
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 240) -> None:
    """Returns once ``url`` answers; raises when the process died or the time is up."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the process for {url} ended with status {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"{url} did not answer within {seconds:.0f} s")


def _environment(data_dir: Path, database_url: str, url: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "DJANGO_SETTINGS_MODULE"}}
    return kept | {
        "DATA_DIR": str(data_dir),
        "DATABASE_URL": database_url,
        "SITE_URL": url,
        "LOG_LEVEL": "WARNING",
    }


def _make_database(name: str) -> str:
    """A database for the product under test, of the same kind as the suite's: its URL ("" for SQLite)."""
    test = settings.DATABASES["default"]
    if "sqlite" in test["ENGINE"]:
        return ""
    at = f"{test['USER']}@{test['HOST']}:{test['PORT']}"
    with psycopg.connect(f"postgres://{at}/postgres", autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}"')
        server.execute(f'CREATE DATABASE "{name}"')
    return f"postgres://{at}/{name}"


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Site]:
    """The site with its demo content, as `make run` starts it."""
    data_dir, port = tmp_path_factory.mktemp("site"), free_port()
    url = f"http://127.0.0.1:{port}"
    database_url = _make_database(f"proofsheet_browser_{worker_id}")
    log = (data_dir / "serve.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--prepare", "--port", str(port)],
        cwd=ROOT,
        env=_environment(data_dir, database_url, url),
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_for(f"{url}/healthz", process)
        yield Site(url, data_dir, database_url, process)
    except (RuntimeError, TimeoutError):
        pytest.fail((data_dir / "serve.log").read_text()[-4000:])
    finally:
        _stop(process)
        log.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:  # what went wrong before is what is told, not this
        process.kill()
        process.wait()


@pytest.fixture(scope="package")
def model_server() -> Iterator[str]:
    """A real OpenAI-compatible server on loopback; gives its base URL."""
    port = free_port()
    process = subprocess.Popen(
        [LLMOCK, "serve", "--port", str(port), "--response-style", "echo"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/v1/models", process, 30)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(10)


def _executables() -> list[str | None]:
    """None stands for Playwright's own browser, which is tried first."""
    system = [path for name in SYSTEM_BROWSERS if (path := shutil.which(name))]
    mac = [MACOS_BROWSER] if Path(MACOS_BROWSER).exists() else []
    return [None, *system, *mac]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Closed after the last browser test: its event loop would be in the way of other tests."""
    with sync_playwright() as playwright:
        for executable in _executables():
            try:
                found = playwright.chromium.launch(executable_path=executable, args=QUIET)
            except Error:
                continue
            # Playwright keeps an event loop in this thread; the tests' own queries are synchronous.
            os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
            yield found
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
            found.close()
            return
        if os.environ.get("CI") == "true":
            pytest.fail(NO_BROWSER)
        pytest.skip(NO_BROWSER)


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """``new_context(...)`` is a browser of its own (nobody is signed in); keywords as Playwright's."""
    contexts = []

    def open_context(**options: Any) -> BrowserContext:
        context = browser.new_context(**options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        return context

    yield open_context
    for context in contexts:
        context.close()


@pytest.fixture
def new_page(new_context: Callable[..., BrowserContext], site: Site) -> Callable[..., Page]:
    """``new_page()`` opens the running site's browser of its own; keywords go to ``new_context``."""
    return lambda **options: new_context(base_url=site.url, **options).new_page()


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page()
