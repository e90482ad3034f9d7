"""A dry run of a changed channel: the gateway's own decisions on the calls that are on record."""

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from common.ids import lowest_id_at
from one_database import on_one_database
from proxy.container import Container
from proxy.models import Transaction, TransactionStatus
from sqlalchemy import insert

CALLS = 10_000
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SCHEMA = {"type": "object", "required": ["id"]}
JSON = {"Content-Type": "application/json"}


def tried(api: Any, channel: dict[str, Any], **given: Any) -> dict[str, Any]:
    """Counts by outcome, those without a call left out, with `unchanged`."""
    body = given if given.keys() & {"version", "calls"} else {"changes": given}
    answer = api.post(f"channels/{channel['id']}/dry-run/", body)
    assert answer.status_code == 200, answer.text
    found = answer.get_json()
    counts = {one["outcome"]: one["calls"] for one in found["outcomes"] if one["calls"]}
    return {**counts, "unchanged": found["unchanged"]}


@pytest.fixture
def calls(record: Callable[..., str]) -> None:
    """Four calls on record."""
    record(1, request_url="/patients/1?a=b", client_name="clinic", request_body_length=0)
    record(2, request_url="/patients/2", client_name="lab", request_body_length=0)
    record(3, request_url="/other/1", client_name="lab", request_body_length=0)
    body = {"request_body": '{"id": 1}', "request_body_length": 9, "request_headers": JSON}
    record(4, request_url="/patients/", request_method="POST", client_name="lab", **body)


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, {"unchanged": 4}),
        ({"description": "x"}, {"unchanged": 4}),
        ({"path_pattern": "/patients/1"}, {"rejected": 2, "unchanged": 2}),
        ({"path_pattern": "^/(patients|other)/.*"}, {"taken": 1, "unchanged": 3}),
        ({"methods": ["GET"]}, {"rejected": 1, "unchanged": 3}),
        ({"allow": ["clinic"]}, {"rejected": 2, "unchanged": 2}),
        ({"allowed_addresses": ["10.0.0.0/8"]}, {"rejected": 3, "unchanged": 1}),
        ({"is_active": False}, {"rejected": 3, "unchanged": 1}),
        ({"rewrite_expression": "s/patients\\/2/p/"}, {"rewritten": 1, "unchanged": 3}),
        ({"rewrite_path": "/fixed"}, {"rewritten": 3, "unchanged": 1}),
        ({"request_content_type": "text/xml"}, {"rejected": 1, "unchanged": 3}),
        ({"request_body_schema": SCHEMA}, {"unchanged": 4}),
        ({"request_body_schema": {"required": ["name"]}}, {"rejected": 1, "unchanged": 3}),
        (
            {"match_body": {"kind": "json", "expression": "id", "value": "1"}},
            {"rejected": 2, "unchanged": 2},
        ),
        ({"match_content_types": ["application/json"]}, {"rejected": 2, "unchanged": 2}),
    ],
)
@on_one_database()
def test_each_kind_of_change_does_what_the_gateway_would_do(
    api: Any, channel: dict[str, Any], change: dict[str, Any], found: dict[str, int]
) -> None:
    before = api.get(f"channels/{channel['id']}/").get_json()
    assert tried(api, channel, **change) == found
    assert api.get(f"channels/{channel['id']}/").get_json() == before
    assert api.get(f"channels/{channel['id']}/versions/").get_json()["count"] == 1


@pytest.mark.usefixtures("calls")
@on_one_database()
def test_calls_go_to_another_channel_and_examples_say_where(
    api: Any, mediator: dict[str, Any], channel: dict[str, Any]
) -> None:
    other = api.a_channel(mediator, name="Second", priority=2, rewrite_path="/second")
    api.made("channels", **other)
    answer = api.post(f"channels/{channel['id']}/dry-run/", {"changes": {"priority": 3}})
    (elsewhere,) = [one for one in answer.get_json()["outcomes"] if one["calls"]]
    assert (elsewhere["outcome"], elsewhere["calls"]) == ("elsewhere", 3)
    first = elsewhere["examples"][-1]
    assert (first["path"], first["client"]) == ("/patients/1", "clinic")
    assert first["before"] == "Patients: 127.0.0.1:9/patients/1"
    assert first["after"] == "Second: 127.0.0.1:9/second"


@on_one_database()
def test_what_is_not_known_is_not_guessed(
    api: Any, channel: dict[str, Any], record: Callable[..., str]
) -> None:
    cut = {"request_body": "{", "request_body_whole": False, "request_body_length": 900}
    record(1, request_method="POST", request_headers=JSON, **cut)
    record(2, request_method="POST", request_headers=JSON, **{**cut, "request_body_length": None})
    assert tried(api, channel, request_body_schema=SCHEMA) == {"undecided": 2, "unchanged": 0}
    assert tried(api, channel, requires_request_body=True) == {"unchanged": 2}


@pytest.mark.usefixtures("calls")
@on_one_database()
def test_version_is_tried_before_it_is_gone_back_to(
    api: Any, channel: dict[str, Any], api_with: Callable[[str], Any]
) -> None:
    api.patch(f"channels/{channel['id']}/", {"methods": ["POST"]})
    assert tried(api, channel, version=1) == {"taken": 2, "unchanged": 2}
    assert tried(api, channel, version=1, calls=1) == {"unchanged": 1}
    path = f"channels/{channel['id']}/dry-run/"
    for wrong in ({}, {"version": 1, "changes": {}}, {"changes": {"path_pattern": "^("}}):
        assert api.post(path, wrong).status_code == 422
    assert api.post(path, {"version": 7}).status_code == 404
    assert api_with("proxy:channels").post(path, {"version": 1}).status_code == 403


def test_ten_thousand_calls_are_tried_in_ten_seconds(
    api: Any, container: Container, mediator: dict[str, Any], channel: dict[str, Any]
) -> None:
    for at in range(50):
        api.made("channels", **api.a_channel(mediator, name=f"c{at}", path_pattern=f"/c{at}/*"))
    body = '{"id": 17, "name": "' + "x" * 400 + '"}'
    same = {
        "channel_name": "Patients", "client_name": "clinic", "client_address": "192.0.2.7",
        "status": TransactionStatus.SUCCESSFUL, "request_method": "POST",
        "request_headers": {**JSON, "Accept": "*/*"}, "request_body": body,
        "request_body_length": len(body), "request_body_whole": True, "started_at": NOON,
        "completed_at": NOON, "response_status_code": 200,
    }  # fmt: skip
    first = lowest_id_at(NOON).int
    rows = [
        {**same, "correlation_id": uuid.UUID(int=first + at), "request_url": f"/patients/{at}"}
        for at in range(CALLS)
    ]
    with container.database.writing() as session:
        session.execute(insert(Transaction), rows)
    began, busy_s = time.monotonic(), time.process_time()
    found = tried(api, channel, request_body_schema=SCHEMA, rewrite_expression="s/patients/p/")
    took_s, busy_s = time.monotonic() - began, time.process_time() - busy_s
    print(f"dry run of {CALLS} calls: {took_s:.2f} s, {busy_s:.2f} s of them here")
    assert found == {"rewritten": CALLS, "unchanged": 0}
    assert busy_s < 10  # of the clock a busy machine may take more
