"""Which calls the member of staff who asks may see, open, and make again."""

from typing import Any

from common.console.rights import Right
from common.errors import Forbidden
from flask import g

from proxy.access.roles import Names, Reach
from proxy.errors import UnknownRecord
from proxy.models import Transaction
from proxy.record.transactions import TransactionFilter


def viewing(**wanted: Any) -> TransactionFilter:
    """A filter of calls that they may see."""
    return TransactionFilter(**wanted, channels=own().view)


def rerunning(**wanted: Any) -> TransactionFilter:
    """A filter of calls that they may make again."""
    return TransactionFilter(**wanted, channels=own().rerun)


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
        raise Forbidden("Your role does not make calls of this channel again.")


def check_every_channel() -> None:
    """Raise Forbidden where a page cannot tell the calls of one channel from another's."""
    if own().view is not None:
        raise Forbidden("Your role is limited to channels; this page is not.")


def sees_bodies(call: Transaction) -> bool:
    """Whether they may see headers and bodies of a call that they may see."""
    return bool(g.staff.may(Right.GATEWAY_BODIES)) and within(call.channel_name, own().bodies)


def within(channel: str | None, names: Names) -> bool:
    """Whether a channel is one of those that are reached; calls without one are of none."""
    return names is None or channel in names
