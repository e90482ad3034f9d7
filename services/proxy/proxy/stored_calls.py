"""A stored request becomes a call again: for the worker, and for reruns."""

import time

from proxy.gateway.call import Body, Call
from proxy.models import StoredRequest, Transaction


def rebuild(transaction: Transaction, stored: StoredRequest) -> tuple[Call, Body]:
    """The call as it came in, less what stays behind."""
    headers = {str(name): str(value) for name, value in stored.headers}
    recorded = transaction.request_headers
    call = Call(
        correlation_id=transaction.correlation_id,
        started_at=transaction.started_at,
        started_ns=time.perf_counter_ns(),
        method=transaction.request_method,
        raw_path=stored.raw_path,
        raw_query=stored.raw_query,
        headers=headers,
        address=transaction.client_address,
        host=str(recorded.get("X-Forwarded-Host") or recorded.get("Host") or ""),
        scheme=str(recorded.get("X-Forwarded-Proto") or "http"),
        content_length=len(stored.body),
        stream=None,
        parent_id=transaction.parent_id,
    )
    return call, Body(stored.body, len(stored.body))
