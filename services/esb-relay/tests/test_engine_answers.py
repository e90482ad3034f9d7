"""Answers of the engine: what counts, what is sent a second time, and what never is."""

import asyncio
import gzip
import json
import threading
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest
from common.db.reader import Reader
from esb_relay.config import Settings
from esb_relay.container import build_container, build_engine
from esb_relay.demo import replies
from esb_relay.demo.http_server import LoopbackServer, Reply, Request
from esb_relay.demo.messages import Seal
from esb_relay.engine.decoding import Undecodable, decoded
from esb_relay.engine.exchange_log import Beginning, ExchangeWriter
from esb_relay.engine.exchanger import Exchanger
from esb_relay.engine.judging import judge
from esb_relay.engine.outcomes import Outcome
from esb_relay.keys.pairs import Encoding, PrivateKey
from esb_relay.models import Base, Direction, ExchangeMode, ExchangeStatus
from esb_relay.wire.terms import Format

SUCCESS = '{"success":true,"requestId":"R1","esbBody":{"n":1.10}}'
NO_VERDICT = '{"requestId":"R1"}'
T = TypeVar("T")


@dataclass
class Bus:
    """A token server and an engine: one answer for whoever bears a token in `refused`."""

    signed: Seal
    refused: set[str] = field(default_factory=set)
    rejection: bytes = b""
    status: int = 401
    envelope: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    tokens: int = 0
    asked_coding: set[str] = field(default_factory=set)
    posts: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, request: Request) -> Reply:
        with self.lock:
            if request.path == "/token":
                self.tokens += 1
                grant = {"access_token": f"T{self.tokens}", "expires_in": 3600}
                return replies.answer(json.dumps(grant).encode())
            token = request.headers["authorization"].removeprefix("Bearer ")
            self.posts[token] += 1
            self.asked_coding.add(request.headers["accept-encoding"])
        if token in self.refused:
            return replies.answer(self.rejection, status=self.status)
        return replies.answer(self.envelope, headers=self.headers)


@pytest.fixture
def bus(p256: PrivateKey) -> Iterator[Bus]:
    seal = Seal(p256)
    made = Bus(seal, envelope=seal.envelope(SUCCESS))
    server = LoopbackServer(0, made.serve)
    server.start()
    made.url = f"http://127.0.0.1:{server.port}"  # type: ignore[attr-defined]
    yield made
    server.stop()


@pytest.fixture
def exchanging(
    bus: Bus, p256: PrivateKey, tmp_path: Path
) -> Callable[[Callable[[Exchanger], Awaitable[T]]], T]:
    """Runs what is done with an exchanger that speaks to `bus`."""
    url = bus.url  # type: ignore[attr-defined]
    settings = Settings(
        var_dir=tmp_path,
        log_level="ERROR",
        token_url=f"{url}/token",
        engine_url=url,
        client_id="kiungo",
        client_secret="s",
        private_key=p256.pem().decode(),
        esb_public_keys=p256.public.encoded(Encoding.PEM).decode(),
        connect_timeout_s=2.0,
        read_timeout_s=5.0,
    )
    container = build_container(settings)
    Base.metadata.create_all(container.database.engine)

    async def run(act: Callable[[Exchanger], Awaitable[T]]) -> T:
        reader = Reader()
        engine = build_engine(container, reader, ExchangeWriter(container.database.engine))
        try:
            return await act(engine.exchanger)
        finally:
            await engine.exchanger.close()
            reader.close()
            await asyncio.sleep(0)  # closed transports let their sockets go

    return lambda act: asyncio.run(run(act))


def beginning(mode: ExchangeMode) -> Beginning:
    return Beginning(
        direction=Direction.OUTGOING,
        mode=mode,
        code="C",
        organization=None,
        caller="tester",
        correlation_id="c",
        format=Format.JSON,
        envelope=b"{}",
    )


def push(exchanger: Exchanger) -> Awaitable[Outcome]:
    return exchanger.exchange(beginning(ExchangeMode.PUSH), "/push-request")


@pytest.mark.parametrize("status", [200, 202, 400, 401, 429, 500, 502, 503])
@pytest.mark.parametrize(
    ("data", "ended"),
    [(SUCCESS, ExchangeStatus.SUCCEEDED), (NO_VERDICT, ExchangeStatus.UNVERIFIABLE)],
)
def test_what_the_bus_signed_is_its_answer_under_every_status(
    p256: PrivateKey, status: int, data: str, ended: ExchangeStatus
) -> None:
    outcome = judge(status, Seal(p256).envelope(data), [p256.public])
    assert (outcome.status, outcome.wants_token, outcome.is_passing) == (ended, False, False)
    assert outcome.http_status == status


