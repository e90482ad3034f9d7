"""Three outcomes: not sent, answered, unknown; tokens, pages, keys."""

import json
import socket

import pytest
from kiungo_client import (
    ClientCredentials,
    FixedToken,
    Kiungo,
    NotSent,
    OutcomeUnknown,
    ProblemError,
)
from kiungo_client.client import each

CHANNELS = "GET /api/proxy/channels/"
PAGE = {"ok": True, "count": 1, "data": [{"id": "1"}], "next_cursor": None}


@pytest.fixture
def kiungo(hub):
    with Kiungo(hub.url, ClientCredentials("clinic", "a secret"), timeout=(1, 2)) as opened:
        yield opened


def test_a_hub_that_does_not_listen_was_sent_nothing():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with Kiungo(url, FixedToken("x")) as kiungo, pytest.raises(NotSent):
        kiungo.proxy.channels_get()


def test_a_connection_that_ends_without_an_answer_is_an_unknown_outcome(hub, kiungo):
    hub.will("POST /integration/call", None)
    with pytest.raises(OutcomeUnknown) as caught:
        kiungo.proxy.make_call({"channel_id": "1"})
    sent = hub.asked[-1]["headers"]["Idempotency-Key"]
    assert caught.value.idempotency_key == sent
    hub.will("POST /integration/call", (200, {}))
    kiungo.proxy.make_call({"channel_id": "1"}, idempotency_key=sent)
    assert hub.asked[-1]["headers"]["Idempotency-Key"] == sent


def test_an_answer_that_does_not_come_in_time_is_an_unknown_outcome():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        kiungo = Kiungo(url, FixedToken("x"), timeout=(1, 0.1))
        with kiungo, pytest.raises(OutcomeUnknown):
            kiungo.proxy.rerun("1")


def test_without_a_token_nothing_was_sent():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        kiungo = Kiungo(url, ClientCredentials("clinic", "x"), timeout=(1, 0.1))
        with kiungo, pytest.raises(NotSent, match="No token came"):
            kiungo.proxy.rerun("1")


def test_a_problem_says_what_is_wrong_where_and_under_which_id(hub, kiungo):
    problem = {
        "title": "Unprocessable",
        "detail": "name: Missing.",
        "errors": {"name": ["Missing."]},
    }
    hub.will("POST /api/proxy/channels/", (422, problem))
    with pytest.raises(ProblemError, match="422 name: Missing") as caught:
        kiungo.proxy.channels_post({})
    assert caught.value.errors == {"name": ["Missing."]}
    assert caught.value.correlation_id == "c-1"


def test_an_event_gets_a_key_unless_it_has_one(hub, kiungo):
    hub.will("POST /api/notification/emit/", (201, {}))
    kiungo.notification.emit_event({"event_code": "X"})
    assert json.loads(hub.asked[-1]["body"])["idempotency_key"]
    kiungo.notification.emit_event({"event_code": "X", "idempotency_key": "mine"})
    assert json.loads(hub.asked[-1]["body"])["idempotency_key"] == "mine"


def test_a_token_is_fetched_once_and_again_when_it_was_rejected(hub, kiungo):
    hub.will(CHANNELS, (200, PAGE), (200, PAGE), (401, {}), (200, PAGE))
    for _ in range(3):
        kiungo.proxy.channels_get()
    used = [one["headers"].get("Authorization") for one in hub.asked if "channels" in one["path"]]
    assert used == [*["Bearer token-1"] * 3, "Bearer token-2"]


def test_a_fixed_token_that_was_rejected_is_not_sent_again(hub):
    hub.will(CHANNELS, (401, {"detail": "No"}))
    with Kiungo(hub.url, FixedToken("x")) as kiungo, pytest.raises(ProblemError):
        kiungo.proxy.channels_get()
    assert len(hub.asked) == 1


def test_all_pages_are_read_one_after_the_other(hub, kiungo):
    hub.will(
        CHANNELS, (200, {**PAGE, "next_cursor": "next"}), (200, {**PAGE, "data": [{"id": "2"}]})
    )
    assert [one["id"] for one in each(kiungo.proxy.channels_get, limit=1)] == ["1", "2"]
    assert [one["query"] for one in hub.asked[1:]] == ["limit=1", "limit=1&cursor=next"]


def test_what_stands_in_a_path_cannot_leave_its_place(hub, kiungo):
    hub.will("GET /api/notification/inbox/a%2F..%2Fb%3F/", (200, PAGE))
    assert kiungo.notification.list_inbox("a/../b?")["count"] == 1


def test_secrets_are_in_no_repr():
    assert "a secret" not in repr(ClientCredentials("clinic", "a secret"))
    assert "a token" not in repr(FixedToken("a token"))
