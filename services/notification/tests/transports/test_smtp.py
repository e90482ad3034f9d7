"""E-mail, over a real SMTP server (aiosmtpd): TLS, rejections, connections that break."""

import base64
import email
import email.policy
import logging
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from certificates import write_certificate
from common.clock import utc_now
from common.settings import SettingError
from notification.config import Settings
from notification.emit.choose import Words, word
from notification.models import ChannelCode, Template
from notification.transports import Message, Outcome, Result
from notification.transports.mail import (
    FIELDS,
    OPTIONAL_FIELDS,
    BadMailError,
    Sender,
    compose,
    mailbox,
    on_the_wire,
)
from notification.transports.smtp import SmtpTransport
from ports import unused_ports

SENDER = "taarifa@example.org"
#: A header, and a body, for a reader that decodes what callers write.
HIDDEN = b"A\r\nBcc: x@example.org\r\n\r\n<html>gone</html>"


def mail(to: str = "asha@example.com", **changes: Any) -> Message:
    given = {"reference": "key-1", "subject": "Leseni yako", "body": "Habari,\nimekubaliwa.\n"}
    return Message(channel=ChannelCode.EMAIL, to=(to,), **{**given, **changes})


@dataclass
class Handler:
    """A server that says what it is told to (`says`, by command) and keeps what it took."""

    says: dict[str, list[str]] = field(default_factory=dict)
    taken: list[Any] = field(default_factory=list)
    sessions: set[Any] = field(default_factory=set)
    commands: list[str] = field(default_factory=list)

    def _next(self, server: Any, session: Any, command: str) -> str | None:
        self.sessions.add(session.peer)
        self.commands.append(command)
        said = self.says.get(command) or [None]
        words = said.pop(0) if len(said) > 1 else said[0]
        if words == "hang up":
            server.transport.abort()
            return "250 nobody hears this"
        return words

    async def handle_MAIL(self, server, session, envelope, address, options):
        envelope.mail_from = address
        return self._next(server, session, "MAIL") or "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        said = self._next(server, session, "RCPT") or self.says.get(address, ["250 OK"])[0]
        if said.startswith("2"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, server, session, envelope):
        said = self._next(server, session, "DATA") or "250 OK"
        if said.startswith("250"):
            self.taken.append(envelope)
        return said


class Server(Controller):
    """aiosmtpd on a free port of loopback."""

    def __init__(self, handler: Handler, **options: Any) -> None:
        super().__init__(handler, hostname="127.0.0.1", port=unused_ports(1)[0], **options)


@pytest.fixture
def handler() -> Handler:
    return Handler()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return write_certificate(tmp_path / "server.pem")


@pytest.fixture
def context(certificate: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate)
    return made


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


@pytest.fixture
def serve(handler: Handler) -> Iterator[Callable[..., int]]:
    """Start a server with these options; its port."""
    started = []

    def start(**options: Any) -> int:
        server = Server(handler, **options)
        server.start()
        started.append(server)
        return server.port

    yield start
    for server in started:
        server.stop(no_assert=True)


def transport(port: int, **changes: Any) -> SmtpTransport:
    given = {"smtp_use_tls": False, "from_email": SENDER, "smtp_timeout_s": 10.0, **changes}
    return SmtpTransport.of(Settings(smtp_host="127.0.0.1", smtp_port=port, **given))


def send(new_provider: SmtpTransport, *messages: Message) -> list[Result]:
    with new_provider.batch() as sender:
        return sender.send(messages or (mail(),))


def raw_fields(envelope: Any) -> dict[str, str]:
    """The header as it came over the wire, folded lines joined."""
    header = envelope.original_content.partition(b"\r\n\r\n")[0]
    lines = re.sub(rb"\r\n(?=[ \t])", b"", header).decode("ascii").split("\r\n")
    return dict(line.split(": ", 1) for line in lines)


def read(envelope: Any) -> EmailMessage:
    found = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


