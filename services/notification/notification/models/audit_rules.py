"""What counts in this service's audit log."""

from typing import Any

from common.audit.changes import Kind
from common.audit.log import AuditRules

from notification.models import (
    ActorType,
    Channel,
    Event,
    Module,
    Priority,
    Rule,
    RuleChannel,
    Status,
    Template,
    TransportState,
    Webhook,
)

_ASKS = "shows words as they would be sent; nothing changes"
_CALL = "a system's call, on record with its messages"


def _code(row: Module | Channel | Status | Priority | ActorType | Event) -> str:
    return row.code


def _event_code(row: Rule | Template) -> str:
    return row.event_code


KINDS: dict[type[Any], Kind] = {
    Event: Kind("event", _code),
    Rule: Kind("rule", _event_code),
    RuleChannel: Kind("rule_channel", lambda one: str(one.channel)),
    Template: Kind("template", _event_code),
    Webhook: Kind("webhook", lambda one: one.actor_type, digested=frozenset({"user_id", "url"})),
    TransportState: Kind("transport", lambda one: str(one.provider)),
    **{
        model: Kind(f"lookup_{model.__tablename__.removeprefix('lk_')}", _code)
        for model in (Module, Channel, Status, Priority, ActorType)
    },
}

RULES = AuditRules(
    kinds=KINDS,
    not_acts={
        "console._nothing_here": "there is no such page",
        "console.find_here": "asks what is on record; nothing changes",
        "console.preview_template": _ASKS,
        "console.preview_e_mail": _ASKS,
        "console.check_e_mail": "asks name servers; nothing changes",
        "templates.preview_template": _ASKS,
        "direct_mail.send_mail": "what another service's log has as an act",
        "emit.emit_event": _CALL,
        "receipts.take_receipts": "what a provider says of a message, kept in its log",
        "mail_reports.take_report": "what came back of e-mails, kept in their logs",
        "unsubscribe.unsubscribe": "a person's own click, kept as their preference",
        "people.read_message": "a person has read a message in their own application",
    },
    views={
        "console.message": "message.viewed",
        "console.message_e_mail": "message.viewed",
        "console.inbox": "inbox.viewed",
        "messages.read_outbox_message": "message.viewed",
        "messages.list_messages": "message.viewed",
        "console.unreachable": "address.viewed",
        "unreachable.list_unreachable": "address.viewed",
    },
    jobs=frozenset({"worker", "purge", "import-django-mediator"}),
)
