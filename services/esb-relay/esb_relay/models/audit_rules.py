"""What counts in the relay's audit log."""

from common.audit.changes import Kind
from common.audit.log import AuditRules

from esb_relay.models import CallbackRoute

_ASKS = "asks a question with public keys; nothing changes"

RULES = AuditRules(
    kinds={CallbackRoute: Kind("route", lambda one: str(one.name))},
    not_acts={
        "console._nothing_here": "there is no such page",
        "console.find_here": "asks what is on record; nothing changes",
        "console.verify": _ASKS,
        "crypto.verify": _ASKS,
        "crypto.encrypt": _ASKS,
        "async-responses.queue": "a system's answer to a call of the bus, on record as such",
    },
    views={
        "console.exchange": "exchange.viewed",
        "exchanges.read_exchange": "exchange.viewed",
    },
    jobs=frozenset({"worker", "purge", "simulator"}),
)