# --- what is sent


def test_the_mail_and_its_header(serve: Callable, handler: Handler) -> None:
    (result,) = send(transport(serve()))
    (envelope,) = handler.taken
    found = read(envelope)
    assert (envelope.mail_from, envelope.rcpt_tos) == (SENDER, ["asha@example.com"])
    assert (found["From"], found["To"]) == (SENDER, "asha@example.com")
    assert found["Subject"] == "Leseni yako"
    assert found.get_content().replace("\r\n", "\n") == "Habari,\nimekubaliwa.\n"
    assert found["List-Unsubscribe"] == f"<mailto:{SENDER}?subject=unsubscribe>"
    assert found["Message-ID"].endswith("@example.org>")
    assert found["Date"]
    assert (result.outcome, result.provider) == (Outcome.SENT, "smtp")
    assert result.provider_message_id == found["Message-ID"]


def test_message_id_is_the_messages_own(serve: Callable, handler: Handler) -> None:
    send(transport(serve()), mail(), mail(), mail(reference="key-2"))
    ids = [read(envelope)["Message-ID"] for envelope in handler.taken]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Ombi lako la « leseni » – limekubaliwa ✓", "Karibu, Ñandú! €5 ✓\n"),
        ("ለጤና", "ሰላም ለዓለም።\n" * 50),
        ("x" * 900, "." + "y" * 5000 + "\n.\n..\n.end\nFrom here\n"),
        ("", ""),
    ],
)
def test_words_arrive_as_they_are(
    serve: Callable, handler: Handler, subject: str, body: str
) -> None:
    (result,) = send(transport(serve()), mail(subject=subject, body=body))
    assert result.outcome is Outcome.SENT
    found = read(handler.taken[0])
    assert found["Subject"] == subject
    assert found.get_content().replace("\r\n", "\n").rstrip("\n") == body.rstrip("\n")


def test_one_connection_serves_a_batch(serve: Callable, handler: Handler) -> None:
    new_provider = transport(serve())
    with new_provider.batch() as sender:
        sender.send([mail(reference=str(number)) for number in range(5)])
        sender.send([mail(reference="6")])
    assert len(handler.taken) == 6
    assert len(handler.sessions) == 1


# --- callers' text is text


@pytest.mark.parametrize(
    "name",
    [
        "=?utf-8?q?Asha=0D=0ABcc:_x@example.org?=",
        f"=?utf-8?b?{base64.b64encode(HIDDEN).decode()}?=",
        "Ñandú é",
    ],
)
def test_what_looks_like_a_header_is_read_back_as_it_was_written(
    serve: Callable, handler: Handler, name: str
) -> None:
    template = Template(channel=ChannelCode.EMAIL, subject="Welcome {name}", body="Hi {name}")
    words = word(template, {"name": name})
    assert isinstance(words, Words)
    send(transport(serve()), mail(subject=words.subject, body=words.body))
    found = read(handler.taken[0])
    assert str(make_header(decode_header(raw_fields(handler.taken[0])["Subject"]))) == words.subject
    assert found["Bcc"] is None
    assert found.get_content().rstrip() == words.body
    assert list(raw_fields(handler.taken[0])) == [
        one for one in FIELDS if one not in OPTIONAL_FIELDS
    ]


def test_one_that_cannot_be_composed_takes_nobody_along(serve: Callable, handler: Handler) -> None:
    to = [f"q{number}@example.org" for number in range(10)]
    to[5] = "=?utf-8?q?q5?=@example.org"
    results = send(transport(serve()), *(mail(one, reference=one) for one in to))
    outcomes = [one.outcome for one in results]
    assert outcomes.pop(5) is Outcome.REFUSED_FOR_GOOD
    assert set(outcomes) == {Outcome.SENT}
    assert [one.rcpt_tos for one in handler.taken] == [[one] for one in to if "=?" not in one]


