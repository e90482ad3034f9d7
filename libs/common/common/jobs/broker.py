"""The message broker: RabbitMQ where `RABBITMQ_URL` names one, else the embedded lease table.

The latter is a file: messages lie sealed in it, as what the databases have of people does.
"""

from amqp.exceptions import AMQPError
from kombu.connection import Connection
from kombu.entity import Queue
from kombu.exceptions import OperationalError
from kombu_sqlite.store import Sealing
from kombu_sqlite.transport import SqliteTransport

from common.sealing import KeyFolder, Sealer
from common.settings import Environment

CONNECT_TIMEOUT_S = 3.0
#: What Kombu, its transports and the sockets below them raise when the broker is away.
BROKER_ERRORS = (OperationalError, AMQPError, OSError)
_PURPOSE = b"queued message "


def open_broker(settings: Environment) -> Connection:
    """A connection that confirms what it publishes. Opens no socket yet."""
    if settings.rabbitmq_url:
        return Connection(
            settings.rabbitmq_url,
            connect_timeout=CONNECT_TIMEOUT_S,
            heartbeat=0,
            transport_options={
                "confirm_publish": True,
                "read_timeout": 30,
                "write_timeout": 10,
                "max_retries": 0,
            },
        )
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


def seal_messages_anew(settings: Environment) -> tuple[int, int]:
    """Bring what waits in the embedded broker under the newest key: how many, how many unreadable.

    Nothing with RabbitMQ. Raises one of BROKER_ERRORS.
    """
    if settings.rabbitmq_url:
        return 0, 0
    with open_broker(settings) as connection:
        found: tuple[int, int] = connection.default_channel.store.seal_anew()
    return found


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
