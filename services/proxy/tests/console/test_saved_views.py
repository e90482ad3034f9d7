"""Filters chosen with one click, and those that staff keep under a name."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from common.clock import utc_now
from common.ids import new_id_at
from proxy.container import Container
from proxy.models import SavedView, TransactionStatus
from sqlalchemy import select

LIST = "/admin/mediator/transactions/"
VIEWS = "/admin/mediator/views/"

Record = Callable[..., str]


def shown(page: Any) -> list[str]:
    assert page.status_code == 200, page.text
    return re.findall(r'<tr id="call-([^"]+)"', page.text)


def links(page: Any) -> list[str]:
    found = re.findall(r'<a class="tab"[^>]* href="([^"]+)"', page.text)
    return [one.replace("&amp;", "&") for one in found]


def started(days_ago: float) -> dict[str, Any]:
    moment = utc_now() - timedelta(days=days_ago)
    return {"correlation_id": new_id_at(moment), "started_at": moment}


def test_each_often_asked_span_is_a_link_that_keeps_the_other_filters(
    signed_in: Any, record: Record
) -> None:
    of_yesterday = record(**started(1), status=TransactionStatus.FAILED)
    record(**started(1))
    record(**started(3), status=TransactionStatus.FAILED)
    failed = next(link for link in links(signed_in.get(LIST)) if "status=failed" in link)

    yesterday = next(link for link in links(signed_in.get(failed)) if "when=yesterday" in link)
    page = signed_in.get(yesterday)

    assert shown(page) == [of_yesterday]
    assert 'aria-current="true"' in page.text
    assert '<option value="yesterday" selected>' in page.text


def test_span_that_nobody_knows_is_named(signed_in: Any) -> None:
    assert signed_in.get(f"{LIST}?when=some_day").status_code == 422


def test_calls_are_found_by_mediator_and_by_how_long_they_took(
    signed_in: Any, record: Record, mediator: dict[str, Any], channel: dict[str, Any]
) -> None:
    slow = record(0, duration_ms=4_000.0, channel_name=channel["name"])
    quick = record(1, channel_name=channel["name"])
    record(2, duration_ms=5_000.0, channel_name="Another mediator's")
    of_it = f"{LIST}?mediator={mediator['urn']}"

    assert shown(signed_in.get(of_it)) == [quick, slow]
    assert shown(signed_in.get(f"{of_it}&min_duration_ms=2000")) == [slow]
    assert shown(signed_in.get(f"{of_it}&max_duration_ms=2000")) == [quick]
    assert signed_in.get(f"{LIST}?min_duration_ms=long").status_code == 422


def test_rerun_of_yesterdays_calls_names_the_day_it_meant(signed_in: Any, record: Record) -> None:
    record(**started(1), status=TransactionStatus.FAILED)

    page = signed_in.get(f"{LIST}rerun/?status=failed&when=yesterday")

    assert 'name="since"' in page.text
    assert 'name="when"' not in page.text


def test_view_is_kept_sealed_and_opens_the_list_again(
    signed_in: Any, record: Record, container: Container
) -> None:
    meant = record(0, request_url="/patients/Asha")
    record(1)
    kept = signed_in.act(VIEWS, q="Asha", view_name="About Asha")

    assert kept.status_code == 303
    with container.database.reading() as session:
        (view,) = session.scalars(select(SavedView))
    assert b"Asha" not in view.sealed
    opened = signed_in.get(f"{VIEWS}{view.id}/")
    assert shown(signed_in.get(opened.headers["Location"])) == [meant]
    assert (
        "Taken by another record"
        in signed_in.get(
            signed_in.act(VIEWS, q="Asha", view_name="About Asha").headers["Location"]
        ).text
    )


@pytest.fixture
def two(signed_in: Any, api: Any, app: Any, container: Container) -> tuple[Any, Any]:
    """Two operators in a browser each."""
    api.made("staff", **api.a_member(username="juma", role="viewer"))
    other = type(signed_in)(app.test_client(), container)
    assert other.sign_in(username="juma").status_code == 303
    return signed_in, other


def test_view_is_ones_own_unless_it_is_shared(two: tuple[Any, Any], container: Container) -> None:
    amina, juma = two
    amina.act(VIEWS, status="failed", view_name="Mine")
    done = amina.act(VIEWS, status="failed", view_name="Ours", view_is_shared="true")
    assert "The view is kept" in amina.get(done.headers["Location"]).text

    page = juma.get(LIST).text
    assert "Ours" in page
    assert "Mine" not in page
    with container.database.reading() as session:
        ids = dict(session.execute(select(SavedView.name, SavedView.id)).all())
    assert juma.get(f"{VIEWS}{ids['Mine']}/").status_code == 404
    assert juma.act(f"{VIEWS}{ids['Ours']}/delete/").status_code == 404
    assert amina.act(f"{VIEWS}{ids['Ours']}/delete/").status_code == 303
    assert "Ours" not in juma.get(LIST).text
    assert juma.act(VIEWS, status="failed", view_name="X", view_is_shared="true").status_code == 403
