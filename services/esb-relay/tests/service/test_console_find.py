"""The search box and the timeline, as the relay answers them."""

import re

import pytest

FIND, TIMELINE = "/admin/esb/find/", "/admin/esb/timeline"


@pytest.fixture
def exchange(api):
    """An exchange with the bus."""
    return api.exchange(api.relay("{}"))


@pytest.mark.parametrize("by", ["id", "correlation_id", "request_id"])
def test_exchange_is_found_by_each_of_its_ids(console, csrf, exchange, by):
    form = {**csrf, "term": exchange[by]}
    part = console("viewer").post(FIND, data=form, headers={"HX-Request": "true"}).text

    assert f'href="/admin/esb/exchanges/{exchange["id"]}/"' in part
    assert f'href="/admin/timeline/{exchange["correlation_id"]}/"' in part


def test_timeline_tells_of_the_exchange_and_its_end(console, exchange):
    page = console("viewer").get(f"{TIMELINE}/{exchange['correlation_id']}/").text

    lines = re.findall(r"<li data-at", page)
    assert len(lines) == 2
    assert "succeeded" in page
    assert "<li data-at" not in console("viewer").get(f"{TIMELINE}/somebody-elses/").text
