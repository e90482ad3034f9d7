"""Many calls made again in the console: batch after batch, as the page asks for them."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from proxy.container import Container
from proxy.models import Transaction, TransactionStatus
from proxy.record import reruns
from sqlalchemy import func, select, update

LIST = "/admin/mediator/transactions/"
PAGE = f"{LIST}rerun/"
QUERY = "?status=failed&channel=Patients"

Record = Callable[..., str]


@pytest.fixture
def failed(record: Record, channel: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Five failed calls, the newest of which cannot be repeated; batches are of two."""
    monkeypatch.setattr(reruns, "BATCH", 2)
    record(9)
    calls = [record(minute, status=TransactionStatus.FAILED) for minute in range(4)]
    return [*calls, record(4, status=TransactionStatus.FAILED, request_body_whole=False)]


def hidden(page: str) -> dict[str, str]:
    """The fields of the page's own form."""
    form = page.rpartition("<form")[2].partition("</form>")[0]
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))


def number_of_calls(container: Container) -> int:
    with container.database.reading() as session:
        return session.scalar(select(func.count()).select_from(Transaction)) or 0


def test_list_leads_to_the_page_with_its_filters(signed_in: Any, failed: list[str]) -> None:
    assert "again</a>" not in signed_in.get(LIST).text

    page = signed_in.get(f"{LIST}{QUERY}").text

    assert f'href="{PAGE}{QUERY.replace("&", "&amp;")}"' in page


def test_page_tells_how_many_calls_are_meant_and_does_nothing(
    signed_in: Any, failed: list[str], container: Container
) -> None:
    page = signed_in.get(PAGE + QUERY)

    assert "<h2>5 calls</h2>" in page.text
    assert "There is nothing" in signed_in.get(f"{PAGE}?status=pending").text
    assert number_of_calls(container) == 6


def test_every_batch_asks_for_the_next_one_until_all_are_handled(
    signed_in: Any, failed: list[str], container: Container
) -> None:
    fields = hidden(signed_in.get(PAGE + QUERY).text)
    answers = [signed_in.post(PAGE, **fields).text]
    while 'hx-trigger="load"' in answers[-1]:
        answers.append(signed_in.post(PAGE, **hidden(answers[-1])).text)

    assert [re.findall(r"(\d of \d) handled", page)[0] for page in answers] == [
        "2 of 5",
        "4 of 5",
        "5 of 5",
    ]
    assert "4 in line to be made again, 1 refused" in answers[-1]
    assert "keep_whole_bodies" in answers[0]
    with container.database.reading() as session:
        parents = session.scalars(
            select(Transaction.parent_id).where(Transaction.parent_id.is_not(None))
        ).all()
    assert sorted(map(str, parents)) == sorted(failed[:4])


def test_script_gets_only_the_part_that_changes(signed_in: Any, failed: list[str]) -> None:
    first = signed_in.post(PAGE, **hidden(signed_in.get(PAGE + QUERY).text)).text

    part = signed_in.client.post(PAGE, data=hidden(first), headers={"HX-Request": "true"}).text

    assert first.startswith("<!doctype html>")
    assert part.lstrip().startswith('<section class="card" id="rerun"')
    assert 'id="refused" hx-swap-oob="beforeend"' in part


def test_end_of_the_new_calls_is_counted_until_all_have_ended(
    signed_in: Any, failed: list[str], container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reruns, "BATCH", 50)
    last = signed_in.post(PAGE, **hidden(signed_in.get(PAGE + QUERY).text)).text
    found = re.search(r'hx-get="([^"]+)" hx-trigger="every 1s"', last)
    assert found is not None
    address = found.group(1).replace("&amp;", "&")

    pending = signed_in.get(address).text
    with container.database.writing() as session:
        session.execute(
            update(Transaction)
            .where(Transaction.parent_id == uuid.UUID(failed[0]))
            .values(status=TransactionStatus.FAILED)
        )
    some = signed_in.get(address).text
    with container.database.writing() as session:
        session.execute(
            update(Transaction)
            .where(Transaction.status == TransactionStatus.PENDING)
            .values(status=TransactionStatus.SUCCESSFUL)
        )
    ended = signed_in.get(address).text

    assert "0 of 4 new calls" in pending
    assert "1 of 4 new calls" in some
    assert "1 failed" in some
    assert "All have ended." in ended
    assert "hx-get" not in ended


@pytest.mark.parametrize("query", ["", "?status=", "?since=yesterday"])
def test_run_over_every_call_or_by_a_filter_that_cannot_be_read_is_refused(
    signed_in: Any, failed: list[str], container: Container, query: str
) -> None:
    token = signed_in.form_token(LIST)

    assert signed_in.get(PAGE + query).status_code == 422
    fields = dict(pair.split("=") for pair in query[1:].split("&") if pair)
    assert signed_in.post(PAGE, csrf_token=token, **fields).status_code == 422
    assert number_of_calls(container) == 6


def test_viewer_does_not_get_to_the_page(browser: Any, api: Any, failed: list[str]) -> None:
    api.made("staff", **api.a_member(role="viewer"))
    browser.sign_in()

    assert "again</a>" not in browser.get(f"{LIST}{QUERY}").text
    assert browser.get(PAGE + QUERY).status_code == 403
    assert browser.get(f"{PAGE}ends/{QUERY}").status_code == 403
