"""A database as the Django mediator keeps it, written anew for tests and benchmarks.

Tables, columns and the types that Django gives them on SQLite and PostgreSQL; nothing of its code.
"""

from typing import Any

import sqlalchemy as sa
from common.db.database import UtcDateTime
from sqlalchemy.dialects.postgresql import JSONB

METADATA = sa.MetaData()
_DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")


def _table(name: str, /, **columns: Any) -> sa.Table:
    """A table with an `id` and these columns, each NULL where nothing is given."""
    made = (sa.Column(column, kind) for column, kind in columns.items())
    return sa.Table(name, METADATA, sa.Column("id", sa.Integer, primary_key=True), *made)


def _texts(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names, sa.Text())


def _flags(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names, sa.Boolean())


def _numbers(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names, sa.BigInteger())


def _moments(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names, UtcDateTime())


def _documents(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names, _DOCUMENT)


_RECORDED = _moments("created_at", "updated_at")

USER = _table(
    "auth_user",
    **_texts("username", "first_name", "last_name", "email", "password"),
    **_flags("is_active", "is_staff", "is_superuser"),
    **_moments("last_login", "date_joined"),
)
CLIENT = _table(
    "mediator_client",
    **_texts("name", "client_id", "client_secret"),
    **_documents("allowed_ips"),
    **_flags("is_active"),
    **_RECORDED,
)
MEDIATOR = _table(
    "mediator_mediator",
    **_texts("name", "urn", "version", "endpoint_url"),
    **_flags("is_online"),
    **_moments("last_heartbeat"),
    **_RECORDED,
)
CHANNEL = _table(
    "mediator_channel",
    **_texts("name", "description", "path_pattern", "request_content_type"),
    **_texts("request_body_example", "channel_type"),
    **_documents("methods", "request_body_schema"),
    **_flags("requires_request_body", "is_active"),
    **_numbers("priority", "mediator_id"),
    **_RECORDED,
)
REGISTRATION = _table(
    "mediator_externalsystemregistration",
    **_numbers("channel_id"),
    **_texts("organization", "api_code", "push_code"),
    **_flags("is_active"),
    **_RECORDED,
)
TRANSACTION = _table(
    "mediator_transaction",
    correlation_id=sa.Uuid(),
    **_numbers("channel_id", "client_id"),
    **_texts("status", "request_method", "request_url", "request_body", "response_body"),
    **_texts("error_message"),
    **_documents("request_headers", "response_headers"),
    **_numbers("response_status_code"),
    **_moments("started_at", "completed_at"),
)

LOOKUPS = {
    name: _table(f"notification_lk_{name}", **_texts("code", "name"), **_flags("is_active"))
    for name in ("module", "channel", "status", "actor_type")
}
LOOKUPS["priority"] = _table(
    "notification_lk_priority",
    **_texts("code", "name"),
    **_numbers("weight"),
    **_flags("is_active"),
)
EVENT = _table(
    "notification_event_catalog",
    **_texts("code", "description"),
    **_numbers("module_id"),
    **_flags("is_active"),
    **_moments("created_at"),
)
TEMPLATE = _table(
    "notification_template",
    **_texts("event_code", "language", "subject", "body"),
    **_numbers("channel_id", "version"),
    **_flags("is_active"),
    **_moments("created_at"),
)
PREFERENCE = _table(
    "notification_user_preference",
    **_numbers("user_id", "actor_type_id"),
    **_flags("allow_sms", "allow_email", "allow_in_app"),
    **_texts("preferred_lang"),
    **_moments("updated_at"),
)
RULE = _table(
    "notification_event_rule",
    **_texts("event_code", "recipient_policy"),
    **_numbers("priority_id"),
    **_flags("is_active"),
    **_moments("created_at"),
)
RULE_CHANNEL = _table("notification_event_rule_channel", **_numbers("event_rule_id", "channel_id"))
OUTBOX = _table(
    "notification_outbox",
    **_texts("event_code", "subject", "body", "to_phone", "to_email", "entity_type", "entity_id"),
    **_texts("last_error", "idempotency_key"),
    **_numbers("channel_id", "priority_id", "status_id", "recipient_actor_type_id"),
    **_numbers("recipient_user_id", "attempt_count", "max_attempts"),
    **_documents("payload"),
    **_moments("next_attempt_at"),
    **_RECORDED,
)
DELIVERY_LOG = _table(
    "notification_delivery_log",
    **_numbers("outbox_id", "attempt_no", "status_id"),
    **_texts("provider", "provider_message_id", "error_message"),
    **_documents("response_payload"),
    **_moments("created_at"),
)
IN_APP_MESSAGE = _table(
    "notification_in_app_message",
    **_numbers("user_id"),
    **_texts("title", "body", "event_code", "entity_type", "entity_id"),
    **_flags("is_read"),
    **_moments("created_at"),
)


def put(engine: sa.Engine, table: sa.Table, *rows: dict[str, Any]) -> None:
    """Put rows into a table; what a row does not say is NULL."""
    nothing: dict[str, Any] = dict.fromkeys(column.name for column in table.columns)
    with engine.begin() as connection:
        connection.execute(sa.insert(table), [{**nothing, **row} for row in rows])
