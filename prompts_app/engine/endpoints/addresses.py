"""Which addresses may be called: public ones, and the private hosts the operator listed.

An author types the base URL, so it may name anything: this server's own ports, the cloud's metadata
service, a host name whose answer changes between a check and the call. So a URL is taken apart once, its
host is resolved once per connection, every address that comes back must be public, and the connection
goes to that very address.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

import idna

from prompts_app.engine.errors import RefusedKind

type Address = IPv4Address | IPv6Address

PORTS = {"http": 80, "https": 443}
NAT64 = ipaddress.ip_network("64:ff9b::/96")
UNICAST = ipaddress.ip_network("2000::/3")
# Tunnels carry an IPv4 address inside, and relays reach hosts that no routing table names.
TUNNELS = tuple(
    map(ipaddress.ip_network, ("2001::/32", "2002::/16", "192.88.99.0/24", "2001:db8::/32", "3fff::/20"))
)

_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?")
_CALL = re.compile(
    r"(?:(?<=/openai)/deployments/[^/?#]+)?"
    r"(?:/(?:chat/completions|responses|embeddings|images/generations))?/*(?=\?|\Z)"
)
_API_VERSION = re.compile(r"api-version=([A-Za-z0-9.-]+)")
_NUMBER = re.compile(r"(?:\d+|0x[0-9a-f]*)")


class BadUrl(RefusedKind, ValueError):
    """A base URL that cannot be used; the message is a sentence for the author."""

    code = "base_url"


class BlockedAddress(Exception):
    """An address that may not be called; the message is a sentence for the author."""


class UnknownHost(Exception):
    """A host name that does not resolve."""


@dataclass(frozen=True, slots=True)
class Target:
    """A base URL taken apart. ``host`` is ASCII, lower case, without brackets or final dot; a numeric host
    is in its usual spelling. ``path`` starts with a slash or is empty, and never ends with one.
    ``api_version`` is Azure's, "" everywhere else."""

    scheme: str
    host: str
    port: int
    path: str
    api_version: str = ""

    @property
    def authority(self) -> str:
        """What goes into the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Where a call really goes (RFC 6454): "https://api.openai.com", "http://127.0.0.1:8111"."""
        return f"{self.scheme}://{self.authority}"


def parse_url(url: str) -> Target:
    """Take a base URL apart. Raises ``BadUrl``."""
    if any(character <= " " or character in "\\\x7f" for character in url.strip()):
        raise BadUrl("Remove the spaces, line breaks and backslashes from the URL.")
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise BadUrl("This is not a valid URL. It looks like https://api.example.com/v1.") from error
    if parts.scheme not in PORTS:
        raise BadUrl("Start the URL with https:// (or http:// for a server on your own network).")
    if "@" in parts.netloc:
        raise BadUrl("Leave user name and password out of the URL; enter the key in its own field.")
    version = _API_VERSION.fullmatch(parts.query)
    if (parts.query and not version) or ("?" in url and not parts.query) or "#" in url:
        raise BadUrl("Leave out everything from the “?” or “#” on.")
    if not re.fullmatch(r"[!-~]*", parts.path):
        raise BadUrl("Write the path of the URL in plain ASCII characters.")
    path, port = parts.path.rstrip("/"), port or PORTS[parts.scheme]
    return Target(parts.scheme, _host(host), port, path, version[1] if version else "")


def base_url_in(pasted: str) -> str:
    """The base URL in what was pasted, which may be the address of a call; the rest is for ``parse_url``."""
    return _CALL.sub("", pasted.strip(), count=1)


def same_address(url: str, other: str) -> bool:
    """Whether two base URLs name the same server and path, however they are spelled."""
    try:
        return url == other or parse_url(url) == parse_url(other)
    except BadUrl:
        return False


def is_below(url: str, other: str) -> bool:
    """Whether a base URL is ``other`` or lies below it: same scheme, host and port, and its path as the
    beginning. A key that was given for ``other`` may go there, and nowhere else."""
    try:
        new, old = parse_url(url), parse_url(other)
    except BadUrl:
        return False
    same_server = (new.scheme, new.host, new.port) == (old.scheme, old.host, old.port)
    return same_server and f"{new.path}/".startswith(f"{old.path}/")


