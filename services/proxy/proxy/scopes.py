"""The scopes that access tokens can carry, for all services."""

SCOPES = (
    "proxy:read",
    "proxy:admin",
    "esb:relay",
    "esb:crypto",
    "esb:admin",
    "notification:emit",
    "notification:read",
    "notification:admin",
    "policy:read",
    "policy:write",
    "policy:report",
)
