"""What pages cost on a site of N prompts: CPU of server and database for one request, queries, bytes, memory.

    python benchmarks/pages.py --prompts 10000                          # SQLite, in a scratch directory
    python benchmarks/pages.py --prompts 10000 --database postgres      # a scratch server of its own
    python benchmarks/pages.py --prompts 1000000 --database postgres://… --keep /big/disk
    python benchmarks/pages.py --check before.json                      # or with --prompts: after measuring

Prints one JSON object (``--json``: on one line). Loads N prompts (see pages_data.py; with ``--keep`` what was
loaded is used again), starts the product's own server and a bare Django view under the same granian, and
asks over one kept connection. CPU is that of all processes of ``manage.py serve``, but its worker, and of all
of the Postgres server, from /proc; what they use when nobody asks is taken off. ``control`` answers with as
many bytes as the page has on the wire. ``--database`` names an empty database on this machine, to be thrown
away.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import pages_served as served  # noqa: E402  this is run as a file
from benchmarks.pages_check import check  # noqa: E402
from benchmarks.pages_queries import queries_of, search_sql  # noqa: E402
from benchmarks.processes import by_process, parent_of, pss_mb, rss_mb  # noqa: E402

LOAD_S = 20.0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prompts", type=int, default=10_000)
    parser.add_argument(
        "--database", metavar="URL", help='of an empty Postgres here, or "postgres"; else SQLite'
    )
    parser.add_argument("--keep", metavar="DIR", help="keep what was loaded there, and use it again")
    parser.add_argument("--only", metavar="PAGE", nargs="*", help="these pages only")
    parser.add_argument("--port", type=int, default=0, help="of the server (default: a free one)")
    parser.add_argument("--json", action="store_true", help="on one line")
    parser.add_argument(
        "--check", metavar="FILE", nargs="?", const="", help="PASS or FAIL for each figure that is aimed at"
    )
    return parser.parse_args()


@contextmanager
def database(options: argparse.Namespace) -> Iterator[Path]:
    """Django, set up on the database that is to be measured; yields DATA_DIR."""
    with ExitStack() as stack:
        kept = options.keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="proofsheet-pages-"))
        directory = Path(kept).resolve()
        directory.mkdir(parents=True, exist_ok=True)
        url = options.database or f"sqlite:///{directory / 'pages.sqlite3'}"
        if url == "postgres":
            from prompts_app.tests.postgres import scratch_postgres

            url = stack.enter_context(scratch_postgres())
        os.environ |= {
            "DATA_DIR": str(directory), "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "portfolio.settings",
            "LOG_LEVEL": "ERROR",
        }  # fmt: skip
        import django

        django.setup()
        yield directory


def loaded(options: argparse.Namespace, directory: Path) -> dict[str, Any]:
    """What the database holds; loaded now, or before."""
    from django.core.management import call_command

    from benchmarks.pages_data import load

    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    said = directory / "pages.json"
    if options.keep and said.exists():
        data: dict[str, Any] = json.loads(said.read_text())
        return data | {"loaded_before": True}
    data = load(options.prompts).as_json()
    said.write_text(json.dumps(data))
    return data


@dataclass(frozen=True)
class Page:
    name: str
    paths: list[str]  # alike, asked in turn
    signed_in: bool = False


def pages_of(data: dict[str, Any], port: int) -> list[Page]:
    client = served.Client(port)
    few, many, prompt = f"/@{data['few']}/", f"/@{data['many']}/", f"/@{data['few']}/{data['slug']}/"
    kinds = ("rare", "common", "letters")
    search = {kind: [f"/prompts/?q={quote(word)}" for word in data[kind]] for kind in kinds}
    return [
        Page("home", ["/"]),
        Page("browse", ["/prompts/"]),
        Page("browse_last", [last_page(client)]),
        Page("browse_filter", ["/prompts/?task=code&level=2", "/prompts/?task=writing&level=2"]),
        Page("search_rare", search["rare"]),
        Page("search_common", search["common"]),
        Page("search_one_letter", search["letters"]),
        Page("profile", [few]),
        Page("profile_500", [many]),
        Page("prompt", [prompt]),
        Page("results", [f"{prompt}results/"]),
        Page("feed", ["/feed.atom"]),
        Page("sitemap_part", [sitemap_part(client)]),
        Page("studio_500", ["/studio/"], signed_in=True),
    ]


def last_page(client: served.Client) -> str:
    """The last page of all there are."""
    return "/prompts/?page=last"


def sitemap_part(client: served.Client) -> str:
    """The sitemap, or the first part of it that names prompts."""
    import gzip

    answer = client.get("/sitemap.xml")
    body = gzip.decompress(answer.body) if answer.headers.get("content-encoding") == "gzip" else answer.body
    if b"<sitemapindex" not in body:
        return "/sitemap.xml"
    parts = [part.split("</loc>")[0] for part in body.decode().split("<loc>")[1:]]
    chosen = next((part for part in parts if "prompt" in part), parts[0])
    return "/" + chosen.split("/", 3)[3]


def session_of(handle: str) -> dict[str, str]:
    """The headers of somebody who is signed in."""
    from django.conf import settings
    from django.test import Client

    from prompts_app.models import User

    client = Client()
    client.force_login(User.objects.get(username=handle), settings.AUTHENTICATION_BACKENDS[0])
    name = settings.SESSION_COOKIE_NAME
    return {"Cookie": f"{name}={client.cookies[name].value}"}


def make_stale() -> None:
    """As a change that all pages show: what is stored of any is out of date."""
    from prompts_app.models.page_changes import SITE, change

    change(SITE)


def measured(
    page: Page,
    client: served.Client,
    meter: served.Meter,
    stale_ms: float,
    control: tuple[served.Client, served.Meter],
) -> dict[str, Any]:
    first = client.get(page.paths[0])
    began = time.perf_counter()
    ask = served.in_turn(client, page.paths)

    def ask_anew() -> None:
        make_stale()
        ask()

    row: dict[str, Any] = {"cold_cpu_ms": meter.ms_each(ask_anew) - stale_ms}
    row |= dict.fromkeys(("stored_cpu_ms", "not_modified_cpu_ms"))
    if not page.signed_in:
        row["stored_cpu_ms"] = meter.ms_each(served.in_turn(client, page.paths[:1]))
        if etag := first.headers.get("etag"):
            again = client.get(page.paths[0], **{"If-None-Match": etag})
            if again.status == 304:
                ask = served.in_turn(client, page.paths[:1], **{"If-None-Match": etag})
                row["not_modified_cpu_ms"] = meter.ms_each(ask)
    bare, bare_meter = control
    row["control_cpu_ms"] = bare_meter.ms_each(served.in_turn(bare, [f"/{len(first.body)}"]))
    row["queries"], row["bytes"], asked = queries_of(page.paths[0], client.headers)
    row |= {"bytes_sent": len(first.body), "path": page.paths[0], "paths": len(page.paths)}
    row["seconds_to_measure"] = time.perf_counter() - began
    if page.name.startswith("search_"):
        row |= search_sql(asked, unquote(page.paths[0].partition("q=")[2]))
    return row


def postmaster() -> list[int]:
    from django.db import connection

    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    if "postgres" not in Path(f"/proc/{backend}/cmdline").read_text():
        sys.exit("The database has to run on this machine, so that its CPU can be counted.")
    return [parent_of(backend)]


def versions() -> dict[str, str]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT version()" if connection.vendor == "postgresql" else "SELECT sqlite_version()")
        database = cursor.fetchone()[0]
    return {
        "python": platform.python_version(), "django": version("django"), "granian": version("granian"),
        connection.vendor: database, "machine": f"{os.cpu_count()} × {platform.machine()}",
    }  # fmt: skip


def memory_of(pid: int, when: str) -> dict[str, Any]:
    """MB of all processes of the server, with what they share counted for each of them, and once."""
    said = {f"rss_{when}_mb": rss_mb([pid]), f"pss_{when}_mb": pss_mb([pid])}
    return said | {f"processes_{when}": by_process([pid])}


def rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in row.items()}


def measure(options: argparse.Namespace) -> dict[str, Any]:
    with database(options) as directory:
        data = loaded(options, directory)
        from prompts_app.management.commands.serve import web_command

        port, bare_port = options.port or served.free_port(), served.free_port()
        serve = [sys.executable, "manage.py", "serve", "--port", str(port)]
        bare = [*web_command("127.0.0.1", bare_port, 2)[:-1], "benchmarks.bare_view:application"]
        said: dict[str, Any] = {"prompts": data["prompts"], "loaded": data, "versions": versions()}
        with (
            served.running(serve, port, {"SITE_URL": f"http://127.0.0.1:{port}"}) as pid,
            served.running(bare, bare_port, {}) as bare_pid,
        ):
            meter, bare_meter = served.Meter.of(pid, *postmaster()), served.Meter.of(bare_pid)
            said |= memory_of(pid, "idle")
            said["idle_cpu_ms_per_s"] = meter.idle * 1000
            stale_ms = meter.ms_each(make_stale) if postmaster() else 0.0  # SQLite: in this process
            said["cold_is"] = (
                f"all that is stored is out of date before each request, {stale_ms:.3f} ms apart"
            )
            session = session_of(data["many"])
            control = (served.Client(bare_port), bare_meter)
            pages = [page for page in pages_of(data, port) if not options.only or page.name in options.only]
            for page in pages:
                client = served.Client(port, session if page.signed_in else {})
                said[page.name] = rounded(measured(page, client, meter, stale_ms, control))
                print(page.name, said[page.name], file=sys.stderr)
            anonymous = [path for page in pages if not page.signed_in for path in page.paths]
            said["answers_under_load"] = served.put_under_load(port, anonymous, LOAD_S)
            said |= memory_of(pid, "loaded")
        return rounded(said)


def main() -> None:
    options = arguments()
    said = json.loads(Path(options.check).read_text()) if options.check else measure(options)
    if not options.check:
        print(json.dumps(said) if options.json else json.dumps(said, indent=1, ensure_ascii=False))
    if options.check is not None:
        lines, passes = check(said)
        print("\n".join(lines), file=sys.stdout if options.check else sys.stderr)
        sys.exit(0 if passes else 1)


if __name__ == "__main__":
    main()
