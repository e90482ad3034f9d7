"""The case table of GovESB's answers: the simulator does exactly that, the relay tells it apart."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from esb_relay.demo.cases import ACCEPTED, BUSY, UNKNOWN, UNVERIFIABLE, UNVERIFIABLE_XML
from esb_relay.demo.server import Simulator
from flask import Flask

READ_TIMEOUT_S = 20.0
BODY = '{"jina":"Çelik","n":1.10}'


@pytest.mark.parametrize("case", ACCEPTED)
def test_odd_but_valid_answer_is_accepted(api: Any, case: str) -> None:
    answer = api.relay(BODY, code=f"C!{case}")

    assert answer.status_code == 200, answer.text
    assert answer.get_json()["success"] is True
    assert answer.get_json()["esb_body"] == {"jina": "Çelik", "n": 1.1}
    assert api.exchange(answer)["status"] == "succeeded"


@pytest.mark.parametrize(
    ("case", "spelling"),
    [
        ("signature-first", "raw"),
        ("pretty", "minified"),
        ("signed-ascii", "ascii"),
    ],
)
def test_spelling_that_was_signed_is_told(api: Any, case: str, spelling: str) -> None:
    assert api.relay(BODY, code=f"C!{case}").get_json()["verified_by"] == spelling


@pytest.mark.parametrize("case", UNVERIFIABLE)
def test_answer_that_nobody_vouches_for_is_refused_with_a_reason(api: Any, case: str) -> None:
    answer = api.relay(BODY, code=f"C!{case}")

    assert answer.status_code == 502, answer.text
    said = answer.get_json()
    assert said["outcome"] == "unverifiable"
    assert said["detail"].startswith("The engine answered 200: ")
    record = api.exchange(answer)
    assert (record["status"], record["http_status"]) == ("unverifiable", 200)
    assert record["verified_by"] is None


@pytest.mark.parametrize("case", UNVERIFIABLE_XML)
def test_xml_that_could_be_read_in_two_ways_is_refused(api: Any, case: str) -> None:
    answer = api.relay('{"a":"1"}', code=f"C!{case}", format="xml")

    assert (answer.status_code, answer.get_json()["outcome"]) == (502, "unverifiable")


def test_signed_business_failure_is_passed_on_and_not_repeated(
    api: Any, simulator: Simulator
) -> None:
    answer = api.relay(BODY, code="C!failure")

    assert answer.status_code == 200
    said = answer.get_json()
    assert (said["ok"], said["success"], said["message"]) == (False, False, "Hakuna mtu huyu")
    assert '"errors":["E1",1.10]' in answer.text
    assert said["validation_errors"] == {"nin": "too short"}
    assert simulator.seen["C!failure"] == 1
    assert api.exchange(answer)["status"] == "failed"


def test_business_failure_in_xml_is_passed_on(api: Any) -> None:
    said = api.relay('{"a":"1"}', code="C!failure", format="xml").get_json()

    assert (said["success"], said["errors"]) == (False, ["E1", "E2"])


@pytest.mark.parametrize("mode", ["normal", "push", "nida"])
@pytest.mark.parametrize("case", UNKNOWN)
def test_lost_answer_is_an_unknown_outcome_and_nothing_is_sent_again(
    api: Any, simulator: Simulator, case: str, mode: str
) -> None:
    code = f"{mode}!{case}"
    answer = api.relay('"' + "x" * 300 + '"', code=code, mode=mode, user_id="U")

    assert answer.status_code == 504, answer.text
    said = answer.get_json()
    assert said["outcome"] == "unknown"
    assert "unknown" in said["detail"]
    assert simulator.seen[code] == 1
    assert api.exchange(answer)["status"] == "unknown"


@pytest.fixture
def patient(app_with: Callable[..., Flask], api_of: Callable[..., Any]) -> Any:
    """An API whose tries are not cut short: they end with the time for an answer."""
    return api_of(app_with(read_timeout_s=READ_TIMEOUT_S))


@pytest.mark.parametrize("case", BUSY)
def test_busy_engine_is_asked_again_on_normal_requests(
    patient: Any, simulator: Simulator, case: str
) -> None:
    answer = patient.relay(BODY, code=f"C!{case}:2")

    assert answer.status_code == 200, answer.text
    assert simulator.seen[f"C!{case}:2"] == 3
    assert patient.exchange(answer)["attempts"] == 3


@pytest.mark.parametrize("mode", ["push", "nida"])
@pytest.mark.parametrize("case", BUSY)
def test_busy_engine_is_not_asked_again_on_other_requests(
    api: Any, simulator: Simulator, case: str, mode: str
) -> None:
    answer = api.relay(BODY, code=f"C!{case}:1", mode=mode, user_id="U")

    assert (answer.status_code, answer.get_json()["outcome"]) == (502, "refused")
    assert simulator.seen[f"C!{case}:1"] == 1


def test_repetitions_are_bounded(patient: Any, simulator: Simulator) -> None:
    answer = patient.relay(BODY, code="C!busy-503")

    assert (answer.status_code, answer.get_json()["outcome"]) == (502, "refused")
    assert simulator.seen["C!busy-503"] == 3


def test_engine_that_cannot_be_reached_is_tried_again_and_nothing_was_sent(
    app_with: Callable[..., Flask], api_of: Callable[..., Any]
) -> None:
    api = api_of(app_with(engine_url="http://127.0.0.1:9", read_timeout_s=READ_TIMEOUT_S))
    answer = api.relay(BODY)

    assert (answer.status_code, answer.get_json()["outcome"]) == (502, "not_sent")
    assert api.exchange(answer)["attempts"] == 3
    push = api.relay(BODY, mode="push")
    assert (push.get_json()["outcome"], api.exchange(push)["attempts"]) == ("not_sent", 1)


def test_redirect_is_refused_and_not_followed(api: Any, simulator: Simulator) -> None:
    answer = api.relay(BODY, code="C!redirect")

    assert (answer.status_code, answer.get_json()["outcome"]) == (502, "refused")
    assert "307" in answer.get_json()["detail"]
    assert simulator.seen["C!redirect"] == 1


def test_unverifiable_answer_to_a_push_leaves_its_delivery_open(
    api: Any, simulator: Simulator
) -> None:
    answer = api.relay(BODY, code="C!html", mode="push")

    assert answer.status_code == 502
    assert "whether it was delivered is not known" in answer.get_json()["detail"]
    assert simulator.seen["C!html"] == 1


def test_refused_token_is_renewed_once_and_the_request_repeated_once(
    api: Any, simulator: Simulator
) -> None:
    answer = api.relay(BODY, code="C!unauthorized:1", mode="push")
    assert answer.status_code == 200, answer.text
    assert (simulator.seen["C!unauthorized:1"], simulator.tokens.granted) == (2, 2)

    refused = api.relay(BODY, code="C!unauthorized", mode="push")
    assert (refused.status_code, refused.get_json()["outcome"]) == (502, "refused")
    assert (simulator.seen["C!unauthorized"], simulator.tokens.granted) == (2, 3)


def test_every_problem_names_its_exchange(api: Any) -> None:
    answer = api.relay(BODY, code="C!html")

    assert answer.content_type == "application/problem+json"
    said = json.loads(answer.text)
    assert said["ok"] is False
    assert said["error"] == said["detail"]
    assert api.ask("GET", f"exchanges/{said['exchange_id']}/").status_code == 200
