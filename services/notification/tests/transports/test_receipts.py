"""Receipts: who may post them, and what they say, as the providers document them."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from common.errors import Invalid, NotFound, Unauthenticated
from notification.config import Settings
from notification.transports.receipts import Receipt, parse
from notification.transports.sms.settings import SmsSettings
from werkzeug.datastructures import Headers

SECRET = "receipts-sëcret"
NAMES = ("generic", "nextsms", "beem", "africastalking", "infobip", "mgov")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    sms = tuple(SmsSettings(name=name, receipt_secret=SECRET) for name in NAMES)
    return Settings(var_dir=tmp_path, sms=sms)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


PROOF = {"Authorization": basic("receipts", SECRET)}


def read(provider: str, body: Any, settings: Settings) -> list[Receipt]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parse(provider, Headers(PROOF), content, settings)


def receipt(message_id: str | None, delivered: bool | None, **more: Any) -> Receipt:
    given = {"reference": None, "reason": None, **more}
    return Receipt(provider_message_id=message_id, delivered=delivered, **given)


INFOBIP = {
    "bulkId": "b1",
    "messageId": "m1",
    "to": "255712345678",
    "status": {"groupId": 3, "groupName": "DELIVERED", "name": "DELIVERED_TO_HANDSET"},
    "error": {"groupName": "OK", "name": "NO_ERROR"},
}
FAILED = {
    **INFOBIP,
    "status": {"groupName": "UNDELIVERABLE", "name": "UNDELIVERABLE_NOT_DELIVERED"},
    "error": {"groupName": "HANDSET_ERRORS", "name": "EC_ABSENT_SUBSCRIBER"},
}
BEEM = {"request_id": 35918915, "recipient_id": 1, "dest_addr": "255712345678"}


@pytest.mark.parametrize(
    ("provider", "body", "expected"),
    [
        ("infobip", {"results": [INFOBIP]}, [receipt("m1", True)]),
        (
            "infobip",
            {"results": [INFOBIP, FAILED]},
            [receipt("m1", True), receipt("m1", False, reason="EC_ABSENT_SUBSCRIBER")],
        ),
        (
            "nextsms",
            {"results": [{**INFOBIP, "status": None}]},
            [receipt("m1", None)],
        ),
        ("beem", {**BEEM, "status": "DELIVERED"}, [receipt("35918915", True)]),
        (
            "beem",
            {**BEEM, "Status": "undelivered"},
            [receipt("35918915", False, reason="UNDELIVERED")],
        ),
        ("beem", {**BEEM, "status": "PENDING"}, [receipt("35918915", None, reason="PENDING")]),
        (
            "generic",
            [{"reference": "key-1", "status": "DELIVRD"}],
            [receipt(None, True, reference="key-1")],
        ),
        (
            "generic",
            {"messages": [{"message_id": "g1", "status": {"name": "EXPIRED"}}]},
            [receipt("g1", False, reason="EXPIRED")],
        ),
        ("generic", {"status": "DELIVERED"}, []),
        ("generic", [], []),
        (
            "africastalking",
            urlencode({"id": "ATX1", "status": "Success", "phoneNumber": "+255712345678"}).encode(),
            [receipt("ATX1", True)],
        ),
        (
            "africastalking",
            b"id=ATX1&status=Failed&failureReason=UserDoesNotExist&phoneNumber=%2B255712345678",
            [receipt("ATX1", False, reason="UserDoesNotExist")],
        ),
        ("africastalking", b"id=ATX1&status=Buffered", [receipt("ATX1", None, reason="BUFFERED")]),
    ],
)
def test_what_receipts_say(
    settings: Settings, provider: str, body: Any, expected: list[Receipt]
) -> None:
    found = read(provider, body, settings)
    assert [replace(one, number=None) for one in found] == expected
    assert "255712345678" not in repr(found)


@pytest.mark.parametrize(
    ("word", "delivered", "unknown"),
    [
        ("AbsentSubscriber", False, None),
        ("DELIVERED_TO_HANDSET", True, None),
        ("NOT_DELIVERED", False, None),
        ("not delivered", False, None),
        ("NOROUTE", False, None),
        ("UNDELIVERABLE_REJECTED_OPERATOR", False, None),
        ("EXPIRED_EXPIRED", False, None),
        ("PENDING_ENROUTE", None, None),
        ("ACCEPTD", None, None),
        ("Buffered", None, None),
        ("Teleported", None, "TELEPORTED"),
        ("+255712345678 is busy", None, "?"),
    ],
)
def test_words_of_the_providers_lists(
    settings: Settings, word: str, delivered: bool | None, unknown: str | None
) -> None:
    (found,) = read("generic", {"id": "g1", "status": word}, settings)
    assert (found.delivered, found.unknown_word) == (delivered, unknown)


@pytest.mark.parametrize(
    ("provider", "body"),
    [
        ("beem", {**BEEM, "status": "DELIVERED"}),
        ("infobip", {"results": [INFOBIP]}),
        ("africastalking", b"id=A&status=Success&phoneNumber=%2B255712345678"),
    ],
)
def test_the_number_that_a_receipt_is_about(settings: Settings, provider: str, body: Any) -> None:
    (found,) = read(provider, body, settings)
    assert found.number == "255712345678"


@pytest.mark.parametrize("proof", [{"X-Receipt-Secret": SECRET}, PROOF])
def test_the_secret_opens(settings: Settings, proof: dict[str, str]) -> None:
    assert parse("generic", proof, b'{"id": "g1"}', settings)


@pytest.mark.parametrize(
    "proof",
    [
        {},
        {"X-Receipt-Secret": ""},
        {"X-Receipt-Secret": SECRET + "x"},
        {"X-Receipt-Secret": "wrong", **PROOF},
        {"Authorization": basic(SECRET, "")},
        {"Authorization": f"Bearer {SECRET}"},
        {"Authorization": "Basic %%%"},
        {"Authorization": "Basic " + base64.b64encode(b":\xff\xfe").decode()},
        {"Authorization": "Basic"},
    ],
)
def test_anything_else_does_not(settings: Settings, proof: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated):
        parse("generic", proof, b'{"id": "g1"}', settings)


@pytest.mark.parametrize("provider", ["mgov", "file", "nobody"])
def test_a_provider_that_sends_none_is_not_found(settings: Settings, provider: str) -> None:
    with pytest.raises(NotFound):
        read(provider, {"id": "g1"}, settings)


def test_without_a_secret_nobody_may_post(tmp_path: Path) -> None:
    settings = Settings(var_dir=tmp_path, sms=(SmsSettings(name="generic"),))
    with pytest.raises(NotFound):
        parse("generic", {"X-Receipt-Secret": ""}, b'{"id": "g1"}', settings)


@pytest.mark.parametrize(
    ("provider", "body"),
    [
        ("generic", b"<html>"),
        ("generic", b"7"),
        ("beem", b'"text"'),
        ("infobip", b"\xff"),
        ("africastalking", b"\xff\xfe"),
        ("africastalking", b"&".join(b"a%d=1" % number for number in range(99))),
    ],
)
def test_what_cannot_be_read_is_invalid(settings: Settings, provider: str, body: bytes) -> None:
    with pytest.raises(Invalid):
        read(provider, body, settings)
