"""Kombu's channel on the broker's file: what programs do to queues and messages."""

# mypy: allow-untyped-calls
# Kombu says it is typed, yet few of its functions are.

import logging
from collections.abc import Callable, Mapping
from queue import Empty
from typing import TYPE_CHECKING, Any

from amqp.exceptions import NotFound
from amqp.protocol import queue_declare_ok_t
from kombu.exceptions import ChannelError
from kombu.transport import virtual
from kombu.utils.json import dumps, loads
from kombu.utils.uuid import uuid

from kombu_sqlite.file import BrokerFileError
from kombu_sqlite.renewal import ARRIVALS
from kombu_sqlite.store import DEAD_SUFFIX, Delivery

if TYPE_CHECKING:
    from kombu_sqlite.transport import SqliteTransport

log = logging.getLogger(__name__)

_TRANSIENT = 1  # the delivery mode that promises nothing across a power cut


class SqliteQoS(virtual.QoS):
    """The messages that a channel has in hand. A delivery tag is a lease token."""

    channel: "SqliteChannel"

    def ack(self, delivery_tag: str) -> None:
        """Finish the message, unless its lease is lost: then somebody else has it, or had it."""
        self.acknowledge([delivery_tag])

    def acknowledge(self, delivery_tags: list[str]) -> None:
        """Finish several messages in one transaction."""
        self.channel.renewer.release(delivery_tags)
        stood = self.channel.store.finish(delivery_tags)
        for tag in delivery_tags:
            if tag not in stood:
                log.warning("acknowledged_too_late", extra={"delivery_tag": tag})
            super().ack(tag)
        ARRIVALS.note()  # there may be room for the next one

    def up_to(self, delivery_tag: str) -> list[str]:
        """The tags in hand from the oldest to this one."""
        self._flush()
        tags = list(self._delivered)
        return tags[: tags.index(delivery_tag) + 1]

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Give the message back to its old place, or send it to the dead-letter queue."""
        store = self.channel.store
        self.channel.renewer.release([delivery_tag])
        stood = store.give_back([delivery_tag]) if requeue else store.reject(delivery_tag)
        if not stood:
            log.warning("rejected_too_late", extra={"delivery_tag": delivery_tag})
        super().ack(delivery_tag)
        ARRIVALS.note()

    def restore_unacked(self) -> list[Any]:
        """Give everything back. If the file is away the leases run out instead."""
        self._flush()
        tags = list(self._delivered)
        self._delivered.clear()
        self.channel.renewer.release(tags)
        try:
            self.channel.store.give_back(tags)
        except BrokerFileError as exc:
            log.warning(
                "messages_not_given_back", extra={"message_count": len(tags), "reason": str(exc)}
            )
        ARRIVALS.note()
        return []


class SqliteChannel(virtual.Channel):
    """Kombu's acts, done on the file."""

    QoS = SqliteQoS

    def __init__(self, connection: "SqliteTransport", **kwargs: Any) -> None:
        self.store = connection.store
        self.routes = connection.routes
        self.renewer = connection.renewer
        super().__init__(connection, **kwargs)

    def exchange_declare(
        self,
        exchange: str | None = None,
        type: str | None = "direct",
        durable: bool = False,
        auto_delete: bool = False,
        arguments: Mapping[str, Any] | None = None,
        nowait: bool = False,
        passive: bool = False,
    ) -> None:
        """Declare a direct exchange, or with `passive` ask whether it was declared."""
        name = exchange or "amq.direct"
        if type not in (None, "direct"):
            raise ChannelError(f"exchange {name!r}: there are no {type} exchanges here")
        if not passive:
            self.routes.declare_exchange(name)
        elif not self.routes.has_exchange(name):
            raise NotFound(f"no exchange {name!r}")

    def exchange_delete(self, exchange: str, if_unused: bool = False, nowait: bool = False) -> None:
        """Delete the exchange and its bindings."""
        self.routes.delete_exchange(exchange)

    def queue_declare(
        self,
        queue: str | None = None,
        passive: bool = False,
        arguments: Mapping[str, Any] | None = None,
        **_kwargs: Any,
    ) -> queue_declare_ok_t:
        """Declare a queue, or with `passive` ask for it; tells how many messages wait in it."""
        name = queue or f"amq.gen-{uuid()}"
        if not passive:
            self.routes.declare_queue(name, max_length=(arguments or {}).get("x-max-length"))
        elif not self.routes.has_queue(name):
            raise NotFound(f"no queue {name!r}")
        return queue_declare_ok_t(name, self.store.count_free(name), 0)

    def queue_delete(
        self, queue: str, if_unused: bool = False, if_empty: bool = False, **_kwargs: Any
    ) -> int:
        """Delete the queue with its messages; who consumes it in other processes is not known."""
        return self.routes.delete_queue(queue, only_empty=if_empty)

    def queue_bind(
        self,
        queue: str,
        exchange: str | None = None,
        routing_key: str = "",
        arguments: Mapping[str, Any] | None = None,
        **_kwargs: Any,
    ) -> None:
        """Bind the queue, for the publishers of all processes."""
        self.routes.bind(queue, exchange or "amq.direct", routing_key)

    def queue_unbind(
        self,
        queue: str,
        exchange: str | None = None,
        routing_key: str = "",
        arguments: Mapping[str, Any] | None = None,
        **_kwargs: Any,
    ) -> None:
        """Undo `queue_bind`."""
        self.routes.unbind(queue, exchange or "amq.direct", routing_key)

    def basic_publish(
        self,
        message: dict[str, Any],
        exchange: str,
        routing_key: str,
        mandatory: bool = False,
        **_kwargs: Any,
    ) -> None:
        """Store the message for every queue that it is routed to.

        Without any, it is dropped with a warning in the log, or with `mandatory` ChannelError.
        """
        self._inplace_augment_message(message, exchange, routing_key)
        durable = message["properties"].get("delivery_mode") != _TRANSIENT
        if self.store.publish(exchange, routing_key, dumps(message), durable=durable):
            ARRIVALS.note()
            return
        if mandatory:
            raise ChannelError(f"no queue is bound to {exchange!r} with {routing_key!r}")
        log.warning("message_unroutable", extra={"exchange": exchange, "routing_key": routing_key})

    def basic_consume(
        self,
        queue: str,
        no_ack: bool,
        callback: Callable[[virtual.Message], Any],
        consumer_tag: str,
        **kwargs: Any,
    ) -> None:
        """Consume; with `no_ack` a message is finished before the callback sees it."""

        def finished_first(message: virtual.Message) -> Any:
            self.qos.ack(message.delivery_tag)
            return callback(message)

        chosen = finished_first if no_ack else callback
        super().basic_consume(queue, no_ack, chosen, consumer_tag, **kwargs)

    def basic_get(self, queue: str, no_ack: bool = False, **kwargs: Any) -> virtual.Message | None:
        """The next message, or None; with `no_ack` it is finished already."""
        message: virtual.Message | None = super().basic_get(queue, no_ack=no_ack, **kwargs)
        if message is not None and no_ack:
            self.qos.ack(message.delivery_tag)
        return message

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        """Finish the message, with `multiple` also all that this channel got before it."""
        self.qos.acknowledge(self.qos.up_to(delivery_tag) if multiple else [delivery_tag])

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        delivery = self.store.claim(queue)
        if delivery is None:
            raise Empty
        self.renewer.hold(delivery.token)
        return _as_kombu_message(delivery)

    def _purge(self, queue: str) -> int:
        return self.store.purge(queue)

    def _size(self, queue: str) -> int:
        return self.store.count_free(queue)


def _unreadable() -> dict[str, Any]:
    """Stands for a message that nothing opens: its consumer rejects it, and it is kept."""
    properties = {"body_encoding": None, "delivery_info": {"exchange": "", "routing_key": ""}}
    types = {"content-type": "application/octet-stream", "content-encoding": "binary"}
    return {"body": "", **types, "headers": {"x-unreadable": True}, "properties": properties}


def _as_kombu_message(delivery: Delivery) -> dict[str, Any]:
    message: dict[str, Any] = _unreadable() if delivery.payload is None else loads(delivery.payload)
    message["properties"]["delivery_tag"] = delivery.token
    message["properties"]["delivery_info"]["redelivered"] = delivery.attempt > 1
    headers = message["headers"]
    headers["x-delivery-count"] = delivery.attempt - 1
    if delivery.death_reason is not None:
        headers["x-first-death-reason"] = delivery.death_reason.value
        headers["x-first-death-queue"] = delivery.queue.removesuffix(DEAD_SUFFIX)
        headers["x-attempts"] = delivery.attempt
    return message
