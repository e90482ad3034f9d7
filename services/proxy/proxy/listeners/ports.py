"""The ports that a gateway process listens on: opened and closed as channels change.

Every gateway process of a machine listens on the same ports (SO_REUSEPORT), and the kernel shares
the connections out: so a port stays open while processes are replaced. A port that cannot be had is
said, in the database and the log, and tried again; it ends no process.
"""

import asyncio
import errno
import os
import ssl
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from common.clock import utc_now
from common.db.database import Database
from common.db.reader import Reader
from common.http.server_messages import Reply
from common.logs import get_logger
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from proxy.config import Settings
from proxy.gateway.call import Call
from proxy.gateway.routing import Routing, TableAway
from proxy.gateway.routing_table import RoutedChannel, RoutingTable
from proxy.listeners.conversation import Conversation, Serving
from proxy.models import Channel, ListenerState
from proxy.registry.listening import Listening

log = get_logger(__name__)

LOOK_EVERY_S = 0.2
RETRY_EVERY_S = 2.0
BACKLOG = 1024
#: Connections of a port in this process; further ones are closed at once.
MOST_CONNECTIONS = 2000
HANDSHAKE_S = 10.0
#: How long messages in hand may take as a port is closed.
FINISH_S = 20.0

NOT_PERMITTED = "Port {} is not among LISTENER_PORTS"
NO_CERTIFICATE = "LISTENER_TLS_CERT is not set"

Serve = Callable[[Call, str], Awaitable[Reply]]


class Refused(Exception):
    """A port cannot be opened; the message says why."""


@dataclass(eq=False)
class Port:
    """An open port with its connections."""

    channel_id: uuid.UUID
    listening: Listening
    server: asyncio.Server | None = None
    is_closed: bool = False
    connections: dict[asyncio.Task[None], Conversation] = field(default_factory=dict)

    async def close(self) -> None:
        """Accept nothing new, finish what is in hand."""
        self.is_closed = True
        if self.server is not None:
            self.server.close()
        for connection in self.connections.values():
            connection.finish()
        if self.connections:
            await asyncio.wait(self.connections, timeout=FINISH_S)
        for connection in self.connections.values():
            connection.abort()


