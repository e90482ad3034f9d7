"""A process that the tests of the transport start, and kill: `broker_process.py ACT PATH …`."""

# mypy: allow-untyped-calls

import sys
import time
from itertools import count

from kombu.connection import Connection
from kombu.entity import Exchange, Queue
from kombu.message import Message
from kombu_sqlite.transport import SqliteTransport


def connect(path: str, lease_s: float = 30.0) -> Connection:
    return Connection(
        transport=SqliteTransport, transport_options={"path": path, "lease_s": lease_s}
    )


def consume(path: str, queue: str, lease_s: str, handling_s: str, idle_s: str) -> None:
    """Print `got <body>` for each message, work for `handling_s`, acknowledge; end when idle."""

    def handle(body: object, message: Message) -> None:
        print("got", body, flush=True)
        time.sleep(float(handling_s))
        message.ack()

    with (
        connect(path, float(lease_s)) as connection,
        connection.Consumer(Queue(queue), callbacks=[handle]),
    ):
        while True:
            try:
                connection.drain_events(timeout=float(idle_s))
            except TimeoutError:
                return


def publish(path: str, queue: str, name: str, messages: str) -> None:
    """Publish `<name>:<n>`, printing each `n` once it is on disk."""
    with connect(path) as connection, connection.Producer() as producer:
        for n in range(int(messages)) if messages != "endless" else count():
            producer.publish(f"{name}:{n}", routing_key=queue)
            print("put", n, flush=True)


def declare(path: str, exchange: str, routing_key: str, queue: str) -> None:
    """Declare a bound queue, as a consumer does at its start."""
    with connect(path) as connection:
        Queue(queue, Exchange(exchange), routing_key=routing_key)(
            connection.default_channel
        ).declare()


ACTS = {act.__name__: act for act in (consume, publish, declare)}

if __name__ == "__main__":
    ACTS[sys.argv[1]](*sys.argv[2:])
