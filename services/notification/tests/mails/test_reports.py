"""What comes back of e-mails, as mail servers write it (RFC 3464, RFC 5965), and as they do not."""

import pytest
from notification.mails.reports import Kind, read_hook, read_mail

PATH = "bounce-abc@bounce.example.org"


def a_report(*parts: tuple[str, str], to: str = PATH) -> bytes:
    """A multipart/report, its parts by their types, in the order of a mail server."""
    whole = [("text/plain", "What people read.\n"), *parts]
    written = "".join(f"--b\nContent-Type: {type_}\n\n{text}\n" for type_, text in whole)
    head = f"From: MAILER-DAEMON@mx.example\nTo: {to}\nMIME-Version: 1.0\n"
    return f"{head}Content-Type: multipart/report; boundary=b\n\n{written}--b--\n".encode()


def bounce(
    *recipients: str,
    to: str = PATH,
    returned: str = "From: a@b.example\n\nHabari\n",
    returned_as: str = "message/rfc822",
) -> bytes:
    groups = ["Reporting-MTA: dns; mx.example\nArrival-Date: today", *recipients]
    status = ("message/delivery-status", "\n\n".join(groups) + "\n")
    return a_report(status, (returned_as, returned), to=to)


def of(action: str, status: str = "5.1.1") -> str:
    return f"Final-Recipient: rfc822; asha@b.example\nAction: {action}\nStatus: {status} (why)"


def complaint(type_: str = "abuse", **fields: str) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in fields.items())
    said = ("message/feedback-report", f"Feedback-Type: {type_}\nVersion: 1\n{lines}\n")
    original = ("message/rfc822", "Return-Path: <bounce-ret@bounce.example.org>\n\nx\n")
    return a_report(said, original, to="complaints@example.org")


@pytest.mark.parametrize(
    ("status", "is_about_address"),
    [
        *(("5.1.1", True), ("5.1.2", True), ("5.1.10", True), ("5.2.1", True)),
        *(("5.2.2", False), ("5.7.1", False), ("5.1.8", False), ("4.4.7", False), ("5.0.0", False)),
        *(("none", False), ("", False)),
    ],
)
def test_a_failure_tells_whether_it_is_the_address(status: str, is_about_address: bool) -> None:
    report = read_mail(bounce(of("Failed", status)))
    assert report is not None
    assert (report.kind, report.is_about_address) == (Kind.BOUNCE, is_about_address)
    assert PATH in report.addresses


def test_the_envelope_and_the_returned_mail_name_addresses() -> None:
    returned = "Return-Path: <bounce-ret@bounce.example.org>\nFrom: a@b.example\n\nx\n"
    for type_ in ("message/rfc822", "text/rfc822-headers"):
        mail = bounce(of("failed"), to="postmaster@x.example", returned=returned, returned_as=type_)
        report = read_mail(mail, ["bounce-env@bounce.example.org"])
        assert report is not None
        assert report.addresses[0] == "bounce-env@bounce.example.org"
        assert "bounce-ret@bounce.example.org" in report.addresses


@pytest.mark.parametrize(
    ("recipients", "kind"),
    [
        ([of("delivered", "2.0.0")], Kind.DELIVERY),
        ([of("failed"), of("failed")], Kind.BOUNCE),
        ([of("failed"), of("delivered")], None),
        ([of("delayed", "4.4.1")], None),
        ([of("relayed", "2.0.0")], None),
        ([], None),
    ],
)
def test_only_what_is_final_is_a_report(recipients: list[str], kind: Kind | None) -> None:
    report = read_mail(bounce(*recipients))
    assert (report.kind if report else None) == kind


@pytest.mark.parametrize(
    ("type_", "is_complaint"),
    [
        ("abuse", True),
        ("ABUSE", True),
        ("fraud", True),
        ("not-spam", False),
        ("auth-failure", False),
    ],
)
def test_a_complaint_names_what_it_is_about(type_: str, is_complaint: bool) -> None:
    report = read_mail(complaint(type_, Original_Mail_From=f"<{PATH}>"))
    assert bool(report) == is_complaint
    if report is not None:
        assert report.kind is Kind.COMPLAINT
        assert {PATH, "bounce-ret@bounce.example.org"} <= set(report.addresses)


@pytest.mark.parametrize(
    "mail",
    [
        b"",
        b"\x00\xff" * 100,
        b"From: a@b.example\r\nTo: bounce-abc@bounce.example.org\r\n\r\nI am away.\r\n",
        # A report within another mail is not one.
        b"Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: message/rfc822\n\n"
        + bounce(of("failed")),
        b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\n"
        b"Content-Type: message/delivery-status\r\n\r\n",
        b"Content-Type: multipart/report\r\n\r\nnothing",
        b"".join(
            b"Content-Type: multipart/report; boundary=b%d\r\n\r\n--b%d\r\n" % (at, at)
            for at in range(2_000)
        ),
    ],
    ids=["empty", "noise", "away", "within", "cut", "bare", "deep"],
)
def test_other_mails_are_no_reports(mail: bytes) -> None:
    assert read_mail(mail, [PATH]) is None


def test_a_hook_reports_one_or_several() -> None:
    one = b'{"kind": "bounce", "return_path": "a@b.example", "status": "smtp; 550 5.1.1 no"}'
    (report,) = read_hook(one)
    assert (report.kind, report.status, report.addresses) == (Kind.BOUNCE, "5.1.1", ["a@b.example"])
    assert len(list(read_hook(b"[" + one + b"," + one + b"]"))) == 2
    for other in (b"", b"[]", b"{}", b'{"kind": "x", "return_path": "a"}', b'{"kind": ["bounce"]}'):
        assert not list(read_hook(other))
