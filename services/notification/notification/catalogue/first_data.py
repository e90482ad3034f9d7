"""The codes that every installation begins with: added where they are missing, never changed.

Written with plain tables: a migration runs it, and migrations must not change with the models.
"""

from typing import Any

import sqlalchemy as sa
from common.clock import utc_now
from common.db.database import UtcDateTime
from common.ids import new_id

MODULES = {
    "REGISTRATION": "Registration",
    "LICENCE": "Licences",
    "INTERNSHIP": "Internships",
    "CPD": "Continuing professional development",
    "PAYMENT": "Payments",
    "UAA": "Users and roles",
    "NOTIFICATION": "Notification",
    "POLICY": "Insurance policies",
}
CHANNELS = {"SMS": "SMS", "EMAIL": "E-mail", "IN_APP": "In-app message", "WEBHOOK": "Webhook"}
STATUSES = {
    "QUEUED": "Waits to be sent",
    "WAITING": "Waits for its turn",
    "SENDING": "Is being sent",
    "SENT": "Taken by the provider",
    "DELIVERED": "Arrived",
    "PARTLY_DELIVERED": "Arrived at some of its numbers",
    "FAILED": "Refused",
    "UNKNOWN": "May have left",
    "CANCELLED": "Stopped before it left",
    "DIGESTED": "Message in a digest",
}
PRIORITIES = {
    "LOW": ("Low", 10),
    "NORMAL": ("Normal", 50),
    "HIGH": ("High", 80),
    "CRITICAL": ("Critical", 100),
}
ACTOR_TYPES = {"TEACHER": "Teacher", "STAFF": "Staff", "SYSTEM": "System", "FAMILY": "Family"}
EVENTS = {
    "REGISTRATION_SUBMITTED": ("REGISTRATION", "A registration was handed in"),
    "REGISTRATION_APPROVED": ("REGISTRATION", "A registration was approved"),
    "REGISTRATION_REJECTED": ("REGISTRATION", "A registration was rejected"),
    "LICENCE_ISSUED": ("LICENCE", "A licence was issued"),
    "LICENCE_EXPIRING_SOON": ("LICENCE", "A licence is about to expire"),
    "INTERNSHIP_ASSIGNED": ("INTERNSHIP", "An internship was assigned"),
    "CPD_NON_COMPLIANT": ("CPD", "The yearly training is not complete"),
    "PAYMENT_INVOICE_GENERATED": ("PAYMENT", "An invoice was made out"),
    "PAYMENT_CONFIRMED": ("PAYMENT", "A payment has arrived"),
    "ACCOUNT_ROLE_CHANGED": ("UAA", "A person's role was changed"),
}


def seed(connection: sa.Connection) -> int:
    """Add what is missing, in the caller's transaction; returns how many records."""
    added = 0
    for table, names in (
        ("lk_module", MODULES),
        ("lk_channel", CHANNELS),
        ("lk_status", STATUSES),
        ("lk_actor_type", ACTOR_TYPES),
    ):
        added += _add(connection, table, {code: {"name": names[code]} for code in names})
    priorities = {
        code: {"name": name, "weight": weight} for code, (name, weight) in PRIORITIES.items()
    }
    added += _add(connection, "lk_priority", priorities)
    return added + _add(connection, "event_catalog", {code: _event(code) for code in EVENTS})


def _event(code: str) -> dict[str, Any]:
    module, description = EVENTS[code]
    now = utc_now()
    return {
        "id": new_id(),
        "module": module,
        "description": description,
        "when_unknown": "hold",
        "created_at": now,
        "updated_at": now,
    }


_TYPES: dict[str, Any] = {
    "id": sa.Uuid(),
    "created_at": UtcDateTime(),
    "updated_at": UtcDateTime(),
}


def _add(connection: sa.Connection, name: str, records: dict[str, dict[str, Any]]) -> int:
    columns = ["code", "is_active", *next(iter(records.values()))]
    table = sa.table(name, *(sa.column(one, _TYPES.get(one)) for one in columns))
    known = set(connection.scalars(sa.select(table.c.code)))
    rows = [
        {"code": code, "is_active": True, **record}
        for code, record in records.items()
        if code not in known
    ]
    if rows:
        connection.execute(sa.insert(table), rows)
    return len(rows)
