"""What a request target says, and who is calling behind how many proxies."""

from ipaddress import ip_network

import pytest
from proxy.access.addresses import client_address
from proxy.gateway.call import split_target

LOOPBACK = ("127.0.0.0/8", "::1")


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/a", "/a", ""),
        ("/a?x=1&y=%20", "/a", "x=1&y=%20"),
        ("/a?", "/a", ""),
        ("/a?x=1?y=2", "/a", "x=1?y=2"),
        ("/a%2Fb/%C3%A9", "/a%2Fb/%C3%A9", ""),
        ("/a//b/../c", "/a//b/../c", ""),
        ("//a", "//a", ""),
        ("/a#b?c=1", "/a", ""),
        ("/a?x=1#b", "/a", "x=1"),
        ("http://hub.example/a?x=1", "/a", "x=1"),
        ("HTTPS://hub.example:8080//a", "//a", ""),
        ("http://hub.example", "/", ""),
        ("http://hub.example/", "/", ""),
        ("http://hub.example?x=/admin", "/", "x=/admin"),
        ("http://hub.example#/admin", "/", ""),
        ("*", "/", ""),
        ("hub.example:443", "/", ""),
    ],
)
def test_target_has_a_path_and_a_query(target: str, path: str, query: str) -> None:
    assert split_target(target) == (path, query)


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "address"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("127.0.0.1", "", "127.0.0.1"),
        # A peer that nobody trusts may claim what it wants.
        ("203.0.113.9", "10.0.0.1", "203.0.113.9"),
        ("203.0.113.9", "127.0.0.1", "203.0.113.9"),
        # A trusted peer vouches for the hop before it, and no further.
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "10.0.0.1, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "10.0.0.1,203.0.113.9 ", "203.0.113.9"),
        ("::1", "2001:DB8::0:9", "2001:db8::9"),
        # Several trusted hops.
        ("127.0.0.1", "10.0.0.1, 203.0.113.9, 127.0.0.2", "203.0.113.9"),
        ("127.0.0.1", "127.0.0.3, 127.0.0.2", "127.0.0.3"),
        # IPv4 within IPv6 is the same address.
        ("::ffff:127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "10.0.0.1, ::ffff:127.0.0.2", "10.0.0.1"),
        # What is no address ends the chain.
        ("127.0.0.1", "unknown", "127.0.0.1"),
        ("127.0.0.1", "10.0.0.1, garbage", "127.0.0.1"),
        ("127.0.0.1", "10.0.0.1, garbage, 127.0.0.2", "127.0.0.2"),
        ("127.0.0.1", "203.0.113.9:1234", "127.0.0.1"),
        ("127.0.0.1", "10.0.0.1,", "127.0.0.1"),
        ("127.0.0.1", ",,", "127.0.0.1"),
        ("127.0.0.1", "10.0.0.1, ", "127.0.0.1"),
        ("127.0.0.1", "fe80::1%" + "x" * 200, "127.0.0.1"),
        ("", "203.0.113.9", ""),
    ],
)
def test_caller_is_the_last_address_that_a_trusted_proxy_vouches_for(
    peer: str, forwarded_for: str, address: str
) -> None:
    trusted = tuple(ip_network(text) for text in LOOPBACK)
    assert client_address(peer, forwarded_for, trusted) == address


def test_without_trusted_proxies_the_peer_is_the_caller() -> None:
    assert client_address("127.0.0.1", "203.0.113.9", ()) == "127.0.0.1"


def test_long_chain_is_followed_in_time() -> None:
    trusted = (ip_network("127.0.0.0/8"),)
    chain = "203.0.113.9, " + ", ".join(["127.0.0.2"] * 2_000)
    assert client_address("127.0.0.1", chain, trusted) == "203.0.113.9"
