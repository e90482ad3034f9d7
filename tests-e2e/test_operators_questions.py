"""An operator's questions, answered in a browser by clicking: each with the clicks that it takes.

What is looked for is typed into the search box; its button is a click.
"""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from browsers import Watched, staff_page
from bus import Bus
from common.ids import new_id_at
from console import staff_of
from hub import unique
from playwright.sync_api import expect
from policy_scheme import Scheme
from proxy.config import Settings
from proxy.container import build_container
from proxy.models import Transaction
from sqlalchemy import inspect

pytestmark = pytest.mark.parametrize("hub", ["embedded"], indirect=True)


class Operator:
    """Somebody at the dashboard, whose clicks are counted."""

    def __init__(self, hub, watched: Watched) -> None:
        self.watched, self.page, self.clicks = watched, watched.page, 0
        self.page.on("dialog", lambda dialog: dialog.accept())
        self.page.goto(f"{hub.url}/admin/")

    def click(self, target) -> None:
        target.click()
        self.clicks += 1

    def link(self, name, **how) -> None:
        """Click the link of this name on the page or in the menu."""
        self.click(self.page.get_by_role("link", name=name, **how))

    def find(self, term: str) -> None:
        """Type it into the box, and click on its button."""
        self.page.get_by_label("Find", exact=True).fill(term)
        self.click(self.page.get_by_role("button", name="Find", exact=True))


@pytest.fixture
def operator(hub, window):
    with staff_page(hub, window, staff_of(hub, "operator")) as watched:
        yield Operator(hub, watched)
        assert watched.problems == []


@pytest.fixture
def lab(hub, mediator):
    """A channel to a mediator that is away: its path and its name, and how the mediator comes."""
    path = f"/{unique('lab')}"
    away = hub.new_mediator("http://127.0.0.1:9")
    channel = hub.new_channel(f"{path}/*", away["id"])
    hub.in_force()

    def come_back() -> None:
        hub.api("PATCH", f"mediators/{away['id']}/", 200, json={"endpoint_url": mediator.url})
        hub.in_force()

    return {"path": path, "channel": channel, "comes_back": come_back}


def moved(hub, call, to: datetime) -> str:
    """Let a call have been made at another time; its id. What is sealed is bound to the id."""
    process = build_container(Settings.read(hub.stack.installation.environ))
    known_as, was = new_id_at(to), UUID(call.headers["X-Correlation-Id"])
    times = {"correlation_id": known_as, "started_at": to, "completed_at": to}
    with process.database.writing() as session:
        found = session.get_one(Transaction, was)
        kept = {one.key: getattr(found, one.key) for one in inspect(Transaction).column_attrs}
        session.delete(found)
        session.flush()
        session.add(Transaction(**{**kept, **times}))
    process.database.engine.dispose()
    return str(known_as)


def test_why_did_this_call_fail(hub, operator, lab):
    hub.call("GET", f"{lab['path']}/results/17")

    operator.link("Transactions")
    operator.link("Failed", exact=True)
    operator.link(f"GET {lab['path']}/results/17")

    expect(operator.page.locator("#summary .flash.bad")).to_contain_text(
        "Failed to reach mediator endpoint"
    )
    assert operator.clicks == 3


def test_is_everything_well_now(hub, operator, eventually):
    eventually(lambda: hub.api("GET", "checks/", 200)["checks"], 30)

    operator.link(re.compile(r"^All \d+ parts$"))

    parts = operator.page.get_by_role("region", name="Parts").locator("tbody tr")
    expect(operator.page.locator("h1")).to_have_text("Health")
    for part in ("database", "broker", "migrations", "disk", "proxy-worker"):
        expect(parts.filter(has_text=part).first).to_contain_text(re.compile("well|failing"))
    known = hub.api("GET", "checks/", 200)
    expect(parts).to_have_count(len(known["checks"]))
    said = operator.page.locator(".heading")
    expect(said).to_contain_text("Healthy" if known["is_well"] else "Not healthy")
    assert operator.clicks == 1


def test_tell_me_when_a_channel_fails_more_than_five_percent(hub, operator, lab, eventually):
    name, channel = unique("more than 5 %"), lab["channel"]["name"]
    contact = {"kind": "email", "address": "on-call@example.org"}
    group = hub.api(
        "POST", "contact-groups/", 201, json={"name": unique("us"), "contacts": [contact]}
    )

    operator.link("New alert rule")
    expect(operator.page.get_by_label("From", exact=True)).to_have_value("5")
    operator.page.get_by_label("Name", exact=True).fill(name)
    operator.page.get_by_label("Name of it").fill(channel)
    operator.page.get_by_label("Who is told").select_option(label=group["name"])
    operator.clicks += 2  # the list, and the line in it
    operator.click(operator.page.get_by_role("button", name="Save"))
    expect(operator.page.get_by_role("link", name=name)).to_be_visible()
    assert operator.clicks == 4

    for number in range(3):
        assert hub.call("GET", f"{lab['path']}/{number}").status_code == 502

    def raised() -> list[dict]:
        found = hub.api("GET", "alerts/?state=open", 200)["data"]
        return [one for one in found if (one["rule_name"], one["subject"]) == (name, channel)]

    eventually(raised, 60)
    assert raised()[0]["detail"] == "3 of 3 calls failed"


