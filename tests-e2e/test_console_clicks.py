"""Questions of an operator's day, by clicking only: each in so many clicks from the dashboard."""

import sqlite3
import uuid
import zlib
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from browsers import staff_page
from console import staff_of
from hub import unique
from playwright.sync_api import expect
from proxy.statistics.rollups import COUNTS, EDGES_MS

pytestmark = pytest.mark.parametrize("hub", ["embedded"], indirect=True)


class Clicks:
    """A page, and how often it was clicked; dialogs would count as clicks, so none may open."""

    def __init__(self, page) -> None:
        self.page = page
        self.count = 0
        page.on("dialog", lambda dialog: pytest.fail(f"asked: {dialog.message}"))

    def __call__(self, role: str, name: str, **options) -> None:
        self.count += 1
        self.page.get_by_role(role, name=name, exact=True, **options).first.click()


@pytest.fixture
def clicks(hub, window):
    """An administrator's dashboard."""
    with staff_page(hub, window, staff_of(hub, "admin")) as watched:
        watched.page.goto(f"{hub.url}/admin/")
        expect(watched.page.get_by_role("heading", name="Dashboard")).to_be_visible()
        yield Clicks(watched.page)
        assert watched.problems == []


def stored(hub, service: str, statement: str, *values) -> None:
    """A row that only months of calls would bring."""
    path = Path(hub.stack.installation.var_dir, f"{service}.sqlite3")
    with closing(sqlite3.connect(path, timeout=30)) as connection, connection:
        connection.execute(statement, values)


def rollup(calls: int, failures: int, took_ms: float) -> tuple:
    """The figures of some calls of an hour of yesterday, as their columns stand."""
    durations = [0] * (len(EDGES_MS) + 1)
    durations[next(at for at, edge in enumerate(EDGES_MS) if took_ms < edge)] = calls
    total = calls * took_ms
    packed = zlib.compress(COUNTS.pack(*durations))
    return calls, failures, 0, 0, total, 0.0, total, 0.0, packed


FIGURES = (
    "calls, failures, completed, completed_with_errors, total_ms, match_ms, upstream_ms, "
    "store_ms, durations"
)


def an_hour_ago(hours: int) -> str:
    moment = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours)
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")


def first_row(page):
    return page.locator("#rows tr").first


def test_which_mediator_is_slow_this_week(hub, clicks):
    name = unique("Slow registry")
    given = {"name": name, "urn": f"urn:{unique('slow')}", "version": "1.0.0"}
    url = f"http://127.0.0.1:9/{unique('slow')}"
    hub.api("POST", "mediators/", 201, json={**given, "endpoint_url": url})
    statement = f"INSERT INTO hourly_mediator_rollups (hour, mediator_url, status, {FIGURES}) "
    values = (an_hour_ago(24), url, "successful", *rollup(10, 0, 60_000.0))
    stored(hub, "proxy", f"{statement} VALUES ({','.join('?' * len(values))})", *values)

    clicks("link", "Service levels")
    clicks("link", "Slowest mediators")

    expect(first_row(clicks.page)).to_contain_text(name)
    assert clicks.count == 2


def test_which_client_makes_most_errors(hub, clicks):
    name = unique("faulty")
    statement = f"INSERT INTO hourly_client_rollups (hour, channel_name, client_name, {FIGURES}) "
    values = (an_hour_ago(24), "any", name, *rollup(9_000, 8_000, 5.0))
    stored(hub, "proxy", f"{statement} VALUES ({','.join('?' * len(values))})", *values)

    clicks("link", "Service levels")
    clicks("link", "Clients with most failures")

    expect(first_row(clicks.page)).to_contain_text(name)
    expect(first_row(clicks.page)).to_contain_text("8,000")
    assert clicks.count == 2


def test_sms_and_their_cost_last_month_by_provider(hub, clicks):
    month = (datetime.now(UTC).replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
    provider = unique("operator")
    for event, cost in ((unique("A"), 120_000), (unique("B"), 3_400)):
        stored(
            hub,
            "notification",
            "INSERT INTO sms_cost (month, event_code, provider, messages, segments, cost) "
            "VALUES (?, ?, ?, 10, 20, ?)",
            *(month, event, provider, cost),
        )

    clicks("link", "Costs")
    clicks("link", "Last month by provider")

    row = clicks.page.locator("#rows tr").filter(has_text=provider)
    expect(row).to_have_count(1)
    expect(row.locator("td")).to_have_text(["all", "all", provider, "20", "40", "12.34 TZS"])
    assert clicks.count == 2


def test_add_a_colleague_who_only_reads(hub, clicks):
    username = unique("neema")

    clicks("link", "Staff")
    clicks("link", "New member")
    clicks.page.get_by_label("User name", exact=True).fill(username)
    clicks.page.get_by_label("Password").fill("a long password of hers")
    clicks("button", "Save")

    expect(clicks.page.get_by_text("Saved.")).to_be_visible()
    (member,) = [one for one in hub.api("GET", "staff/")["data"] if one["username"] == username]
    assert (member["role"], clicks.count) == ("viewer", 3)


def test_rotate_a_secret_without_an_outage(hub, clicks):
    client_id, secret = unique("clinic"), uuid.uuid4().hex * 2
    given = {"name": client_id, "client_id": client_id, "client_secret": secret}
    hub.api("POST", "clients/", 201, json=given)

    clicks("link", "Clients")
    clicks("link", client_id)
    expect(clicks.page.get_by_text("last used never")).to_be_visible()
    clicks("button", "Make a new secret")

    expect(clicks.page.get_by_role("heading", name=f"The secret of {client_id}")).to_be_visible()
    assert clicks.count == 3
    # The former one works on, and the page says when it did last.
    asked = requests.post(
        f"{hub.url}/oauth/token",
        auth=(client_id, secret),
        data={"grant_type": "client_credentials"},
        timeout=30,
    )
    assert asked.status_code == 200, asked.text
    clicks.page.get_by_role("link", name="It is copied: go on").click()
    times = clicks.page.locator("section:has(#secrets) li time")
    expect(times).to_have_count(3)  # both were made, one was used
