"""Which name servers are asked, as a setting has them."""

import ipaddress

DnsServer = tuple[str, int]
"""An address and a port."""

USUAL_PORT = 53


def dns_servers(text: str) -> tuple[DnsServer, ...]:
    """From `10.0.0.2, 127.0.0.1:5353, [::1]:53`. Raises ValueError."""
    return tuple(_server(one.strip()) for one in text.split(",") if one.strip())


def _server(text: str) -> DnsServer:
    host, port = text, str(USUAL_PORT)
    if text.startswith("[") or text.count(":") == 1:
        host, _, port = text.rpartition(":")
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        raise ValueError("expected addresses of name servers, such as 10.0.0.2") from None
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise ValueError("expected a port between 1 and 65535 behind the colon")
    return str(address), int(port)
