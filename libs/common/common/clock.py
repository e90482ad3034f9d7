"""Time is aware UTC. Decisions take it as an argument; only edges ask this clock."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """`2026-11-22T15:29:14.123456Z`: the spelling of times on the wire."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
