"""What is read of the mediator's database (its apps `mediator` and Django's own `auth`).

Beside `id`:

- `mediator_client`: name, client_id, client_secret, allowed_ips, is_active, updated_at
- `mediator_mediator`: name, urn, version, endpoint_url, is_online, updated_at
- `mediator_channel`: name, description, path_pattern, methods, requires_request_body,
  request_content_type, request_body_example, request_body_schema, channel_type, priority,
  is_active, mediator_id, updated_at
- `mediator_externalsystemregistration`: channel_id, organization, api_code, push_code, is_active,
  updated_at
- `auth_user`: username, email, password, is_active, is_staff, is_superuser
- `mediator_transaction`: correlation_id, channel_id, client_id, status, request_method,
  request_url, request_headers, request_body, response_status_code, response_headers,
  response_body, error_message, started_at, completed_at

`updated_at` only tells that a record has changed. A heartbeat's time is not read: the mediator goes
by its flag, and Kiungo would count one that sends no heartbeats any more as offline.
"""

from common.importing.source import SourceTable

CLIENTS = SourceTable(
    "mediator_client",
    texts=("name", "client_id", "client_secret"),
    flags=("is_active",),
    moments=("updated_at",),
    documents=("allowed_ips",),
)
MEDIATORS = SourceTable(
    "mediator_mediator",
    texts=("name", "urn", "version", "endpoint_url"),
    flags=("is_online",),
    moments=("updated_at",),
)
CHANNELS = SourceTable(
    "mediator_channel",
    numbers=("priority", "mediator_id"),
    texts=(
        "name",
        "description",
        "path_pattern",
        "request_content_type",
        "request_body_example",
        "channel_type",
    ),
    flags=("requires_request_body", "is_active"),
    moments=("updated_at",),
    documents=("methods", "request_body_schema"),
)
REGISTRATIONS = SourceTable(
    "mediator_externalsystemregistration",
    numbers=("channel_id",),
    texts=("organization", "api_code", "push_code"),
    flags=("is_active",),
    moments=("updated_at",),
)
USERS = SourceTable(
    "auth_user",
    texts=("username", "email", "password"),
    flags=("is_active", "is_staff", "is_superuser"),
)
TRANSACTIONS = SourceTable(
    "mediator_transaction",
    numbers=("channel_id", "client_id", "response_status_code"),
    texts=(
        "status",
        "request_method",
        "request_url",
        "request_body",
        "response_body",
        "error_message",
    ),
    moments=("started_at", "completed_at"),
    documents=("request_headers", "response_headers"),
    uuids=("correlation_id",),
)
