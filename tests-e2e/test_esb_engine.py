"""What stands between the relay and the bus may pack answers, and end a token while it is used."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests
from bus import Bus
from ports import unused_ports
from raw_mediator import RawMediator, answer
from systems import systems


@dataclass
class Front:
    """What stands before the engine at `url`, and the relay that asks there."""

    mediator: RawMediator
    url: str
    bus: Bus


@pytest.fixture(scope="module")
def front(tmp_path_factory) -> Iterator[Front]:
    """A relay whose bus is behind a front that each test tells what to do."""
    folder = tmp_path_factory.mktemp("engine")
    (port,) = unused_ports(1)
    mediator = RawMediator()
    with systems(folder) as start:
        hub = start(
            "embedded",
            services=["proxy", "esb-relay", "demo-govesb"],
            DEMO_GOVESB_PORT=str(port),
            GOVESB_ENGINE_URL=mediator.url,
            GOVESB_TOKEN_URL=f"http://127.0.0.1:{port}/token",
            GOV_ESB_PUBLIC_KEY=str(folder / "var-1" / "keys" / "esb" / "simulator.pem.pub"),
            ESB_CLIENT_ID="kiungo-demo",
            ESB_CLIENT_SECRET="kiungo-demo",
        )
        yield Front(mediator, f"http://127.0.0.1:{port}", Bus(hub))
    mediator.close()


def passing_on(engine: str, *, packs: bool):
    """A responder that asks the engine, and packs what it answers where it is response so."""

    def respond(sock, received):
        names = ("Authorization", "Content-Type")
        headers = {name: received.header(name)[0] for name in names if received.header(name)}
        said = requests.post(
            engine + received.target, data=received.body, headers=headers, timeout=20
        )
        body = gzip.compress(said.content) if packs else said.content
        coding = ["Content-Encoding: gzip"] if packs else []
        pairs = (f"Content-Type: {said.headers['Content-Type']}", *coding)
        answer(body, f"{said.status_code} {said.reason}", *pairs)(sock, received)

    return respond


def test_packed_answers_of_the_bus_are_unpacked(front):
    front.mediator.default = passing_on(front.url, packs=True)
    for format_ in ("json", "xml"):
        response = front.bus.relay('{"jina":"Çelik","n":"1.10"}', format=format_)
        assert response.status_code == 200, response.text
        assert response.json()["esb_body"] == {"jina": "Çelik", "n": "1.10"}
        assert response.json()["verified_by"] == "raw"


def test_an_engine_that_refuses_a_token_once_gets_a_new_one(front):
    bus, pass_on, refused = front.bus, passing_on(front.url, packs=False), []
    front.mediator.default = pass_on
    assert bus.relay("1").status_code == 200
    granted = bus.granted

    def refuse_once(sock, received):
        if refused:
            return pass_on(sock, received)
        refused.append(received)
        return answer(b'{"error":"invalid_token"}', "401 Unauthorized")(sock, received)

    front.mediator.default = refuse_once
    bus.tell(revoke=True)
    response = bus.relay("2")
    assert response.status_code == 200, response.text
    assert bus.granted == granted + 1
    assert len(refused) == 1
