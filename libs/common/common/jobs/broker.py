"""The message broker: RabbitMQ where `RABBITMQ_URL` names one, else the embedded lease table.

The latter is a file: messages lie sealed in it, as what the databases have of people does. What
RabbitMQ gets is sealed as well (`common.jobs.sealed_amqp`).
"""

from collections.abc import Iterable

from amqp.exceptions import AMQPError
from kombu.connection import Connection
from kombu.entity import Queue
from kombu.exceptions import OperationalError
from kombu_sqlite.store import Sealing
from kombu_sqlite.transport import SqliteTransport

from common.jobs.sealed_amqp import BodySealing, transport_for, turn_over
from common.sealing import KeyFolder, Sealer
from common.settings import Environment

CONNECT_TIMEOUT_S = 3.0
#: What Kombu, its transports and the sockets below them raise when the broker is away.
BROKER_ERRORS = (OperationalError, AMQPError, OSError)
_PURPOSE = b"queued message "


def open_broker(settings: Environment) -> Connection:
    """A connection that confirms what it publishes. Opens no socket yet."""
    if settings.rabbitmq_url:
        return _rabbitmq(settings.rabbitmq_url, BodySealing.of(settings))
    return Connection(
        transport=SqliteTransport,
        transport_options={
            "path": str(settings.var_dir / "broker.sqlite3"),
            "max_retries": 0,
            "sealing": _sealing(settings),
        },
    )


def _sealing(settings: Environment) -> Sealing:
    """In clear where the installation has no keys, or does not want it."""
    sealer = Sealer(KeyFolder(settings.seal_keys_folder))

    def sealed(text: str) -> str:
        is_wanted = settings.seal_bodies and sealer.has_keys
        return sealer.seal_text(_PURPOSE, b"", text) if is_wanted else text

    return Sealing(sealed, lambda stored: sealer.open_text(_PURPOSE, b"", stored))


def _rabbitmq(url: str, sealing: BodySealing | None) -> Connection:
    """With None messages are as they lie there."""
    options = {
        "confirm_publish": True,
        "read_timeout": 30,
        "write_timeout": 10,
        "max_retries": 0,
    }
    return Connection(
        url,
        connect_timeout=CONNECT_TIMEOUT_S,
        heartbeat=0,
        transport=transport_for(url) if sealing else None,
        transport_options={**options, "sealing": sealing} if sealing else options,
    )


def seal_messages_anew(settings: Environment, queues: Iterable[str] = ()) -> tuple[int, int]:
    """Bring what waits under the newest key: how many messages, how many unreadable.

    All of the embedded broker's; of RabbitMQ's those of `queues` and their dead letters. Raises
    one of BROKER_ERRORS.
    """
    if not settings.rabbitmq_url:
        with open_broker(settings) as connection:
            found: tuple[int, int] = connection.default_channel.store.seal_anew()
        return found
    sealing = BodySealing.of(settings)
    turned = unreadable = 0
    with _rabbitmq(settings.rabbitmq_url, None) as connection:
        for name in queues:
            for one in (name, dead_letter_queue(name).name):
                count, lost = turn_over(connection, sealing, one)
                turned, unreadable = turned + count, unreadable + lost
    return turned, unreadable


def durable_queue(name: str) -> Queue:
    """A queue that outlives broker and consumers; what it refuses goes to `<name>.dead`."""
    return Queue(
        name,
        durable=True,
        queue_arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{name}.dead"},
    )


def dead_letter_queue(name: str) -> Queue:
    """Where the messages of queue `name` end that could not be handled."""
    return Queue(f"{name}.dead", durable=True)
