"""A mediator that answers before it has the whole request is heard at once."""

import pytest
from raw_client import send
from raw_mediator import and_stay, answer, raw_answer
from systems import MOSTLY_EMBEDDED

pytestmark = pytest.mark.parametrize("hub", MOSTLY_EMBEDDED, indirect=True)

MEBIBYTE = 1024 * 1024
UNAUTHORIZED = answer(b"who?", "401 Unauthorized", "WWW-Authenticate: Bearer")
TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge"


def post(hub, path: str, size: int, *headers: str):
    return send(hub, f"POST {path} HTTP/1.1", f"Content-Length: {size}", *headers, body=b"x" * size)


def test_an_answer_to_a_body_that_is_not_read_is_passed_on_at_once(hub, base, mediator):
    mediator.early[f"{base}/early"] = and_stay(UNAUTHORIZED)
    got = post(hub, f"{base}/early", 15 * MEBIBYTE)
    assert (got.status, got.body) == (401, b"who?")
    assert got.header("WWW-Authenticate") == ["Bearer"]
    assert got.ended_s < 10  # the mediator never reads the rest: without this, 30
    kept = hub.transaction(got.correlation_id)
    assert (kept["status"], kept["response_status_code"]) == ("failed", 401)
    assert kept["response_body"] == "who?"


@pytest.mark.parametrize("size", [300_000, 5 * MEBIBYTE])
def test_an_answer_before_the_mediator_closed_is_passed_on_each_time(hub, base, mediator, size):
    mediator.early[f"{base}/large"] = raw_answer(TOO_LARGE, close=True)
    for _ in range(8):
        got = post(hub, f"{base}/large", size)
        assert (got.status, got.body) == (413, b"large")
        assert hub.transaction(got.correlation_id)["response_status_code"] == 413


def test_a_body_of_unknown_length_may_be_answered_early_too(hub, base, mediator):
    mediator.early[f"{base}/chunks"] = and_stay(UNAUTHORIZED)
    block = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    body = block * (5 * MEBIBYTE // 0x10000) + b"0\r\n\r\n"
    got = send(hub, f"POST {base}/chunks HTTP/1.1", "Transfer-Encoding: chunked", body=body)
    assert (got.status, got.body) == (401, b"who?")
    assert got.ended_s < 10  # the mediator never reads the rest: without this, 30


def test_a_connection_with_half_a_body_on_it_serves_no_other_call(hub, base, mediator):
    mediator.early[f"{base}/early"] = and_stay(UNAUTHORIZED)
    post(hub, f"{base}/early", 5 * MEBIBYTE)
    used = mediator.to(f"{base}/early")[-1].connection
    for at in range(12):
        assert send(hub, f"GET {base}/next/{at} HTTP/1.1").status == 200
    assert used not in {mediator.to(f"{base}/next/{at}")[0].connection for at in range(12)}
