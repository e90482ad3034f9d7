"""Which calls the member of staff who asks may see, open, and make again."""

from collections.abc import Mapping
from typing import Any

from common.console.rights import Right
from common.errors import Forbidden
from common.texts import _
from flask import g

from proxy.access.roles import Names, Reach, both
from proxy.console.blueprint import pages
from proxy.console.call_errors import ERRORS
from proxy.errors import UnknownRecord
from proxy.models import Transaction
from proxy.record.transactions import TransactionFilter
from proxy.statistics.error_kinds import kind_of


def viewing(**wanted: Any) -> TransactionFilter:
    """A filter of calls that they may see."""
    return TransactionFilter(**wanted, channels=_reached(own().view, wanted))


def rerunning(**wanted: Any) -> TransactionFilter:
    """A filter of calls that they may make again."""
    return TransactionFilter(**wanted, channels=_reached(own().rerun, wanted))


def _reached(channels: Names, wanted: Mapping[str, Any]) -> Names:
    """Who asks for values that mediators gave, or that stand in bodies, asks for content, as who
    asks for bodies does.
    """
    asks = wanted.get("properties") or wanted.get("about") is not None
    return both(channels, bodies()) if asks else channels


def own() -> Reach:
    """The channels that they reach."""
    reach: Reach = g.staff.reach
    return reach


def check_views(call: Transaction) -> None:
    """Raise UnknownRecord for a call that they may not see: for them there is none."""
    if not within(call.channel_name, own().view):
        raise UnknownRecord("transaction")


def check_reruns(call: Transaction) -> None:
    """Raise UnknownRecord, or Forbidden for a call that they may see and not make again."""
    check_views(call)
    if not within(call.channel_name, own().rerun):
        raise Forbidden(_("Your role does not make calls of this channel again."))


def check_every_channel() -> None:
    """Raise Forbidden where a page cannot tell the calls of one channel from another's."""
    if own().view is not None:
        raise Forbidden(_("Your role is limited to channels; this page is not."))


def bodies() -> Names:
    """The channels of whose calls they may see headers and bodies."""
    return own().bodies if g.staff.may(Right.GATEWAY_BODIES) else frozenset()


def sees_bodies(call: Transaction) -> bool:
    """Whether they may see headers and bodies of a call that they may see."""
    return within(call.channel_name, bodies())


def check_bodies(call: Transaction) -> None:
    """Raise UnknownRecord, or Forbidden for a call that they may see without bodies."""
    check_views(call)
    if not sees_bodies(call):
        raise Forbidden(_("Your role does not see bodies of this channel's calls."))


def error_of(call: Transaction) -> str | None:
    """What went wrong; without what it quotes for those who do not see bodies."""
    message = call.error_message
    return message if not message or sees_bodies(call) else kind_of(message, None)


@pages.app_template_filter("error_of")
def error_in_words(call: Transaction) -> str | None:
    """The same in the reader's language, where the gateway wrote it."""
    error = error_of(call)
    return ERRORS.gettext(error) if error else error


def within(channel: str | None, names: Names) -> bool:
    """Whether a channel is one of those that are reached; calls without one are of none."""
    return names is None or channel in names
