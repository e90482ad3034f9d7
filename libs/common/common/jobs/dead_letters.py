"""Events that could not be handled: look at them, send them again, drop them.

A letter is known by a digest of its bytes, so that one which is no event can be named as well. What
it holds is not shown: it is about people.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kombu.connection import Connection
from kombu.message import Message

from common.audit.log import record_act
from common.errors import NotFound, Unavailable
from common.jobs.broker import BROKER_ERRORS, dead_letter_queue, durable_queue, open_broker
from common.jobs.events import CONTENT_TYPE, parse_event
from common.settings import Environment
from common.texts import _

#: Letters looked at in one go; what lies behind them comes once they are gone.
MAX_LETTERS = 1_000
#: The header of an event that was sent again: how often.
REPLAYED = "x-replayed"


@dataclass(frozen=True)
class DeadLetter:
    """An event that was rejected; `event_id` and `type` are None when it is no event at all.

    `replayed`: how often it was sent again, and came back.
    """

    key: str
    event_id: str | None
    type: str | None
    size_bytes: int
    replayed: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing came of it: the embedded broker has no key that opens it."""
        return self.size_bytes == 0


@dataclass(frozen=True)
class Done:
    """How many letters it was done with, and how many were left out: they came back already, or
    are empty.
    """

    count: int
    left_out: int = 0
    ok: bool = True


@dataclass(frozen=True)
class DeadLetters:
    """Those of the events of `queue`, at the broker of `settings`."""

    settings: Environment
    queue: str

    def all(self) -> list[DeadLetter]:
        """The letters, the oldest first. Raises Unavailable."""
        with self._opened() as (_, held):
            return [_letter(message) for message in held]

    def replay(self, key: str | None = None, *, include_repeated: bool = False) -> Done:
        """Send one letter again, or all of them; of all, those that were sent again already and
        came back only with `include_repeated`; never one that is empty. Raises NotFound,
        Unavailable.

        A letter leaves its queue once the broker has confirmed that it is in the other one.
        """
        return self._act(
            "replayed",
            key,
            self._publish,
            lambda letter: (
                letter.is_empty or (key is None and letter.replayed > 0 and not include_repeated)
            ),
        )

    def drop(self, key: str | None = None) -> Done:
        """Forget one letter, or all of them. Raises NotFound, Unavailable."""
        return self._act("dropped", key, lambda _connection, _message: None, lambda _letter: False)

    def _act(
        self,
        name: str,
        key: str | None,
        act: Callable[[Connection, Message], None],
        is_left_out: Callable[[DeadLetter], bool],
    ) -> Done:
        """Each letter is in the audit log before it is acted on."""
        done = left_out = 0
        with self._opened() as (connection, held):
            for message in [one for one in held if key in (None, _letter(one).key)]:
                letter = _letter(message)
                if is_left_out(letter):
                    left_out += 1
                    continue
                record_act(f"dead_letter.{name}", letter.key, letter.type or "")
                act(connection, message)
                message.ack()
                held.remove(message)
                done += 1
        if key is not None and not done + left_out:
            raise NotFound(_("No such dead letter"))
        return Done(done, left_out)

    @contextmanager
    def _opened(self) -> Iterator[tuple[Connection, list[Message]]]:
        """The letters, held by us; those that still are in the end go back."""
        try:
            with open_broker(self.settings) as connection:
                held = list(_taken(connection, self.queue))
                try:
                    yield connection, held
                finally:
                    for message in held:
                        message.requeue()
        except BROKER_ERRORS as exc:
            raise Unavailable(_("The broker cannot be reached now")) from exc

    def _publish(self, connection: Connection, message: Message) -> None:
        with connection.Producer() as producer:
            producer.publish(
                _bytes(message),
                routing_key=self.queue,
                content_type=CONTENT_TYPE,
                content_encoding="utf-8",
                delivery_mode=2,
                headers={REPLAYED: _replayed(message) + 1},
                declare=[durable_queue(self.queue)],
            )


def _taken(connection: Connection, queue: str) -> Iterator[Message]:
    bound = dead_letter_queue(queue)(connection.default_channel)
    bound.declare()
    for _attempt in range(MAX_LETTERS):
        message = bound.get(no_ack=False)
        if message is None:
            return
        yield message


def _bytes(message: Message) -> bytes:
    body = message.body
    return body.encode() if isinstance(body, str) else bytes(body)


def _replayed(message: Message) -> int:
    """Of a letter that somebody else wrote, as much as can be read."""
    found = (message.headers or {}).get(REPLAYED, 0)
    return found if isinstance(found, int) else 0


def _letter(message: Message) -> DeadLetter:
    body, replayed = _bytes(message), _replayed(message)
    key = hashlib.sha256(body).hexdigest()[:16]
    try:
        event = parse_event(body)
    except ValueError:
        return DeadLetter(key, None, None, len(body), replayed)
    return DeadLetter(key, event.id, event.type, len(body), replayed)
