"""The record over the API: every filter alone, pages, details, rejections."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from common.ids import new_id
from proxy.container import Container
from proxy.models import Rejection, Transaction, TransactionStatus

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)

Record = Callable[..., str]


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [call["correlation_id"] for call in answer.get_json()["data"]]


@pytest.mark.parametrize(
    ("query", "odd"),
    [
        ({"status": "failed"}, {"status": TransactionStatus.FAILED}),
        ({"channel": "Visits"}, {"channel_name": "Visits"}),
        ({"client": "lab"}, {"client_name": "lab"}),
        ({"method": "post"}, {"request_method": "POST"}),
        ({"path": "/visits"}, {"request_url": "/visits/1"}),
        ({"path": "/pat_%"}, {"request_url": "/pat_%/1"}),
        ({"response_status": "404"}, {"response_status_code": 404}),
        ({"response_status": "5xx"}, {"response_status_code": 503}),
        ({"q": "FULL=2"}, {"request_url": "/patients?full=2"}),
        ({"q": "100%"}, {"error_message": "at 100% load"}),
    ],
)
def test_each_filter_finds_the_one_call_that_is_meant(
    api: Any, record: Record, query: dict[str, str], odd: dict[str, Any]
) -> None:
    record(0)
    meant = record(1, **odd)
    record(2, channel_name=None, response_status_code=None)

    assert ids(api.get("transactions/", **query)) == [meant]


def test_span_includes_its_beginning_and_not_its_end(api: Any, record: Record) -> None:
    calls = [record(minute) for minute in range(4)]

    span = {"since": "2026-05-01T12:01:00Z", "until": "2026-05-01T15:03:00+03:00"}

    assert ids(api.get("transactions/", **span)) == [calls[2], calls[1]]


def test_path_is_a_beginning_in_its_own_letter_case(api: Any, record: Record) -> None:
    call = record()

    assert ids(api.get("transactions/", path="/patients/")) == [call]
    assert ids(api.get("transactions/", path="/Patients/")) == []
    assert ids(api.get("transactions/", path="atients/")) == []


def test_pages_keep_the_filter(api: Any, record: Record) -> None:
    calls = [record(minute, channel_name="Visits") for minute in range(5)]
    record(9)

    first = api.get("transactions/", channel="Visits", limit=3)
    rest = api.get("transactions/", channel="Visits", cursor=first.get_json()["next_cursor"])

    assert ids(first) + ids(rest) == calls[::-1]


def test_list_holds_no_bodies_and_the_single_call_everything(api: Any, record: Record) -> None:
    call = record(request_body="{}", esb_exchange_id="7", match_ms=0.1)

    summary = api.get("transactions/").get_json()["data"][0]
    detail = api.get(f"transactions/{call}/").get_json()

    assert "response_body" not in summary
    assert summary.items() <= detail.items()
    assert detail["request_headers"] == {"Accept": "*/*", "X-Many": ["a", "b"]}
    assert (detail["channel"], detail["client"]) == ("Patients", "clinic")
    assert (detail["esb_exchange_id"], detail["match_ms"]) == ("7", 0.1)
    assert detail["started_at"] == "2026-05-01T12:00:00Z"
    stored = {column.key for column in Transaction.__table__.columns}
    stored -= {"owner", "request_head", "response_head"}
    renamed = {"channel_name": "channel", "client_name": "client"}
    reported = {"mediator_urn", "orchestrations", "properties", "mediator_error"}
    assert {renamed.get(name, name) for name in stored} | reported == set(detail) - {"ok", "data"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "lost"),
        ("response_status", "6xx"),
        ("response_status", "40"),
        ("response_status", "4xX"),
        ("response_status", "٤٠٤"),
        ("since", "yesterday"),
        ("since", "2026-05-01T12:00:00"),
        ("since", "0001-01-01T00:00:00+14:00"),
        ("until", "9999-12-31T23:59:59-14:00"),
        ("q", "\x00"),
        ("path", "/\x00"),
        ("channel", "\x00"),
        ("owner", "x"),
    ],
)
def test_bad_filter_is_refused_by_name(api: Any, name: str, value: str) -> None:
    answer = api.get("transactions/", **{name: value})

    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == [name]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"])
def test_ends_of_time_are_times(api: Any, record: Record, moment: str) -> None:
    record()

    both = ids(api.get("transactions/", since=moment)) + ids(api.get("transactions/", until=moment))

    assert len(both) == 1


def test_rejections_tell_who_wanted_what_and_why_not(api: Any, container: Container) -> None:
    nearest = [{"channel": "Patients", "path_pattern": "/patients/*", "why_not": "…"}]
    asked = (("clinic", "/patient"), (None, "/patient"), ("lab", "/x"))
    in_order = sorted(new_id() for _ in asked)
    with container.database.writing() as session:
        for correlation_id, (client, path) in zip(in_order, asked, strict=True):
            session.add(
                Rejection(
                    correlation_id=correlation_id,
                    rejected_at=NOON,
                    client_claimed=client,
                    client_address="192.0.2.7",
                    request_method="GET",
                    request_path=path,
                    status_code=404,
                    reason="No active channel for this path",
                    nearest=nearest if client == "clinic" else None,
                )
            )

    everything = api.get("rejections/").get_json()
    clinics = api.get("rejections/", client="clinic").get_json()["data"]
    below = api.get("rejections/", path="/patient").get_json()

    assert [one["client_claimed"] for one in everything["data"]] == ["lab", None, "clinic"]
    assert (below["count"], len(clinics)) == (2, 1)
    assert clinics[0]["nearest"] == nearest
    assert clinics[0]["rejected_at"] == "2026-05-01T12:00:00Z"


def test_headers_that_were_utf8_are_answered_as_that_text(
    api: Any, record: Callable[..., str]
) -> None:
    call = record(request_headers={"X-Ward": "NgÃ´ro"}, response_headers={"X-Ward": "NgÃ´ro"})
    shown = api.get(f"transactions/{call}/").get_json()
    assert shown["request_headers"] == shown["response_headers"] == {"X-Ward": "Ngôro"}
