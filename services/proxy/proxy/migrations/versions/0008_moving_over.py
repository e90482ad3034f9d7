"""Copies of calls to another hub, where calls went, and rows that were stored as no API would

Revision: 0008, after 0007
"""

import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_CHANNELS = sa.table(
    "channels",
    sa.column("id", sa.Uuid()),
    sa.column("path_pattern", sa.String()),
    sa.column("methods", sa.JSON()),
    sa.column("channel_type", sa.String()),
    sa.column("priority", sa.Integer()),
    sa.column("is_active", sa.Boolean()),
    sa.column("request_body_schema", sa.JSON(none_as_null=True)),
    sa.column("mediator_id", sa.Uuid()),
)
_MEDIATORS = sa.table(
    "mediators",
    sa.column("id", sa.Uuid()),
    sa.column("version", sa.String()),
    sa.column("endpoint_url", sa.String()),
)
_CLIENTS = sa.table(
    "clients",
    sa.column("id", sa.Uuid()),
    *(sa.column(name, sa.JSON()) for name in ("allowed_ips", "roles", "scopes")),
)
#: Paths of the hub itself: a channel there never took a call.
_RESERVED = (
    *("/.kiungo/", "/admin/", "/api/docs/", "/api/esb/", "/api/notification/", "/favicon.ico"),
    *("/api/policy-notification/", "/api/proxy/", "/health/", "/integration/call", "/livez"),
    *("/metrics", "/oauth/token", "/readyz", "/tester/", "/transactions/"),
    "/.well-known/jwks.json",
)


def upgrade() -> None:
    op.add_column(
        "channels",
        sa.Column("shadow_url", sa.String(2048), server_default="", nullable=False),
    )
    op.add_column(
        "channels",
        sa.Column("shadow_unsafe", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    for name, kind in (
        ("mediator_url", sa.String(2048)),
        ("request_body_length", sa.BigInteger()),
        ("response_body_length", sa.BigInteger()),
    ):
        op.add_column("transactions", sa.Column(name, kind, nullable=True))
    op.create_table(
        "shadow_differences",
        sa.Column("correlation_id", sa.Uuid(), nullable=False),
        sa.Column("compared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel_name", sa.String(255), nullable=False),
        sa.Column("client_name", sa.String(255), nullable=False),
        sa.Column("request_method", sa.String(32), nullable=False),
        sa.Column("request_url", sa.Text(), nullable=False),
        sa.Column("difference", sa.String(32), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=False),
        sa.Column("shadow_status_code", sa.Integer(), nullable=True),
        sa.Column("content_type", sa.String(255), nullable=False),
        sa.Column("shadow_content_type", sa.String(255), nullable=True),
        sa.Column("members", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("correlation_id", name=op.f("pk_shadow_differences")),
    )
    _mend(op.get_bind())


def downgrade() -> None:
    op.drop_table("shadow_differences")
    for name in ("response_body_length", "request_body_length", "mediator_url"):
        op.drop_column("transactions", name)
    op.drop_column("channels", "shadow_unsafe")
    op.drop_column("channels", "shadow_url")


def _mend(connection: sa.Connection) -> None:
    """What `seed-demo` stored although the API refuses it becomes what was meant."""
    changed = 0
    for row in connection.execute(sa.select(_CLIENTS)).mappings().all():
        lists = {name: _list(row[name]) for name in ("allowed_ips", "roles", "scopes")}
        changed += _update(connection, _CLIENTS, row, lists)
    for row in connection.execute(sa.select(_MEDIATORS)).mappings().all():
        changed += _update(connection, _MEDIATORS, row, {"version": _version(row["version"])})
    schemes = {
        row.id: row.endpoint_url.partition(":")[0]
        for row in connection.execute(sa.select(_MEDIATORS.c.id, _MEDIATORS.c.endpoint_url))
    }
    channels = connection.execute(sa.select(_CHANNELS)).mappings().all()
    taken = {(row["path_pattern"], row["mediator_id"]) for row in channels}
    for row in channels:
        wanted = _channel(row, schemes[row["mediator_id"]])
        if (wanted["path_pattern"], row["mediator_id"]) in taken:
            wanted["path_pattern"] = row["path_pattern"]
        taken.add((wanted["path_pattern"], row["mediator_id"]))
        changed += _update(connection, _CHANNELS, row, wanted)
    if changed:
        connection.execute(sa.text("UPDATE routing_version SET version = version + 1"))


def _channel(row: Mapping[str, Any], scheme: str) -> dict[str, Any]:
    pattern = row["path_pattern"].strip()
    if not pattern.startswith(("/", "^")):
        pattern = f"/{pattern}"
    return {
        "path_pattern": pattern,
        "methods": [str(method).upper() for method in _list(row["methods"])],
        "channel_type": _type(row["channel_type"], scheme),
        "priority": max(1, row["priority"]),
        "is_active": row["is_active"] and not _is_reserved(pattern),
        "request_body_schema": row["request_body_schema"] or None,
    }


def _update(
    connection: sa.Connection, table: sa.TableClause, row: Mapping[str, Any], wanted: dict[str, Any]
) -> bool:
    changes = {name: value for name, value in wanted.items() if value != row[name]}
    if changes:
        connection.execute(sa.update(table).where(table.c.id == row["id"]).values(changes))
    return bool(changes)


def _list(value: Any) -> list[Any]:
    """A text is a list of one or, with commas or spaces, of several; nothing is an empty one."""
    if isinstance(value, str):
        return re.split(r"[\s,]+", value.strip()) if value.strip() else []
    return list(value) if isinstance(value, list) else []


def _version(text: str) -> str:
    short = re.fullmatch(r"[vV]?(\d+)(?:\.(\d+))?", text.strip())
    return ".".join([*(part or "0" for part in short.groups()), "0"]) if short else text


def _type(kind: str, scheme: str) -> str:
    """A type that can speak to the endpoint: `https` demands TLS, `tcp` goes to tcp only."""
    if scheme == "tcp":
        return "tcp"
    return kind if kind == "http" or (kind == "https" and scheme == "https") else "http"


def _is_reserved(pattern: str) -> bool:
    literal = pattern.partition("*")[0]
    trees = tuple(path for path in _RESERVED if path.endswith("/"))
    is_own = literal.rstrip("/") in {path.rstrip("/") for path in _RESERVED}
    return not pattern.startswith("^") and (is_own or literal.startswith(trees))