def test_who_changed_this_channel_when_and_what(hub, operator, lab):
    hub.api("PATCH", f"channels/{lab['channel']['id']}/", 200, json={"description": "For X-rays"})

    operator.find(lab["channel"]["name"])
    operator.link("Versions")

    newest = operator.page.locator("#version-2")
    expect(newest).to_contain_text(hub.stack.demo_client_id)
    expect(newest).to_contain_text("For X-rays")
    expect(newest.locator("time")).to_have_count(1)
    assert operator.clicks == 2


@pytest.mark.parametrize(
    ("approval", "said"), [(True, "sent"), (False, "denied")], ids=["reminded", "not reminded"]
)
def test_did_this_person_get_a_reminder_and_if_not_why(hub, operator, approval, said):
    scheme = Scheme(hub).found()
    family = scheme.expiring("+255700000077")
    scheme.consent(family["chf_id"], approval=approval)
    scheme.run()

    operator.find(family["chf_id"])
    operator.click(operator.page.get_by_role("link", name=re.compile("^What was sent")))

    row = operator.page.locator("tbody tr").filter(has_text="expir").first
    expect(row).to_contain_text(re.compile(said, re.IGNORECASE))
    assert operator.clicks <= 3

    operator.click(row.get_by_role("link", name="Timeline"))
    expect(operator.page.locator("#timeline li").first).to_contain_text("A run decided")


def test_all_calls_about_a_patient_by_what_sealed_bodies_hold(hub, operator, mediator):
    path, patient = f"/{unique('visits')}", unique("NIN-")
    field = {"name": "patient id", "kind": "json", "expression": "/patient/id"}
    record = hub.new_mediator(mediator.url)
    hub.new_channel(f"{path}/*", record["id"], indexed_fields=[field], store_request_body=False)
    hub.in_force()
    about = [
        hub.call("POST", f"{path}/{n}", json={"patient": {"id": patient}}).headers for n in range(7)
    ]
    hub.call("POST", f"{path}/8", json={"patient": {"id": unique("NIN-")}})

    operator.find(patient)
    operator.click(operator.page.get_by_role("button", name="All calls about it"))

    rows = operator.page.locator("tbody tr")
    expect(rows).to_have_count(7)
    ids = {row.get_attribute("id").removeprefix("call-") for row in rows.all()}
    assert ids == {one["X-Correlation-Id"] for one in about}
    assert patient not in operator.page.url
    assert operator.clicks == 2


