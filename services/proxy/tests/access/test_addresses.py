"""Networks as people write them: IPv4 within IPv6 is IPv4, as for the addresses of callers."""

from ipaddress import ip_network

import pytest
from common.networks import parsed_network
from proxy.access.addresses import parsed_address
from proxy.models import Client
from proxy.models.clients import network_text


@pytest.mark.parametrize(
    ("text", "network", "saved"),
    [
        ("127.0.0.1", "127.0.0.1/32", "127.0.0.1"),
        ("10.1.2.3/8", "10.0.0.0/8", "10.1.2.3/8"),
        ("::ffff:127.0.0.1", "127.0.0.1/32", "127.0.0.1"),
        ("::ffff:127.0.0.1/128", "127.0.0.1/32", "127.0.0.1"),
        ("::ffff:a00:0/104", "10.0.0.0/8", "10.0.0.0/8"),
        ("::ffff:0:0/96", "0.0.0.0/0", "0.0.0.0/0"),
        ("::ffff:0:0/95", "::fffe:0:0/95", "::ffff:0:0/95"),
        ("2001:db8::/32", "2001:db8::/32", "2001:db8::/32"),
        ("::/0", "::/0", "::/0"),
    ],
)
def test_network_is_read_and_saved(text: str, network: str, saved: str) -> None:
    assert parsed_network(text) == ip_network(network)
    assert network_text(text) == saved
    assert Client(allowed_ips=[text]).allowed_ips == [saved]


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("text", ["127.0.0.1", "::ffff:127.0.0.1", "::ffff:7f00:0/104"])
def test_caller_is_within_either_spelling(text: str, address: str) -> None:
    parsed = parsed_address(address)
    assert parsed is not None
    assert parsed in parsed_network(text)


@pytest.mark.parametrize("text", ["", "10.0.0.300", "::ffff:10.0.0.1/129", "localhost"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parsed_network(text)
