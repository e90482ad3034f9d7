"""Answers in `application/json+openhim`: the caller's answer, wrapped with a report for the record.

Members that go to the caller are cut out of the text, so that no digit of them changes. Pure.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from common.http.parsed_answer import MAX_HEAD_BYTES
from common.http.replies import Fields

from proxy.record.bodies import DecodedTooLarge, NotDecoded, UnknownCoding, charset_of, decoded_body
from proxy.record.final_status import spelled_status
from proxy.record.json_text import member_texts
from proxy.record.reports import MOST_PROPERTIES, MOST_STEPS, Report

MEDIA_TYPE = "application/json+openhim"
#: Larger answers are passed on as they are.
MAX_BYTES = 16 * 1024 * 1024
AS_IT_IS = f"The mediator's {MEDIA_TYPE} answer was passed on as it is: {{}}"

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
#: What describes the wrapping, or is the hub's own to say.
_LEFT_OUT = frozenset({"content-encoding", "content-length", "transfer-encoding"})
_BODILESS = frozenset({204, 304})


class NotReadable(Exception):
    """An answer is not what its media type says; the message repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """The caller's answer, and what the mediator reports of it."""

    status: int
    headers: Fields
    body: bytes = field(repr=False)
    report: Report


def is_wrapped(headers: Fields) -> bool:
    """Whether an answer is one of these, by its headers."""
    for name, value in headers:
        if len(name) == 12 and name.lower() == "content-type":
            return value.partition(";")[0].strip().lower() == MEDIA_TYPE
    return False


def unwrap(status: int, headers: Fields, body: bytes) -> Unwrapped:
    """Read a whole answer; `status` is that of the HTTP answer. Raises NotReadable."""
    text = _text(headers, body)
    try:
        members = member_texts(text)
        inner = member_texts(members.get("response", "null"))
        found = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise NotReadable("it is not a JSON object with an object `response`") from exc
    said = found["response"]
    answered = _status(said.get("status"), status)
    content, is_json = _content(inner.get("body", "null"))
    fields = _fields(said.get("headers"))
    content_type = next((value for name, value in fields if name.lower() == "content-type"), "")
    if content and not content_type:
        content_type = "application/json" if is_json else "text/plain; charset=utf-8"
        fields.append(("Content-Type", content_type))
    encoded = b"" if answered in _BODILESS else _encoded(content, content_type)
    return Unwrapped(answered, fields, encoded, _report(found))


def _text(headers: Fields, body: bytes) -> str:
    coding = ", ".join(value for name, value in headers if name.lower() == "content-encoding")
    try:
        return decoded_body(body, coding, MAX_BYTES).decode("utf-8-sig")
    except DecodedTooLarge as exc:
        raise NotReadable(f"it is larger than {MAX_BYTES} bytes") from exc
    except UnknownCoding as exc:
        raise NotReadable("its content coding is not known") from exc
    except NotDecoded as exc:
        raise NotReadable(f"it is not packed as it says: {exc}") from exc
    except UnicodeDecodeError as exc:
        raise NotReadable(f"it is no UTF-8 at byte {exc.start}") from exc


def _status(said: Any, otherwise: int) -> int:
    if said is None:
        return otherwise
    try:
        status = int(said)
    except (TypeError, ValueError) as exc:
        raise NotReadable("its `response.status` is no HTTP status") from exc
    if isinstance(said, bool) or not 200 <= status <= 599:
        raise NotReadable("its `response.status` is no HTTP status")
    return status


def _content(raw: str) -> tuple[str, bool]:
    """The body's text, and whether it is JSON as it was spelled; null is nothing."""
    if raw == "null":
        return "", False
    return (json.loads(raw), False) if raw.startswith('"') else (raw, True)


def _fields(headers: Any) -> Fields:
    """Header fields that can be sent; values that are not latin-1 as their UTF-8 bytes.

    Raises NotReadable.
    """
    if not isinstance(headers, dict):
        return []
    found: Fields = []
    for name, given in headers.items():
        if not _NAME.fullmatch(name) or name.lower() in _LEFT_OUT:
            continue
        for value in given if isinstance(given, list) else [given]:
            text = "" if value is None else str(value)
            if not _CONTROL.search(text):
                found.append((name, _as_latin_1(text.strip())))
    if sum(len(name) + len(value) + 4 for name, value in found) > MAX_HEAD_BYTES:
        raise NotReadable(f"its `response.headers` are larger than {MAX_HEAD_BYTES} bytes")
    return found


def _as_latin_1(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode("latin-1")


def _encoded(content: str, content_type: str) -> bytes:
    try:
        return content.encode(charset_of(content_type))
    except UnicodeEncodeError:
        return content.encode()


def _report(found: dict[str, Any]) -> Report:
    steps = found.get("orchestrations")
    properties = found.get("properties")
    error = found.get("error")
    return Report(
        urn=str(found.get("x-mediator-urn") or ""),
        status=spelled_status(found.get("status")),
        orchestrations=_objects(steps)[:MOST_STEPS],
        properties=_properties(properties),
        error=_error(error),
    )


def _objects(steps: Any) -> list[dict[str, Any]]:
    given = steps if isinstance(steps, list) else [steps]
    return [one for one in given if isinstance(one, dict)]


def _error(error: Any) -> dict[str, Any] | None:
    if isinstance(error, dict):
        return error or None
    return {"message": str(error)} if error else None


def _properties(given: Any) -> dict[str, str]:
    """Values that are no text are their JSON."""
    if not isinstance(given, dict):
        return {}
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in list(given.items())[:MOST_PROPERTIES]
        if name.strip()
    }
