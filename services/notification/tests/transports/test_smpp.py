"""SMPP 3.4 against `smpp` from npm as the SMSC: nothing here is our reading of the protocol."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import local_authority
import pytest
from common.http import endpoint
from common.settings import SettingError
from notification.config import Settings
from notification.container import Container
from notification.models import ChannelCode, MessageStatus
from notification.outbox.engine import Outbox
from notification.transports import Outcome
from notification.transports.build import build_transports
from notification.transports.receipts import Receipt
from notification.transports.sms.settings import SmsSettings
from notification.transports.sms.smpp import Smpp
from notification.transports.sms.smpp_text import LongTexts
from notification.transports.sms.transport import SmsTransport
from npm_packages import npm_packages
from waiting import eventually

from .smsc import HERE, TIMEOUT_S, Smsc

THROTTLED, BAD_NUMBER, SYSTEM_ERROR = 0x58, 0x0B, 0x08
LONG = "Habari ya leo {x} €" * 20
KISWAHILI_AMHARIC = "ጤና ይስጥልኝ 😀 " * 20
Provider = Callable[..., Smpp]


@pytest.fixture(scope="module")
def packages(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return npm_packages(HERE, pytestconfig, tmp_path_factory)


@pytest.fixture(scope="module")
def one_smsc(packages: Path) -> Iterator[Smsc]:
    server = Smsc(packages)
    yield server
    server.close()


@pytest.fixture
def smsc(one_smsc: Smsc) -> Smsc:
    """One that has no plan and no session."""
    one_smsc.tell("reset")
    one_smsc.next("reset")
    return one_smsc


@pytest.fixture
def taken() -> "queue.Queue[Receipt]":
    """The receipts that came."""
    return queue.Queue()


@pytest.fixture
def provider(smsc: Smsc, taken: "queue.Queue[Receipt]") -> Iterator[Provider]:
    built = []

    def take(_provider: str, receipts: Sequence[Receipt]) -> bool:
        for one in receipts:
            taken.put(one)
        return True

    def build(**given: Any) -> Smpp:
        usual = {"username": "kiungo", "password": "s3cret", "timeout_s": 10.0}
        settings = {"host": "127.0.0.1", "port": smsc.port, "sender_id": "KIUNGO", **usual, **given}
        built.append(Smpp(SmsSettings(name="smpp", **settings), take))
        return built[-1]

    yield build
    for one in built:
        one.close()


def texts(smsc: Smsc, count: int) -> list[dict[str, Any]]:
    return [smsc.next("submit") for _ in range(count)]


def test_a_message_is_submitted_as_it_was_written(
    smsc: Smsc, provider: Provider, message: Callable
) -> None:
    text = "Habari @ £5 [x] {y} €"
    (result,) = provider().send([message(body=text)])
    assert smsc.next("bound") == {"bound": True, "version": 0x34}
    got = smsc.next("submit")
    assert (result.outcome, result.provider_message_id) == (Outcome.SENT, got["submit"])
    assert (got["to"], got["text"], got["coding"]) == ("255712345678", text, 0)
    assert (got["from"], got["asksReceipt"]) == (["KIUNGO", 5, 0], 1)


@pytest.mark.parametrize("mode", list(LongTexts))
@pytest.mark.parametrize(
    ("text", "segments", "coding"), [(LONG, 3, 0), (KISWAHILI_AMHARIC, 4, 8)], ids=["gsm", "ucs2"]
)
def test_a_long_text_arrives_whole(
    smsc: Smsc,
    provider: Provider,
    message: Callable,
    mode: LongTexts,
    text: str,
    segments: int,
    coding: int,
) -> None:
    (result,) = provider(long_texts=mode).send([message(body=text)])
    got = texts(smsc, 1 if mode is LongTexts.PAYLOAD else segments)
    assert "".join(one["text"] for one in got) == text
    assert {one["coding"] for one in got} == {coding}
    assert result.provider_message_id == got[-1]["submit"]
    assert [one["asksReceipt"] for one in got] == [*[0] * (len(got) - 1), 1]
    numbers = range(1, segments + 1)
    if mode is LongTexts.UDH:
        (reference,) = {one["udh"][0][2] for one in got}
        assert [one["udh"] for one in got] == [
            [[0, 3, reference, segments, number]] for number in numbers
        ]
    elif mode is LongTexts.SAR:
        (reference,) = {one["sar"][0] for one in got}
        assert [one["sar"] for one in got] == [[reference, segments, number] for number in numbers]
    else:
        assert got[0]["isPayload"]


def test_a_window_is_under_way_and_no_more(
    smsc: Smsc, provider: Provider, message: Callable
) -> None:
    smsc.tell("plan", plan=["late"] * 9)
    transport = provider(concurrency=3)
    results: list[Any] = []
    sending = threading.Thread(
        target=lambda: results.extend(
            transport.send([message(reference=f"k{n}") for n in range(9)])
        )
    )
    sending.start()
    for _ in range(3):
        assert len(texts(smsc, 3)) == 3
        smsc.tell("enquire")
        smsc.next("alive")
        assert smsc.seen("submit") == []
        smsc.tell("release")
    sending.join()
    assert {one.outcome for one in results} == {Outcome.SENT}


def test_too_fast_closes_the_way_and_counts_no_attempt(
    smsc: Smsc, provider: Provider, message: Callable
) -> None:
    smsc.tell("plan", plan=[0, 0, THROTTLED])
    transport = SmsTransport([provider(concurrency=1)], 64)
    results = transport.send([message(reference=f"k{n}") for n in range(5)])
    assert [one.outcome for one in results] == [Outcome.SENT] * 2 + [Outcome.TRANSPORT_CLOSED] * 3
    assert results[2].error == "smpp answered 0x58"
    assert len(texts(smsc, 3)) == 3
    assert transport.gates[0].state.closings == 1


def test_a_segment_that_was_too_fast_follows_those_that_were_taken(
    smsc: Smsc, provider: Provider, message: Callable
) -> None:
    smsc.tell("plan", plan=[0, THROTTLED, 0, 0])
    (result,) = provider().send([message(body=LONG)])
    assert result.outcome is Outcome.SENT
    assert [one["planned"] for one in texts(smsc, 4)] == [0, THROTTLED, 0, 0]


def test_half_a_text_is_not_known_to_be_sent_and_not_repeated(
    smsc: Smsc, provider: Provider, message: Callable
) -> None:
    smsc.tell("plan", plan=[0, SYSTEM_ERROR])
    (result,) = provider().send([message(body=LONG)])
    assert result.outcome is Outcome.UNKNOWN
    assert result.error == "took 1 of 3 segments, then: smpp answered 0x08"


@pytest.mark.parametrize(
    ("status", "outcome", "is_about_address"),
    [
        (BAD_NUMBER, Outcome.REFUSED_FOR_GOOD, True),
        (0x01, Outcome.REFUSED_FOR_GOOD, False),
        (0x0A, Outcome.TRANSPORT_CLOSED, False),
        (SYSTEM_ERROR, Outcome.REFUSED_FOR_NOW, False),
        (0x400, Outcome.REFUSED_FOR_NOW, False),
    ],
    ids=["number", "length", "sender", "system", "vendor"],
)
def test_statuses(
    smsc: Smsc,
    provider: Provider,
    message: Callable,
    status: int,
    outcome: Outcome,
    is_about_address: bool,
) -> None:
    smsc.tell("plan", plan=[status])
    (result,) = provider().send([message()])
    assert (result.outcome, result.is_about_address) == (outcome, is_about_address)


def test_each_number_has_its_own_id_and_fate(
    smsc: Smsc, provider: Provider, message: Callable
) -> None:
    smsc.tell("plan", plan=[0, BAD_NUMBER])
    to = ("+255712345678", "+255754345678")
    (result,) = provider().send([message(to=to)])
    first, second = texts(smsc, 2)
    assert [first["to"], second["to"]] == ["255712345678", "255754345678"]
    assert (result.outcome, result.taken_in_part) == (Outcome.REFUSED_FOR_GOOD, True)
    assert [(one.message_id, one.is_refused) for one in result.parts] == [
        (first["submit"], False),
        (None, True),
    ]


@pytest.mark.parametrize(("lost", "waits_s"), [("nothing", 0.5), ("drop", 10.0)], ids=str)
def test_a_lost_response_is_not_known_and_the_rest_waits(
    smsc: Smsc, provider: Provider, message: Callable, lost: str, waits_s: float
) -> None:
    smsc.tell("plan", plan=[0, lost])
    transport = provider(concurrency=1, timeout_s=waits_s)
    results = transport.send([message(reference=f"k{n}") for n in range(3)])
    assert [one.outcome for one in results] == [
        *(Outcome.SENT, Outcome.UNKNOWN),
        Outcome.TRANSPORT_CLOSED,
    ]
    assert transport.ask(message()) is None
    # It is bound anew where that is needed, and goes on.
    assert transport.send([message(reference="k9")])[0].outcome is Outcome.SENT
    assert len(texts(smsc, 3)) == 3


def test_an_answer_that_comes_late_ends_the_doubt(
    smsc: Smsc, provider: Provider, message: Callable, taken: "queue.Queue[Receipt]"
) -> None:
    smsc.tell("plan", plan=["late"])
    transport = provider(timeout_s=0.5)
    transport.listen()
    (result,) = transport.send([message(reference="k1")])
    assert result.outcome is Outcome.UNKNOWN
    smsc.tell("release")
    found = taken.get(timeout=TIMEOUT_S)
    assert (found.reference, found.provider_message_id) == ("k1", smsc.next("submit")["submit"])
    assert found.delivered is None


@pytest.mark.parametrize(
    ("stat", "delivered", "reason"),
    [("DELIVRD", True, None), ("UNDELIV", False, "UNDELIV"), ("ENROUTE", None, "ENROUTE")],
)
def test_receipts_are_taken_and_answered(
    smsc: Smsc,
    provider: Provider,
    taken: "queue.Queue[Receipt]",
    stat: str,
    delivered: bool | None,
    reason: str | None,
) -> None:
    provider().listen()
    smsc.next("bound")
    smsc.tell("receipt", id="a-1", stat=stat, to="255712345678")
    assert smsc.next("receipted") == {"receipted": "a-1", "status": 0}
    found = taken.get(timeout=TIMEOUT_S)
    assert (found.provider_message_id, found.delivered, found.reason) == ("a-1", delivered, reason)
    assert found.number == "255712345678"


def test_it_is_bound_again_after_the_smsc_was_away(
    smsc: Smsc, provider: Provider, message: Callable
) -> None:
    transport = provider()
    transport.listen()
    smsc.next("bound")
    smsc.tell("close")
    smsc.tell("drop")
    smsc.next("closed")
    (refused,) = transport.send([message()])
    assert (refused.outcome, refused.is_surely_not_taken) == (Outcome.TRANSPORT_CLOSED, True)
    smsc.listen(smsc.port)
    assert smsc.next("bound")["bound"]
    assert transport.send([message()])[0].outcome is Outcome.SENT


def test_silence_is_asked_about(smsc: Smsc, provider: Provider) -> None:
    provider(enquire_link_s=0.2).listen()
    assert smsc.next("enquired")


def test_a_wrong_password_closes_the_way_and_stands_nowhere(
    provider: Provider, message: Callable
) -> None:
    transport = provider(password="wr0ng")
    (result,) = transport.send([message()])
    assert (result.outcome, result.error) == (
        Outcome.TRANSPORT_CLOSED,
        "smpp the bind was answered 0x0D",
    )
    assert "wr0ng" not in repr(transport._account)


@pytest.fixture
def outbox(container: Container, smsc: Smsc) -> Iterator[Outbox]:
    """An outbox whose SMS leave over SMPP, and whose receipts come over it."""
    account = {"host": "127.0.0.1", "port": smsc.port, "username": "kiungo", "timeout_s": 0.5}
    settings = SmsSettings(name="smpp", password="s3cret", concurrency=4, **account)
    transport = SmsTransport(
        [Smpp(settings, container.receipts.takes_all)], 4 * settings.concurrency
    )
    transport.listen()
    yield Outbox(container.database, {ChannelCode.SMS: transport}, 30.0)
    transport.close()


def test_messages_are_delivered_once_their_receipts_came_though_they_come_early(
    smsc: Smsc, client: Any, outbox: Outbox
) -> None:
    client.rule(ChannelCode.SMS)
    client.template(ChannelCode.SMS)
    people = [{**client.recipient(f"u{n}"), "to_phone": f"07123456{n:02}"} for n in range(20)]
    client.emit(*people)
    smsc.tell("receipts", receipts="DELIVRD")
    done = outbox.process([ChannelCode.SMS], 100)
    assert [one.status for one in done] == [MessageStatus.SENT] * 20
    delivered = [MessageStatus.DELIVERED] * 20
    assert eventually(lambda: [one.status for one in client.queued()] == delivered)
    assert [smsc.next("receipted")["status"] for _ in range(20)] == [0] * 20


def test_what_became_of_attempts_is_on_record(smsc: Smsc, client: Any, outbox: Outbox) -> None:
    client.rule(ChannelCode.SMS)
    client.template(ChannelCode.SMS)
    smsc.tell("plan", plan=["late"])
    client.emit({**client.recipient("u1"), "to_phone": "0712345601"}, max_attempts=1)
    outbox.process([ChannelCode.SMS], 1)
    (lost,) = client.queued()
    assert (lost.status, lost.attempt_count) == (MessageStatus.UNKNOWN, 1)
    assert lost.last_error == "smpp did not answer in time"
    # The answer comes after all, later the receipt.
    smsc.tell("release")
    assert eventually(lambda: client.queued()[0].status is MessageStatus.SENT)
    submitted = smsc.next("submit")["submit"]
    smsc.tell("receipt", id=submitted, stat="UNDELIV", to="255712345601")
    assert eventually(lambda: client.queued()[0].status is MessageStatus.FAILED)

    smsc.tell("plan", plan=[THROTTLED])
    client.emit({**client.recipient("u2"), "to_phone": "0712345602"}, max_attempts=1)
    outbox.process([ChannelCode.SMS], 1)
    assert smsc.next("submit")["planned"] == THROTTLED
    waiting = client.queued()[1]
    assert (waiting.status, waiting.attempt_count) == (MessageStatus.QUEUED, 0)
    assert outbox.pause_s(ChannelCode.SMS) > 0


def test_over_tls_only_with_a_certificate_that_is_vouched_for(
    packages: Path, tmp_path: Path, message: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = local_authority.variables(tmp_path)
    server = Smsc(packages, Path(made["KIUNGO_TLS_KEY"]), Path(made["KIUNGO_TLS_CERT"]))
    account = {"host": "localhost", "port": server.port, "username": "kiungo", "use_tls": True}
    settings = SmsSettings(name="smpp", password="s3cret", **account)
    outcomes = []
    for authority in (None, local_authority.certificate(tmp_path)):
        if authority:
            monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        endpoint.verified_tls.cache_clear()
        transport = Smpp(settings)
        outcomes.append(transport.send([message()])[0].outcome)
        transport.close()
    monkeypatch.undo()
    endpoint.verified_tls.cache_clear()
    server.close()
    assert outcomes == [Outcome.TRANSPORT_CLOSED, Outcome.SENT]


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "SMS_HOST is not set"),
        ({"HOST": "smsc", "USERNAME": "k"}, "SMS_PASSWORD is not set"),
        ({"HOST": "smsc", "USERNAME": "k", "PASSWORD": "123456789"}, "PASSWORD is longer"),
        (
            {
                "HOST": "smsc",
                "USERNAME": "k",
                "PASSWORD": "p",
                "SENDER_ID": "Wizara ya Afya na Jamii",
            },
            "SMS_SENDER_ID cannot be used",
        ),
        ({"LONG_TEXTS": "cut"}, "SMS_LONG_TEXTS cannot be read"),
    ],
    ids=["host", "password", "long", "sender", "texts"],
)
def test_wrong_settings_stop_the_start(tmp_path: Path, environ: dict[str, str], words: str) -> None:
    given = {f"NOTIFICATION_SMS_{name}": text for name, text in environ.items()}
    with pytest.raises(SettingError, match=words):
        build_transports(
            Settings.read({"VAR_DIR": str(tmp_path), "NOTIFICATION_SMS_PROVIDER": "smpp", **given})
        )
