"""The mediator's addresses in its answers become the hub's. Pure."""

import re

from common.http.endpoint import Endpoint
from common.http.replies import Fields

from proxy.record.bodies import is_packed, is_text

#: Longer answers are passed on as they are.
MAX_BYTES = 16 * 1024 * 1024
#: Fields that hold an address.
_FIELDS = frozenset({"content-location", "link", "location"})
_HOST = re.compile(r"[A-Za-z0-9.:\[\]_-]+")
#: What may stand behind an address.
_BEHIND = rb"(?![A-Za-z0-9.:_-])"


def addresses_of(endpoint: Endpoint) -> re.Pattern[bytes]:
    """Finds the endpoint's addresses in text, in JSON also with `\\/`; group `slash` is how."""
    default = 443 if endpoint.scheme == "https" else 80
    host = re.escape(f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host)
    port = f"(?::{endpoint.port})" + ("?" if endpoint.port == default else "")
    base = endpoint.base_path.replace("/", "\0")
    slash = r"(?:/|\\/)"
    text = rf"(?i:{endpoint.scheme}:(?P<slash>/|\\/){slash}{host}){port}" + re.escape(base).replace(
        re.escape("\0"), slash
    )
    return re.compile(text.encode() + _BEHIND)


def may_be_rewritten(headers: Fields) -> bool:
    """Whether an answer is text that was not packed, by its headers."""
    first = {name.lower(): value for name, value in reversed(headers)}
    return is_text(first.get("content-type", "")) and not is_packed(
        first.get("content-encoding", "")
    )


def rewritten_body(body: bytes, addresses: re.Pattern[bytes], scheme: str, host: str) -> bytes:
    """The body with the hub's address, `scheme` and `host`, in place of the mediator's."""
    if not _HOST.fullmatch(host):
        return body
    return addresses.sub(
        lambda found: f"{scheme}:".encode() + found["slash"] * 2 + host.encode(), body
    )


def rewritten_fields(
    headers: Fields, addresses: re.Pattern[bytes], scheme: str, host: str
) -> Fields:
    """The same of those header fields that hold addresses."""
    return [
        (name, _in_field(value, addresses, scheme, host) if name.lower() in _FIELDS else value)
        for name, value in headers
    ]


def _in_field(value: str, addresses: re.Pattern[bytes], scheme: str, host: str) -> str:
    return rewritten_body(value.encode("latin-1"), addresses, scheme, host).decode("latin-1")
