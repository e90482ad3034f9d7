"""What counts in the proxy's audit log."""

from common.audit.changes import Kind
from common.audit.log import AuditRules

from proxy.models import (
    Alert,
    AlertRule,
    CallGrant,
    Channel,
    Client,
    ClientSecret,
    ContactGroup,
    CustomRole,
    ExternalSystemRegistration,
    MaintenanceWindow,
    Mediator,
    Passkey,
    SavedView,
    StaffUser,
)

_HEARTBEAT = frozenset({"last_heartbeat", "uptime"})
_ASKS = "asks a question; nothing changes"
_SEARCHES = "notes a search for calls about somebody itself; nothing changes"
_SIGNS_IN = "notes sign-ins itself, good and bad ones"

KINDS = {
    Channel: Kind(
        "channel", lambda one: str(one.name), digested=frozenset({"request_body_example"})
    ),
    Mediator: Kind(
        "mediator",
        lambda one: str(one.urn),
        # Whatever a mediator needs, passwords among it; what it suggests.
        digested=frozenset({"config", "default_channels", "endpoints"}),
        left_out=_HEARTBEAT,
    ),
    ExternalSystemRegistration: Kind("registration", lambda one: str(one.organization)),
    Client: Kind(
        "client",
        lambda one: str(one.client_id),
        digested=frozenset({"token_digest", "sealed_log_in"}),
    ),
    AlertRule: Kind("alert_rule", lambda one: str(one.name)),
    Alert: Kind("alert", lambda one: str(one.rule_name)),
    # Numbers and addresses of people.
    ContactGroup: Kind(
        "contact_group", lambda one: str(one.name), digested=frozenset({"contacts"})
    ),
    MaintenanceWindow: Kind("maintenance_window", lambda one: str(one.subject)),
    ClientSecret: Kind("client_secret", digested=frozenset({"secret_hash"})),
    CallGrant: Kind("call_grant", lambda one: str(one.client_name), digested=frozenset({"digest"})),
    StaffUser: Kind(
        "staff",
        lambda one: str(one.username),
        digested=frozenset({"password_hash", "sealed_totp"}),
        left_out=frozenset({"last_login_at", "totp_step"}),
    ),
    CustomRole: Kind("role", lambda one: str(one.name)),
    SavedView: Kind("view", lambda one: str(one.name), digested=frozenset({"sealed"})),
    Passkey: Kind(
        "passkey",
        lambda one: str(one.name),
        digested=frozenset({"public_key"}),
        left_out=frozenset({"sign_count", "last_used_at"}),
    ),
}

RULES = AuditRules(
    kinds=KINDS,
    not_acts={
        "console.log_in": _SIGNS_IN,
        "console.ask_for_reset": "notes it where there is somebody to ask for it",
        "console.choose_password": "notes it itself: nobody is signed in",
        "console.log_in_by_passkey": _SIGNS_IN,
        "console.prove_second": _SIGNS_IN,
        "alerts.preview_rule": _ASKS,
        "console.find": _SEARCHES,
        "console.find_calls": _SEARCHES,
        "console.list_about": "the list that it leads to notes what was looked for",
        "console.try_channel": _ASKS,
        "console._nothing_here": "there is no such page",
        "channels.test_match": _ASKS,
        "channel_versions.try_change": _ASKS,
        "console.try_change": _ASKS,
        "console.try_version": _ASKS,
        "mediators.heartbeat": "a program's sign of life, every few seconds",
        "openhim.mediator_heartbeat": "a program's sign of life, every few seconds",
        "openhim.validate_metadata": _ASKS,
        "tokens.fetch_token": "a client's program, every few minutes; its calls are on record",
    },
    views={
        "openhim.list_transactions": "transaction.viewed",
        "openhim.read_transaction": "transaction.viewed",
        "console.transactions": "transaction.searched",
        "console.transaction": "transaction.viewed",
        "console.compare": "transaction.viewed",
        "console.raw_body_of_call": "transaction.viewed",
        "console.hexadecimal_body": "transaction.viewed",
        "console.test_case": "transaction.viewed",
        "transactions.list_transactions": "transaction.searched",
        "transactions.read_transaction": "transaction.viewed",
        "metadata.Metadata": "metadata.exported",
    },
    jobs=frozenset({"worker", "purge", "demo-mediator"}),
)
