"""Messages that come in on a channel's port become calls, and their answers go back."""

import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from certificates import ClientAuthority, write_certificate
from mllp_sender import BEGIN, END, Sender, fields_of, message
from one_database import on_one_database
from openhim_documents import a_channel, a_route, an_export
from proxy.checks.health import ask_all
from proxy.container import Container
from proxy.models import ListenerState, Rejection, Transaction, TransactionStatus
from proxy.openhim.documents import Export
from proxy.openhim.importing import import_all
from raw_mediator import RawMediator, answer, hang_up, raw_answer
from sqlalchemy import select
from waiting import eventually

ACK = b"MSH|^~\\&|HUB|MOH|LAB|CLINIC|20260501||ACK^A01|9|P|2.5\rMSA|AA|1\r"

CUT_OFF = b"HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n" + ACK


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.fixture
def lab() -> Iterator[RawMediator]:
    started = RawMediator(default=answer(ACK))
    yield started
    started.close()


@pytest.fixture
def listening(api: Any, served: Any, lab: RawMediator) -> Callable[..., dict[str, Any]]:
    """Opens a channel on a free port, and waits until it is open."""

    def open_channel(**changes: Any) -> dict[str, Any]:
        mediator = api.made("mediators", **api.a_mediator(endpoint_url=lab.url))
        listener = {"port": free_port(), **changes.pop("listener", {})}
        given = {"path_pattern": "/hl7", "is_public": True, "listener": listener, **changes}
        channel: dict[str, Any] = api.made("channels", **api.a_channel(mediator, **given))
        eventually(lambda: can_connect(listener["port"]))
        return channel

    return open_channel


@pytest.fixture
def connect() -> Iterator[Callable[..., Sender]]:
    """Connects senders, and lets them go afterwards."""
    with ExitStack() as opened:

        def start(port: int, tls: ssl.SSLContext | None = None) -> Sender:
            return opened.enter_context(closing(Sender(port, tls)))

        yield start


