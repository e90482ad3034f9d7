"""A stored request becomes a call again: for the worker, and for reruns."""

import time

from proxy.gateway.call import Body, Call
from proxy.models import Transaction
from proxy.sealing import RequestCopy


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
