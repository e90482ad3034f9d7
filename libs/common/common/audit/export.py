"""Events for other systems: JSON lines, syslog (RFC 5424), FHIR R4 AuditEvent. Pure."""

import json
import socket
from collections.abc import Callable, Mapping
from typing import Any

from common.clock import rfc3339

Row = Mapping[str, Any]
#: Facility 13 (log audit): severity 5 (notice), and 4 (warning) for what was rejected.
_NOTICE, _WARNING = 13 * 8 + 5, 13 * 8 + 4
_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_TYPES = "http://terminology.hl7.org/CodeSystem/audit-event-type"
#: By the end of an act: FHIR's action (create, read, update, delete, execute).
_ACTIONS = {"created": "C", "viewed": "R", "exported": "R", "updated": "U", "deleted": "D"}
_SIGNING_IN = frozenset({"signed_in", "sign_in_rejected", "signed_out"})


def parsed(row: Row) -> dict[str, Any]:
    """An event as JSON has it: `before` and `after` are objects again."""
    found = {**row, "at": rfc3339(row["at"])}
    for name in ("before", "after"):
        found[name] = None if row[name] is None else json.loads(row[name])
    return found


def json_line(row: Row, _service: str) -> str:
    """One JSON object."""
    return json.dumps(parsed(row), ensure_ascii=False)


def syslog_line(row: Row, service: str) -> str:
    """One message of RFC 5424; the event's members are structured data, the changes its text."""
    names = ("id", "actor_kind", "actor", "object_kind", "object_id", "object_name")
    more = ("address", "correlation_id", "previous_hash", "hash")
    data = " ".join(f'{name}="{_escaped(row[name])}"' for name in (*names, *more))
    priority = _WARNING if _is_rejected(row) else _NOTICE
    said = json.dumps({name: parsed(row)[name] for name in ("before", "after")})
    head = f"<{priority}>1 {rfc3339(row['at'])} {socket.gethostname() or '-'} kiungo-{service} -"
    return f"{head} {_ascii(row['act'])[:32] or '-'} [audit@32473 {data}] {said}"


def fhir_line(row: Row, service: str) -> str:
    """One FHIR R4 AuditEvent."""
    event = parsed(row)
    agent: dict[str, Any] = {
        "who": {"display": event["actor"] or "unknown"},
        "type": {"text": event["actor_kind"]},
        "requestor": True,
    }
    if event["address"]:
        agent["network"] = {"address": event["address"], "type": "2"}
    resource = {
        "resourceType": "AuditEvent",
        "id": f"{service}-{event['id']}",
        "type": _type_of(event["act"]),
        "subtype": [{"display": event["act"]}],
        "action": _ACTIONS.get(event["act"].rpartition(".")[2], "E"),
        "recorded": event["at"],
        "outcome": "4" if _is_rejected(row) else "0",
        "agent": [agent],
        "source": {"observer": {"display": f"kiungo-{service}"}},
        "entity": [_entity(event)],
    }
    return json.dumps(resource, ensure_ascii=False)


FORMATS: dict[str, Callable[[Row, str], str]] = {
    "jsonl": json_line,
    "syslog": syslog_line,
    "fhir": fhir_line,
}


def _type_of(act: str) -> dict[str, str]:
    verb = act.rpartition(".")[2]
    if verb in _SIGNING_IN:
        return {"system": _DICOM, "code": "110114", "display": "User Authentication"}
    if verb == "exported":
        return {"system": _DICOM, "code": "110106", "display": "Export"}
    return {"system": _TYPES, "code": "rest", "display": "RESTful Operation"}


def _entity(event: Mapping[str, Any]) -> dict[str, Any]:
    names = ("before", "after", "correlation_id", "previous_hash", "hash")
    details = [
        {"type": name, "valueString": value if isinstance(value, str) else json.dumps(value)}
        for name, value in ((name, event[name]) for name in names)
        if value
    ]
    entity: dict[str, Any] = {
        "what": {"identifier": {"value": event["object_id"] or "-"}},
        "description": event["object_kind"] or "-",
        "detail": details,
    }
    return {**entity, "name": event["object_name"]} if event["object_name"] else entity


def _is_rejected(row: Row) -> bool:
    return str(row["act"]).endswith("_rejected")


def _escaped(value: Any) -> str:
    text = "".join(char if char.isprintable() else " " for char in str(value))
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def _ascii(text: str) -> str:
    return "".join(char for char in text if "!" <= char <= "~")
