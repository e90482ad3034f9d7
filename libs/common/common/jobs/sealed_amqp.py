"""RabbitMQ's messages, sealed on their way to it: on its disk and in its management page they are
unreadable. Who publishes and who consumes does not know of it.

Their keys are a folder of their own, which all services share that put messages on one another's
queues (`MESSAGE_KEYS_DIR`); without a key in it messages are in clear. What comes in clear, of a
program without the keys or of the version before, is taken as it is; what no key opens stays as it
is, its consumer rejects it, and it lies among the dead letters until the key is back.
"""

# mypy: allow-untyped-calls
# Kombu says it is typed, yet few of its functions are.

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from amqp.exceptions import NotFound
from kombu.connection import Connection
from kombu.message import Message
from kombu.transport import pyamqp

from common.sealing import KeyFolder, Sealer, is_sealed
from common.settings import Environment

_PURPOSE = b"message of the bus "
#: In `CLEAR_QUEUES`: all of them.
_ALL = "*"


@dataclass(frozen=True)
class BodySealing:
    """Seals bodies for queues, except for those that programs without the keys read."""

    sealer: Sealer = field(repr=False)
    clear_queues: Sequence[str] = ()

    @classmethod
    def of(cls, settings: Environment) -> "BodySealing":
        """What an installation wants."""
        sealer = Sealer(KeyFolder(settings.message_keys_folder))
        return cls(sealer, settings.clear_queues if settings.seal_bodies else (_ALL,))

    def is_wanted(self, queue: str) -> bool:
        """Whether messages for `queue` are sealed; dead letters as those that they were."""
        is_clear = {_ALL, queue, queue.removesuffix(".dead")} & {*self.clear_queues}
        return not is_clear and self.sealer.has_keys

    def sealed(self, queue: str, body: str | bytes) -> bytes:
        """A body as it is queued. Nothing stays nothing, and what is sealed already stays so."""
        plain = _bytes(body)
        if not plain or is_sealed(plain) or not self.is_wanted(queue):
            return plain
        return self.sealer.seal(_PURPOSE, b"", plain)

    def opened(self, body: str | bytes) -> bytes:
        """What was meant; as it is, where it is in clear or no key opens it."""
        found = _bytes(body)
        opened = self.sealer.open(_PURPOSE, b"", found) if is_sealed(found) else None
        return found if opened is None else opened


class _Channel(pyamqp.Channel):
    """Seals what is published, opens what is delivered."""

    connection: "_Connection"

    def basic_publish_confirm(
        self, msg: Any, exchange: str = "", routing_key: str = "", **options: Any
    ) -> Any:
        """For the queue that the routing key names: there is no exchange but the one of queues."""
        msg.body = self.connection.sealing.sealed(routing_key, msg.body)
        return super().basic_publish_confirm(
            msg, exchange=exchange, routing_key=routing_key, **options
        )

    def message_to_python(self, raw_message: Any) -> Message:
        """The message as its publisher meant it."""
        raw_message.body = self.connection.sealing.opened(raw_message.body)
        message: Message = super().message_to_python(raw_message)
        return message


class _Connection(pyamqp.Connection):
    Channel = _Channel

    def __init__(self, *args: Any, sealing: BodySealing, **options: Any) -> None:
        self.sealing = sealing
        super().__init__(*args, **options)


class _Transport(pyamqp.Transport):
    Connection = _Connection


class _TlsTransport(pyamqp.SSLTransport):
    Connection = _Connection


def transport_for(url: str) -> type[pyamqp.Transport]:
    """The transport that takes a `BodySealing` as its option `sealing`."""
    return _TlsTransport if url.startswith("amqps:") else _Transport


def turn_over(connection: Connection, sealing: BodySealing, queue: str) -> tuple[int, int]:
    """Put what waits in `queue` in anew, under the newest key: how many, how many unreadable.

    `connection` gives messages as they lie. One leaves its place once the broker has confirmed the
    other: ended in between, it comes twice, which its consumer knows by its event.
    """
    if not sealing.is_wanted(queue):
        return 0, 0
    channel = connection.channel()
    try:
        waiting = channel.queue_declare(queue, passive=True).message_count
    except NotFound:
        return 0, 0
    head, turned, unreadable = sealing.sealer.newest_head(), 0, 0
    for _ in range(waiting):
        message = channel.basic_get(queue, no_ack=False)
        if message is None:
            break
        body = _bytes(message.body)
        plain = sealing.opened(body)
        unreadable += is_sealed(plain)
        if not body or body.startswith(head) or is_sealed(plain):
            continue  # held until the channel closes: then it is at its place again
        message.body = sealing.sealed(queue, plain)  # the rest of it stays
        connection.default_channel.basic_publish(message, exchange="", routing_key=queue)
        channel.basic_ack(message.delivery_tag)
        turned += 1
    channel.close()
    return turned, unreadable


def _bytes(body: str | bytes | memoryview) -> bytes:
    """The library decodes what says its encoding."""
    return body.encode() if isinstance(body, str) else bytes(body)
