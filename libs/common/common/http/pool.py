"""Resting connections of an event loop, by endpoint. The latest used is taken first."""

import time
from functools import partial

from common.http.connection import Connection, connect
from common.http.endpoint import Endpoint
from common.outbound import ANYWHERE, OutboundRules

#: A connection that has rested longer is not used again: the other side may be closing it.
MAX_IDLE_S = 20.0
#: One that was used just now need not be looked at, which is a system call, where the loop goes on
#: before the request leaves: it sees a close meanwhile.
JUST_USED_S = 0.05
MAX_IDLE_PER_ENDPOINT = 256


class Pool:
    """Connections to endpoints, kept open between exchanges."""

    def __init__(self, connect_timeout_s: float, rules: OutboundRules = ANYWHERE) -> None:
        self._connect_timeout_s = connect_timeout_s
        self._rules = rules
        self._resting: dict[Endpoint, list[Connection]] = {}

    async def take(self, endpoint: Endpoint, *, for_later: bool = False) -> Connection:
        """A connection that stands, rested or new; `for_later`: the loop goes on before it is used,
        and whoever uses it asks then whether it `is_closed`. Raises NotSent."""
        return self.rested(endpoint, for_later=for_later) or await self.connect(endpoint)

    def rested(self, endpoint: Endpoint, *, for_later: bool = False) -> Connection | None:
        """A connection that has rested and still stands; None: there is none."""
        resting = self._resting.get(endpoint)
        now = time.monotonic()
        while resting:
            connection = resting.pop()
            if _stands(connection, now - connection.rested_since, for_later):
                connection.is_fresh = False
                return connection
            connection.close()
        return None

    async def connect(self, endpoint: Endpoint) -> Connection:
        """A new connection. Raises NotSent."""
        give_back = partial(self.put, endpoint)
        return await connect(endpoint, self._connect_timeout_s, give_back, self._rules)

    def put(self, endpoint: Endpoint, connection: Connection) -> None:
        """Keep a connection that nobody uses."""
        if connection.is_closed:
            return
        resting = self._resting.setdefault(endpoint, [])
        if len(resting) >= MAX_IDLE_PER_ENDPOINT:
            connection.close()
            return
        connection.rested_since = time.monotonic()
        resting.append(connection)

    def close(self) -> None:
        """Close every resting connection."""
        for resting in self._resting.values():
            while resting:
                resting.pop().close()


def _stands(connection: Connection, rested_s: float, for_later: bool) -> bool:
    if for_later and rested_s <= JUST_USED_S:
        return not connection.is_closed
    return rested_s <= MAX_IDLE_S and connection.is_quiet()
