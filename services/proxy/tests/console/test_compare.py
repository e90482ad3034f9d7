"""Two calls side by side; a body to the byte; a call as a command, a test case, in the tester."""

import html
import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from proxy.container import Container
from proxy.models import StoredRequest, TransactionStatus
from proxy.record.sealing import RequestCopy
from sqlalchemy import insert

LIST = "/admin/mediator/transactions/"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
PDF = b"%PDF-1.7 and so on"

Record = Callable[..., str]


@pytest.fixture
def two(record: Record) -> tuple[str, str]:
    """A call that ended well, and one like it that did not."""
    good = record(0, response_body='{"name":"Asha","amount":1.10,"ward":7}')
    bad = record(
        1,
        status=TransactionStatus.FAILED,
        response_status_code=502,
        response_headers={"Content-Type": "application/json", "X-Node": "b"},
        response_body='{"name":"Asha","amount":1.1,"ward":7}',
    )
    return good, bad


@pytest.fixture
def stored(record: Record, container: Container) -> Callable[[bytes], str]:
    """Puts a call on record whose request is kept to the byte."""

    def put(body: bytes) -> str:
        call = record(0, request_body="<binary>", request_body_whole=False)
        row = container.sealer.row(uuid.UUID(call), RequestCopy("/", "", [], body))
        with container.database.writing() as session:
            session.execute(insert(StoredRequest), [row])
        return call

    return put


def rows(page: str, mark: str) -> list[str]:
    found = re.findall(rf'<tr class="{mark}">(.*?)</tr>', page, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]+>", " ", one)) for one in found]


def events(api: Any, act: str) -> list[str]:
    found = api.get("audit/", act=act).get_json()["data"]
    return [one["object_id"] for one in found]


def test_what_differs_is_marked_and_both_views_are_on_record(
    signed_in: Any, api: Any, two: tuple[str, str]
) -> None:
    good, bad = two

    page = signed_in.get(f"{LIST}{good}/compare/?other={bad}").text

    changed = " ".join(rows(page, "changed"))
    for text in ("successful", "failed", "200", "502", '"amount": 1.10', '"amount": 1.1'):
        assert text in changed
    assert "X-Node" in " ".join(rows(page, "right"))
    assert '"ward": 7' in " ".join(rows(page, "same"))
    assert set(events(api, "transaction.viewed")) == {good, bad}


def test_call_offers_its_kin_and_its_like(signed_in: Any, two: tuple[str, str]) -> None:
    page = signed_in.get(f"{LIST}{two[0]}/compare/").text

    assert f"{LIST}{two[0]}/compare/?other={two[1]}" in page


def test_bodies_of_a_channel_that_asks_why_are_compared_for_a_reason(
    signed_in: Any, api: Any, channel: dict[str, Any], two: tuple[str, str]
) -> None:
    api.patch(f"channels/{channel['id']}/", {"ask_reason": True})
    path = f"{LIST}{two[0]}/compare/"

    assert "Asha" not in signed_in.get(f"{path}?other={two[1]}").text
    assert events(api, "transaction.viewed") == []
    assert signed_in.act(path, other=two[1], reason="").status_code == 422
    assert "Asha" in signed_in.act(path, other=two[1], reason="Complaint 17").text
    assert set(events(api, "transaction.viewed")) == set(two)


def test_observer_compares_without_bodies(
    signed_in_as: Callable[[str], Any], two: tuple[str, str]
) -> None:
    page = signed_in_as("observer").get(f"{LIST}{two[0]}/compare/?other={two[1]}").text

    assert "502" in page
    assert "Asha" not in page


@pytest.mark.parametrize(
    ("body", "media", "how"),
    [
        (PNG, "image/png", "inline"),
        (PDF, "application/pdf", "inline"),
        (b"<svg onload=alert(1)>", "application/octet-stream", "attachment"),
        (b"<html><script>alert(1)</script>", "application/octet-stream", "attachment"),
    ],
)
def test_bytes_are_shown_only_where_nothing_in_them_can_act(
    signed_in: Any, stored: Callable[[bytes], str], body: bytes, media: str, how: str
) -> None:
    answer = signed_in.get(f"{LIST}{stored(body)}/body/request/")

    assert (answer.data, answer.mimetype) == (body, media)
    assert answer.headers["Content-Disposition"].startswith(how)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert ("sandbox" in answer.headers["Content-Security-Policy"]) is (body != PDF)


def test_picture_is_on_the_calls_page_and_its_bytes_in_hexadecimal(
    signed_in: Any, api: Any, stored: Callable[[bytes], str]
) -> None:
    call = stored(PNG)

    page = signed_in.get(f"{LIST}{call}/").text
    shown = signed_in.get(f"{LIST}{call}/body/request/hex/").text

    assert f'<img class="picture" src="{LIST}{call}/body/request/"' in page
    assert "00000000  89 50 4e 47 0d 0a 1a 0a" in shown
    assert ".PNG...." in shown
    assert events(api, "transaction.viewed") == [f"{call}/request", call]


def test_bytes_of_a_channel_that_asks_why_are_sent_for_a_reason(
    signed_in: Any, api: Any, channel: dict[str, Any], stored: Callable[[bytes], str]
) -> None:
    api.patch(f"channels/{channel['id']}/", {"ask_reason": True})
    path = f"{LIST}{stored(PNG)}/body/request/"

    for refused in (path, f"{path}hex/"):
        assert signed_in.get(refused).status_code == 403
    assert signed_in.act(path, reason="").status_code == 422
    assert signed_in.act(path, reason="Complaint 17").data == PNG


def test_bytes_that_are_not_kept_are_not_there(
    signed_in: Any, record: Record, signed_in_as: Any
) -> None:
    assert signed_in.get(f"{LIST}{record(0)}/body/response/").status_code == 404


def test_command_and_test_case_hold_no_secret(signed_in: Any, record: Record) -> None:
    call = record(
        0,
        request_method="POST",
        request_url="/patients/?token=***&full=1",
        request_headers={"X-Client-Secret": "***", "Accept": "it's", "X-Forwarded-For": "::1"},
        request_body='{"name": "Asha"}',
    )

    page = signed_in.get(f"{LIST}{call}/").text
    case = json.loads(signed_in.get(f"{LIST}{call}/test-case/").data)

    command = page.split('<pre id="curl"')[1].split("</pre>")[0]
    for text in ("&#34;$TOKEN&#34;", "&#34;$X_CLIENT_SECRET&#34;", "-X POST", "--data-raw"):
        assert text in command
    assert "X-Forwarded-For" not in command
    assert case["match"] == {"method": "POST", "path": "/patients/"}
    assert case["call"]["headers"] == [["Accept", "it's"]]
    assert case["expected"]["channel"] == "Patients"


def test_call_goes_into_the_tester(
    signed_in: Any, api: Any, channel: dict[str, Any], record: Record
) -> None:
    api.made("clients", **api.a_client())
    headers = {"Content-Type": "text/x", "X-Client-Secret": "***", "Accept": "*/*"}
    call = record(0, request_method="POST", request_headers=headers, request_body="Habari")

    page = signed_in.get(f"/admin/mediator/tester/?call={call}").text

    for text in ('value="/patients/17"', 'value="full=1"', 'value="text/x"', "Habari"):
        assert text in page
    for chosen in (channel["id"], "clinic", "POST"):
        assert f'<option value="{chosen}" selected>' in page
    assert "X-Client-Secret" not in page.split("<form")[2]
    assert events(api, "transaction.viewed") == [call]
