"""The record in the console: the list with its filters, a call in whole, a call made again."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from proxy.console.stages import Stage, stages
from proxy.container import Container
from proxy.models import AsyncCall, Transaction, TransactionStatus
from proxy.record import search

LIST = "/admin/mediator/transactions/"
NOBODY = str(uuid.UUID(int=7))

Record = Callable[..., str]


def shown(page: Any) -> list[str]:
    assert page.status_code == 200
    return re.findall(r'<tr id="call-([^"]+)"', page.text)


def test_list_shows_the_newest_call_first_and_no_body(signed_in: Any, record: Record) -> None:
    older, newer = record(0), record(1, request_body="confidential")

    page = signed_in.get(LIST)

    assert shown(page) == [newer, older]
    assert "confidential" not in page.text


def test_filters_are_in_the_address_and_shown_again(signed_in: Any, record: Record) -> None:
    record(0)
    meant = record(1, status=TransactionStatus.FAILED, response_status_code=502)

    page = signed_in.get(f"{LIST}?status=failed&response_status=5xx&path=/patients/&client=")

    assert shown(page) == [meant]
    assert '<option value="failed" selected>' in page.text
    assert 'value="5xx"' in page.text


def test_filter_that_cannot_be_read_is_named_and_finds_nothing(
    signed_in: Any, record: Record
) -> None:
    record()

    page = signed_in.get(f"{LIST}?response_status=tee")

    assert page.status_code == 422
    assert "Must be like 404 or 5xx." in page.text
    assert "<tr" not in page.text


def test_empty_record_says_what_to_do_and_an_empty_result_how_to_go_on(signed_in: Any) -> None:
    assert "No call yet" in signed_in.get(LIST).text
    assert "Clear the filters" in signed_in.get(f"{LIST}?status=failed").text


def test_older_calls_are_a_page_away_with_the_same_filter(signed_in: Any, record: Record) -> None:
    calls = [record(minute, channel_name="Visits") for minute in range(52)]
    record(60)

    first = signed_in.get(f"{LIST}?channel=Visits")
    older = re.search(r'href="([^"]+)" rel="next"', first.text)
    assert older is not None
    rest = signed_in.get(LIST + older.group(1).replace("&amp;", "&"))

    assert shown(first) + shown(rest) == calls[::-1]


def test_search_that_has_not_come_far_goes_on_by_itself(
    signed_in: Any, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "STEP", 2)
    monkeypatch.setattr(search, "BUDGET_S", 0)
    meant = record(0, request_url="/old/")
    for minute in range(1, 6):
        record(minute)

    page, pages = signed_in.get(f"{LIST}?path=/old/"), 1
    while going_on := re.search(r'hx-get="([^"]+)" hx-trigger="load"', page.text):
        assert shown(page) == []
        page, pages = signed_in.get(LIST + going_on.group(1).replace("&amp;", "&")), pages + 1

    assert (shown(page), pages) == ([meant], 3)
    assert meant in signed_in.get(f"{LIST}?path=/old/&format=csv").text


def test_download_holds_what_the_filters_leave(signed_in: Any, record: Record) -> None:
    record(0)
    meant = record(1, client_name="lab", error_message="=cmd()")

    lines = signed_in.get(f"{LIST}?client=lab&format=csv").text.splitlines()

    assert len(lines) == 2
    assert lines[1].startswith(f'"{meant}"')
    assert ',"\'=cmd()",' in lines[1]


def test_call_is_shown_in_whole(
    signed_in: Any, record: Record, api: Any, channel: dict[str, Any]
) -> None:
    client = api.made("clients", **api.a_client())
    call = record(
        channel_name=channel["name"],
        request_headers={"Authorization": "***", "X-Many": ["a", "b"], "X-Ward": "NgÃ´ro"},
        request_body='{"name":"<Asha>"}',
        response_body="<a><b/></a>",
        esb_exchange_id="17",
        match_ms=1.0,
    )

    page = signed_in.get(f"{LIST}{call}/").text

    assert "{\n  &#34;name&#34;: &#34;&lt;Asha&gt;&#34;\n}" in page
    assert "&lt;a&gt;\n  &lt;b/&gt;" in page
    assert "a, b" in page
    assert "Ngôro" in page
    assert f"/admin/mediator/channels/{channel['id']}/" in page
    assert f"/admin/mediator/clients/{client['id']}/" in page
    assert 'href="/admin/esb/exchanges/17/"' in page
    assert "hx-get" not in page


def test_call_that_has_not_ended_looks_again_by_itself(
    signed_in: Any, record: Record, container: Container
) -> None:
    call = record(status=TransactionStatus.PENDING, completed_at=None, duration_ms=None)
    with container.database.writing() as session:
        started = session.get_one(Transaction, uuid.UUID(call)).started_at
        session.add(
            AsyncCall(
                correlation_id=uuid.UUID(call),
                has_idempotency_key=False,
                attempt_count=2,
                next_attempt_at=started,
            )
        )

    page = signed_in.get(f"{LIST}{call}/").text

    assert 'hx-trigger="every 2s"' in page
    assert "Attempts so far" in page
    assert "Make this call again" not in page


def test_call_and_its_reruns_lead_to_each_other(signed_in: Any, record: Record) -> None:
    parent = record(0)
    child = record(1, parent_id=uuid.UUID(parent))

    assert f'href="{LIST}{child}/"' in signed_in.get(f"{LIST}{parent}/").text
    assert f'href="{LIST}{parent}/"' in signed_in.get(f"{LIST}{child}/").text


def test_unknown_call_is_a_page_that_says_so(signed_in: Any) -> None:
    page = signed_in.get(f"{LIST}{NOBODY}/")

    assert (page.status_code, page.mimetype) == (404, "text/html")


def test_operator_makes_a_call_again(
    signed_in: Any, record: Record, channel: dict[str, Any]
) -> None:
    call = record(channel_name=channel["name"])
    token = signed_in.form_token(f"{LIST}{call}/")

    answer = signed_in.post(f"{LIST}{call}/rerun/", csrf_token=token)

    assert answer.status_code == 303
    assert call not in answer.headers["Location"]
    assert "repeats" in signed_in.get(answer.headers["Location"]).text
    assert len(shown(signed_in.get(LIST))) == 2


def test_call_that_cannot_be_made_again_says_why(
    signed_in: Any, record: Record, channel: dict[str, Any]
) -> None:
    call = record(channel_name=channel["name"], request_body_whole=False)
    token = signed_in.form_token(f"{LIST}{call}/")

    answer = signed_in.post(f"{LIST}{call}/rerun/", csrf_token=token)

    assert "keep_whole_bodies" in signed_in.get(answer.headers["Location"]).text
    assert shown(signed_in.get(LIST)) == [call]


@pytest.mark.parametrize("act", ["rerun/", "{}/rerun/"])
def test_viewer_repeats_nothing(
    browser: Any, api: Any, record: Record, channel: dict[str, Any], act: str
) -> None:
    api.made("staff", **api.a_member(role="viewer"))
    browser.sign_in()
    call = record(channel_name=channel["name"])
    page = browser.get(f"{LIST}{call}/")

    answer = browser.post(LIST + act.format(call), csrf_token=browser.form_token(LIST))

    assert "Make this call again" not in page.text
    assert answer.status_code == 403
    assert shown(browser.get(LIST)) == [call]


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        ({"duration_ms": None}, []),
        (
            {"duration_ms": 10.0, "match_ms": 1.0, "store_ms": 2.0, "upstream_ms": 6.5},
            [
                Stage("Match", 0.0, 1.0),
                Stage("Store", 1.0, 2.0),
                Stage("Upstream", 3.0, 6.5),
                Stage("Rest", 9.5, 0.5),
            ],
        ),
        (
            {"duration_ms": 1.0, "match_ms": 2.0},
            [
                Stage("Match", 0.0, 2.0),
                Stage("Store", 2.0, 0.0),
                Stage("Upstream", 2.0, 0.0),
                Stage("Rest", 2.0, 0.0),
            ],
        ),
    ],
)
def test_stages_follow_one_another(measured: dict[str, Any], expected: list[Stage]) -> None:
    assert stages(Transaction(**measured)) == expected