def host_of(url: str) -> str:
    """Of a base URL or an origin; "" where it has none."""
    try:
        return parse_url(url).host
    except BadUrl:
        return ""


def _host(host: str) -> str:
    """The host in its one usual spelling. Raises ``BadUrl``."""
    if ":" in host:
        return str(_ipv6(host))
    name = _ascii(host).removesuffix(".")
    if not _HOST.fullmatch(name) or ".." in name or len(name) > 253:
        raise BadUrl("The URL’s host name is not valid.")
    last = name.rpartition(".")[2]
    return _ipv4(name) if _NUMBER.fullmatch(last) else name


def _ascii(host: str) -> str:
    """Look-alike digits and dots (①②⑦.⓪.⓪.①) are refused here: idna takes real letters only."""
    if host.isascii():
        return host.lower()
    try:
        return idna.encode(host.lower()).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise BadUrl("The URL’s host name holds characters that host names cannot have.") from None


def _ipv4(host: str) -> str:
    """127.1, 0x7f.0.0.1, 0177.0.0.1 and 2130706433 are all 127.0.0.1, because the system reads them so."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        raise BadUrl("The URL’s host is not a valid IP address.") from None


def _ipv6(host: str) -> IPv6Address:
    try:
        address = IPv6Address(host)
    except ValueError:
        raise BadUrl("The URL’s host is not a valid IP address.") from None
    if address.scope_id:
        raise BadUrl("Leave the zone (the part after “%”) out of the address.")
    return address


def is_public(address: Address) -> bool:
    """Whether the address is an ordinary one on the public internet.

    Stricter than ``is_global``: no multicast, no tunnels, and an IPv4 address inside an IPv6 one
    (``::ffff:a.b.c.d``, NAT64) must itself be public.
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        if address not in UNICAST:
            return False
    if any(address in network for network in TUNNELS if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def is_allowed(host: str, port: int, allowed: Collection[str]) -> bool:
    """Whether the operator listed this private host, as "host" or "host:port"."""
    return any(_lists(entry.strip().lower(), host, port) for entry in allowed)


def _lists(entry: str, host: str, port: int) -> bool:
    name, colon, number = entry.rpartition(":")
    if colon and number.isdigit() and (":" not in name or name.startswith("[")):
        return _same_host(name, host) and int(number) == port
    return _same_host(entry, host)


def _same_host(entry: str, host: str) -> bool:
    try:
        return _host(entry.strip("[]")) == host
    except BadUrl:
        return False


def check_url(url: str, allowed: Collection[str] = frozenset()) -> str | None:
    """What is wrong with a base URL, as a sentence for a form; ``None`` when nothing is.

    Looks at the text only: a host name's addresses are checked when the call is made. ``allowed`` holds
    ``"host"`` or ``"host:port"`` of private hosts the operator permits.
    """
    try:
        target = parse_url(url)
    except BadUrl as error:
        return str(error)
    address = _literal(target.host)
    if is_allowed(target.host, target.port, allowed):
        return None
    private_name = target.host == "localhost" or target.host.endswith((".localhost", ".local", ".internal"))
    if private_name or (address is not None and not is_public(address)):
        return blocked(target.host)
    return None


def blocked(host: str) -> str:
    """The sentence for a host that is not public."""
    return f"{host} is not a public address, and the person who runs this site has not allowed it."


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


async def addresses_of(host: str, port: int, allowed: Collection[str]) -> tuple[str, ...]:
    """The addresses to connect to, all of them checked.

    Raises ``BlockedAddress`` if even one is not public (unless the host is listed), ``UnknownHost``.
    """
    literal = _literal(host)
    found = (literal,) if literal is not None else await _resolve(host, port)
    if not is_allowed(host, port, allowed) and not all(map(is_public, found)):
        raise BlockedAddress(blocked(host))
    return tuple(dict.fromkeys(map(str, found)))


async def _resolve(host: str, port: int) -> tuple[Address, ...]:
    loop = asyncio.get_running_loop()
    try:
        answers = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnknownHost(f"The host name {host} is unknown.") from error
    return tuple(ipaddress.ip_address(str(answer[4][0])) for answer in answers)
