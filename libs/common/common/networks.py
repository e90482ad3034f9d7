"""Networks that clients call from, as people write them. Pure."""

from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network

_MAPPED_BITS = 96


class Networks(tuple[Network, ...]):
    """Networks that are asked about again and again, and so the key of a memory: each of them takes
    longer to hash than all that is remembered to find. Their hash is found once.
    """

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return super().__hash__()


def parsed_network(text: str) -> Network:
    """An address or a network; IPv4 within IPv6 (`::ffff:10.0.0.0/104`) as IPv4 (`10.0.0.0/8`).

    Callers' addresses are read in the same way. Raises ValueError.
    """
    network = ip_network(text, strict=False)
    if isinstance(network, IPv6Network) and network.prefixlen >= _MAPPED_BITS:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return ip_network((int(mapped), network.prefixlen - _MAPPED_BITS))
    return network
