"""The addresses that a connection may be made to: resolved, then judged by the outbound rules."""

import asyncio
import socket

from common.http.endpoint import Endpoint
from common.http.outcomes import NotPermitted
from common.outbound import ANYWHERE, OutboundRules


async def permitted_addresses(endpoint: Endpoint, rules: OutboundRules) -> list[str]:
    """Where `endpoint` may be called, in the resolver's order. Raises NotPermitted, OSError."""
    if rules is ANYWHERE:
        return [endpoint.host]
    found = await asyncio.get_running_loop().getaddrinfo(
        endpoint.host, endpoint.port, type=socket.SOCK_STREAM
    )
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    permitted = [one for one in addresses if rules.permit(endpoint.host, one, endpoint.port)]
    if not permitted:
        raise NotPermitted
    return permitted
