"""What came of asking a target, read from its HTTP answer."""

import json
from dataclasses import dataclass, field

from esb_relay.errors import MalformedText
from esb_relay.wire.envelope import decode_text
from esb_relay.wire.json_span import check, members

INTERRUPTED = "outcome unknown: an earlier delivery of this request was interrupted"


@dataclass(frozen=True, slots=True)
class Result:
    """The target's answer: `body` is a JSON text. `is_unknown`: it may have acted."""

    success: bool
    message: str = ""
    body: str | None = field(default=None, repr=False)
    is_unknown: bool = False


class NotAsked(Exception):
    """The target surely did not see the request: it may be asked again."""


def result_of(status: int, raw: bytes) -> Result:
    """2xx is a success with the answer as its body; everything else is a failure that says why."""
    body = _json_text(raw)
    if 200 <= status < 300:
        return Result(True, body=body)
    return Result(False, _reason(body) or f"the target answered {status}", body)


def unknown(reason: str) -> Result:
    """The target may have acted."""
    return Result(False, f"outcome unknown: {reason}", is_unknown=True)


def _json_text(raw: bytes) -> str | None:
    """A JSON answer by its own text, any other text as a JSON string, nothing as no body."""
    try:
        text = decode_text(raw)
    except MalformedText:
        return None
    if not text.strip():
        return None
    try:
        return check(text)
    except MalformedText:
        return json.dumps(text, ensure_ascii=False)


def _reason(body: str | None) -> str | None:
    """One line of a problem, or of whatever the target calls its reason."""
    if body is None or not body.startswith("{"):
        return None
    try:
        found = members(body)
    except MalformedText:
        return None
    for name in ("detail", "error", "message"):
        value = found[name].value if name in found else None
        if isinstance(value, str) and found[name].text.startswith('"') and value.strip():
            return " ".join(value.split())[:500].encode("utf-8", "replace").decode()
    return None
