"""The other providers' dialects, over real sockets: requests to the byte, answers as documented."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest
from notification.transports import Outcome

TWO = ("+255712345678", "+255712345679")
GIVEN: dict[str, dict[str, str]] = {
    "beem": {"api_key": "k3y", "secret_key": "s3cret", "sender_id": "INFO"},
    "africastalking": {"username": "kiungo", "api_key": "k3y", "sender_id": "INFO"},
    "infobip": {"api_key": "k3y", "sender_id": "INFO"},
    "mgov": {"sys_id": "42", "api_key": "k3y", "service_id": "954", "sender_id": "15200"},
}


@pytest.fixture
def ask_of(gateway: Any, new_provider: Callable, message: Callable) -> Callable:
    """Send one message in this dialect; the request as it came, and the result."""

    def ask(name: str, status: int = 200, answer: Any = b"", **changes: Any) -> Any:
        gateway.says(status, answer)
        (result,) = new_provider(name, url=gateway.url, **GIVEN[name]).send([message(**changes)])
        return gateway.calls[-1], result

    return ask


def test_beem_request(ask_of: Callable) -> None:
    call, _ = ask_of("beem", to=TWO)
    assert json.loads(call.body) == {
        "source_addr": "INFO",
        "schedule_time": "",
        "encoding": 0,
        "message": "Habari, umefika",
        "recipients": [
            {"recipient_id": 1, "dest_addr": "255712345678"},
            {"recipient_id": 2, "dest_addr": "255712345679"},
        ],
    }
    credentials = base64.b64encode(b"k3y:s3cret").decode()
    assert call.header("Authorization") == [f"Basic {credentials}"]


def test_africastalking_request(ask_of: Callable) -> None:
    call, _ = ask_of("africastalking", to=TWO, body="Habari & karibu")
    assert parse_qs(call.body.decode()) == {
        "username": ["kiungo"],
        "to": ["+255712345678,+255712345679"],
        "message": ["Habari & karibu"],
        "from": ["INFO"],
        "bulkSMSMode": ["1"],
    }
    assert call.header("apiKey") == ["k3y"]
    assert call.header("Content-Type") == ["application/x-www-form-urlencoded"]
    assert call.header("Accept") == ["application/json"]


def test_infobip_request(ask_of: Callable) -> None:
    call, _ = ask_of("infobip", to=TWO)
    destinations = [{"to": "255712345678"}, {"to": "255712345679"}]
    content = {"text": "Habari, umefika"}
    expected = {"sender": "INFO", "destinations": destinations, "content": content}
    assert json.loads(call.body) == {"messages": [expected]}
    assert call.header("Authorization") == ["App k3y"]


def test_mgov_request_is_signed_to_the_byte(ask_of: Callable) -> None:
    call, _ = ask_of("mgov", to=TWO)
    body = json.loads(call.body)
    assert len(body.pop("datetime")) == len("2026-11-22 19:00:00")
    assert body == {
        "recipients": "255712345678,255712345679",
        "message": "Habari, umefika",
        "mobileServiceId": "954",
        "senderId": "15200",
        "messageId": "key-1",
    }
    digest = hmac.digest(b"k3y", call.body, hashlib.sha256)
    assert call.header("hash") == [base64.b64encode(digest).decode()]
    assert call.header("sysId") == ["42"]


def at(*recipients: dict[str, Any], message: str = "Sent to 1/1") -> dict[str, Any]:
    return {"SMSMessageData": {"Message": message, "Recipients": list(recipients)}}


def at_one(code: int, status: str = "Success") -> dict[str, Any]:
    found = {"statusCode": code, "status": status, "number": "+255712345678"}
    return {**found, "messageId": "ATXid_1", "cost": "TZS 22.0000"}


def infobip(group: str, name: str) -> dict[str, Any]:
    status = {"groupId": 1, "groupName": group, "name": name}
    return {"messageId": "2250be2d", "status": status, "destination": "255712345678"}


SUBMITTED = {"successful": True, "request_id": 35918915, "code": 100, "valid": 1, "invalid": 0}
PENDING = infobip("PENDING", "PENDING_ACCEPTED")
REJECTED = infobip("REJECTED", "REJECTED_NETWORK")
NO_SENDER = infobip("REJECTED", "REJECTED_SENDER")
NO_CREDIT = infobip("REJECTED", "REJECTED_NOT_ENOUGH_CREDITS")


@pytest.mark.parametrize(
    ("name", "status", "answer", "message_id"),
    [
        ("beem", 200, SUBMITTED, "35918915"),
        ("beem", 200, {**SUBMITTED, "valid": 1, "invalid": 1}, "35918915"),
        ("africastalking", 201, at(at_one(100)), "ATXid_1"),
        ("africastalking", 201, at(at_one(101), at_one(102)), "ATXid_1"),
        ("infobip", 200, {"bulkId": "b", "messages": [PENDING, PENDING]}, "2250be2d"),
        ("mgov", 200, {"success": True, "messageId": "m-1"}, "m-1"),
        ("mgov", 200, {"success": True}, None),
    ],
)
def test_taken(
    ask_of: Callable, name: str, status: int, answer: Any, message_id: str | None
) -> None:
    _, result = ask_of(name, status, answer)
    assert (result.outcome, result.provider, result.error) == (Outcome.SENT, name, None)
    assert result.provider_message_id == message_id


@pytest.mark.parametrize(
    ("name", "status", "answer", "outcome"),
    [
        ("beem", 200, {"code": 101, "message": "Invalid phone"}, Outcome.REFUSED_FOR_GOOD),
        ("beem", 200, {**SUBMITTED, "valid": 0}, Outcome.REFUSED_FOR_GOOD),
        ("beem", 200, {"code": 102}, Outcome.TRANSPORT_CLOSED),
        ("beem", 200, {"code": 111, "message": "Invalid Sender Id"}, Outcome.TRANSPORT_CLOSED),
        ("beem", 200, {"code": 103}, Outcome.UNKNOWN),
        ("beem", 400, {"code": 104}, Outcome.REFUSED_FOR_GOOD),
        ("africastalking", 201, at(at_one(403, "InvalidPhoneNumber")), Outcome.REFUSED_FOR_GOOD),
        ("africastalking", 201, at(at_one(406, "UserInBlacklist")), Outcome.REFUSED_FOR_GOOD),
        ("africastalking", 201, at(at_one(405, "InsufficientBalance")), Outcome.TRANSPORT_CLOSED),
        ("africastalking", 201, at(at_one(500, "InternalServerError")), Outcome.REFUSED_FOR_NOW),
        ("africastalking", 201, at(message="InvalidSenderId"), Outcome.TRANSPORT_CLOSED),
        ("africastalking", 201, at(at_one(402, "InvalidSenderId")), Outcome.TRANSPORT_CLOSED),
        ("africastalking", 201, at(message="InvalidMessage"), Outcome.REFUSED_FOR_GOOD),
        ("africastalking", 200, at(at_one(100)), Outcome.UNKNOWN),
        ("africastalking", 401, b"The supplied authentication is in", Outcome.TRANSPORT_CLOSED),
        ("infobip", 200, {"messages": [REJECTED]}, Outcome.REFUSED_FOR_GOOD),
        ("infobip", 200, {"messages": [NO_CREDIT]}, Outcome.TRANSPORT_CLOSED),
        ("infobip", 200, {"messages": [NO_SENDER]}, Outcome.TRANSPORT_CLOSED),
        ("infobip", 400, {"requestError": {}}, Outcome.REFUSED_FOR_GOOD),
        ("mgov", 200, {"success": False, "message": "bad hash"}, Outcome.REFUSED_FOR_GOOD),
    ],
)
def test_refused(ask_of: Callable, name: str, status: int, answer: Any, outcome: Outcome) -> None:
    _, result = ask_of(name, status, answer)
    assert result.outcome is outcome
    assert not result.taken_in_part
    assert result.error.startswith(f"{name} ")


@pytest.mark.parametrize(
    ("name", "status", "answer"),
    [
        ("africastalking", 201, at(at_one(101), at_one(403, "InvalidPhoneNumber"))),
        ("infobip", 200, {"messages": [PENDING, REJECTED]}),
    ],
)
def test_refused_for_some_numbers_is_not_tried_elsewhere(
    ask_of: Callable, name: str, status: int, answer: Any
) -> None:
    _, result = ask_of(name, status, answer, to=TWO)
    assert (result.outcome, result.taken_in_part) == (Outcome.REFUSED_FOR_GOOD, True)
    assert not result.is_surely_not_taken
    assert "1 of 2 numbers" in result.error


@pytest.mark.parametrize("name", GIVEN)
@pytest.mark.parametrize(
    "answer",
    [b"", b"OK", b"<html></html>", b'{"code": 100', b"[" * 100_000, [], {}, 7, {"code": []}],
)
def test_an_answer_that_is_not_the_providers_says_nothing(
    ask_of: Callable, name: str, answer: Any
) -> None:
    _, result = ask_of(name, 201, answer)
    assert result.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("name", GIVEN)
def test_it_cannot_be_asked(new_provider: Callable, message: Callable, name: str) -> None:
    assert new_provider(name, url="http://127.0.0.1:9", **GIVEN[name]).ask(message()) is None
