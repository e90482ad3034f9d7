"""The message broker: RabbitMQ where `RABBITMQ_URL` names one, else the embedded lease table."""

from amqp.exceptions import AMQPError
from kombu.connection import Connection
from kombu.entity import Queue
from kombu.exceptions import OperationalError
from kombu_sqlite.transport import SqliteTransport

from common.settings import Environment

CONNECT_TIMEOUT_S = 3.0
#: What Kombu, its transports and the sockets below them raise when the broker is away.
BROKER_ERRORS = (OperationalError, AMQPError, OSError)


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
        transport_options={"path": str(settings.var_dir / "broker.sqlite3"), "max_retries": 0},
    )


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
