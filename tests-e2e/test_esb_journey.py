"""Messages to the bus and calls from it, through nginx, with the real relay."""

import asyncio
import json
import time
from collections import Counter
from urllib.parse import urlsplit

import pytest
from bus import Bus
from hub import unique
from raw_mediator import answer

#: Bodies of the bus, as it spells them.
SPELLINGS = [
    '{"n":1.0}',
    '{"n":1.10}',
    '{"n":1e21}',
    '{"nin":19900101141210000123}',
    '{"jina":"Mwanaïsha Çelik"}',
    '{"m":"😀\\ud83d\\ude00"}',
    '{"u":"https:\\/\\/a\\/b"}',
    '{"data":{"data":1,"signature":"x"},"signature":"y"}',
    '{"t":"},\\"signature\\":\\""}',
    '{ "a" : [ 1 , 2.50 ] }',
]
CROWD = 1_000
CALLS = {
    "json": '{{"esbBody":{{"n":1.10}},"requestId":"{id}","apiCode":"A1"}}',
    "xml": "<data><esbBody><n>1.10</n></esbBody><requestId>{id}</requestId></data>",
}


@pytest.fixture(scope="module")
def bus(hub) -> Bus:
    return Bus(hub)


@pytest.mark.parametrize("mode", ["normal", "push", "nida"])
@pytest.mark.parametrize("format_", ["json", "xml"])
def test_message_goes_to_the_bus_and_its_verified_answer_comes_back(bus, mode, format_):
    body = {"jina": "Mwanaïsha <&> 😀", "n": ["1.10", "1e21"]}
    answer = bus.relay(json.dumps(body), mode=mode, format=format_, user_id="U1")
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["esb_body"] == ({"Payload": body} if mode == "nida" else body)
    assert (said["success"], said["verified_by"]) == (True, "raw")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_answer_of_the_bus_is_passed_on_digit_for_digit(bus, spelling):
    answer = bus.relay(json.dumps({"text": spelling}), code="E2E!spelled")
    assert f'"esb_body":{spelling},"errors":' in answer.text
    assert answer.json()["verified_by"] == "raw"


def test_thousand_exchanges_through_an_expired_token_ask_for_one_token(bus):
    bus.tell(tokens={"expires_in": 2}, revoke=True)
    assert bus.relay("1").status_code == 200
    bus.tell(tokens={})
    time.sleep(2)
    granted = bus.granted
    assert asyncio.run(crowd(bus)) == {b"HTTP/1.1 200 OK": CROWD}
    assert bus.granted == granted + 1


async def crowd(bus):
    """Ask for so many exchanges at once; how often each status line came."""
    address = urlsplit(bus.hub.url)
    body = b'{"code":"CROWD","body":1}'
    head = (
        f"POST /api/esb/relay/ HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n"
        f"Authorization: Bearer {bus.hub.token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )

    async def one():
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(head.encode() + body)
        answer = await reader.read()
        writer.close()
        return answer.partition(b"\r\n")[0]

    return Counter(await asyncio.gather(*(one() for _ in range(CROWD))))


@pytest.fixture
def route(bus, base):
    """Opens a callback route of this test's own, through the proxy to the test's mediator."""

    def opened(**given):
        name = unique("route")
        given = {"name": name, "target_kind": "proxy", "target": f"{base}/take", **given}
        made = bus.ask("POST", "routes/", json=given)
        assert made.status_code == 201, made.text
        return name

    return opened


@pytest.mark.parametrize("format_", list(CALLS))
def test_call_delivered_twice_runs_its_target_once_and_gets_the_same_answer(
    bus, route, mediator, format_
):
    mediator.default = answer(b'{"n":1.10}', "200 OK", "Content-Type: application/json")
    name, call = route(), CALLS[format_].format(id=unique("call"))
    first = bus.call(name, call)
    assert bus.call(name, call) == first
    assert (b"<n>1.10</n>" if format_ == "xml" else b'"esbBody":{"n":1.1}') in first
    (asked,) = mediator.received
    assert asked.body == (b'{"n":"1.10"}' if format_ == "xml" else b'{"n":1.10}')


def test_signed_call_acts_at_one_route_only(bus, route, mediator):
    mediator.default = answer(b"{}", "200 OK", "Content-Type: application/json")
    first, other, call = route(), route(), CALLS["json"].format(id=unique("call"))
    acted = bus.call(first, call)
    refused = json.loads(bus.call(other, call))["data"]
    assert refused["success"] is False
    assert refused["message"] == "this message was acted on already, at another route"
    assert bus.call(first, call) == acted
    assert len(mediator.received) == 1


def test_accepted_call_is_answered_late_once(bus, route, mediator, eventually):
    request_id = unique("call")
    name, call = route(is_async=True), CALLS["json"].format(id=request_id)
    first = bus.call(name, call)
    assert b'"success":true' in first
    assert bus.call(name, call) == first
    eventually(lambda: bus.seen(request_id))
    assert len(mediator.received) == 1
    # The bus has the answer a moment before the relay has noted that the bus took it.
    found = f"exchanges/?mode=async&request_id={request_id}&status=succeeded"
    eventually(lambda: bus.ask("GET", found).json()["count"] == 1)
