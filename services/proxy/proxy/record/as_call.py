"""A call on record as something that makes it again: a command for a shell, a test case. Pure.

What the record masks is a secret by its name: a variable of the shell stands in its place.
"""

import re
import shlex
from collections.abc import Iterator
from typing import Any

from proxy.models import Transaction
from proxy.record.masks import MASK

#: What the hub or the connection puts there, and curl by itself.
_NOT_THE_CALLERS = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "te", "transfer-encoding"}
    | {"upgrade", "x-real-ip", "x-correlation-id", "traceparent"}
)
_HUBS_PREFIXES = ("x-forwarded-", "x-openhim-", "x-kiungo-")
_MASKED_PAIR = re.compile(rf"([^?&;=]+)={re.escape(MASK)}")
_NO_LETTER = re.compile(r"[^A-Za-z0-9]+")


def callers_headers(call: Transaction) -> Iterator[tuple[str, str]]:
    """The headers that the caller set, as text; masked ones with their mask."""
    for name, value in call.request_headers.items():
        if name.lower() in _NOT_THE_CALLERS or name.lower().startswith(_HUBS_PREFIXES):
            continue
        for one in value if isinstance(value, list) else [value]:
            yield name, one


def curl(call: Transaction, origin: str) -> str:
    """The call as a command for a POSIX shell, at the hub called `origin`."""
    method = call.request_method
    lines = [f"curl -ig {'--head' if method == 'HEAD' else f'-X {shlex.quote(method)}'}"]
    lines[0] += f" {_quoted_url(origin + call.request_url)}"
    lines += [f"-H {_quoted_header(name, value)}" for name, value in callers_headers(call)]
    if call.request_body_whole and call.request_body:
        lines.append(f"--data-raw {shlex.quote(call.request_body)}")
    elif call.request_body:
        lines.append("--data-binary @body.bin")
    return " \\\n  ".join(lines)


def as_test_case(call: Transaction) -> dict[str, Any]:
    """What a channel's match test takes (`match`), the whole call, and how it ended."""
    path, _, query = call.request_url.partition("?")
    whole = call.request_body if call.request_body_whole else None
    return {
        "name": f"{call.request_method} {path} as on {call.started_at:%Y-%m-%d}",
        "match": {"method": call.request_method, "path": path},
        "call": {
            "client": call.client_name,
            "method": call.request_method,
            "path": path,
            "query": query,
            "headers": [list(pair) for pair in callers_headers(call) if pair[1] != MASK],
            "body": whole,
        },
        "expected": {
            "channel": call.channel_name,
            "status": call.status.value,
            "response_status": call.response_status_code,
        },
    }


def _variable(name: str) -> str:
    return f'"${_NO_LETTER.sub("_", name).strip("_").upper() or "SECRET"}"'


def _quoted_header(name: str, value: str) -> str:
    if value == MASK:
        return shlex.quote(f"{name}: ") + _variable(name)
    return shlex.quote(f"{name}: {value}" if value else f"{name};")


def _quoted_url(url: str) -> str:
    """In quotes, but for the variables in the places of secrets."""
    parts, at = [], 0
    for found in _MASKED_PAIR.finditer(url):
        parts += [shlex.quote(url[at : found.end() - len(MASK)]), _variable(found[1])]
        at = found.end()
    return "".join([*parts, shlex.quote(url[at:]) if url[at:] else ""])
