"""Delivery receipts within `deliver_sm`. Pure. Source: SMPP 3.4, 5.2.12, 5.2.28 and appendix B."""

import re
from typing import Any

from notification.transports.receipts import Receipt, read_report

#: What of `esm_class` says what kind of message it is; a receipt, or news on the way.
_KIND, _RECEIPTS = 0x3C, (0x04, 0x20)
_STATES = {
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
}
_ID = re.compile(rb"\bid:\s*(\S+)", re.IGNORECASE)
_STAT = re.compile(rb"\bstat:\s*([A-Za-z]+)", re.IGNORECASE)


def receipt_of(pdu: Any) -> Receipt | None:
    """The report in a `deliver_sm`; None: it is none, or names no message."""
    if (pdu.esm_class or 0) & _KIND not in _RECEIPTS:
        return None
    text = pdu.short_message or pdu.message_payload or b""
    stat = _found(_STAT, text) or _STATES.get(pdu.message_state or 0)
    report = {
        "id": _text(pdu.receipted_message_id) or _found(_ID, text),
        "stat": stat,
        "number": _text(pdu.source_addr),
    }
    receipt = read_report(report)
    return receipt if receipt.provider_message_id else None


def _found(pattern: re.Pattern[bytes], text: bytes) -> str | None:
    found = pattern.search(text)
    return _text(found[1]) if found else None


def _text(value: bytes | None) -> str | None:
    return value.decode("latin-1").strip("\0") or None if value else None
