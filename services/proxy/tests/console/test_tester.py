"""The tester's page: filled in for a channel, without secrets; and a call on record beside it."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from common.clock import utc_now
from common.ids import lowest_id_at, new_id
from proxy.container import Container
from proxy.models import Rejection, TransactionStatus

TESTER = "/admin/mediator/tester/"

Record = Callable[..., str]


@pytest.fixture
def clinic(api: Any) -> dict[str, Any]:
    made: dict[str, Any] = api.made("clients", **api.a_client())
    return made


def test_call_is_filled_in_with_the_channels_example(
    signed_in: Any, api: Any, mediator: dict[str, Any], clinic: dict[str, Any]
) -> None:
    channel = api.made(
        "channels",
        **api.a_channel(
            mediator,
            methods=["PUT", "POST"],
            request_content_type="application/xml",
            request_body_example="<patient/>",
        ),
    )
    api.made(
        "registrations",
        channel_id=channel["id"],
        organization="NHIF",
        api_code="A1",
        push_code="P1",
    )

    page = signed_in.get(f"{TESTER}?channel={channel['id']}&client=clinic").text

    assert f'<option value="{channel["id"]}" selected>Patients' in page
    assert '<option value="clinic" selected>' in page
    assert '<option value="PUT" selected>' in page
    assert 'value="/patients/"' in page
    assert 'value="application/xml"' in page
    assert "&lt;patient/&gt;</textarea>" in page
    assert '<option value="NHIF">' in page


def test_expression_names_no_path(
    signed_in: Any, api: Any, mediator: dict[str, Any], clinic: dict[str, Any]
) -> None:
    pattern = "^/patients/[0-9]+$"
    channel = api.made("channels", **api.a_channel(mediator, path_pattern=pattern))

    page = signed_in.get(f"{TESTER}?channel={channel['id']}").text

    assert 'name="path" type="text" value="/"' in page
    assert f"The channel takes {pattern}" in page


def test_what_cannot_be_called_is_not_offered(
    signed_in: Any, api: Any, mediator: dict[str, Any], clinic: dict[str, Any]
) -> None:
    api.made("channels", **api.a_channel(mediator, name="Closed", is_active=False))
    api.made("clients", **api.a_client(client_id="gone", is_active=False))

    page = signed_in.get(TESTER).text

    assert "Closed" not in page
    assert "gone" not in page


def test_page_holds_no_secret_and_no_form_can_send_one(
    signed_in: Any, clinic: dict[str, Any]
) -> None:
    page = signed_in.get(TESTER).text

    assert clinic["client_secret"] not in page
    field = re.search(r"<input[^>]*type=\"password\"[^>]*>", page)
    assert field is not None
    assert 'autocomplete="off"' in field.group(0)
    assert "name=" not in field.group(0)
    assert "value=" not in field.group(0)


def test_tester_without_clients_says_what_to_do(signed_in: Any) -> None:
    assert "No client may call yet" in signed_in.get(TESTER).text


@pytest.mark.parametrize("path", ["/tester/", "/tester"])
def test_short_address_leads_to_the_tester(browser: Any, path: str) -> None:
    answer = browser.get(path)

    assert (answer.status_code, answer.headers["Location"]) == (302, TESTER)


@pytest.mark.parametrize("path", [TESTER, f"{TESTER}calls/{uuid.UUID(int=7)}/"])
def test_viewer_does_not_test(browser: Any, api: Any, path: str) -> None:
    api.made("staff", **api.a_member(role="viewer"))
    browser.sign_in()

    assert browser.get(path).status_code == 403


def beside(browser: Any, correlation_id: object, query: str = "") -> str:
    answer = browser.get(f"{TESTER}calls/{correlation_id}/{query}")
    assert answer.status_code == 200
    return str(answer.text)


def test_call_is_looked_at_until_it_has_ended(signed_in: Any, record: Record) -> None:
    running = record(0, status=TransactionStatus.PENDING, completed_at=None, duration_ms=None)
    ended = record(1, response_body="the answer")

    assert 'hx-trigger="every 1s"' in beside(signed_in, running, "?later=true")
    assert "later=True" in beside(signed_in, running, "?later=true")
    assert "hx-get" not in beside(signed_in, ended)
    assert f'href="/admin/mediator/transactions/{ended}/"' in beside(signed_in, ended)


def test_later_answer_is_shown_and_a_known_one_is_not(signed_in: Any, record: Record) -> None:
    call = record(response_body='{"a":1}')

    assert "{\n  &#34;a&#34;: 1\n}" in beside(signed_in, call, "?later=true")
    assert "&#34;a&#34;" not in beside(signed_in, call)


def test_rejection_says_why_and_what_was_near(signed_in: Any, container: Container) -> None:
    refused = new_id()
    with container.database.writing() as session:
        session.add(
            Rejection(
                correlation_id=refused,
                rejected_at=utc_now(),
                client_address="192.0.2.7",
                request_method="GET",
                request_path="/x",
                status_code=404,
                reason="No active channel for this path",
                nearest=[{"channel": "Visits", "path_pattern": "/y", "why_not": "another path"}],
            )
        )

    page = beside(signed_in, refused)

    assert "No active channel for this path" in page
    assert "another path" in page
    assert f"#rejection-{refused}" in page
    assert "hx-get" not in page


def test_what_is_not_on_record_is_waited_for_a_while(signed_in: Any) -> None:
    assert "hx-get" in beside(signed_in, new_id())
    page = beside(signed_in, lowest_id_at(utc_now() - timedelta(minutes=1)))
    assert "not on record" in page
    assert "hx-get" not in page
