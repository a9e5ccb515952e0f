"""An endpoint's URL reaches public addresses only, or hosts the operator listed, however it is spelled."""

import asyncio
import ipaddress
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.endpoints import connecting
from prompts_app.engine.endpoints.addresses import (
    BadUrl,
    BlockedAddress,
    addresses_of,
    check_url,
    is_allowed,
    is_public,
    parse_url,
)
from prompts_app.engine.types import EndpointConfig, Fault, Reply
from prompts_app.tests.engine.asking import ask
from prompts_app.tests.engine.servers import answering, completion, http

NOT_PUBLIC = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "0.1.2.3", "10.1.2.3", "172.16.0.1", "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1", "255.255.255.255", "192.88.99.1",
    "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "100::1", "2001:db8::1",
    "3fff::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "::127.0.0.1", "::8.8.8.8",  # IPv4-compatible, long gone, still routed by some
    "64:ff9b::127.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::8.8.8.8",  # NAT64 to a private host; local NAT64
    "2002:7f00:1::", "2002:808:808::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2",  # 6to4, Teredo
]  # fmt: skip
PUBLIC = ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    assert check_url(f"https://{f'[{address}]' if ':' in address else address}/v1")


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))
    assert check_url(f"https://{f'[{address}]' if ':' in address else address}/v1") is None


LOOPBACK_SPELLINGS = [
    "http://127.0.0.1/", "http://127.0.0.1./", "http://127.1/", "http://127.0.1/", "http://2130706433/",
    "http://0x7f000001/", "http://0x7f.0x0.0x0.0x1/", "http://0177.0.0.1/", "http://017700000001/",
    "http://0x7f.1/", "http://127.0.0.01/", "http://[::1]/", "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::ffff:127.0.0.1]/", "http://[::127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://0/",
    "http://0.0.0.0/",
    "http://localhost/", "http://LOCALHOST/", "http://localhost./", "http://api.localhost/",
    "https://127。0。0。1/", "HTTP://127.0.0.1:80/", "http://printer.local/", "http://metadata.google.internal/",
]  # fmt: skip


@pytest.mark.parametrize("url", LOOPBACK_SPELLINGS)
def test_every_spelling_of_a_private_host_is_refused(url: str) -> None:
    assert "not a public address" in str(check_url(url))


@pytest.mark.parametrize(
    "url",
    [
        "", "nonsense", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/",
        "//example.com/v1",
        "https://", "https:///v1", "https://user@example.com/", "https://user:pass@example.com/",
        "https://example.com@127.0.0.1/", "https://127.0.0.1#@example.com/", "https://example.com/v1?key=1",
        "https://example.com/v1#top", "https://exa mple.com/", "https://example.com/\n",
        "https://example.com\\@x/",
        "https://example.com\t/", "https://ex%61mple.com/", "https://example.com:99999/",
        "https://example.com:x/",
        "https://①②⑦.⓪.⓪.①/", "https://１２７.0.0.1/", "https://[::1/", "https://[fe80::1%25eth0]/",
        "https://1.2.3.4.5/", "https://999.1.1.1/", "https://0x/", "https://a..b/", "https://-/",
        "https://.../",
        "https://exämple..de/", "https://example.com/ü", "https://example\u200b.com/",
        "https://\u202eexample.com/",
        "https://" + "a" * 300 + ".com/", "javascript:alert(1)", "https://example.com/\x00",
    ],
)  # fmt: skip
def test_what_is_no_base_url_is_told_in_a_sentence(url: str) -> None:
    problem = check_url(url)
    if url.endswith("\n"):  # white space around the URL is forgiven
        assert problem is None
    else:
        assert problem
        assert problem.endswith(".")
        assert "not a public address" not in problem


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://api.openai.com/v1", "api.openai.com", 443, "/v1"),
        ("https://API.openai.com./v1/", "api.openai.com", 443, "/v1"),
        ("http://[::1]:8080/v1", "::1", 8080, "/v1"),
        ("https://bücher.example/v1", "xn--bcher-kva.example", 443, "/v1"),
        ("https://xn--bcher-kva.example", "xn--bcher-kva.example", 443, ""),
        (" https://a_b.example:443/ ", "a_b.example", 443, ""),
        ("http://2130706433/", "127.0.0.1", 80, ""),
    ],
)
def test_a_url_is_taken_apart_once(url: str, host: str, port: int, path: str) -> None:
    target = parse_url(url)
    assert (target.host, target.port, target.path) == (host, port, path)


def test_the_host_header_has_the_port_only_where_it_is_unusual() -> None:
    assert parse_url("https://example.com:443/v1").authority == "example.com"
    assert parse_url("https://example.com:8443/v1").authority == "example.com:8443"
    assert parse_url("http://[::1]:8080/v1").authority == "[::1]:8080"


