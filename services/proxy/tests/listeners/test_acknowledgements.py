"""Acknowledgements of the hub's own, by tables."""

import uuid
from datetime import UTC, datetime

import pytest
from proxy.listeners.acknowledgements import Outcome, acknowledgement, is_hl7

ID = uuid.UUID("0123456789abcdef0123456789abcdef")
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MSH = b"MSH|^~\\&|LAB|CLINIC|HUB|MOH|20260501||ADT^A01^ADT_A01|17|P|2.5"


def made(message: bytes, outcome: Outcome = Outcome.ERROR, text: str = "broken") -> bytes:
    return acknowledgement(message, outcome, text, ID, NOON)


def test_sender_and_receiver_change_places_and_the_control_id_is_named() -> None:
    assert made(MSH + b"\rPID|1\r") == (
        b"MSH|^~\\&|HUB|MOH|LAB|CLINIC|20260501120000+0000||ACK^A01|0123456789abcdef0123|P|2.5\r"
        b"MSA|AE|17|broken\r"
    )


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"\x0b" + MSH + b"\r\n", b"MSA|AE|17|broken\r"),
        (MSH + b"|||AL|NE\r", b"MSA|CE|17|broken\r"),
        (MSH.replace(b"|", b"!").replace(b"^~\\&", b"*~\\&"), b"MSA!AE!17!broken\r"),
        (b"MSH|^~\\&|LAB", b"MSA|AE||broken\r"),
        (b"MSH|", b"MSA|AE||broken\r"),
        (b"MSH", b"MSA|AE||broken\r"),
        (b"FHS|^~\\&|LAB\rMSH|^~\\&|", b"MSA|AE||broken\r"),
        (b"", b"MSA|AE||broken\r"),
        (b"\x00\xff" * 5000, b"MSA|AE||broken\r"),
        (MSH.replace(b"|17|", b"|\xc3\xa9|"), b"MSA|AE|\xc3\xa9|broken\r"),
    ],
)
def test_whatever_came_is_acknowledged(message: bytes, expected: bytes) -> None:
    found = made(message)
    assert found.split(b"\r")[1] + b"\r" == expected
    assert found.count(b"\r") == 2


@pytest.mark.parametrize(
    ("outcome", "text", "expected"),
    [
        (Outcome.ACCEPTED, "", b"MSA|AA|17"),
        (Outcome.REJECTED, "no", b"MSA|AR|17|no"),
        (
            Outcome.ERROR,
            "a|b^c\\d&e~f\r\nEVN|x",
            b"MSA|AE|17|a\\F\\b\\S\\c\\E\\d\\T\\e\\R\\f EVN\\F\\x",
        ),
        (Outcome.ERROR, "h\u0101", b"MSA|AE|17|h?"),
    ],
)
def test_text_separates_nothing(outcome: Outcome, text: str, expected: bytes) -> None:
    assert made(MSH, outcome, text).split(b"\r")[1] == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [(MSH, True), (b"\x0b" + MSH, True), (b"BHS|^", True), (b'{"ok":true}', False), (b"", False)],
)
def test_what_is_hl7(body: bytes, expected: bool) -> None:
    assert is_hl7(body) is expected
