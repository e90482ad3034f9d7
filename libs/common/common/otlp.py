"""What traces and metrics have in common on their way to a collector of OpenTelemetry.

Imported only where something is exported: it loads the SDK.
"""

import uuid
from urllib.parse import unquote

from opentelemetry.sdk.resources import Resource

EXPORT_TIMEOUT_S = 5.0


def resource(service: str, instance: uuid.UUID) -> Resource:
    """Who exports."""
    return Resource.create(
        {
            "service.name": service,
            "service.namespace": "kiungo",
            "service.instance.id": str(instance),
        }
    )


def header_pairs(text: str | None) -> dict[str, str]:
    """`OTEL_EXPORTER_OTLP_HEADERS`: `name=value` pairs with commas between, percent-encoded."""
    pairs = (one.partition("=") for one in (text or "").split(",") if "=" in one)
    return {name.strip().lower(): unquote(value.strip()) for name, _, value in pairs}
