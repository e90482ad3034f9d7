"""`generic` and `nextsms`, over real sockets: what is asked, and what each answer means."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from notification.transports import Outcome
from notification.transports.sms.rules import answer_rules

PENDING = {"to": "255712345678", "status": {"groupName": "PENDING", "name": "PENDING_ENROUTE"}}


def rejected(name: str = "REJECTED_NETWORK") -> dict[str, Any]:
    return {"to": "255712345678", "status": {"groupName": "REJECTED", "name": name}}


def test_one_number_is_a_text_and_the_reference_is_ours(
    gateway: Any, new_provider: Callable, message: Callable
) -> None:
    new_provider("generic", url=gateway.url, token="t0ken", sender_id="KIUNGO").send([message()])
    (call,) = gateway.calls
    assert call.request_line == "POST /send HTTP/1.1"
    assert json.loads(call.body) == {
        "from": "KIUNGO",
        "to": "+255712345678",
        "text": "Habari, umefika",
        "reference": "key-1",
    }
    assert call.header("Authorization") == ["Bearer t0ken"]
    assert call.header("Content-Type") == ["application/json"]


def test_several_numbers_are_a_list(
    gateway: Any, new_provider: Callable, message: Callable
) -> None:
    both = message(to=("+255712345678", "+255712345679"))
    new_provider("nextsms", url=gateway.url).send([both])
    assert json.loads(gateway.calls[0].body)["to"] == ["255712345678", "255712345679"]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"token": "abc"}, ["Bearer abc"]),
        ({"token": "Basic abc"}, ["Basic abc"]),
        ({"token": "Bearer abc"}, ["Bearer abc"]),
        ({"token": "abc", "auth_header": "App xyz"}, ["App xyz"]),
        ({}, []),
    ],
)
def test_authorization(
    gateway: Any, new_provider: Callable, message: Callable, given: dict[str, str], sent: list[str]
) -> None:
    new_provider("generic", url=gateway.url, **given).send([message()])
    assert gateway.calls[0].header("Authorization") == sent


@pytest.mark.parametrize(
    ("answer", "message_id"),
    [
        ({"messages": [{"messageId": "m1", "status": {"groupName": "PENDING"}}]}, "m1"),
        ({"messages": [{"messageId": 28089492984101631440}]}, "28089492984101631440"),
        ({"message_id": "m2"}, "m2"),
        ({"id": 7}, "7"),
        ({"reference": "key-1"}, "key-1"),
        ({"messages": [PENDING]}, None),
        ({}, None),
        (b"", None),
        (b"OK", None),
    ],
)
def test_2xx_is_taken(
    gateway: Any, new_provider: Callable, message: Callable, answer: Any, message_id: str | None
) -> None:
    gateway.says(202, answer)
    (result,) = new_provider("generic", url=gateway.url).send([message()])
    assert (result.outcome, result.provider_message_id) == (Outcome.SENT, message_id)
    assert result.provider == "generic"


@pytest.mark.parametrize(
    ("messages", "outcome", "in_part"),
    [
        ([rejected()], Outcome.REFUSED_FOR_GOOD, False),
        ([rejected("REJECTED_NOT_ENOUGH_CREDITS")], Outcome.TRANSPORT_CLOSED, False),
        ([{"status": {"name": "REJECTED_DND"}}], Outcome.REFUSED_FOR_GOOD, False),
        ([PENDING, rejected()], Outcome.REFUSED_FOR_GOOD, True),
    ],
)
def test_rejected_within_2xx(
    gateway: Any,
    new_provider: Callable,
    message: Callable,
    messages: list[Any],
    outcome: Outcome,
    in_part: bool,
) -> None:
    gateway.says(200, {"messages": messages})
    (result,) = new_provider("nextsms", url=gateway.url).send([message()])
    assert (result.outcome, result.taken_in_part) == (outcome, in_part)
    assert "REJECTED" in result.error


@pytest.mark.parametrize("name", ["generic", "nextsms"])
@pytest.mark.parametrize("body", [b"<html>Welcome to the hotel</html>", b'{"messages": [{"sta'])
def test_2xx_that_cannot_be_read_may_be_taken(
    gateway: Any, new_provider: Callable, message: Callable, name: str, body: bytes
) -> None:
    gateway.says(200, body)
    (result,) = new_provider(name, url=gateway.url).send([message()])
    assert result.outcome is Outcome.UNKNOWN


REPORT = {"results": [{"messageId": "m9", "status": {"groupName": "DELIVERED"}}]}


@pytest.mark.parametrize(
    ("name", "status", "body", "outcome"),
    [
        ("generic", 200, REPORT, Outcome.SENT),
        ("generic", 200, {"results": [rejected()]}, Outcome.REFUSED_FOR_GOOD),
        ("generic", 404, {}, Outcome.REFUSED_FOR_NOW),
        ("generic", 200, {"results": []}, None),
        ("generic", 500, b"", None),
        ("generic", 200, b"<html>", None),
        ("nextsms", 200, REPORT, Outcome.SENT),
        ("nextsms", 404, {}, None),
    ],
)
def test_it_is_asked_by_our_reference(
    gateway: Any,
    new_provider: Callable,
    message: Callable,
    name: str,
    status: int,
    body: Any,
    outcome: Outcome | None,
) -> None:
    gateway.says(status, body)
    asked = new_provider(name, url=gateway.url, ask_url=f"{gateway.url}/reports", token="t0ken")
    result = asked.ask(message(reference="a key/1&2"))
    assert (result and result.outcome) is outcome
    (call,) = gateway.calls
    assert call.request_line == "GET /send/reports?reference=a%20key%2F1%262 HTTP/1.1"
    assert call.header("Authorization") == ["Bearer t0ken"]


def test_nextsms_is_asked_beside_where_it_is_sent_to(
    gateway: Any, new_provider: Callable, message: Callable
) -> None:
    gateway.says(200, REPORT)
    new_provider("nextsms", url=f"{gateway.server.url}/api/sms/v1/text/single").ask(message())
    assert gateway.calls[0].target == "/api/sms/v1/reports?reference=key-1"


def test_nobody_there_cannot_be_asked(
    gateway: Any, new_provider: Callable, message: Callable
) -> None:
    gateway.server.close()
    assert new_provider("nextsms", url=gateway.url, ask_url=gateway.url).ask(message()) is None


def test_generic_without_an_address_to_ask_cannot_be_asked(
    gateway: Any, new_provider: Callable, message: Callable
) -> None:
    assert new_provider("generic", url=gateway.url).ask(message()) is None
    assert gateway.calls == []


@pytest.mark.parametrize(
    "answer",
    [
        {"success": False},
        {"success": "false", "id": "m1"},
        {"error": "no such sender"},
        {"errors": [{"code": 7}]},
        {"status": "FAILED"},
        {"data": {"status": "failed"}},
        {"messages": [{"messageId": "m1", "status": {"name": "ERROR_INTERNAL"}}]},
        {"ok": 0},
        False,
        b"ERROR:14",
        b"-3",
        b"<!DOCTYPE html><html>Sign in</html>",
    ],
)
def test_what_speaks_against_a_yes_is_not_one(
    gateway: Any, new_provider: Callable, message: Callable, answer: Any
) -> None:
    gateway.says(200, answer)
    (result,) = new_provider("generic", url=gateway.url).send([message()])
    assert result.outcome is Outcome.UNKNOWN


RULES = {
    "success_when": answer_rules("/code=100,101"),
    "refused_when": answer_rules("/code=7; /e=1"),
}


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"code": 100, "id": "m1"}, Outcome.SENT),
        ({"code": "101", "error": "none really"}, Outcome.SENT),
        ({"code": 7}, Outcome.REFUSED_FOR_GOOD),
        ({"code": 100, "e": 1}, Outcome.REFUSED_FOR_GOOD),
        ({"code": 8}, Outcome.UNKNOWN),
        ({}, Outcome.UNKNOWN),
        (b"OK", Outcome.UNKNOWN),
        (b"", Outcome.UNKNOWN),
    ],
)
def test_the_owners_rules_say_what_is_a_yes(
    gateway: Any, new_provider: Callable, message: Callable, answer: Any, outcome: Outcome
) -> None:
    gateway.says(200, answer)
    (result,) = new_provider("generic", url=gateway.url, **RULES).send([message()])
    assert result.outcome is outcome


@pytest.mark.parametrize("text", ["code=100", "/code", "code"])
def test_a_rule_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="JSON pointer"):
        answer_rules(text)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"messages": [PENDING]}, Outcome.SENT),
        ({"messages": [{"status": {"groupName": "ODD", "name": "ODD_1"}}]}, Outcome.UNKNOWN),
        ({"messages": [{"messageId": "m1"}]}, Outcome.UNKNOWN),
        ({"messages": []}, Outcome.UNKNOWN),
        ({"requestError": {}}, Outcome.UNKNOWN),
        (b"OK", Outcome.UNKNOWN),
    ],
)
def test_a_documented_provider_must_say_yes(
    gateway: Any, new_provider: Callable, message: Callable, answer: Any, outcome: Outcome
) -> None:
    gateway.says(200, answer)
    (result,) = new_provider("nextsms", url=gateway.url).send([message()])
    assert result.outcome is outcome


def test_all_ids_of_a_message_to_several_numbers_are_kept(
    gateway: Any, new_provider: Callable, message: Callable
) -> None:
    gateway.says(200, {"messages": [{**PENDING, "messageId": "a"}, {**PENDING, "messageId": "b"}]})
    (result,) = new_provider("nextsms", url=gateway.url).send(
        [message(to=("+255712345678", "+255754345678"))]
    )
    assert [(one.place, one.message_id) for one in result.parts] == [(0, "a"), (1, "b")]
