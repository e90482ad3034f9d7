"""Calls on record in OpenHIM's words: searched, read, and added to by their mediators."""

import json
import threading
import uuid
from typing import Any

import pytest
from one_database import on_one_database
from openhim_documents import a_mediator
from proxy.container import Container
from proxy.models import AuditEvent, ChangedHour, Channel, Transaction, TransactionStatus
from proxy.openhim import api_transactions
from sqlalchemy import select, update


@pytest.fixture
def call(machine: Any, installer: Any, record: Any) -> str:
    """A call to the machine account's mediator, by its id there."""
    machine.ask("POST", "mediators", a_mediator())
    installer.ask("POST", f"mediators/{a_mediator()['urn']}/channels")
    made: str = record(channel_name="Registry", client_name="installer")
    return made


def there(call: str) -> str:
    return uuid.UUID(call).hex[:24]


def test_calls_are_listed_newest_first_a_page_at_a_time(
    installer: Any, record: Any, call: str
) -> None:
    ids = [there(record(minute, channel_name="Registry")) for minute in (1, 2, 3)]

    pages = [
        installer.ask("GET", f"transactions?filterLimit=2&filterPage={page}").get_json()
        for page in (0, 1, 2)
    ]

    assert [[one["_id"] for one in page] for page in pages] == [
        [ids[2], ids[1]],
        [ids[0], there(call)],
        [],
    ]
    assert "headers" not in pages[0][0]["request"]
    full = installer.ask("GET", "transactions?filterRepresentation=full").get_json()
    assert full[0]["request"]["headers"]["Accept"] == "*/*"


def test_bodies_of_a_channel_that_asks_why_want_a_reason(
    installer: Any, call: str, container: Container
) -> None:
    with container.database.writing() as session:
        session.execute(update(Channel).values(ask_reason=True))
    why = {"headers": {"X-Reason": "Complaint 17"}, "auth": (installer.name, installer.secret)}
    for path in (f"transactions/{there(call)}", "transactions?filterRepresentation=full"):
        assert installer.ask("GET", path).status_code == 403
        assert installer.ask("GET", path, **why).status_code == 200
    assert installer.ask("GET", "transactions").status_code == 200
    with container.database.reading() as session:
        seen = select(AuditEvent.after).where(AuditEvent.act == "transaction.viewed")
        found = list(session.scalars(seen))
    assert len(found) == 2
    assert all('"reason":"Complaint 17"' in after for after in found)


FILTERS: list[tuple[dict[str, Any], int]] = [
    ({}, 2),
    ({"status": "Failed"}, 1),
    ({"status": "Successful"}, 1),
    ({"response.status": "5xx"}, 1),
    ({"response.status": 200}, 1),
    ({"request.method": "post"}, 0),
    ({"request.path": "/patients"}, 2),
    ({"request.timestamp": '{"$gte": "2026-05-01T12:30:00Z"}'}, 1),
    ({"request.timestamp": {"$lt": "2026-05-01T12:30:00"}}, 1),
]


def test_filters_mean_what_they_did(installer: Any, record: Any, call: str) -> None:
    record(60, status=TransactionStatus.FAILED, response_status_code=502)

    for filters, count in FILTERS:
        query = {"filters": json.dumps(filters)}
        found = installer.ask("GET", "transactions", query_string=query)
        assert len(found.get_json()) == count, filters


def test_calls_of_a_channel_and_of_a_client(installer: Any, record: Any, call: str) -> None:
    record(1)
    (channel,) = installer.ask("GET", "channels").get_json()
    clients = {one["clientID"]: one["_id"] for one in installer.ask("GET", "clients").get_json()}
    for filters in ({"channelID": channel["_id"]}, {"clientID": clients["installer"]}):
        query = {"filters": json.dumps(filters)}
        (found,) = installer.ask("GET", "transactions", query_string=query).get_json()
        assert found["_id"] == there(call)
        assert (found["channelID"], found["clientID"]) == (channel["_id"], clients["installer"])


@on_one_database()
def test_query_that_is_not_known_is_400(installer: Any) -> None:
    for query in [
        {"filters": "{"},
        {"filters": "[]"},
        {"filters": '{"odd": 1}'},
        {"filters": '{"status": "Odd"}'},
        {"filters": '{"response.status": "9xx"}'},
        {"filters": '{"request.timestamp": "x"}'},
        {"filters": '{"request.timestamp": {"$gte": "0001-01-01T00:00:00+23:00"}}'},
        {"filterPage": "-1"},
        {"filterPage": "51"},
        {"filterLimit": "1e3"},
    ]:
        assert installer.ask("GET", "transactions", query_string=query).status_code == 400


