"""Files and pages in an e-mail, read back by another reader as they were meant."""

import email
import email.policy
import random
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from common.errors import Invalid
from notification.mails.attachments import Attachment, Limits, file_name, media_types
from notification.mails.frame import Frame
from notification.models import ChannelCode
from notification.transports import Message
from notification.transports.mail import Sender, compose

NOW = datetime(2026, 11, 29, tzinfo=UTC)
PDF = "application/pdf"


def composed(**changes: Any) -> tuple[bytes, EmailMessage]:
    given = {"subject": "Leseni", "body": "Habari\n.\n--x\n", "language": "sw", **changes}
    message = Message("key-1", ChannelCode.EMAIL, ("asha@b.example",), **given)
    frame = Frame(footer="Dodoma")
    content = compose(
        message, Sender("sms@x.example", "Wizara"), "asha@b.example", NOW, None, frame
    )
    found = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    assert not [defect for part in found.walk() for defect in part.defects]
    return content, found


def test_a_mail_has_its_words_as_text_and_as_a_page() -> None:
    content, found = composed(html="<p>Habari «Ñandú»</p>\n")
    assert found.get_content_type() == "multipart/alternative"
    text, page = found.iter_parts()
    assert [text.get_content_type(), page.get_content_type()] == ["text/plain", "text/html"]
    assert text.get_content().replace("\r\n", "\n") == "Habari\n.\n--x\n\n-- \nWizara\nDodoma\n"
    assert '<p style="margin: 0 0 16px;">Habari «Ñandú»</p>' in page.get_content()
    assert max(map(len, content.split(b"\r\n"))) <= 78


def test_files_go_below_the_words() -> None:
    csv = Attachment("a.csv", "text/csv", b"a,b\r\n--=_\n.\n")
    pdf = Attachment("Leseni «ያ».pdf", PDF, b"%PDF" + bytes(range(256)) * 300)
    _content, found = composed(html="<p>Habari</p>", attachments=(pdf, csv))
    words, *files = found.iter_parts()
    assert words.get_content_type() == "multipart/alternative"
    assert [one.get_content_disposition() for one in files] == ["attachment", "attachment"]
    assert [(one.get_filename(), one.get_content_type()) for one in files] == [
        ("Leseni «ያ».pdf", PDF),
        ("a.csv", "text/csv"),
    ]
    assert [one.get_payload(decode=True) for one in files] == [pdf.content, csv.content]


def test_a_plain_mail_with_a_file_stays_plain() -> None:
    _content, found = composed(attachments=(Attachment("a.csv", "text/csv", b"a"),))
    assert [one.get_content_type() for one in found.iter_parts()] == ["text/plain", "text/csv"]


PIECES = [
    *(
        "Leseni",
        "é" * 40,
        "ያ",
        "🙂",
        " ",
        ".",
        "..",
        "/",
        "\\",
        "../",
        "C:\\",
        "\r\n",
        "\n",
        "\x00",
    ),
    *('"', ";", "'", "*", "=?utf-8?q?x?=", "%41", "\u202e", "\u200b", "\u2028", "x" * 90, ".exe"),
    *("filename=", "Bcc: x@example.org", ".PDF", "-", "\ud800", "CON", "~", "$", "`"),
]


@pytest.mark.parametrize("count", [200, pytest.param(2_000, marks=pytest.mark.faults)])
def test_any_name_is_one_name_without_a_path_and_adds_no_line(count: int) -> None:
    chance = random.Random(15)
    ours = None
    for _ in range(count):
        written = "".join(chance.choices(PIECES, k=chance.randint(1, 7)))
        try:
            name = file_name(written, PDF)
        except ValueError:
            continue
        assert re.fullmatch(r"[^/\\\x00-\x1f\u202e\u200b\u2028]{1,100}", name)
        assert name.lower().endswith(".pdf")
        content, found = composed(attachments=(Attachment(name, PDF, b"x"),))
        assert [one.get_filename() for one in found.iter_attachments()] == [name]
        lines = re.findall(rb"(?m)^([A-Za-z-]+): ", content)
        ours = ours or lines
        assert lines == ours


@pytest.mark.parametrize(
    ("written", "media_type", "name"),
    [
        ("../../etc/passwd", PDF, "passwd.pdf"),
        ("C:\\x\\Leseni yako.PDF", PDF, "Leseni yako.PDF"),
        ("invoice.pdf.exe", PDF, "invoice.pdf.exe.pdf"),
        ("photo.jpeg", "image/jpeg", "photo.jpeg"),
        ("e\u0301.ics", "text/calendar", "é.ics"),
        ("data.bin", "application/x-unheard-of", "data.bin"),
        (f"{'x' * 300}.pdf", PDF, f"{'x' * 96}.pdf"),
    ],
)
def test_a_name_ends_as_its_type_does(written: str, media_type: str, name: str) -> None:
    assert file_name(written, media_type) == name


@pytest.mark.parametrize("written", ["", "..", " . ", "a/", "\u202e"])
def test_a_name_of_nothing_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="name"):
        file_name(written, PDF)


def test_limits_name_what_is_too_much() -> None:
    limits = Limits((PDF,), max_bytes=10)
    limits.check([Attachment("a.pdf", PDF, b"x" * 5)] * 2)
    with pytest.raises(Invalid, match="11 bytes; at most 10"):
        limits.check([Attachment("a.pdf", PDF, b"x" * 11)])
    with pytest.raises(Invalid, match="text/html is none of application/pdf"):
        limits.check([Attachment("a.html", "text/html", b"")])


def test_types_are_read_from_a_setting() -> None:
    assert media_types("application/PDF, image/png,") == (PDF, "image/png")
    with pytest.raises(ValueError, match="media types"):
        media_types("pdf")
