"""Where a request comes from, when proxies of ours stand in between."""

import ipaddress
from collections.abc import Sequence

from starlette.requests import Request

from ingestio.config import Network


def client_address(request: Request, proxies: Sequence[Network]) -> str:
    """The nearest address that is no proxy of ours: each proxy writes down whom it heard, behind what it was told (X-Forwarded-For).

    What stands further left, or comes from anybody else, is the client's word and counts for nothing.
    """
    address = request.client.host if request.client is not None else "unknown"
    told = [hop.strip() for line in request.headers.getlist("x-forwarded-for") for hop in line.split(",")]
    while told and _is_among(address, proxies):
        address = told.pop()
    return address


def _is_among(address: str, networks: Sequence[Network]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    # Who listens on both families sees IPv4 in IPv6's clothes.
    plain = found.ipv4_mapped or found if isinstance(found, ipaddress.IPv6Address) else found
    return any(plain in network for network in networks)
