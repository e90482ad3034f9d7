"""What mediators report is kept sealed, masked and shortened, and found by its properties."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from proxy.container import Container
from proxy.models import TransactionProperty, TransactionReport
from proxy.record.reports import Report, recorded, recorded_step, report_rows, reports_of
from proxy.record.rows import NOT_STORED, Storing

Record = Callable[..., str]
SECRET = "s3cret-of-a-patient"
STEP = {
    "name": "Register",
    "request": {
        "host": "registry.example",
        "port": 8080,
        "method": "POST",
        "path": f"/patients?token={SECRET}",
        "querystring": f"a=1&api_key={SECRET}",
        "headers": {"Authorization": SECRET, "Accept": "*/*", "Set-Cookie": [SECRET, SECRET]},
        "body": "x" * 50,
        "timestamp": "2026-05-01T12:00:00.000Z",
    },
    "response": {"status": 201, "headers": {}, "body": {"id": 7}, "timestamp": 1777636800250},
    "error": {"message": "late", "secret": SECRET},
}


def test_steps_are_kept_without_secrets_and_shortened() -> None:
    kept = recorded_step(STEP, Storing(20))
    assert SECRET not in str(kept)
    assert kept["request"]["headers"] == {
        "Authorization": "***",
        "Accept": "*/*",
        "Set-Cookie": ["***", "***"],
    }
    assert kept["request"]["querystring"] == "a=1&api_key=***"
    assert kept["request"]["path"] == "/patients?token=***"
    assert kept["request"]["body"].startswith("x" * 20 + "…")
    assert kept["response"]["body"] == '{"id": 7}'
    assert kept["error"] == {"message": "late"}


def test_bodies_that_are_not_stored_are_not_stored_here_either() -> None:
    kept = recorded_step(STEP, Storing(20, request_body=False, response_body=False))
    assert kept["request"]["body"] == kept["response"]["body"] == NOT_STORED


@pytest.mark.parametrize("step", [{}, {"request": "x", "response": [], "error": ""}])
def test_steps_of_any_form_can_be_kept(step: Any) -> None:
    assert recorded_step(step, Storing(20)) == {}


@pytest.fixture
def reported(container: Container, record: Record) -> str:
    """A call with a report."""
    call = record(5)
    report = Report("urn:x", None, [STEP], {"patient": "17", "password": SECRET}, {"message": "b"})
    sealed, properties = report_rows(
        container.sealer, uuid.UUID(call), recorded(report, Storing(99))
    )
    assert properties is not None
    with container.database.writing() as session:
        session.add_all(TransactionReport(**one) for one in sealed["rows"])
        session.add_all(TransactionProperty(**one) for one in properties["rows"])
    return call


def test_report_is_sealed_and_read_again(container: Container, reported: str) -> None:
    with container.database.reading() as session:
        stored = session.query(TransactionReport).one()
        assert b"Register" not in stored.sealed
        kept = reports_of(session, container.sealer, uuid.UUID(reported))
    assert [one["name"] for one in kept.orchestrations] == ["Register"]
    assert kept.properties == {"patient": "17", "password": "***"}
    assert (kept.urn, kept.error, kept.is_locked) == ("urn:x", {"message": "b"}, False)


def test_report_whose_key_is_gone_says_so(container: Container, reported: str) -> None:
    with container.database.writing() as session:
        session.query(TransactionReport).one().sealed = b"x" * 40
    with container.database.reading() as session:
        assert reports_of(session, container.sealer, uuid.UUID(reported)).is_locked


@pytest.mark.parametrize(
    "query",
    [
        {"properties.patient": "17"},
        {"properties": "patient=17"},
        {"properties.patient": "17", "channel": "Patients"},
    ],
)
def test_calls_are_found_by_their_properties(
    api: Any, record: Record, reported: str, query: dict[str, str]
) -> None:
    record(1)
    record(9)
    found = api.get("transactions/", **query).get_json()["data"]
    assert [one["correlation_id"] for one in found] == [reported]
    assert api.get("transactions/", **{"properties.patient": "18"}).get_json()["data"] == []


@pytest.mark.parametrize("properties", ["patient", "=1", ""])
def test_properties_that_are_no_pair_are_refused(api: Any, properties: str) -> None:
    assert api.get("transactions/", properties=properties).status_code == 422


def test_calls_are_found_by_the_beginning_of_their_id(api: Any, record: Record) -> None:
    record(1)
    call = record(2)
    for text in (call, call.replace("-", "")[:24].upper()):
        found = api.get("transactions/", q=text).get_json()["data"]
        assert [one["correlation_id"] for one in found] == [call]


def test_api_and_page_show_the_steps(api: Any, signed_in: Any, reported: str) -> None:
    shown = api.get(f"transactions/{reported}/").get_json()
    assert shown["orchestrations"][0]["response"]["status"] == 201
    assert (shown["mediator_urn"], shown["mediator_error"]) == ("urn:x", {"message": "b"})
    page = signed_in.get(f"/admin/mediator/transactions/{reported}/").text
    assert "Register: POST registry.example:8080/patients?token=***" in page
    assert "250 ms" in page
    assert SECRET not in page


def test_statuses_between_success_and_failure_are_counted_and_shown(
    api: Any, signed_in: Any, record: Record
) -> None:
    record(1, status="completed")
    call = record(2, status="completed with errors")
    record(3)
    found = api.get("transactions/", status="completed with errors").get_json()["data"]
    assert [one["correlation_id"] for one in found] == [call]
    span = {"since": "2026-05-01T12:00:00Z", "until": "2026-05-01T13:00:00Z"}
    counted = api.get("metrics/", **span).get_json()
    figures = counted["data"][0] if isinstance(counted, dict) else counted[0]
    assert (figures["count"], figures["failures"]) == (3, 0)
    assert (figures["completed"], figures["completed_with_errors"]) == (1, 1)
    page = signed_in.get("/admin/mediator/transactions/?status=completed+with+errors").text
    assert 'class="badge warn">completed with errors<' in page
