"""A call becomes a stored request, and that a call again: for the worker, and for reruns."""

import time

from proxy.gateway.call import Body, Call
from proxy.gateway.headers import forwarded_headers
from proxy.models import Transaction
from proxy.record.sealing import RequestCopy


def rebuild(transaction: Transaction, copy: RequestCopy) -> tuple[Call, Body]:
    """The call as it came in, less what stays behind."""
    recorded = transaction.request_headers
    call = Call(
        correlation_id=transaction.correlation_id,
        started_at=transaction.started_at,
        started_ns=time.perf_counter_ns(),
        method=transaction.request_method,
        raw_path=copy.raw_path,
        raw_query=copy.raw_query,
        headers=dict(copy.headers),
        address=transaction.client_address,
        host=str(recorded.get("X-Forwarded-Host") or recorded.get("Host") or ""),
        scheme=str(recorded.get("X-Forwarded-Proto") or "http"),
        content_length=len(copy.body),
        stream=None,
        parent_id=transaction.parent_id,
    )
    return call, Body(copy.body, len(copy.body))


async def request_copy(call: Call, body: Body, *, is_async: bool) -> RequestCopy:
    """The request to the byte, without what stays behind anyway."""
    headers = forwarded_headers(call.headers, is_async=is_async)
    return RequestCopy(call.raw_path, call.raw_query, headers, await body.read_whole())
