"""What is read of the mediator's database (its app `notification`).

Beside `id`:

- `notification_lk_module`, `_lk_channel`, `_lk_status`, `_lk_priority`, `_lk_actor_type`: code,
  name, is_active; of priorities weight
- `notification_event_catalog`: code, description, module_id, is_active, created_at
- `notification_template`: event_code, channel_id, language, subject, body, version, is_active,
  created_at
- `notification_event_rule`: event_code, recipient_policy, priority_id, is_active, created_at
- `notification_event_rule_channel`: event_rule_id, channel_id
- `notification_user_preference`: user_id, actor_type_id, allow_sms, allow_email, allow_in_app,
  preferred_lang, updated_at
- `notification_outbox`: event_code, channel_id, priority_id, status_id, recipient_user_id,
  recipient_actor_type_id, subject, body, to_phone, to_email, entity_type, entity_id, payload,
  attempt_count, max_attempts, next_attempt_at, last_error, idempotency_key, created_at
- `notification_delivery_log`: outbox_id, attempt_no, status_id, provider, provider_message_id,
  response_payload, error_message, created_at
- `notification_in_app_message`: user_id, title, body, event_code, entity_type, entity_id, is_read,
  created_at

A table or column that is not there counts as empty.
"""

from common.importing.source import SourceTable


def _lookup(name: str, *numbers: str) -> SourceTable:
    return SourceTable(
        f"notification_lk_{name}", numbers=numbers, texts=("code", "name"), flags=("is_active",)
    )


MODULES = _lookup("module")
CHANNELS = _lookup("channel")
STATUSES = _lookup("status")
PRIORITIES = _lookup("priority", "weight")
ACTOR_TYPES = _lookup("actor_type")
EVENTS = SourceTable(
    "notification_event_catalog",
    numbers=("module_id",),
    texts=("code", "description"),
    flags=("is_active",),
    moments=("created_at",),
)
TEMPLATES = SourceTable(
    "notification_template",
    numbers=("channel_id", "version"),
    texts=("event_code", "language", "subject", "body"),
    flags=("is_active",),
    moments=("created_at",),
)
RULES = SourceTable(
    "notification_event_rule",
    numbers=("priority_id",),
    texts=("event_code", "recipient_policy"),
    flags=("is_active",),
    moments=("created_at",),
)
RULE_CHANNELS = SourceTable(
    "notification_event_rule_channel", numbers=("event_rule_id", "channel_id")
)
PREFERENCES = SourceTable(
    "notification_user_preference",
    numbers=("user_id", "actor_type_id"),
    texts=("preferred_lang",),
    flags=("allow_sms", "allow_email", "allow_in_app"),
    moments=("updated_at",),
)
OUTBOX = SourceTable(
    "notification_outbox",
    numbers=(
        "channel_id",
        "priority_id",
        "status_id",
        "recipient_user_id",
        "recipient_actor_type_id",
        "attempt_count",
        "max_attempts",
    ),
    texts=(
        "event_code",
        "subject",
        "body",
        "to_phone",
        "to_email",
        "entity_type",
        "entity_id",
        "last_error",
        "idempotency_key",
    ),
    moments=("next_attempt_at", "created_at"),
    documents=("payload",),
)
DELIVERY_LOGS = SourceTable(
    "notification_delivery_log",
    numbers=("outbox_id", "attempt_no", "status_id"),
    texts=("provider", "provider_message_id", "error_message"),
    moments=("created_at",),
    documents=("response_payload",),
)
INBOX = SourceTable(
    "notification_in_app_message",
    numbers=("user_id",),
    texts=("title", "body", "event_code", "entity_type", "entity_id"),
    flags=("is_read",),
    moments=("created_at",),
)
