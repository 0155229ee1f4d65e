"""Where events may be sent: to addresses of the public internet, and to networks that the operator names.

A name is resolved and judged when an endpoint is made, so that a mistake is said at once; and again for every connection, which then
goes to the very address that was judged. So a name that changes its mind in between (DNS rebinding) gains nothing. A public name that does
not resolve yet (a receiver before its first day, a resolver that is away) is taken: nothing is sent before its address was judged.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from ingestio.errors import FieldError, InvalidRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LONGEST_URL = 2000
_RESOLVE_SECONDS = 5.0
# All that was ever given out of IPv6 (RFC 4291): what wraps an IPv4 address, and what was given up, lies elsewhere.
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
# What the lists of older Pythons leave out: addresses for documentation (RFC 9637), and for protocols (RFC 6890), of which a cloud
# answers for its metadata at 192.0.0.192.
_SET_APART = (ipaddress.ip_network("3fff::/20"), ipaddress.ip_network("192.0.0.0/24"))
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LONGEST_NAME = 253
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")  # a name that ends so is an address in another notation
# Names that lead nowhere on the public internet (RFC 2606, 6761, 6762, 7686, 8375; ICANN's .internal).
_NEVER_PUBLIC = ("invalid", "test", "localhost", "local", "internal", "onion", "home.arpa")


class AddressRefused(Exception):
    """A name leads nowhere, or to where nothing may be sent. The message is safe to show."""


class NameUnknown(AddressRefused):
    """Nothing says now where the name leads."""


class Addresses:
    """Judges addresses. `networks`: what is allowed beside the public internet."""

    def __init__(self, networks: Sequence[Network] = ()) -> None:
        self._networks = tuple(networks)

    async def check_url(self, url: str) -> None:
        """Raises InvalidRequest unless events may be sent there as things are now."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise _wrong("is not an address such as https://example.org/hooks") from None
        if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
            raise _wrong(f"takes at most {LONGEST_URL} printable ASCII characters")
        if parts.scheme not in ("https", "http") or not host:
            raise _wrong("must begin with https:// and a host")
        if port == 0:
            raise _wrong("names port 0, at which nobody listens")
        if parts.username is not None or parts.fragment:
            raise _wrong("must hold neither a user nor a fragment")
        try:
            found = await self.resolve(host, port or (443 if parts.scheme == "https" else 80))
        except NameUnknown as unknown:
            if parts.scheme == "https" and _may_be_public(host):
                return
            raise _wrong(str(unknown)) from None
        except AddressRefused as refused:
            raise _wrong(str(refused)) from None
        if parts.scheme == "http" and not all(self._is_named(each) for each in found):
            raise _wrong("must begin with https://")

    async def resolve(self, host: str, port: int) -> list[Address]:
        """The addresses of a host, all of which may be sent to. Raises AddressRefused when one of them may not, or there are none."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_RESOLVE_SECONDS):
                answers = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError, TimeoutError):
            raise NameUnknown("the host's name cannot be resolved") from None
        found = list(dict.fromkeys(_address(str(answer[4][0])) for answer in answers))
        if not found:
            raise NameUnknown("the host's name cannot be resolved")
        if not all(self._is_allowed(each) for each in found):
            raise AddressRefused("the host has an address that is not of the public internet")
        return found

    def _is_allowed(self, address: Address) -> bool:
        reached = _reached(address)
        return self._is_named(reached) or _is_public(reached)

    def _is_named(self, address: Address) -> bool:
        return any(_reached(address) in network for network in self._networks)


def _address(text: str) -> Address:
    # A link-local address comes with its interface: fe80::1%eth0.
    return ipaddress.ip_address(text.partition("%")[0])


def _reached(address: Address) -> Address:
    """Where the packets end: the address itself, or the one that it wraps. What is sent to `::ffff:127.0.0.1` stays at home."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address


def _is_public(address: Address) -> bool:
    """Neither private, loopback, link-local (where clouds keep their metadata), shared, reserved nor multicast."""
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not address.is_multicast and not any(address in network for network in _SET_APART)


def _may_be_public(host: str) -> bool:
    """Whether a name without an address may get one: it can be a host's, has a domain, and not one that is kept for other ends."""
    name = host.removesuffix(".").lower()
    labels = name.split(".")
    return (
        len(labels) > 1
        and len(name) <= _LONGEST_NAME
        and all(map(_LABEL.fullmatch, labels))
        and not _NUMBER.fullmatch(labels[-1])
        and not f".{name}".endswith(tuple(f".{each}" for each in _NEVER_PUBLIC))
    )


def _wrong(message: str) -> InvalidRequest:
    return InvalidRequest("The endpoint's address is not valid.", [FieldError("url", message)])
