"""Networks that clients call from, as people write them. Pure."""

from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network

_MAPPED_BITS = 96


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