class Listeners:
    """The ports of a process."""

    def __init__(
        self, database: Database, settings: Settings, routing: Routing, reader: Reader, serve: Serve
    ) -> None:
        self._database = database
        self._settings = settings
        self._routing = routing
        self._reader = reader
        self._serve = serve
        self._ports: dict[uuid.UUID, Port] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._seen: RoutingTable | None = None
        self._errors: dict[uuid.UUID, str] = {}
        self._said: dict[uuid.UUID, tuple[int, str]] = {}
        self._retry_at = 0.0

    async def watch(self) -> None:
        """Follow the routing table until cancelled."""
        if not self._settings.listener_address or self._settings.mediator_mode == "pure_esb":
            return
        while True:
            with suppress(TableAway):
                await self._follow(self._routing.table())
            await asyncio.sleep(LOOK_EVERY_S)

    async def close(self) -> None:
        """Close every port."""
        for port in list(self._ports.values()):
            self._close(port)
        if self._closing:
            await asyncio.wait(self._closing)

    async def _follow(self, table: RoutingTable) -> None:
        now = asyncio.get_running_loop().time()
        if table is self._seen and not (self._errors and now >= self._retry_at):
            return
        self._seen, self._retry_at = table, now + RETRY_EVERY_S
        wanted = _wanted(table)
        for port in list(self._ports.values()):
            if wanted.get(port.channel_id) != port.listening:
                self._close(port)
        self._errors = {}
        for channel_id, listening in wanted.items():
            if channel_id not in self._ports:
                await self._open(channel_id, listening)
        await self._say(wanted)

    async def _open(self, channel_id: uuid.UUID, listening: Listening) -> None:
        taken = any(port.listening.port == listening.port for port in self._ports.values())
        try:
            if taken:
                raise Refused("Another channel listens on this port")
            self._ports[channel_id] = await self._opened(channel_id, listening)
        except (OSError, ValueError, Refused) as exc:
            self._errors[channel_id] = _words(exc)

    async def _opened(self, channel_id: uuid.UUID, listening: Listening) -> Port:
        """Raises Refused, OSError."""
        if not any(listening.port in ports for ports in self._settings.listener_ports):
            raise Refused(NOT_PERMITTED.format(listening.port))
        port = Port(channel_id, listening)
        serving = Serving(
            channel=partial(self._channel, channel_id),
            serve=self._serve,
            max_bytes=self._settings.request_body_max_bytes,
            idle_s=self._settings.listener_idle_s,
        )
        tls = self._tls(listening) if listening.tls else None
        port.server = await asyncio.start_server(
            partial(_converse, port, serving),
            host=self._settings.listener_address,
            port=listening.port,
            backlog=BACKLOG,
            reuse_port=True,
            ssl=tls,
            ssl_handshake_timeout=HANDSHAKE_S if tls else None,
        )
        log.info("listener_opened", port=listening.port, framing=listening.framing)
        return port

    def _tls(self, listening: Listening) -> ssl.SSLContext:
        """Raises Refused, OSError."""
        certificate = self._settings.listener_tls_cert
        if certificate is None:
            raise Refused(NO_CERTIFICATE)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(certificate, self._settings.listener_tls_key)
        if listening.client_authorities:
            context.load_verify_locations(cadata=listening.client_authorities)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _channel(self, channel_id: uuid.UUID) -> RoutedChannel | None:
        found = self._routing.table().channels.get(channel_id)
        return found if found is not None and found.listening is not None else None

    def _close(self, port: Port) -> None:
        del self._ports[port.channel_id]
        task = asyncio.get_running_loop().create_task(port.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        log.info("listener_closed", port=port.listening.port)

    async def _say(self, wanted: dict[uuid.UUID, Listening]) -> None:
        """Note for people what has changed; where that fails it is tried again."""
        states = {one: (of.port, self._errors.get(one, "")) for one, of in wanted.items()}
        changed = {one: state for one, state in states.items() if self._said.get(one) != state}
        for port, error in changed.values():
            if error:
                log.error("listener_not_opened", port=port, reason=error)
        try:
            if changed:
                await self._reader.run(partial(_note, self._database, changed))
            self._said = states
        except (SQLAlchemyError, TimeoutError) as exc:
            log.warning("listener_states_not_noted", reason=type(exc).__name__)
            self._seen = None


async def _converse(
    port: Port, serving: Serving, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    is_full = len(port.connections) >= MOST_CONNECTIONS
    if is_full or port.is_closed:
        log.warning("connection_not_taken", port=port.listening.port, is_full=is_full)
        writer.transport.abort()
        return
    listening = port.listening
    conversation = Conversation(serving, listening.framing, listening.port, reader, writer)
    task = asyncio.current_task()
    assert task is not None
    port.connections[task] = conversation
    try:
        await conversation.run()
    finally:
        del port.connections[task]


def _wanted(table: RoutingTable) -> dict[uuid.UUID, Listening]:
    """Who listens where; of two channels of one port the first by name has it."""
    channels = sorted(table.channels.values(), key=lambda one: one.name)
    return {one.id: one.listening for one in channels if one.listening is not None}


def _words(exc: Exception) -> str:
    if isinstance(exc, ssl.SSLError):
        return "LISTENER_TLS_CERT or LISTENER_TLS_KEY cannot be read"
    if isinstance(exc, FileNotFoundError):
        return "LISTENER_TLS_CERT or LISTENER_TLS_KEY is not there"
    if isinstance(exc, OSError) and exc.errno == errno.EADDRINUSE:
        return "Another program has this port"
    if isinstance(exc, OSError) and exc.errno is not None:
        return os.strerror(exc.errno)
    return str(exc)[:255]


def _note(database: Database, changed: dict[uuid.UUID, tuple[int, str]]) -> None:
    with database.writing() as session:
        for channel_id, (port, error) in changed.items():
            _note_one(session, channel_id, port, error)


def _note_one(session: Session, channel_id: uuid.UUID, port: int, error: str) -> None:
    """Locks the channel: of processes that say so at once, the last one stays."""
    if session.get(Channel, channel_id, with_for_update={"of": Channel}) is None:
        return
    state = session.get(ListenerState, channel_id) or ListenerState(channel_id=channel_id)
    state.port, state.error, state.changed_at = port, error, utc_now()
    session.add(state)
