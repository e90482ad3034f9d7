"""What providers report later: whether a message arrived.

A provider proves itself with its shared secret (`NOTIFICATION_SMS_RECEIPT_SECRET`, or by its
name): in the header `X-Receipt-Secret`, or as the password of HTTP Basic, for providers that are
given nothing but an address (`https://receipts:SECRET@…`). Never in the query: addresses are
logged.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from common.errors import Invalid, NotFound, Unauthenticated

from notification.config import Settings
from notification.transports.receipt_words import delivered_by, is_known, normal_form
from notification.transports.sms.dialect import (
    fields,
    first,
    identifier,
    objects,
    read_json,
    word,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One report. At least one of the two ids is there: the provider's, or our reference."""

    provider_message_id: str | None
    reference: str | None
    #: None: still under way.
    delivered: bool | None
    #: The provider's word for it, without numbers.
    reason: str | None = None
    #: The number it is about, in digits, where it says so.
    number: str | None = field(default=None, repr=False)
    #: What failed is the address, not what was sent there.
    is_about_address: bool = True
    #: Its words, when none of them is in the lists.
    unknown_word: str | None = None


def parse(
    provider: str, headers: Mapping[str, str], body: bytes, settings: Settings
) -> list[Receipt]:
    """The receipts that `provider` posted; those that name no message are left out.

    `headers` ignores letter case, as a request's do. Raises NotFound for a provider that sends no
    receipts or has no secret, Unauthenticated, Invalid.
    """
    secrets = {one.name: one.receipt_secret for one in settings.sms}
    read = _READERS.get(provider)
    if read is None or not secrets.get(provider):
        raise NotFound("No receipts are taken from this provider")
    if not proves_itself(headers, secrets[provider]):
        raise Unauthenticated("The receipt secret is missing or wrong")
    found = map(read_report, read(body))
    return [one for one in found if one.provider_message_id or one.reference]


def proves_itself(headers: Mapping[str, str], secret: str) -> bool:
    """Whether the shared secret came with a report."""
    given = headers.get("X-Receipt-Secret")
    scheme, _, credentials = (headers.get("Authorization") or "").partition(" ")
    if given is None and scheme.lower() == "basic":
        try:
            given = base64.b64decode(credentials, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return False
    return hmac.compare_digest((given or "").encode(), secret.encode())


_STATUS_NAMES = ("groupName", "name")
_NUMBER_NAMES = ("phoneNumber", "dest_addr", "to", "destination", "msisdn", "phone", "number")


def read_report(report: Mapping[str, Any]) -> Receipt:
    """A report's fields by the names that providers use for them."""
    status = first(map(report.get, ("status", "Status", "state", "stat", "dlr_status")))
    given = [status] if isinstance(status, str) else [*map(fields(status).get, _STATUS_NAMES)]
    words = [normal_form(text) for text in given if isinstance(text, str)]
    delivered = delivered_by(words)
    known = any(map(is_known, words))
    error = fields(report.get("error"))
    error_name = None if error.get("groupName") == "OK" else error.get("name")
    reason = word(first((report.get("failureReason"), error_name, *reversed(words))))
    number = first(map(report.get, _NUMBER_NAMES))
    ids = map(report.get, ("messageId", "message_id", "request_id", "id"))
    return Receipt(
        provider_message_id=identifier(first(ids)),
        reference=identifier(report.get("reference")),
        delivered=delivered,
        reason=str(reason) if reason and not delivered else None,
        number=re.sub(r"\D", "", number) if isinstance(number, str) else None,
        unknown_word=None if known or not words else str(word(words[-1]) or "?"),
    )


def _json_reports(body: bytes) -> Iterable[dict[str, Any]]:
    """An object, a list of them, or one with a list under `results` or `messages`."""
    found = read_json(body)
    if not isinstance(found, dict | list):
        raise Invalid("The body is not a JSON object or a list of them")
    whole = fields(found)
    lists = (found, whole.get("results"), whole.get("messages"), [whole])
    return next(filter(None, map(objects, lists)), [])


def _form_report(body: bytes) -> Iterable[dict[str, Any]]:
    """One report as a form."""
    try:
        form = dict(parse_qsl(body.decode(), max_num_fields=50))
    except ValueError:
        raise Invalid("The body is not a form") from None
    return [form]


_READERS: Mapping[str, Callable[[bytes], Iterable[dict[str, Any]]]] = {
    "generic": _json_reports,
    "nextsms": _json_reports,
    "beem": _json_reports,
    "infobip": _json_reports,
    "africastalking": _form_report,
}
