"""Many mails over a real server: those that cannot be composed say why, the others arrive once."""

import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from common.clock import utc_now
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from notification.container import Container
from notification.models import (
    ChannelCode,
    DeliveryLog,
    MessageStatus,
    OutboxMessage,
)
from sqlalchemy import select

from .dkim_by_hand import is_good
from .dkim_by_perl import verdicts

EMAIL = ChannelCode.EMAIL
#: What no mail can be made of, and what is said of it.
BROKEN = [
    ({"to_email": "=?utf-8?q?q5?=@example.org"}, "the address is not one that mail can be sent to"),
    ({"to_email": "a@b.example, c@d.example"}, "the address is not one that mail can be sent to"),
    ({"subject": "A\r\nBcc: x@example.org"}, "the subject has a line break"),
    ({"reply_to": "nobody"}, "the address is not one that mail can be sent to"),
    ({"sender_name": "A\u2028B"}, "the sender's name has a line break"),
]


def message(number: int, **changes: Any) -> OutboxMessage:
    given = {
        "event_code": "PAYMENT_CONFIRMED",
        "rule_id": uuid.uuid4(),
        "channel": EMAIL,
        "priority": "NORMAL",
        "rank": -50,
        "status": MessageStatus.QUEUED,
        "recipient_user_id": f"p{number}",
        "recipient_actor_type": "TEACHER",
        "language": "sw",
        "template_id": uuid.uuid4(),
        "template_version": 1,
        "subject": "Malipo «yako»",
        "body": f"Habari {number}\n.\n",
        "html": f"<p>Habari {number}</p>" if number % 2 else None,
        "to_email": f"p{number}@b.example",
        "idempotency_key": f"key-{number}",
        "next_attempt_at": utc_now(),
    }
    return OutboxMessage(**{**given, **changes})


@pytest.mark.parametrize("count", [100, pytest.param(1_000, marks=pytest.mark.faults)])
def test_one_in_twenty_cannot_be_composed_and_the_others_arrive_once(
    house: Callable[..., Any], mail_server: Any, container: Container, count: int
) -> None:
    sender, bad = house(), count // 20
    with container.database.writing() as session:
        session.add_all(
            message(number, **(BROKEN[number // 20 % len(BROKEN)][0] if number % 20 == 7 else {}))
            for number in range(count)
        )

    assert len(sender.send(limit=2 * count)) == count

    arrived = Counter(address for envelope in mail_server.taken for address in envelope.rcpt_tos)
    assert (len(arrived), set(arrived.values())) == (count - bad, {1})
    with container.database.reading() as session:
        rows = list(session.scalars(select(OutboxMessage)))
        entries = Counter(session.scalars(select(DeliveryLog.outbox_id)))
    failed = {row.recipient_user_id: row.last_error for row in rows if row.status == "FAILED"}
    assert len(failed) == bad
    for number in range(7, count, 20):
        assert BROKEN[number // 20 % len(BROKEN)][1] in str(failed[f"p{number}"])
    assert Counter(row.status for row in rows) == {"SENT": count - bad, "FAILED": bad}
    assert set(entries.values()) == {1}


#: Changes on the way: each breaks the signature.
CHANGES = [
    (b"Habari", b"habari"),
    (b"To: p", b"To: q"),
    (b"List-Unsubscribe: <https", b"List-Unsubscribe: <http"),
    (b"From: ", b"From: eve@example.org\r\nFrom: "),
]


@pytest.fixture
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def signed(
    house: Callable[..., Any],
    mail_server: Any,
    container: Container,
    key: rsa.RSAPrivateKey,
    tmp_path: Path,
) -> list[bytes]:
    """Five mails as a server got them."""
    path = tmp_path / "dkim.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    secret = "a secret that nobody can guess at all"
    sender = house(
        dkim_selector="2026a",
        dkim_key_file=path,
        public_url="https://hub.example.org",
        link_secret=secret,
    )
    with container.database.writing() as session:
        session.add_all(message(number) for number in range(4))
        session.add(message(4, subject="ለጤና " * 40, sender_name="Wizara « ya » Afya", body=""))
    sender.send()
    mails = [envelope.original_content for envelope in mail_server.taken]
    assert len(mails) == 5
    return mails


def test_what_a_server_gets_is_signed_as_another_reader_finds(
    signed: list[bytes], key: rsa.RSAPrivateKey
) -> None:
    for mail in signed:
        assert is_good(mail, key.public_key())
        assert not is_good(mail, rsa.generate_private_key(65537, 2048).public_key())
        for old, new in CHANGES:
            assert old not in mail or not is_good(mail.replace(old, new, 1), key.public_key())


def test_what_a_server_gets_is_signed_as_another_library_finds(
    signed: list[bytes], key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    name = "2026a._domainkey.example.org"
    changed = [mail.replace(*one, 1) for mail in signed for one in CHANGES if one[0] in mail]
    assert len(changed) > 3 * len(signed)

    found = verdicts([*signed, *changed], key.public_key(), name, tmp_path)

    assert found == ["pass"] * len(signed) + ["fail"] * len(changed)
    stranger = rsa.generate_private_key(65537, 2048).public_key()
    assert verdicts(signed, stranger, name, tmp_path) == ["fail"] * len(signed)
