"""How the routing table of a process follows the database.

Requests read one immutable `RoutingTable`. A watcher compares the version counter every
`POLL_S`, recompiles after a change, and reads the mediators' heartbeats beside it.
"""

import asyncio
import os
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from common.clock import utc_now
from common.db.database import Database
from common.db.reader import Reader
from common.errors import Unavailable
from common.logs import get_logger
from sqlalchemy import select, true, update
from sqlalchemy.exc import SQLAlchemyError

from proxy.config import Settings
from proxy.gateway.breaker import Breakers
from proxy.gateway.limits import Limit, share
from proxy.gateway.load_table import load_table
from proxy.gateway.routing_table import RoutedChannel, RoutingTable
from proxy.models import Client, Mediator, RoutingVersion
from proxy.record.sealing import Sealer
from proxy.registry.mediators import is_online
from proxy.registry.routing_version import current_version

log = get_logger(__name__)

POLL_S = 0.4

Heartbeats = Mapping[uuid.UUID, tuple[bool, datetime | None]]
#: The version and, beside it, what is known of each mediator; without mediators one row.
_SEEN = (
    select(RoutingVersion.version, Mediator.id, Mediator.is_online, Mediator.last_heartbeat)
    .select_from(RoutingVersion)
    .outerjoin(Mediator, true())
)


class Routing:
    """The current table of this process, kept fresh by `watch`.

    For threads: `refresh`, `channel`; for an event loop: `watch`. Reading the table blocks nobody.
    """

    def __init__(self, database: Database, settings: Settings, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer
        self._forward_timeout_s = settings.forward_timeout_s
        self._total_timeout_s = settings.total_timeout_s
        self._heartbeat_timeout_s = settings.heartbeat_timeout_s
        self._table: RoutingTable | None = None
        self._heartbeats: Heartbeats = {}
        self._breakers = Breakers(settings.breaker_failures, settings.breaker_pause_s)
        self._limit_of = partial(_limit_of, settings=settings)

    def table(self) -> RoutingTable:
        """The table in force. Raises TableAway where it was never loaded."""
        if self._table is None:
            raise TableAway
        return self._table

    def is_online(self, mediator_id: uuid.UUID) -> bool:
        """Whether a mediator takes calls now, by its flag and its last heartbeat."""
        given, last_heartbeat = self._heartbeats.get(mediator_id, (False, None))
        if last_heartbeat is None:
            return given
        return is_online(given, last_heartbeat, utc_now(), self._heartbeat_timeout_s)

    def refresh(self) -> None:
        """Look at the database once and recompile after a change. Raises SQLAlchemyError."""
        with self._database.glancing() as connection:
            seen = connection.execute(_SEEN).all()
        self._heartbeats = _heartbeats(seen)
        if self._table is None or not seen or seen[0].version != self._table.version:
            self._recompile()

    def _recompile(self) -> None:
        with self._database.reading() as session:
            self._heartbeats = _heartbeats(session.execute(_SEEN).all())
            version = current_version(session)
            if self._table is not None and version == self._table.version:
                return
            self._table = load_table(
                session,
                version,
                self._forward_timeout_s,
                self._total_timeout_s,
                self._sealer,
                limit_of=self._limit_of,
                breakers=self._breakers,
            )
            log.info("routing_loaded", version=version, process=os.getpid())

    async def load(self, reader: Reader, stopping: asyncio.Event) -> None:
        """Load the table; a database that is away is waited for, until `stopping`."""
        while not stopping.is_set():
            try:
                await reader.run(self.refresh)
                return
            except (SQLAlchemyError, TimeoutError) as exc:
                log.warning("routing_not_loaded", reason=type(exc).__name__)
                await asyncio.sleep(POLL_S)

    async def watch(self, reader: Reader) -> None:
        """Keep the table fresh until cancelled."""
        while True:
            await asyncio.sleep(POLL_S)
            try:
                await reader.run(self.refresh)
                changed = self._breakers.changed()
                if changed:
                    await reader.run(partial(self._note_circuits, changed))
            except (SQLAlchemyError, TimeoutError) as exc:
                log.warning("routing_not_refreshed", reason=type(exc).__name__)

    def _note_circuits(self, changed: Mapping[uuid.UUID, datetime | None]) -> None:
        """Say for people which circuits are open; no change of the routing table."""
        with self._database.writing() as session:
            for mediator_id, open_until in changed.items():
                session.execute(
                    update(Mediator)
                    .where(Mediator.id == mediator_id)
                    .values(
                        circuit_open_until=open_until,
                        updated_at=Mediator.updated_at,
                        revision=Mediator.revision,
                    )
                    .execution_options(synchronize_session=False)
                )

    async def channel(
        self, channel_id: uuid.UUID | int | None, reader: Reader
    ) -> RoutedChannel | None:
        """An active channel by its id, or by the number that it had at the Django mediator.

        One that is not known is looked for once more.
        """
        if channel_id is None:
            return None
        found = self.table().channel(channel_id)
        if found is None:
            await reader.run(self.refresh)
            found = self.table().channel(channel_id)
        return found


def _heartbeats(seen: Iterable[Any]) -> Heartbeats:
    return {row.id: (row.is_online, row.last_heartbeat) for row in seen if row.id is not None}


class TableAway(Unavailable):
    """The routing table has not been loaded yet: the database is away."""

    def __init__(self) -> None:
        super().__init__("The database cannot be reached")


def _limit_of(client: Client, *, settings: Settings) -> Limit | None:
    """A client's own limits, else the installation's, as this process's share."""
    rate = client.max_rate if client.max_rate is not None else settings.client_max_rate
    concurrent = client.max_concurrent or settings.client_max_concurrent
    return share(rate, concurrent, settings.gateway_processes)
