"""What the gateway says of a call without an answer is read in each language; programs read it in
English."""

import uuid
from typing import Any

import pytest
from common.clock import utc_now
from common.http.outcomes import NotPermitted, NotSent, OutboundError, OutcomeUnknown, TimedOut
from common.ids import new_id_at
from common.texts import speaking
from proxy.console.call_errors import ERRORS, WHY_NOT
from proxy.container import Container
from proxy.gateway.async_calls import CHANNEL_GONE, INTERRUPTED, GiveUp, Trouble, after_trouble
from proxy.gateway.breaker import CircuitOpen
from proxy.gateway.forward import explain_failure
from proxy.gateway.match import CandidateChannel
from proxy.models import Rejection, TransactionStatus
from proxy.registry.patterns import compile_pattern
from proxy.registry.why_not import why_not
from pseudo_language import CODE, speak, unbracketed

FAILURES = (
    NotSent("cannot be reached (TimeoutError)"),
    NotPermitted(),
    CircuitOpen(3.0),
    OutcomeUnknown("the connection broke off"),
    OutcomeUnknown("the connection broke off within the answer"),
    OutcomeUnknown("the answer is larger than 1000 bytes"),
    OutcomeUnknown("the answer was not read to its end"),
    TimedOut("did not answer within 30 s"),
    TimedOut("was silent for 30 s within its answer"),
    TimedOut("took longer than 60 s in all"),
)


#: Channels that take GET /a/1 not, each for a reason of its own: pattern, methods, method, path.
NEAR = (
    ("/b", "", "/a/1"),
    ("/a/1/", "", "/a/1"),
    ("/A/1", "", "/a/1"),
    ("/a/1", "POST PUT", "/a/1"),
    ("/a/1", "", "/a/1"),
    ("/*", "", "/a/../1"),
)


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(("pattern", "methods", "path"), NEAR)
def test_every_reason_of_a_channel_is_translated(
    pattern: str, methods: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled, allowed = compile_pattern(pattern), frozenset(methods.split())
    channel = CandidateChannel(uuid.uuid4(), "near", compiled, allowed, 1, uuid.uuid4())
    said = why_not(channel, "GET", path, lambda _mediator: False)
    assert said
    speak(monkeypatch)
    with speaking(CODE):
        assert unbracketed(WHY_NOT.gettext(said)) == set(), said


def test_reasons_of_the_nearest_channels_are_read_in_french(
    admin: Any, container: Container
) -> None:
    near = {"channel": "Lab", "path_pattern": "/lab/*", "why_not": "takes POST, not GET"}
    refused = {"client_address": "192.0.2.7", "request_method": "GET", "request_path": "/lab/1"}
    with container.database.writing() as session:
        session.add(
            Rejection(
                correlation_id=new_id_at(utc_now()),
                rejected_at=utc_now(),
                status_code=405,
                reason="Method not allowed for this channel",
                nearest=[near],
                **refused,
            )
        )

    page = admin.get("/admin/mediator/rejections/", headers={"Accept-Language": "fr"}).text

    assert "prend POST, pas GET" in page


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("failure", FAILURES, ids=str)
def test_every_part_of_an_error_is_translated(
    failure: OutboundError, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, said = explain_failure(failure, is_bus=False)
    given_up = after_trouble(
        Trouble.NOT_SENT,
        said,
        attempts=5,
        max_attempts=5,
        repeatable=True,
        now=utc_now(),
    )
    assert isinstance(given_up, GiveUp)
    speak(monkeypatch)
    with speaking(CODE):
        for text in (said, given_up.reason, CHANNEL_GONE, INTERRUPTED):
            assert unbracketed(ERRORS.gettext(text)) == set(), text


def test_pages_translate_the_error_and_the_csv_file_does_not(admin: Any, record: Any) -> None:
    error = "Failed to reach mediator endpoint (after 5 attempts)"
    now = utc_now()
    times = {"correlation_id": new_id_at(now), "started_at": now, "completed_at": now}
    call = record(status=TransactionStatus.FAILED, error_message=error, **times)
    french = {"Accept-Language": "fr"}
    listed = "/admin/mediator/transactions/"

    for path in (listed, f"{listed}{call}/", f"/admin/timeline/{call}/", "/admin/"):
        page = admin.get(path, headers=french).text
        assert "Médiateur injoignable (après 5 tentatives)" in page, path
        assert error not in page, path
    assert error in admin.get(f"{listed}?format=csv", headers=french).text
    kinds = admin.get("/admin/mediator/report/errors/", headers=french).text
    assert "Médiateur injoignable (après # tentatives)" in kinds