@pytest.fixture
def unlogged() -> Iterator[None]:
    """Fifty tracebacks take longer than a thousand mails."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("unlogged")
def test_whatever_composing_raises_concerns_its_mail_only(
    serve: Callable, handler: Handler
) -> None:
    """A lone surrogate, which no database holds, stands for every bug in composing."""
    mails = [mail(reference=str(number)) for number in range(1_000)]
    for number in range(0, 1_000, 20):
        mails[number] = mail(reference=str(number), subject="\ud800")
    results = send(transport(serve()), *mails)
    refused = [one for one in results if one.outcome is Outcome.REFUSED_FOR_GOOD]
    assert len(refused) == 50
    assert {one.error for one in refused} == {"the mail cannot be composed (UnicodeEncodeError)"}
    assert len(handler.taken) == 950
    assert len({raw_fields(one)["Message-ID"] for one in handler.taken}) == 950


# --- encryption and log-in


@pytest.mark.usefixtures("trusted")
def test_starttls(serve: Callable, handler: Handler, context: ssl.SSLContext) -> None:
    port = serve(tls_context=context, require_starttls=True)
    (result,) = send(transport(port, smtp_use_tls=None))
    assert result.outcome is Outcome.SENT
    assert len(handler.taken) == 1


@pytest.mark.usefixtures("trusted")
def test_ssl(serve: Callable, handler: Handler, context: ssl.SSLContext) -> None:
    (result,) = send(transport(serve(ssl_context=context), smtp_use_tls=None, smtp_use_ssl=True))
    assert result.outcome is Outcome.SENT
    assert len(handler.taken) == 1


def test_a_server_that_nobody_vouches_for_gets_nothing(
    serve: Callable, handler: Handler, context: ssl.SSLContext
) -> None:
    (result,) = send(transport(serve(tls_context=context), smtp_use_tls=True))
    assert (result.outcome, handler.commands) == (Outcome.TRANSPORT_CLOSED, [])
    assert "SSLCertVerificationError" in (result.error or "")


def test_without_starttls_nothing_goes_in_the_clear(serve: Callable, handler: Handler) -> None:
    (result,) = send(transport(serve(), smtp_use_tls=True))
    assert (result.outcome, handler.commands) == (Outcome.TRANSPORT_CLOSED, [])
    assert "STARTTLS" in (result.error or "")


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("password", "outcome"), [("s3cret", Outcome.SENT), ("wrong", Outcome.TRANSPORT_CLOSED)]
)
def test_log_in(serve: Callable, context: ssl.SSLContext, password: str, outcome: Outcome) -> None:
    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == b"s3cret", handled=False)

    port = serve(tls_context=context, authenticator=check, auth_required=True)
    login = {"smtp_username": "kiungo", "smtp_password": password}
    results = send(transport(port, smtp_use_tls=True, **login), mail(), mail())
    assert {result.outcome for result in results} == {outcome}
    assert password not in repr(results)


# --- rejections and broken connections


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("550 5.1.1 asha@example.com is not known", Outcome.REFUSED_FOR_GOOD),
        ("554 no", Outcome.REFUSED_FOR_GOOD),
        ("450 4.2.0 later, asha@example.com", Outcome.REFUSED_FOR_NOW),
        ("421 4.3.2 good-bye", Outcome.REFUSED_FOR_NOW),
    ],
)
def test_a_rejection_concerns_its_mail_only(
    serve: Callable, handler: Handler, command: str, answer: str, outcome: Outcome
) -> None:
    handler.says[command] = [answer, "250 OK"]
    results = send(transport(serve()), mail(), mail(reference="key-2"))
    assert [result.outcome for result in results] == [outcome, Outcome.SENT]
    assert results[0].response == {"smtp_code": int(answer[:3])}
    assert "asha" not in repr(results)
    assert len(handler.taken) == 1


@pytest.mark.parametrize(
    "answer",
    ["530 5.7.0 authenticate", "550 5.7.1 not you", "553 5.7.1 sender", "451 later", "421 bye"],
)
def test_a_refused_sender_closes_the_way_and_is_tried_once(
    serve: Callable, handler: Handler, answer: str
) -> None:
    handler.says["MAIL"] = [answer]
    new_provider = transport(serve())
    results = send(new_provider, *(mail(reference=str(number)) for number in range(5)))
    assert {one.outcome for one in results} == {Outcome.TRANSPORT_CLOSED}
    assert handler.commands == ["MAIL"]
    assert new_provider.gate.allowance(utc_now()) == 0


def test_authentication_required_at_any_step_closes_the_way(
    serve: Callable, handler: Handler
) -> None:
    handler.says["RCPT"] = ["530 5.7.0 Authentication required"]
    results = send(transport(serve()), mail(), mail(reference="key-2"))
    assert {one.outcome for one in results} == {Outcome.TRANSPORT_CLOSED}
    assert handler.commands == ["MAIL", "RCPT"]


def test_refusing_one_recipient(serve: Callable, handler: Handler) -> None:
    handler.says["nobody@example.com"] = ["550 no such user"]
    results = send(transport(serve()), mail(), mail("nobody@example.com"), mail())
    good, sent = Outcome.REFUSED_FOR_GOOD, Outcome.SENT
    assert [result.outcome for result in results] == [sent, good, sent]
    assert [result.is_about_address for result in results] == [False, True, False]
    assert len(handler.sessions) == 1


@pytest.mark.parametrize(
    ("command", "outcome"),
    [
        ("RCPT", Outcome.REFUSED_FOR_NOW),
        ("DATA", Outcome.UNKNOWN),  # the last byte had left
    ],
)
def test_closing_mid_way(serve: Callable, handler: Handler, command: str, outcome: Outcome) -> None:
    handler.says[command] = ["hang up", "250 OK"]
    results = send(transport(serve()), mail(), mail(reference="key-2"))
    assert [result.outcome for result in results] == [outcome, Outcome.SENT]
    assert len(handler.sessions) == 2


def test_a_connection_that_broke_while_it_rested_is_opened_anew(
    serve: Callable, handler: Handler
) -> None:
    handler.says["MAIL"] = ["250 OK", "hang up", "250 OK", "421 enough", "250 OK"]
    results = send(transport(serve()), *(mail(reference=str(number)) for number in range(3)))
    assert {result.outcome for result in results} == {Outcome.SENT}
    assert (len(handler.taken), len(handler.sessions)) == (3, 3)


def test_no_connection_closes_the_way_and_is_not_tried_for_each(serve: Callable) -> None:
    new_provider = transport(unused_ports(1)[0])
    results = send(new_provider, mail(), mail())
    assert {result.outcome for result in results} == {Outcome.TRANSPORT_CLOSED}
    assert "ConnectionRefusedError" in (results[0].error or "")


def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (result,) = send(transport(silent.getsockname()[1], smtp_timeout_s=0.3))
    assert result.outcome is Outcome.TRANSPORT_CLOSED


# --- what must not reach a line


@pytest.mark.parametrize(
    "to",
    [
        "",
        "asha",
        "asha@",
        "@example.com",
        "asha@example.com\r\nRCPT TO:<eve@example.com>",
        "asha@example.com\nBcc: eve@example.com",
        "asha@example.com, eve@example.com",
        "Asha <asha@example.com>",
        "<asha@example.com>",
        "asha eve@example.com",
        "asha@example..com",
        "asha@exa mple.com",
        "äsha@example.com",
        "asha@" + "x" * 64 + ".com",
        "a" * 255 + "@example.com",
        "asha@example.com\x00",
        "asha@[127.0.0.1]",
    ],
)
def test_what_is_no_address_is_refused_for_good(serve: Callable, handler: Handler, to: str) -> None:
    (result,) = send(transport(serve()), mail(to))
    assert result.outcome is Outcome.REFUSED_FOR_GOOD
    assert handler.commands == []


@pytest.mark.parametrize(
    "subject",
    [
        "Leseni\r\nBcc: eve@example.com",
        "Leseni\nX: y",
        "a\rb",
        "a\x00b",
        "a\u2028b",
        "a\x85",
        "x" * 999,
    ],
)
def test_a_subject_with_more_than_a_line_is_refused_for_good(
    serve: Callable, handler: Handler, subject: str
) -> None:
    results = send(transport(serve()), mail(subject=subject), mail())
    assert [one.outcome for one in results] == [Outcome.REFUSED_FOR_GOOD, Outcome.SENT]
    assert len(handler.taken) == 1


@pytest.mark.parametrize(
    ("written", "wire"),
    [
        ("asha@bücher.example", "asha@xn--bcher-kva.example"),
        ("asha@faß.example", "asha@xn--fa-hia.example"),
        ("asha@FAß.example", "asha@xn--fa-hia.example"),
        (" asha@example.org", "asha@example.org"),
        ("asha@example.org\u00a0", "asha@example.org"),
        ("\ufeffasha@example.org ", "asha@example.org"),
    ],
)
def test_an_address_is_trimmed_and_its_domain_written_in_ascii(written: str, wire: str) -> None:
    assert mailbox(written) == wire


@pytest.mark.parametrize(
    ("text", "sender"),
    [
        ("Wizara ya Afya <sms@example.org>", Sender("sms@example.org", "Wizara ya Afya")),
        ('"Wizara, ya Afya" <sms@example.org>', Sender("sms@example.org", "Wizara, ya Afya")),
        ("Ñandú <sms@faß.example>", Sender("sms@xn--fa-hia.example", "Ñandú")),
        ("<sms@example.org>", Sender("sms@example.org")),
    ],
)
def test_the_sender_may_have_a_name(
    serve: Callable, handler: Handler, text: str, sender: Sender
) -> None:
    new_provider = transport(serve(), from_email=text)
    send(new_provider)
    assert new_provider.sender == sender
    (envelope,) = handler.taken
    found = read(envelope)["From"].addresses[0]
    assert (envelope.mail_from, found.addr_spec) == (sender.address, sender.address)
    assert found.display_name == sender.name


def test_a_mails_lines_are_whole_and_dots_are_doubled() -> None:
    message = mail(body=".\r.\n.x\n")
    content = on_the_wire(compose(message, Sender(SENDER), "asha@example.com", datetime.now(UTC)))
    assert content.endswith(b"\r\n")
    assert b"\n." not in content.replace(b"\n..", b"")
    assert content.count(b"\n") == content.count(b"\r\n")


# --- settings


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"from_email": ""}, "NOTIFICATION_FROM_EMAIL"),
        ({"from_email": "x\r\ny@example.org"}, "NOTIFICATION_FROM_EMAIL"),
        ({"smtp_use_ssl": True, "smtp_use_tls": True}, "NOTIFICATION_SMTP_USE_SSL"),
        ({"smtp_username": "kiungo"}, "NOTIFICATION_SMTP_PASSWORD"),
        ({"smtp_password": "s3cret"}, "NOTIFICATION_SMTP_USERNAME"),
    ],
)
def test_wrong_combinations_stop_the_start(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingError, match=words) as caught:
        transport(25, **changes)
    assert "s3cret" not in str(caught.value)


def test_the_user_name_is_the_sender_where_no_other_is_set() -> None:
    login = {"smtp_username": "kiungo@example.org", "smtp_password": "s3cret"}
    new_provider = transport(25, from_email="", **login)
    assert new_provider.sender == Sender("kiungo@example.org")
    assert "s3cret" not in repr(new_provider)


def test_bad_mail_does_not_quote_the_address() -> None:
    with pytest.raises(BadMailError) as caught:
        mailbox("asha secret@example.com")
    assert "asha" not in str(caught.value)