@pytest.mark.parametrize("data", [SUCCESS, NO_VERDICT])
def test_push_that_a_signed_401_answers_is_not_sent_again(
    bus: Bus, exchanging: Callable[..., Outcome], data: str
) -> None:
    bus.refused, bus.rejection = {"T1"}, bus.signed.envelope(data)
    outcome = exchanging(push)
    assert (bus.posts, bus.tokens) == ({"T1": 1}, 1)
    assert outcome.http_status == 401
    assert (outcome.answer is not None) == (data == SUCCESS)


def test_push_that_an_unsigned_401_answers_is_sent_once_more_with_another_token(
    bus: Bus, exchanging: Callable[..., Outcome]
) -> None:
    bus.refused, bus.rejection = {"T1"}, b'{"error":"invalid_token"}'
    outcome = exchanging(push)
    assert (bus.posts, bus.tokens) == ({"T1": 1, "T2": 1}, 2)
    assert outcome.status is ExchangeStatus.SUCCEEDED


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PACKED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "two_members": ("x-gzip", lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:])),
    "deflate": ("deflate", zlib.compress),
    "deflate_without_header": ("Deflate", raw_deflate),
    "twice": ("deflate, gzip", lambda data: gzip.compress(zlib.compress(data))),
    "identity": ("identity", bytes),
    "none": ("", bytes),
}


@pytest.mark.parametrize(("coding", "pack"), PACKED.values(), ids=PACKED.keys())
def test_packed_answer_is_unpacked_and_verified_though_none_is_asked_for(
    bus: Bus, exchanging: Callable[..., Outcome], coding: str, pack: Callable[[bytes], bytes]
) -> None:
    whole = bus.envelope
    bus.envelope, bus.headers = pack(whole), {"Content-Encoding": coding}
    outcome = exchanging(push)
    assert (outcome.status, outcome.received) == (ExchangeStatus.SUCCEEDED, whole)
    assert bus.asked_coding == {"identity"}


BOMB = gzip.compress(bytes(4_000_000))


@pytest.mark.parametrize(
    ("body", "coding", "reason"),
    [
        (gzip.compress(b"x" * 1001), "gzip", "larger than 1000 bytes"),
        (BOMB, "gzip", "larger"),
        (gzip.compress(BOMB), "gzip, gzip", "larger"),
        (gzip.compress(b"x" * 1000)[:-9], "gzip", "ends too early"),
        (gzip.compress(b"x") + b"more", "gzip", "ends too early"),
        (b"{}", "gzip", "not gzip"),
        (b"\xff\xff", "deflate", "not deflate"),
        (b"{}", "br", "not known"),
        (b"{}", "gzip, gzip, gzip, gzip", "more than"),
    ],
    ids=range(9),
)
def test_coding_that_is_not_what_it_says_is_refused_with_a_reason(
    body: bytes, coding: str, reason: str
) -> None:
    with pytest.raises(Undecodable, match=reason):
        decoded(body, coding, 1000)


def test_as_much_as_the_limit_is_unpacked() -> None:
    assert decoded(gzip.compress(b"x" * 1000), "gzip", 1000) == b"x" * 1000
    assert decoded(b"", "gzip", 1000) == b""


def test_answer_that_cannot_be_unpacked_leaves_a_push_open(
    bus: Bus, exchanging: Callable[..., Outcome]
) -> None:
    bus.headers = {"Content-Encoding": "gzip"}
    outcome = exchanging(push)
    assert outcome.status is ExchangeStatus.UNVERIFIABLE
    assert outcome.reason is not None
    assert "not gzip; whether it was delivered is not known" in outcome.reason
    assert sum(bus.posts.values()) == 1


MANY = 60


def test_token_that_has_just_ended_is_renewed_once_for_all_who_are_refused(
    bus: Bus, exchanging: Callable[[Callable[[Exchanger], Awaitable[list[Outcome]]]], list[Outcome]]
) -> None:
    bus.refused, bus.rejection = {"T1"}, b'{"error":"invalid_token"}'

    async def act(exchanger: Exchanger) -> list[Outcome]:
        return await asyncio.gather(*(push(exchanger) for _ in range(MANY)))

    outcomes = exchanging(act)
    assert {outcome.status for outcome in outcomes} == {ExchangeStatus.SUCCEEDED}
    assert bus.tokens == 2
    assert bus.posts["T2"] == MANY
    assert 1 <= bus.posts["T1"] <= MANY
    assert set(bus.posts) == {"T1", "T2"}


def test_token_server_whose_next_token_is_refused_too_is_not_asked_again_and_again(
    bus: Bus, exchanging: Callable[[Callable[[Exchanger], Awaitable[list[Outcome]]]], list[Outcome]]
) -> None:
    bus.refused, bus.rejection = {f"T{number}" for number in range(1, 9)}, b"no"

    async def act(exchanger: Exchanger) -> list[Outcome]:
        return await asyncio.gather(*(push(exchanger) for _ in range(MANY)))

    outcomes = exchanging(act)
    assert {outcome.status for outcome in outcomes} == {ExchangeStatus.REFUSED}
    assert (bus.tokens, sum(bus.posts.values())) == (2, 2 * MANY)