def can_connect(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def calls(container: Container) -> list[Transaction]:
    with container.database.reading() as session:
        found = select(Transaction).order_by(Transaction.correlation_id)
        return list(session.scalars(found))


def rejections(container: Container) -> list[Rejection]:
    with container.database.reading() as session:
        return list(session.scalars(select(Rejection)))


def test_messages_of_a_connection_are_calls_on_record_and_answered_in_order(
    listening: Any, lab: RawMediator, container: Container, connect: Any
) -> None:
    channel = listening()
    sender = connect(channel["listener"]["port"])
    sender.write(BEGIN + message("1") + END + b"\r\n" + BEGIN + message("2")[:20])
    assert sender.read() == ACK
    lab.on("/hl7", answer(BEGIN + ACK.replace(b"AA|1", b"AA|2") + END))
    sender.write(message("2")[20:] + END)
    assert sender.read() == ACK.replace(b"AA|1", b"AA|2")
    sender.close()

    assert [one.body for one in lab.to("/hl7")] == [message("1"), message("2")]
    assert lab.received[0].request_line == "POST /hl7 HTTP/1.1"
    assert lab.received[0].header("Content-Type") == ["application/hl7-v2"]
    first, second = calls(container)
    assert (first.status, first.response_status_code) == (TransactionStatus.SUCCESSFUL, 200)
    assert first.request_body == message("1").decode()
    assert (first.client_address, first.channel_name) == ("127.0.0.1", "Patients")
    assert second.response_body_length == len(BEGIN + ACK + END)


@on_one_database()
def test_frame_is_handed_on_where_the_channel_says_so(
    listening: Any, lab: RawMediator, connect: Any
) -> None:
    channel = listening(listener={"framing": "mllp-as-it-is"}, rewrite_path="/")
    assert connect(channel["listener"]["port"]).send(message("1")) == ACK
    assert [one.body for one in lab.to("/")] == [BEGIN + message("1") + END]


@on_one_database()
def test_plain_message_ends_with_the_writing(
    listening: Any, lab: RawMediator, connect: Any
) -> None:
    lab.default = answer(b"plain words")
    sender = connect(listening(listener={"framing": "plain"})["listener"]["port"])
    sender.write(b"\x00\x01")
    sender.write(b"\x02")
    sender.end_writing()
    assert sender.read_to_end() == b"plain words"
    assert [one.body for one in lab.to("/hl7")] == [b"\x00\x01\x02"]


@on_one_database()
@pytest.mark.parametrize(
    ("responder", "expected"),
    [
        (answer(b"not this way", "400 Bad Request"), b"not this way"),
        (hang_up, b""),
    ],
    ids=["400", "unknown"],
)
def test_plain_sender_of_something_else_gets_the_mediators_words_or_none(
    listening: Any, lab: RawMediator, connect: Any, responder: Any, expected: bytes
) -> None:
    lab.default = responder
    sender = connect(listening(listener={"framing": "plain"})["listener"]["port"])
    sender.write(b"\x00")
    sender.end_writing()
    assert sender.read_to_end() == expected


@on_one_database()
@pytest.mark.parametrize(
    ("changes", "responder", "expected"),
    [
        ({}, answer(b"no", "500 Internal Server Error"), ("AE", "The mediator answered 500")),
        ({}, answer(ACK, "500 Internal Server Error"), ("AA", None)),
        ({}, hang_up, ("AE", "outcome unknown")),
        ({}, raw_answer(CUT_OFF, close=True), ("AE", "outcome unknown")),
        ({}, answer(ACK + b"Z" * 400_000), ("AA", None)),
        ({}, answer(b"", "204 No Content"), ("AA", None)),
        ({"allowed_addresses": ["192.0.2.0/24"]}, answer(ACK), ("AR", "IP is not allowed")),
        ({"acts_for": "nobody-here"}, answer(ACK), ("AR", "no active client")),
        ({"request_body_schema": {"type": "object"}}, answer(ACK), ("AR", "JSON")),
        ({"always_async": True}, answer(ACK), ("AA", "Accepted")),
    ],
    ids=[
        *("500", "nack", "unknown", "cut off", "large", "empty", "address", "client", "schema"),
        "async",
    ],
)
def test_hub_acknowledges_where_the_mediator_does_not(
    listening: Any,
    lab: RawMediator,
    changes: dict[str, Any],
    responder: Any,
    expected: tuple[str, str | None],
    connect: Any,
) -> None:
    lab.default = responder
    found = fields_of(connect(listening(**changes)["listener"]["port"]).send(message("1")))
    assert found["MSA"][1:3] == [expected[0], "1"]
    if expected[1] is not None:
        assert expected[1] in found["MSA"][3]
        assert found["MSH"][2:6] == ["HUB", "MOH", "LAB", "CLINIC"]


@on_one_database()
def test_mediator_that_is_not_reached_is_a_rejection_to_the_sender(
    listening: Any, lab: RawMediator, connect: Any
) -> None:
    channel = listening()
    lab.close()
    found = fields_of(connect(channel["listener"]["port"]).send(message("1")))
    assert found["MSA"][1:] == ["AR", "1", "Failed to reach mediator endpoint"]


@on_one_database()
def test_messages_are_for_the_client_that_the_channel_names(
    listening: Any, api: Any, container: Container, lab: RawMediator, connect: Any
) -> None:
    api.made("clients", **api.a_client())
    channel = listening(is_public=False, acts_for="clinic", allow=["clinic"])
    port = channel["listener"]["port"]
    assert connect(port).send(message("1")) == ACK
    assert lab.received[0].header("X-OpenHIM-ClientID") == ["clinic"]
    assert calls(container)[0].client_name == "clinic"

    api.patch(f"channels/{channel['id']}/", {"allow": ["others"]})
    eventually(lambda: fields_of(connect(port).send(message("2")))["MSA"][1] == "AR")
    eventually(lambda: rejections(container))
    assert rejections(container)[0].reason == "Client is not allowed on this channel"


@on_one_database()
def test_channel_that_listens_takes_no_call_by_its_path(
    listening: Any, served: Any, api: Any
) -> None:
    channel = listening()
    assert served.post("/hl7").status_code in {401, 404}
    found = api.post(f"channels/{channel['id']}/test-match/", {"method": "POST", "path": "/hl7"})
    assert "listens" in found.get_json()["why_not"]


@on_one_database()
def test_message_that_is_too_large_is_rejected_and_the_connection_ends(
    api: Any, container: Container, served_with: Any, lab: RawMediator, connect: Any
) -> None:
    served_with(request_body_max_bytes=1000)
    mediator = api.made("mediators", **api.a_mediator(endpoint_url=lab.url))
    listener = {"port": free_port()}
    given = {"path_pattern": "/hl7", "is_public": True, "listener": listener}
    api.made("channels", **api.a_channel(mediator, **given))
    eventually(lambda: can_connect(listener["port"]))
    sender = connect(listener["port"])
    sender.write(BEGIN + message("1") + b"x" * 2000)
    assert fields_of(sender.read())["MSA"][1:3] == ["AR", "1"]
    assert sender.is_closed()
    eventually(lambda: rejections(container))
    assert rejections(container)[0].status_code == 413
    assert lab.received == []


@on_one_database()
def test_what_is_no_frame_ends_the_connection(
    listening: Any, container: Container, connect: Any
) -> None:
    sender = connect(listening()["listener"]["port"])
    sender.write(b"GET / HTTP/1.1\r\n\r\n")
    assert sender.is_closed()
    assert calls(container) == []


@on_one_database()
def test_message_that_breaks_off_is_no_call(
    listening: Any, container: Container, connect: Any, lab: RawMediator
) -> None:
    port = listening()["listener"]["port"]
    broken = connect(port)
    broken.write(BEGIN + message("1"))
    broken.end_writing()
    assert broken.is_closed()
    assert connect(port).send(message("2")) == ACK
    assert [one.body for one in lab.received] == [message("2")]


@on_one_database()
def test_ports_follow_the_channels(listening: Any, api: Any, connect: Any) -> None:
    channel = listening()
    path, old, new = f"channels/{channel['id']}/", channel["listener"]["port"], free_port()
    resting = connect(old)
    assert resting.send(message("1")) == ACK
    api.patch(path, {"listener": {"port": new}})
    eventually(lambda: can_connect(new) and not can_connect(old))
    assert resting.is_closed()
    staying = connect(new)
    api.patch(path, {"description": "Changed, and open all the while"})
    api.patch(path, {"rewrite_path": "/changed"})
    eventually(lambda: staying.send(message("2")) == ACK)
    api.patch(path, {"is_active": False})
    eventually(lambda: not can_connect(new))


def test_port_that_is_taken_is_said_and_opened_once_it_is_free(
    listening: Any, api: Any, container: Container, admin: Any, connect: Any
) -> None:
    channel = listening()
    path, other = f"channels/{channel['id']}/", socket.create_server(("127.0.0.1", 0))
    port = other.getsockname()[1]
    api.patch(path, {"listener": {"port": port}})

    def error(of: int) -> str | None:
        with container.database.reading() as session:
            state = session.scalars(select(ListenerState)).one()
            return state.error if state.port == of else None

    eventually(lambda: error(port) == "Another program has this port")
    closed = ask_all(container)["listeners"]
    assert (closed["ok"], closed["detail"]) == (False, "ports that could not be opened: 1")
    assert "not open: Another program has this port" in admin.get(f"/admin/mediator/{path}").text
    other.close()
    eventually(lambda: error(port) == "")
    assert ask_all(container)["listeners"]["ok"]
    assert connect(port).send(message("1")) == ACK
    api.patch(path, {"listener": {"port": 1023}})
    eventually(lambda: error(1023) == "Port 1023 is not among LISTENER_PORTS")


@on_one_database()
def test_channel_of_openhim_listens_as_it_did_there(
    api: Any, served: Any, container: Container, lab: RawMediator, connect: Any
) -> None:
    lab.default = answer(BEGIN + ACK + END)
    port, route = free_port(), a_route(host="127.0.0.1", port=lab.port, path="/lab")
    channel = a_channel(type="tcp", tcpPort=port, allow=[], routes=[route])
    imported = import_all(container, Export.of(an_export(Channels=[channel])))
    assert {one.outcome for one in imported.findings if one.kind == "Channels"} == {"new"}
    eventually(lambda: can_connect(port))
    assert connect(port).send(message("1")) == ACK
    (got,) = lab.to("/lab")
    assert (got.request_line, got.body) == ("POST /lab HTTP/1.1", BEGIN + message("1") + END)


@on_one_database()
def test_two_hundred_senders_at_once_are_all_answered(listening: Any, lab: RawMediator) -> None:
    port = listening()["listener"]["port"]

    def send(number: int) -> bytes:
        with closing(Sender(port)) as sender:
            return sender.send(message(str(number)))

    with ThreadPoolExecutor(200) as senders:
        answers = list(senders.map(send, range(200)))
    assert answers == [ACK] * 200
    assert len(lab.to("/hl7")) == 200


@on_one_database()
def test_senders_prove_who_they_are_by_certificates(
    api: Any, served_with: Any, lab: RawMediator, tmp_path: Path, container: Container, connect: Any
) -> None:
    own = write_certificate(tmp_path / "listener.pem")
    authority = ClientAuthority(tmp_path)
    served_with(listener_tls_cert=str(own))
    api.made("clients", **api.a_client(certificates=["CN=lab"]))
    mediator = api.made("mediators", **api.a_mediator(endpoint_url=lab.url))
    listener = {
        "port": free_port(),
        "tls": True,
        "client_authorities": authority.path.read_text(),
    }
    given = {"path_pattern": "/hl7", "listener": listener}
    api.made("channels", **api.a_channel(mediator, **given))
    eventually(lambda: can_connect(listener["port"]))

    def context(subject: str | None) -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=str(own))
        if subject is not None:
            made.load_cert_chain(authority.certificate(subject))
        return made

    assert connect(listener["port"], context("CN=lab")).send(message("1")) == ACK
    assert calls(container)[0].client_name == "clinic"
    strange = connect(listener["port"], context("CN=stranger")).send(message("2"))
    assert fields_of(strange)["MSA"][1] == "AR"
    with pytest.raises(OSError):
        connect(listener["port"], context(None)).send(message("3"))