@pytest.mark.parametrize(
    ("entry", "host", "port", "allowed"),
    [
        ("localhost", "localhost", 11434, True),
        ("LOCALHOST", "localhost", 1, True),
        ("127.0.0.1:11434", "127.0.0.1", 11434, True),
        ("127.0.0.1:11434", "127.0.0.1", 80, False),
        ("::1", "::1", 80, True),
        ("[::1]:8080", "::1", 8080, True),
        ("[::1]:8080", "::1", 80, False),
        ("127.1", "127.0.0.1", 80, True),
        ("example.com", "notexample.com", 80, False),
        ("example.com", "sub.example.com", 80, False),
        ("", "localhost", 80, False),
        (":80", "localhost", 80, False),
    ],
)
def test_the_operator_lists_hosts_with_or_without_a_port(
    entry: str, host: str, port: int, allowed: bool
) -> None:
    assert is_allowed(host, port, {entry}) is allowed


def test_a_listed_private_host_is_fine() -> None:
    allowed = {"localhost", "127.0.0.1:11434"}
    assert check_url("http://localhost:11434/v1", allowed) is None
    assert check_url("http://127.0.0.1:11434/v1", allowed) is None
    assert check_url("http://2130706433:11434/v1", allowed) is None  # the same address, oddly spelled
    assert check_url("http://127.0.0.1:22/", allowed)
    assert check_url("http://192.168.1.1/", allowed)


@given(st.text(max_size=40))
def test_any_text_is_either_a_url_or_told(text: str) -> None:
    for url in (text, f"https://{text}", f"http://{text}/v1"):
        try:
            target = parse_url(url)
        except BadUrl:
            continue
        assert target.host.isascii()
        assert target.path == "" or target.path.startswith("/")


@given(st.integers(0, 2**128 - 1))
def test_an_ipv6_address_that_holds_a_private_ipv4_is_never_public(number: int) -> None:
    inner = ipaddress.IPv4Address(number & 0xFFFFFFFF)
    for outer in ("::ffff:0:0", "64:ff9b::"):
        both = ipaddress.IPv6Address(int(ipaddress.IPv6Address(outer)) | int(inner))
        assert is_public(both) == is_public(inner)
    for outer in ("::", "fec0::", "2002::", "64:ff9b:1::"):
        assert not is_public(ipaddress.IPv6Address(int(ipaddress.IPv6Address(outer)) | int(inner)))


@given(st.ip_addresses())
def test_public_is_never_wider_than_pythons_own_idea_except_for_nat64(address: Any) -> None:
    if is_public(address) and not (address.version == 6 and address.ipv4_mapped):
        assert address.is_global


class Dns:
    """Stands in for the system's resolver, with an answer for each time it is asked."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, host: str, port: int, *args: object, **kwargs: object) -> list[Any]:
        found = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]


def resolve(host: str, allowed: frozenset[str] = frozenset()) -> tuple[str, ...]:
    return asyncio.run(addresses_of(host, 443, allowed))


def test_one_private_address_among_public_ones_blocks_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Dns(["93.184.216.34", "10.0.0.1"]))
    with pytest.raises(BlockedAddress, match=r"mixed\.example"):
        resolve("mixed.example")


def test_addresses_come_back_in_order_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Dns(["93.184.216.34", "8.8.8.8", "93.184.216.34"]))
    assert resolve("good.example") == ("93.184.216.34", "8.8.8.8")


def test_a_literal_address_asks_no_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    dns = Dns([])
    monkeypatch.setattr(socket, "getaddrinfo", dns)
    assert resolve("8.8.8.8") == ("8.8.8.8",)
    assert dns.asked == 0


def test_a_name_that_points_inside_is_refused_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with answering(http(200, completion())) as server:
        monkeypatch.setattr(socket, "getaddrinfo", Dns(["127.0.0.1"]))
        fault = ask(server.endpoint(base_url=f"http://inside.example:{server.port}/v1"))
    assert isinstance(fault, Fault)
    assert fault.kind == "blocked_address"
    assert server.asked == []


def test_dns_that_changes_its_answer_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is checked is connected to: no second look-up stands between. The next attempt looks up, and
    checks, anew."""
    dns, connected = Dns(["93.184.216.34"], ["127.0.0.1"]), []

    async def connect(address: str, port: int) -> None:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", dns)
    monkeypatch.setattr(connecting, "connect", connect)
    fault = ask(EndpointConfig("openai-compatible", "https://rebind.example/v1"))
    assert isinstance(fault, Fault)
    assert (connected, dns.asked) == (["93.184.216.34"], 2)
    assert (fault.kind, fault.attempts) == ("blocked_address", 2)
    again = ask(EndpointConfig("openai-compatible", "https://rebind.example/v1"))
    assert isinstance(again, Fault)
    assert again.kind == "blocked_address"
    assert connected == ["93.184.216.34"]


def test_a_listed_name_may_point_inside_and_keeps_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(http(200, completion("Hi"))) as server:
        monkeypatch.setattr(socket, "getaddrinfo", Dns(["127.0.0.1"]))
        host = f"ollama.lan:{server.port}"
        reply = ask(server.endpoint(base_url=f"http://{host}/v1", allowed_private_hosts=frozenset({host})))
    assert isinstance(reply, Reply)
    assert server.asked[0].headers["host"] == host


def test_a_redirect_inside_is_not_followed() -> None:
    with answering(http(200, completion())) as inside:
        with answering(http(307, "", {"Location": inside.base_url})) as outside:
            fault = ask(outside.endpoint())
        assert isinstance(fault, Fault)
        assert fault.kind == "redirect"
        assert inside.asked == []
