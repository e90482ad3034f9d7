"""Where calls may go: rules on the address that is connected to, whatever name led there. Pure.

A rule is a network, an address or a host name, with a port or without: `10.0.0.0/8`,
`127.0.0.1:5432`, `postgres:5432`, `[fd00::1]:80`. What `allow` names may be called; of the rest,
what `deny` names may not.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address

from common.networks import Network, parsed_network

_RULE = re.compile(r"(?:\[(?P<v6>[^]]+)\]|(?P<host>[^:\s]+))(?::(?P<port>\d{1,5}))?")
_WANTED = "expected networks, addresses or host names, each with or without :port"

#: Link-local addresses, and where clouds tell machines their secrets.
USUALLY_DENIED = "169.254.0.0/16, fe80::/10, fd00:ec2::254, 100.100.100.200, 168.63.129.16"


@dataclass(frozen=True)
class Rule:
    """A network or a host name; `port` None: every port."""

    network: Network | None
    host: str
    port: int | None

    @classmethod
    def parse(cls, text: str) -> "Rule":
        """Read a rule. Raises ValueError."""
        text = text.strip()
        if text.count(":") > 1 and not text.startswith("["):
            text = f"[{text}]"  # IPv6 without a port
        found = _RULE.fullmatch(text)
        if found is None:
            raise ValueError(_WANTED)
        place = found["v6"] or found["host"]
        port = int(found["port"]) if found["port"] else None
        try:
            return cls(parsed_network(place), "", port)
        except ValueError:
            return cls(None, place.lower(), port)

    def matches(self, host: str, address: str, port: int) -> bool:
        """Whether it names `host`, or the `address` it stands for, at `port`."""
        if self.port not in {None, port}:
            return False
        if self.network is None:
            return host.lower() == self.host
        parsed = ip_address(address.partition("%")[0])
        mapped = getattr(parsed, "ipv4_mapped", None)
        return (mapped or parsed) in self.network


def rules(text: str) -> tuple[Rule, ...]:
    """Comma-separated rules. Raises ValueError."""
    return tuple(Rule.parse(one) for one in text.split(",") if one.strip())


@dataclass(frozen=True)
class OutboundRules:
    """What may be called."""

    deny: tuple[Rule, ...] = ()
    allow: tuple[Rule, ...] = ()

    def permit(self, host: str, address: str, port: int) -> bool:
        """Whether `address`, which `host` stands for, may be called at `port`."""
        if any(rule.matches(host, address, port) for rule in self.allow):
            return True
        return not any(rule.matches(host, address, port) for rule in self.deny)


#: For our own services, whose addresses are settings.
ANYWHERE = OutboundRules()
