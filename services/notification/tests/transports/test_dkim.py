"""Mails are signed so that whoever delivers them can tell that they are ours, and whole."""

import base64
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dkim
import pytest
from common.settings import SettingError
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from notification.config import Settings
from notification.models import ChannelCode
from notification.transports import Message
from notification.transports.dkim_signing import DkimSigner
from notification.transports.mail import Sender, compose, on_the_wire
from notification.transports.smtp import SmtpTransport

KEY = rsa.generate_private_key(65537, 2048)
NOW = datetime(2026, 11, 29, tzinfo=UTC)
LINK = "https://hub.example.org/api/notification/unsubscribe/x/"


def pem(key: Any) -> bytes:
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "dkim.pem"
    path.write_bytes(pem(KEY))
    return path


@pytest.fixture
def signer(key_file: Path) -> DkimSigner:
    return DkimSigner.of("example.org", "2026a", key_file)


def in_dns(name: bytes, timeout: int = 5) -> bytes:
    """What a receiver finds at the signature's selector and domain."""
    assert name == b"2026a._domainkey.example.org."
    public = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)


def is_good(mail: bytes) -> bool:
    return bool(dkim.verify(mail, dnsfunc=in_dns))


def a_mail(body: str = "Habari,\nimekubaliwa.\n", **changes: Any) -> bytes:
    given = {"subject": "Ombi lako « leseni »", "reply_to": "majibu@example.org", **changes}
    message = Message("key-1", ChannelCode.EMAIL, ("asha@b.example",), body=body, **given)
    return compose(
        message, Sender("sms@example.org", "Wizara ya Afya"), "asha@b.example", NOW, LINK
    )


@pytest.mark.parametrize("body", ["Habari\n", "", ".\n..\n.x\n", "ሰላም ለዓለም።\n" * 40, "a  b \n\n\n"])
def test_a_receiver_finds_the_signature_good(signer: DkimSigner, body: str) -> None:
    assert is_good(signer.signed(a_mail(body)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"imekubaliwa", b"imekataliwa"),
        (b"To: asha@", b"To: eve@"),
        (b"Reply-To: majibu@", b"Reply-To: eve@"),
        (b"List-Unsubscribe: <https://hub", b"List-Unsubscribe: <https://eve"),
        (b"List-Unsubscribe-Post: ", b"X-Post: "),
        (b"From: ", b"From: eve@example.org\r\nFrom: "),
    ],
)
def test_a_changed_mail_is_found_out(signer: DkimSigner, old: bytes, new: bytes) -> None:
    signed = signer.signed(a_mail())
    assert old in signed
    assert not is_good(signed.replace(old, new, 1))


def test_the_signature_stands_in_front_and_holds_no_key(signer: DkimSigner) -> None:
    signed = signer.signed(a_mail())
    field = signed.partition(b"\r\nFrom: ")[0]
    assert field.startswith(b"DKIM-Signature: v=1;")
    assert max(map(len, field.split(b"\r\n"))) <= 998
    tags = dict(
        part.strip().split(b"=", 1) for part in re.sub(rb"\s+", b" ", field[15:]).split(b";")
    )
    assert (tags[b"d"], tags[b"s"], tags[b"a"]) == (b"example.org", b"2026a", b"rsa-sha256")
    assert {b"list-unsubscribe", b"list-unsubscribe-post"} <= set(
        tags[b"h"].replace(b" ", b"").lower().split(b":")
    )
    assert "PRIVATE" not in repr(signer)


def test_a_mail_is_signed_before_its_dots_are_doubled(signer: DkimSigner) -> None:
    signed = signer.signed(a_mail(".hidden\n"))
    received = on_the_wire(signed).replace(b"\r\n..", b"\r\n.")  # as a server takes it
    assert is_good(received)


# Settings


def transport(tmp_path: Path, **given: str) -> SmtpTransport:
    environ = {f"NOTIFICATION_{name}": value for name, value in given.items()}
    environ |= {"VAR_DIR": str(tmp_path), "NOTIFICATION_SMTP_HOST": "127.0.0.1"}
    environ["NOTIFICATION_FROM_EMAIL"] = "Wizara <sms@example.org>"
    return SmtpTransport.of(Settings.read(environ))


def test_the_senders_domain_signs(tmp_path: Path, key_file: Path) -> None:
    found = transport(tmp_path, DKIM_SELECTOR="2026a", DKIM_KEY_FILE=str(key_file)).signer
    assert found is not None
    assert (found.domain, found.selector) == ("example.org", "2026a")
    assert transport(tmp_path).signer is None


def test_what_cannot_sign_stops_the_start(tmp_path: Path, key_file: Path) -> None:
    short, other, none = (tmp_path / name for name in ("short.pem", "ec.pem", "none.pem"))
    other.write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))
    none.write_text("nothing")
    for given, missing in [
        ({"DKIM_SELECTOR": "2026a"}, "DKIM_KEY_FILE"),
        ({"DKIM_KEY_FILE": str(key_file)}, "DKIM_SELECTOR"),
        ({"DKIM_SELECTOR": "a b", "DKIM_KEY_FILE": str(key_file)}, "DKIM_SELECTOR"),
        *(
            ({"DKIM_SELECTOR": "2026a", "DKIM_KEY_FILE": str(path)}, "DKIM_KEY_FILE")
            for path in (short, other, none)
        ),
    ]:
        with pytest.raises(SettingError, match=f"NOTIFICATION_{missing}"):
            transport(tmp_path, **given)
