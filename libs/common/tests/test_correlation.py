"""A caller's correlation id is kept where it is well-formed, else replaced."""

import uuid

import pytest
from common.correlation import (
    RequestContext,
    current_request_context,
    follow,
    leave,
    request_context_of,
)

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    "given", ["a" * 8, "Z" * 64, "018f-1.2_3", "0190f0a2-7d6e-7b0c-8d3e-1a2b3c4d5e6f"]
)
def test_well_formed_id_is_kept(given: str) -> None:
    assert request_context_of({"X-Correlation-Id": given}).correlation_id == given


@pytest.mark.parametrize(
    "given",
    ["", "short-7", "x" * 65, "with space", "line\nbreak-", "abcdefgh\n", "<script>", "ééééééééé"],
)
def test_other_id_is_replaced(given: str) -> None:
    assert uuid.UUID(request_context_of({"X-Correlation-Id": given}).correlation_id).version == 7


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (TRACE, TRACE),
        (TRACE.upper(), None),
        (TRACE[:-1], None),
        (f"{TRACE}\n", None),
        ("", None),
    ],
)
def test_traceparent_is_kept_where_it_is_well_formed(given: str, kept: str | None) -> None:
    assert request_context_of({"Traceparent": given}).traceparent == kept


@pytest.mark.parametrize(
    ("request_context", "headers"),
    [
        (RequestContext("abcdefgh"), {"X-Correlation-Id": "abcdefgh"}),
        (RequestContext("abcdefgh", TRACE), {"X-Correlation-Id": "abcdefgh", "Traceparent": TRACE}),
    ],
)
def test_trail_goes_on_in_headers(request_context: RequestContext, headers: dict[str, str]) -> None:
    assert request_context.headers() == headers


def test_trail_is_current_until_it_is_left() -> None:
    outer = follow(RequestContext("outer-id"))
    inner = follow(RequestContext("inner-id"))
    leave(inner)
    assert current_request_context() == RequestContext("outer-id")
    leave(outer)
    assert current_request_context() is None
