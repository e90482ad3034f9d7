"""Every way in which the bus can answer, as a caller of a channel sees it; nothing ends in a 500.

The service's own tests look at each case more closely.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from bus import Bus
from esb_relay.demo.cases import ACCEPTED, BUSY, UNKNOWN, UNVERIFIABLE, UNVERIFIABLE_XML
from waiting import eventually

BODY = {"jina": "Çelik", "n": 1.1}
REFUSED = ("redirect", "unauthorized", *BUSY)
CASES = [*ACCEPTED, *UNVERIFIABLE, *UNKNOWN, *REFUSED, "failure"]
MODES = ("normal", "push")


@pytest.fixture(scope="module")
def bus(hub) -> Bus:
    bus = Bus(hub)
    codes = {case: {"api_code": f"A!{case}", "push_code": f"P!{case}"} for case in CASES}
    again = {f"{case}:2": {"api_code": f"A!{case}:2"} for case in BUSY}
    bus.open_channel(
        "/cases", {**codes, **again, "unauthorized:1": {"push_code": "P!unauthorized:1"}}
    )
    return bus


@pytest.fixture(scope="module")
def answers(bus):
    """What came of each mode and case; all are asked at once, as some take their time."""
    asked = [(mode, case) for mode in MODES for case in CASES]
    with ThreadPoolExecutor(16) as threads:
        return dict(zip(asked, threads.map(lambda one: ask(bus, *one), asked), strict=True))


def ask(bus, mode, case):
    headers = {**bus.hub.credentials, "X-Organization": case, "X-ESB-Mode": mode}
    return requests.post(f"{bus.hub.url}/cases", json=BODY, headers=headers, timeout=60)


def seen(bus, mode, case):
    return bus.seen(f"{'A' if mode == 'normal' else 'P'}!{case}")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", ACCEPTED)
def test_odd_but_valid_answer_is_accepted(answers, mode, case):
    answer = answers[mode, case]
    assert (answer.status_code, answer.json()["esb_body"]) == (200, BODY)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", UNVERIFIABLE)
def test_answer_that_nobody_vouches_for_is_a_bad_gateway(answers, mode, case):
    answer = answers[mode, case]
    assert answer.status_code == 502
    assert answer.json()["error"].startswith("ESB relay: The engine answered 200: ")
    is_open = "whether it was delivered is not known" in answer.json()["error"]
    assert is_open is (mode == "push")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", UNKNOWN)
def test_request_whose_answer_was_lost_is_unknown_and_not_sent_again(bus, answers, mode, case):
    answer = answers[mode, case]
    assert answer.status_code == 504
    assert "Outcome unknown" in answer.json()["error"]
    assert seen(bus, mode, case) == 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", REFUSED)
def test_request_that_was_not_taken_is_sent_again_only_where_it_may(bus, answers, mode, case):
    answer = answers[mode, case]
    assert answer.status_code == 502
    times = 2 if case == "unauthorized" else 3 if case in BUSY and mode == "normal" else 1
    assert seen(bus, mode, case) == times


@pytest.mark.parametrize("mode", MODES)
def test_signed_failure_is_told_with_its_reason_and_not_sent_again(bus, answers, mode):
    answer = answers[mode, "failure"]
    assert (answer.status_code, answer.json()["error"]) == (502, "ESB: Hakuna mtu huyu")
    assert seen(bus, mode, "failure") == 1


@pytest.mark.parametrize("case", BUSY)
def test_busy_bus_is_asked_again(bus, case):
    assert ask(bus, "normal", f"{case}:2").status_code == 200
    assert seen(bus, "normal", f"{case}:2") == 3


def test_refused_token_is_renewed(bus):
    assert ask(bus, "push", "unauthorized:1").status_code == 200
    assert seen(bus, "push", "unauthorized:1") == 2


@pytest.mark.parametrize("case", UNVERIFIABLE_XML)
def test_xml_that_could_be_read_in_two_ways_is_refused(bus, case):
    answer = bus.relay('{"a":"1"}', code=f"X!{case}", format="xml")
    assert (answer.status_code, answer.json()["outcome"]) == (502, "unverifiable")


def test_every_call_is_on_record_with_its_exchange(bus, answers):
    for answer in answers.values():
        kept = bus.hub.transaction(answer.headers["X-Correlation-Id"])
        (exchange,) = bus.exchanges(answer)
        assert kept["status"] == ("successful" if answer.status_code == 200 else "failed")
        assert kept["esb_exchange_id"] == exchange["id"]


def test_bus_that_is_away_is_a_bad_gateway(bus):
    bus.hub.stack.stop_process("demo-govesb")
    answer = ask(bus, "normal", "bom")
    bus.hub.stack.start_process("demo-govesb")
    assert answer.status_code == 502
    assert answer.json()["error"] == "ESB relay: The engine cannot be reached"
    assert eventually(lambda: ask(bus, "normal", "bom").status_code == 200)
