"""Where a request comes from, and whether a network holds it. Pure."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from common.networks import Network

Address = IPv4Address | IPv6Address


#: What the record has room for.
MAX_ADDRESS_CHARS = 64


@lru_cache(maxsize=4096)
def client_address(peer: str, forwarded_for: str, trusted: tuple[Network, ...]) -> str:
    """Who is calling: the last address of `X-Forwarded-For` that a trusted proxy vouches for.

    Without a trusted peer the header is only a claim and the peer itself is the caller.
    """
    address = peer
    for hop in reversed(forwarded_for.split(",")):
        if not hop or not is_within(address, trusted):
            return address
        candidate = parsed_address(hop.strip())
        if candidate is None:
            return address
        address = str(candidate)
    return address


def parsed_address(text: str) -> Address | None:
    """An address, IPv4 within IPv6 as IPv4; None for what is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if len(text) > MAX_ADDRESS_CHARS:
        return None  # a scope id may be as long as somebody likes
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


@lru_cache(maxsize=4096)
def is_within(address: str, networks: tuple[Network, ...]) -> bool:
    """Whether `address` lies in one of the networks; what is no address lies in none."""
    parsed = parsed_address(address)
    return parsed is not None and any(parsed in network for network in networks)
