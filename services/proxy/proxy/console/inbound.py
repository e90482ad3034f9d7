"""What a page says of a channel that listens, or that is polled."""

from datetime import datetime

from common.clock import utc_now
from common.texts import _
from sqlalchemy.orm import Session

from proxy.models import Channel, ListenerState, Poll
from proxy.registry.schedules import schedule_of

Words = list[tuple[str, str | datetime]]


def inbound_words(session: Session, channel: Channel) -> Words:
    """Pairs of label and text; none for a channel whose calls come by its path."""
    if channel.listener is not None:
        words = _of_listener(channel, session.get(ListenerState, channel.id))
    elif channel.polling is not None:
        words = _of_polling(channel, session.get(Poll, channel.id))
    else:
        return []
    return [*words, (_("Calls are for"), channel.acts_for or _("nobody"))]


def _of_listener(channel: Channel, state: ListenerState | None) -> Words:
    assert channel.listener is not None
    port, framing = channel.listener["port"], channel.listener["framing"]
    return [
        (_("Listens on port"), f"{port} ({framing}{', TLS' if channel.listener['tls'] else ''})"),
        (_("State of the port"), _state_of(channel, port, state)),
    ]


def _state_of(channel: Channel, port: int, state: ListenerState | None) -> str:
    if not channel.is_active:
        return _("closed")
    if state is None or state.port != port:
        return _("not opened by any gateway process yet")
    return _("not open: %(error)s", error=state.error) if state.error else _("open")


def _of_polling(channel: Channel, poll: Poll | None) -> Words:
    assert channel.polling is not None
    schedule = channel.polling["schedule"]
    words: Words = [(_("Polled"), f"{schedule} ({channel.polling['time_zone']})")]
    if poll is not None and poll.made_for is not None:
        words.append((_("Last due time"), poll.made_for))
    if channel.is_active:
        words.append((_("Next due time"), schedule_of(**channel.polling).after(utc_now())))
    return words