def test_mediator_adds_to_its_call(machine: Any, api: Any, call: str, container: Container) -> None:
    path = f"transactions/{there(call)}"
    later = {
        "status": "Failed",
        "response": {
            "status": 422,
            "headers": {"Content-Type": "application/json", "Set-Cookie": "s=1"},
            "body": '{"late": true}',
        },
        "error": {"message": "The laboratory rejected it", "stack": "…"},
    }

    assert machine.ask("PUT", path, later).status_code == 200

    now = api.get(f"transactions/{call}/").get_json()
    assert (now["status"], now["response_status_code"]) == ("failed", 422)
    assert now["response_body"] == '{"late": true}'
    assert now["response_headers"]["Set-Cookie"] == "***"
    assert now["error_message"] == "The laboratory rejected it"
    shown = machine.ask("GET", path).get_json()
    assert (shown["status"], shown["response"]["status"]) == ("Failed", 422)
    assert shown["error"] == {"message": "The laboratory rejected it", "stack": "…"}
    with container.database.reading() as session:
        assert session.scalar(select(ChangedHour.hour)) is not None  # it is counted anew


def test_steps_and_properties_come_later_one_by_one_and_are_masked(
    machine: Any, api: Any, call: str
) -> None:
    path = f"transactions/{there(call)}"
    secret = {"headers": {"Authorization": "Basic x"}, "path": "/x?token=hush"}
    first = {"name": "Look up", "request": {"method": "GET", **secret}}
    machine.ask("PUT", path, {"orchestrations": [first], "properties": {"lab": "7", "n": 1}})
    machine.ask("PUT", path, {"$push": {"orchestrations": {"name": "Store"}}})
    many = {"$each": [{"name": "Tell"}, {"name": "End"}]}
    machine.ask("PUT", path, {"$push": {"orchestrations": many}, "properties": {"lab": "8"}})

    shown = machine.ask("GET", path).get_json()

    assert [one["name"] for one in shown["orchestrations"]] == ["Look up", "Store", "Tell", "End"]
    assert shown["properties"] == {"lab": "8", "n": "1"}
    assert "hush" not in str(shown)
    assert "Basic" not in str(shown)
    kept = api.get(f"transactions/{call}/").get_json()
    assert kept["properties"] == shown["properties"]
    machine.ask("PUT", path, {"orchestrations": []})
    assert machine.ask("GET", path).get_json()["orchestrations"] == []
    wrong = {"orchestrations": ["x"]}
    assert machine.ask("PUT", path, wrong).status_code == 400


def test_call_is_its_own_mediators_only(make_account: Any, record: Any, call: str) -> None:
    other = make_account("other", "mediator:register")
    foreign = there(record(5))
    for path in (f"transactions/{there(call)}", f"transactions/{foreign}"):
        for method in ("GET", "PUT"):
            assert other.ask(method, path, {"status": "Failed"}).status_code in {403, 404}


def test_body_is_kept_as_the_channels_calls_are(
    machine: Any, installer: Any, api: Any, call: str
) -> None:
    path = f"transactions/{there(call)}"
    machine.ask("PUT", path, {"response": {"body": "x" * 30_000}})
    kept = api.get(f"transactions/{call}/").get_json()["response_body"]
    assert len(kept) < 21_000
    (channel,) = installer.ask("GET", "channels").get_json()
    installer.ask("PUT", f"channels/{channel['_id']}", {"responseBody": False})

    machine.ask("PUT", path, {"response": {"body": "a patient's"}})

    assert "patient" not in api.get(f"transactions/{call}/").get_json()["response_body"]


@on_one_database()
def test_addition_that_cannot_be_is_400(machine: Any, call: str) -> None:
    for given in [
        {"status": "Odd"},
        {"status": "Processing"},
        {"response": 3},
        {"response": {"status": "x"}},
    ]:
        assert machine.ask("PUT", f"transactions/{there(call)}", given).status_code == 400


def test_addition_waits_for_the_calls_own_end(
    machine: Any, container: Container, record: Any, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_call = record(9, channel_name="Registry", status=TransactionStatus.PROCESSING)
    path = f"transactions/{there(open_call)}"
    monkeypatch.setattr(api_transactions, "WAIT_S", 0.0)
    assert machine.ask("PUT", path, {"status": "Failed"}).status_code == 409
    monkeypatch.setattr(api_transactions, "WAIT_S", 5.0)

    def end() -> None:
        with container.database.writing() as session:
            found = session.get_one(Transaction, uuid.UUID(open_call))
            found.status = TransactionStatus.SUCCESSFUL

    threading.Timer(0.2, end).start()

    assert machine.ask("PUT", path, {"status": "Failed"}).status_code == 200
    assert machine.ask("GET", path).get_json()["status"] == "Failed"


@on_one_database()
def test_bodies_want_a_reason_where_the_channel_asks_why(
    installer: Any, api: Any, call: str
) -> None:
    (channel,) = api.get("channels/").get_json()["data"]
    api.patch(f"channels/{channel['id']}/", {"ask_reason": True})
    path = f"transactions/{there(call)}"

    assert installer.ask("GET", path).status_code == 403
    said = {"auth": (installer.name, installer.secret), "headers": {"X-Reason": "a complaint"}}
    assert "body" in installer.ask("GET", path, **said).get_json()["request"]
    assert installer.ask("GET", "transactions?filterRepresentation=full").status_code == 403