def test_last_weeks_calls_of_a_client_as_csv(hub, operator, base):
    client = hub.new_client()
    hub.in_force()
    own = [hub.call("GET", f"{base}/{n}", headers=client) for n in range(2)]
    meant = moved(hub, own[0], datetime.now(UTC) - timedelta(weeks=1))

    operator.find(client["X-Client-Id"])
    operator.link("Its calls", exact=True)
    operator.link("Last week", exact=True)
    with operator.page.expect_download() as download:
        operator.link("Download as CSV")

    lines = Path(download.value.path()).read_text("utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == [f'"{meant}"']
    assert operator.clicks == 4


def test_yesterdays_failed_posts_are_sent_again_once(hub, operator, lab, mediator, eventually):
    yesterday = datetime.now(UTC) - timedelta(days=1)
    posts = [hub.call("POST", f"{lab['path']}/{n}", json={"n": n}) for n in range(2)]
    for one in posts:
        moved(hub, one, yesterday)
    hub.call("POST", f"{lab['path']}/of-today", json={})
    moved(hub, hub.call("GET", f"{lab['path']}/read"), yesterday)
    lab["comes_back"]()

    send_again(operator, f"POST {lab['path']}")
    expect(operator.page.locator("#content")).to_contain_text("completed", timeout=30_000)
    operator.clicks, first = 0, operator.clicks
    operator.find(f"POST {lab['path']}")
    operator.link("Failed POST calls")
    operator.link("Yesterday", exact=True)
    operator.link("Make these calls again")

    expect(operator.page.get_by_role("status")).to_contain_text("2 of them were made again already")
    assert first == 5
    got = [one.target for one in mediator.received if one.target.startswith(lab["path"])]
    assert sorted(got) == [f"{lab['path']}/0", f"{lab['path']}/1"]


def send_again(operator, term: str) -> None:
    operator.find(term)
    operator.link("Failed POST calls")
    operator.link("Yesterday", exact=True)
    operator.link("Make these calls again")
    operator.click(operator.page.get_by_role("button", name="Make them again"))


def test_all_calls_about_a_patient(hub, operator, base):
    patient = unique("patient")
    meant = [hub.call("GET", f"{base}/{patient}/{kind}") for kind in ("visits", "results")]
    hub.call("GET", f"{base}/somebody-else")

    operator.find(patient)
    operator.click(operator.page.get_by_role("button", name="All calls about it"))

    rows = operator.page.locator("tbody tr")
    expect(rows).to_have_count(2)
    ids = {f"call-{one.headers['X-Correlation-Id']}" for one in meant}
    assert {row.get_attribute("id") for row in rows.all()} == ids
    assert patient not in operator.page.url
    assert operator.clicks == 2


def test_what_is_looked_for_is_in_no_address_and_no_log(hub, operator):
    needle = unique("needle")

    operator.find(needle)
    expect(operator.page.locator(".part", has_text="Nothing.")).to_have_count(3)

    assert not any(needle in address for address in operator.watched.asked)
    logs = [hub.output, *Path(hub.stack.installation.var_dir).rglob("*.log")]
    assert len(logs) > 1
    for log in logs:
        assert needle.encode() not in log.read_bytes(), log


def test_service_that_does_not_answer_in_a_second_is_named(operator):
    operator.page.route("**/admin/notification/find/", lambda _route: None)

    operator.find(unique("anything"))

    parts = operator.page.locator(".part")
    expect(parts.nth(1)).to_have_text("Notification did not answer in time.", timeout=3_000)
    for other in (parts.nth(0), parts.nth(2)):
        expect(other).to_contain_text("Nothing.")
    operator.watched.problems.clear()  # htmx says so, too


def test_timeline_of_a_call_to_the_bus_has_the_exchange_between_its_lines(hub, operator):
    path = f"/{unique('bus')}"
    Bus(hub).open_channel(f"{path}/*", {unique("org"): {"api_code": "E2E"}})
    organization = hub.api("GET", "registrations/", 200)["data"][0]["organization"]
    call = hub.call("POST", f"{path}/x", json={"n": 1}, headers={"X-Organization": organization})
    assert call.status_code == 200, call.text

    operator.find(call.headers["X-Correlation-Id"])
    operator.click(operator.page.get_by_role("link", name="Timeline").first)

    lines = operator.page.locator("#timeline li")
    expect(lines).to_have_count(4)
    said = ["called POST", "Exchange with the bus", "exchange ended", "call ended"]
    for line, text in zip(lines.all(), said, strict=True):
        expect(line).to_contain_text(text)
    assert operator.clicks == 2


def test_timeline_of_an_event_has_its_messages(hub, operator):
    asked = unique("registry")
    recipient = {"user_id": asked, "actor_type": "TEACHER"}
    context = {"name": "Asha", "place": "Dodoma", "date": "1 June"}
    event = {"event_code": "DEMO_APPOINTMENT", "context": context, "recipients": [recipient]}
    headers = {"Authorization": f"Bearer {hub.token}", "X-Correlation-Id": asked}
    url = f"{hub.url}/api/notification/emit/"
    answer = hub.session.post(url, json=event, headers=headers, timeout=60)
    assert answer.json()["queued_outbox_ids"], answer.text

    operator.find(asked)
    operator.click(operator.page.get_by_role("link", name=re.compile("^DEMO_APPOINTMENT")).first)
    operator.link("Timeline", exact=True)

    lines = operator.page.locator("#timeline li")
    expect(lines.first).to_contain_text("A message was queued")
    assert operator.clicks == 3


def test_two_calls_side_by_side_and_one_into_the_tester(hub, operator, base):
    one, other = (hub.call("POST", f"{base}/{n}", json={"ward": n}) for n in (7, 8))
    first, second = (call.headers["X-Correlation-Id"] for call in (one, other))
    operator.page.goto(f"{hub.url}/admin/mediator/transactions/{first}/")

    operator.link("Compare", exact=True)
    operator.click(operator.page.locator(f'a[href*="other={second}"]'))
    changed = operator.page.locator("tr.changed")
    expect(changed.filter(has_text='"ward": 7')).to_contain_text('"ward": 8')
    operator.page.go_back()
    operator.page.go_back()
    operator.clicks = 0
    operator.link("Into the tester")

    expect(operator.page.get_by_label("Path")).to_have_value(f"{base}/7")
    expect(operator.page.get_by_label("Body", exact=True)).to_have_value('{"ward": 7}')
    assert operator.clicks == 1
