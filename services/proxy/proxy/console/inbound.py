"""What a page says of a channel that listens, or that is polled."""

from common.clock import utc_now
from sqlalchemy.orm import Session

from proxy.models import Channel, ListenerState, Poll
from proxy.registry.schedules import schedule_of

Words = list[tuple[str, str]]


def inbound_words(session: Session, channel: Channel) -> Words:
    """Pairs of label and text; none for a channel whose calls come by its path."""
    if channel.listener is not None:
        words = _of_listener(channel, session.get(ListenerState, channel.id))
    elif channel.polling is not None:
        words = _of_polling(channel, session.get(Poll, channel.id))
    else:
        return []
    return [*words, ("Calls are for", channel.acts_for or "nobody")]


def _of_listener(channel: Channel, state: ListenerState | None) -> Words:
    assert channel.listener is not None
    port, framing = channel.listener["port"], channel.listener["framing"]
    over = " over TLS" if channel.listener["tls"] else ""
    return [
        ("Listens on port", f"{port} ({framing}{over})"),
        ("State of the port", _state_of(channel, port, state)),
    ]


def _state_of(channel: Channel, port: int, state: ListenerState | None) -> str:
    if not channel.is_active:
        return "closed"
    if state is None or state.port != port:
        return "not opened by any gateway process yet"
    return f"not open: {state.error}" if state.error else "open"


def _of_polling(channel: Channel, poll: Poll | None) -> Words:
    assert channel.polling is not None
    schedule = channel.polling["schedule"]
    words = [("Polled", f"{schedule} ({channel.polling['time_zone']})")]
    if poll is not None and poll.made_for is not None:
        words.append(("Last due time", poll.made_for.isoformat(" ", "seconds")))
    if channel.is_active:
        due = schedule_of(**channel.polling).after(utc_now())
        words.append(("Next due time", due.isoformat(" ", "seconds")))
    return words
