"""The search box: what a term names, and all calls about it; the timeline of a call."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from common.clock import utc_now
from proxy.container import Container
from proxy.models import AsyncCall, TransactionProperty, TransactionStatus
from proxy.record import search

FIND = "/admin/find/"
INSTALLED = {"X-Kiungo-Services": "esb=x notification=y policy-notification=z"}

Record = Callable[..., str]


@pytest.fixture
def patient(record: Record, container: Container) -> dict[str, str]:
    """Calls about patient P7, by a property and by its address; and one about somebody else."""
    made = {
        "property": record(0, request_url="/visits/"),
        "address": record(1, request_url="/patients/P7/"),
        "other": record(2, request_url="/patients/P8/"),
    }
    with container.database.writing() as session:
        named = {"name": "patient", "value": "P7"}
        session.add(TransactionProperty(correlation_id=uuid.UUID(made["property"]), **named))
    return made


def rows(page: Any) -> list[str]:
    assert page.status_code == 200, page.text
    return re.findall(r'<tr id="call-([^"]+)"', page.text)


@pytest.mark.usefixtures("channel")
def test_box_is_on_every_page_and_sends_its_term_in_a_form(signed_in: Any) -> None:
    page = signed_in.get("/admin/mediator/channels/").text

    form = page.split('<form class="find"')[1].split("</form>")[0]
    assert 'method="post" action="/admin/find/"' in form
    assert 'name="term"' in form
    assert "csrf_token" in form


@pytest.mark.parametrize("spelled", ["{}", " {} ", "short"])
def test_call_is_found_by_its_id_or_the_part_that_mediators_know(
    signed_in: Any, record: Record, spelled: str
) -> None:
    call = record(0)
    term = call.replace("-", "")[:24] if spelled == "short" else spelled.format(call)

    page = signed_in.act(FIND, term=term).text

    assert f'href="/admin/mediator/transactions/{call}/"' in page
    assert f'href="/admin/timeline/{call}/"' in page
    assert "Calls about it" not in page


@pytest.mark.parametrize(
    ("term", "link"),
    [
        ("Patien", "/admin/mediator/channels/{channel}/versions/"),
        ("Patien", "/admin/mediator/transactions/?channel=Patients&amp;status=failed"),
        ("POST /patients", "?channel=Patients&amp;method=POST&amp;status=failed"),
        ("/patients/17", "/admin/mediator/transactions/?channel=Patients"),
        ("urn:mediator:reg", "/admin/mediator/transactions/?mediator=urn:mediator:registry"),
        ("clini", "/admin/mediator/transactions/?client=clinic"),
    ],
)
def test_records_are_found_with_the_way_to_their_calls(
    signed_in: Any, api: Any, channel: dict[str, Any], term: str, link: str
) -> None:
    api.made("clients", **api.a_client())

    page = signed_in.act(FIND, term=term).text.replace("%3A", ":")

    assert link.format(channel=channel["id"]) in page


def test_path_that_no_channel_takes_finds_none(signed_in: Any, channel: dict[str, Any]) -> None:
    assert channel["name"] not in signed_in.act(FIND, term="/patient").text


def test_all_calls_about_a_patient_are_listed_and_no_address_names_them(
    signed_in: Any, patient: dict[str, str]
) -> None:
    found = signed_in.act(FIND, term="P7").text
    page = signed_in.act(f"{FIND}calls/", term="P7")

    assert rows(page) == [patient["address"], patient["property"]]
    for shown in (found, page.text):
        assert not re.search(r'(?:href|hx-\w+|action)="[^"]*[?=]P7', shown)


@pytest.mark.usefixtures("patient")
def test_search_that_has_not_come_far_goes_on_by_a_form(
    signed_in: Any, patient: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "STEP", 1)
    monkeypatch.setattr(search, "BUDGET_S", 0)

    first = signed_in.act(f"{FIND}calls/", term="P7")
    cursor = re.search(r'name="cursor" value="([^"]+)"', first.text)
    assert cursor is not None
    second = signed_in.act(f"{FIND}calls/", term="P7", cursor=cursor.group(1))

    assert rows(first) == [patient["property"]]
    assert rows(second) == [patient["address"]]


@pytest.mark.usefixtures("patient")
def test_observer_finds_what_the_gateway_does_and_nobody(
    signed_in_as: Callable[[str], Any], channel: dict[str, Any]
) -> None:
    observer = signed_in_as("observer")

    assert "Calls about it" not in observer.act(FIND, term="P7").text
    assert channel["name"] in observer.act(FIND, term="Patients").text
    assert observer.act(f"{FIND}calls/", term="P7").status_code == 403


@pytest.mark.parametrize("term", ["", " ", "   ", " x ", "x" * 201, "a\nb"])
def test_term_that_cannot_be_one_is_rejected(signed_in: Any, term: str) -> None:
    assert signed_in.act(FIND, term=term).status_code == 422


def test_page_asks_what_is_installed_and_waits_a_second(signed_in: Any) -> None:
    token = signed_in.form_token("/admin/")

    form = {"term": "Asha", "csrf_token": token}
    page = signed_in.client.post(FIND, data=form, headers=INSTALLED).text

    for prefix in ("esb", "notification", "policy-notification"):
        assert f'hx-post="/admin/{prefix}/find/"' in page
    assert page.count("""hx-request='{"timeout": 1000}'""") == 3
    assert "hx-post" not in signed_in.act(FIND, term="Asha").text


def test_timeline_tells_what_happened_in_order(
    signed_in: Any, record: Record, container: Container
) -> None:
    call = record(
        0,
        status=TransactionStatus.FAILED,
        error_message="The mediator answered 502",
        completed_at=utc_now(),
    )
    again = record(5, parent_id=uuid.UUID(call))
    with container.database.writing() as session:
        work = {"has_idempotency_key": False, "attempt_count": 2, "next_attempt_at": utc_now()}
        sent_at = utc_now() - timedelta(hours=1)
        session.add(AsyncCall(correlation_id=uuid.UUID(call), sent_at=sent_at, **work))

    page = signed_in.get(f"/admin/timeline/{call}/")

    lines = [
        re.sub(r"<[^>]+>", "", one) for one in re.findall(r"<li data-at.*?</li>", page.text, re.S)
    ]
    said = ["clinic called GET", "made again", "The worker sent it, attempt 2", "answered 502"]
    assert [text in line for text, line in zip(said, lines, strict=True)] == [True] * 4
    assert f'href="/admin/mediator/transactions/{again}/"' in page.text


def test_timeline_of_another_systems_id_is_for_the_other_services(signed_in: Any) -> None:
    page = signed_in.get("/admin/timeline/lab-request-17/", headers=INSTALLED)

    assert page.status_code == 200
    assert 'hx-get="/admin/notification/timeline/lab-request-17/"' in page.text
    assert signed_in.get("/admin/timeline/x%20y/").status_code == 422
