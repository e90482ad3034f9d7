"""What DNS says of the sender's domain: asked of a name server of the test's own, on loopback."""

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from common.settings import SettingError
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from notification.config import Settings
from notification.mails.dns_advice import Answer, Signing, judge_dkim, judge_dmarc, judge_spf
from notification.mails.dns_check import check
from notification.mails.dns_servers import dns_servers
from notification.models import ChannelCode

EMAIL = ChannelCode.EMAIL
PAGE = "/admin/notification/e-mail/"
SIGNING = Signing("2026a", "MIIB" * 80, 2048)


@dataclass
class NameServer:
    """Answers from `records` by name and type; fails for `broken` names, is silent for others."""

    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = self._socket.getsockname()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.sendto(b"", self.address)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            wire, asker = self._socket.recvfrom(4096)
            if not wire:
                return
            answer = self._answer(dns.message.from_wire(wire))
            if answer is not None:
                self._socket.sendto(answer.to_wire(), asker)

    def _answer(self, query: dns.message.Message) -> dns.message.Message | None:
        (question,) = query.question
        name, type_ = question.name.to_text(omit_final_dot=True), question.rdtype.name
        self.asked.append(name)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        found = self.records.get((name, type_), [])
        if name in self.silent:
            return None
        if name in self.broken:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif found:
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", type_, *found))
        elif not any(known == name for known, _ in self.records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer


@pytest.fixture
def name_server() -> Iterator[NameServer]:
    server = NameServer()
    yield server
    server.close()


def checked(server: NameServer, **changes: Any) -> dict[str, tuple[str, str]]:
    """The verdict and advice of each finding."""
    given = {"server": "mail.example.org", "signing": SIGNING, "bounce_domain": "", **changes}
    found = check(
        "sub.example.org", report_to="a@sub.example.org", servers=[server.address], **given
    )
    return {one.about: (one.verdict.value, one.advice) for one in found}


def txt(text: str) -> str:
    """A TXT record in pieces, as long ones are."""
    return " ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200))


def test_what_is_published_rightly_is_good(name_server: NameServer) -> None:
    name_server.records = {
        ("bounce.example.org", "TXT"): [txt("v=spf1 a:mail.example.org -all"), '"other"'],
        ("bounce.example.org", "MX"): ["10 mail.example.org."],
        ("2026a._domainkey.sub.example.org", "TXT"): [txt(f"v=DKIM1; p={SIGNING.public_key}")],
        ("_dmarc.example.org", "TXT"): [txt("v=DMARC1; p=reject; sp=quarantine")],
    }
    found = checked(name_server, bounce_domain="bounce.example.org")
    assert list(found) == ["SPF", "DKIM", "DMARC", "Failures"]
    assert {verdict for verdict, _ in found.values()} == {"good"}
    assert found["DMARC"][1] == "Forged mails are to be quarantined."
    assert set(name_server.asked) == {
        *("bounce.example.org", "2026a._domainkey.sub.example.org"),
        *("_dmarc.sub.example.org", "_dmarc.example.org"),
    }


def test_what_is_missing_is_said_with_what_to_publish(name_server: NameServer) -> None:
    domain = "sub.example.org"
    found = check(
        domain,
        server="10.0.0.5",
        signing=SIGNING,
        bounce_domain="bounce.example.org",
        report_to="a@b.example",
        servers=[name_server.address],
    )
    assert {one.verdict.value for one in found} == {"bad"}
    assert [(one.name, one.publish) for one in found[:3]] == [
        ("bounce.example.org", "v=spf1 ip4:10.0.0.5 ~all"),
        (f"2026a._domainkey.{domain}", f"v=DKIM1; k=rsa; p={SIGNING.public_key}"),
        (f"_dmarc.{domain}", "v=DMARC1; p=none; rua=mailto:a@b.example"),
    ]


def test_no_answer_is_not_no_record(name_server: NameServer, monkeypatch: Any) -> None:
    monkeypatch.setattr("notification.mails.dns_check.LIFETIME_S", 0.5)
    name_server.broken = {"sub.example.org"}
    name_server.silent = {"2026a._domainkey.sub.example.org"}
    found = checked(name_server)
    assert [found[about][0] for about in ("SPF", "DKIM", "DMARC")] == ["unknown", "unknown", "bad"]


@pytest.mark.parametrize(
    ("records", "server", "verdict"),
    [
        (["v=spf1 include:_spf.example.org ~all"], "mail", "good"),
        (["v=spf1 redirect=_spf.example.org"], "mail", "good"),
        (["v=spf1 mx"], "mail", "warn"),
        (["v=spf1 mx ?all"], "mail", "warn"),
        (["v=spf1 +all"], "mail", "bad"),
        (["v=spf1 a all"], "mail", "bad"),
        (["v=spf1 mx -all", "v=spf1 a -all"], "mail", "bad"),
        (["v=spf10 mx -all"], "mail", "bad"),
        ([], "127.0.0.1", "bad"),
    ],
)
def test_spf(records: list[str], server: str, verdict: str) -> None:
    found = judge_spf("example.org", Answer(records), server)
    assert found.verdict.value == verdict
    if server == "127.0.0.1":
        assert found.publish == "v=spf1 mx ~all"


@pytest.mark.parametrize(
    ("record", "verdict"),
    [
        (f"v=DKIM1;k=rsa;p={SIGNING.public_key}", "good"),
        (f"p={SIGNING.public_key[:100]} {SIGNING.public_key[100:]}", "good"),
        (f"v=DKIM1; t=s:y; p={SIGNING.public_key}", "warn"),
        ("v=DKIM1; p=", "bad"),
        ("v=DKIM1; p=MIIBother", "bad"),
    ],
)
def test_dkim(record: str, verdict: str) -> None:
    found = judge_dkim("example.org", SIGNING, Answer([record]))
    assert found.verdict.value == verdict
    short = Signing("2026a", SIGNING.public_key, 1024)
    assert judge_dkim("example.org", short, Answer([record])).verdict.value != "good"
    assert judge_dkim("example.org", None, Answer()).verdict.value == "warn"


@pytest.mark.parametrize(
    ("record", "verdict"),
    [("v=DMARC1; p=reject", "good"), ("v=DMARC1; p=none", "warn"), ("v=DMARC1; rua=x", "bad")],
)
def test_dmarc(record: str, verdict: str) -> None:
    answers = {"_dmarc.example.org": Answer([record, "other"])}
    assert judge_dmarc("example.org", answers, "a@b.example").verdict.value == verdict
    twice = {"_dmarc.example.org": Answer([record, record])}
    assert judge_dmarc("example.org", twice, "a@b.example").verdict.value == "bad"


# The page


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "dkim.pem"
    key = rsa.generate_private_key(65537, 2048)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def test_the_page_asks_only_when_it_is_wanted(
    house: Callable[..., Any],
    console: Any,
    csrf: Any,
    name_server: NameServer,
    key_file: Path,
) -> None:
    settings = {"dkim_selector": "2026a", "dkim_key_file": key_file}
    sender = house(dns_servers=(name_server.address,), **settings).container.transports[EMAIL]
    operator = console("operator")
    shown = operator.get(PAGE)
    assert "by this service, selector 2026a" in shown.text
    assert (name_server.asked, "PRIVATE" in shown.text) == ([], False)
    assert console("viewer").post(PAGE, data=csrf).status_code == 403
    answer = operator.post(PAGE, data=csrf)
    assert answer.status_code == 200
    assert f"v=DKIM1; k=rsa; p={sender.signer.published.public_key}" in answer.text
    assert "2026a._domainkey.example.org" in name_server.asked


def test_without_a_mail_server_nobody_is_asked(console: Any, csrf: Any) -> None:
    assert "No mail server" in console("operator").get(PAGE).text
    assert "No mail server" in console("operator").post(PAGE, data=csrf).text


def test_name_servers_are_read_from_a_setting(tmp_path: Path) -> None:
    assert dns_servers("10.0.0.2, 127.0.0.1:5353,[::1]:53, ::1") == (
        *(("10.0.0.2", 53), ("127.0.0.1", 5353), ("::1", 53), ("::1", 53)),
    )
    for text in ("ns.example.org", "10.0.0.2:x", "10.0.0.2:0", "10.0.0.2:70000"):
        with pytest.raises(SettingError, match="NOTIFICATION_DNS_SERVERS"):
            Settings.read({"VAR_DIR": str(tmp_path), "NOTIFICATION_DNS_SERVERS": text})
