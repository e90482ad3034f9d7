"""A role that is limited to a channel: of another's calls there is nothing to be found anywhere."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from common.clock import utc_now
from common.ids import new_id, new_id_at
from proxy.checks.probes import failing, well
from proxy.checks.reading import keep
from proxy.container import Container
from proxy.models import (
    About,
    Alert,
    AlertRule,
    Measure,
    Rejection,
    SavedView,
    TransactionProperty,
    TransactionStatus,
)
from proxy.statistics.minute_rollups import roll_up_minutes
from sqlalchemy import select

BASE = "/admin/mediator"
LIST = f"{BASE}/transactions/"
FIND = "/admin/find/"
READS = ["gateway:observe", "gateway:read", "gateway:bodies", "gateway:rerun"]
#: Pages of a call that show what is in it.
CONTENT = ("body/request/", "body/request/hex/", "test-case/")

Member = Callable[..., Any]


@pytest.fixture
def limited(member_with: Member, mine: dict[str, Any]) -> Any:
    """Somebody who sees the calls of one channel, with their bodies."""
    return member_with(READS, view_channels=[mine["id"]])


@pytest.fixture
def without_bodies(member_with: Member, mine: dict[str, Any]) -> Any:
    """Somebody who sees the calls of one channel, without what is in them."""
    return member_with(READS, view_channels=[mine["id"]], body_channels=[])


@pytest.fixture
def patient(calls: tuple[str, str], container: Container) -> tuple[str, str]:
    """Both calls are about patient P7, as a mediator says."""
    with container.database.writing() as session:
        for one in calls:
            named = {"name": "patient", "value": "P7"}
            session.add(TransactionProperty(correlation_id=uuid.UUID(one), **named))
    return calls


def rows(page: Any) -> list[str]:
    assert page.status_code == 200, page.text
    return re.findall(r'<tr id="call-([^"]+)"', page.text)


def test_call_is_found_by_those_who_see_it(limited: Any, calls: tuple[str, str]) -> None:
    for one, is_found in zip(calls, (True, False), strict=True):
        for term in (one, one.replace("-", "")[:24]):
            page = limited.act(FIND, term=term).text
            assert (f"{LIST}{one}/" in page) is is_found
        line = "clinic called GET" in limited.get(f"/admin/timeline/{one}/").text
        assert line is is_found


def test_who_sees_nothing_of_the_gateway_looks_in_the_other_services(
    member_with: Member, calls: tuple[str, str]
) -> None:
    theirs = member_with(["notification:read"])
    installed = {"X-Kiungo-Services": "notification=y"}
    form = {"term": "Patients", "csrf_token": theirs.form_token("/admin/account/")}
    found = theirs.client.post(FIND, data=form, headers=installed)
    timeline = theirs.get(f"/admin/timeline/{calls[0]}/", headers=installed)
    for page, path in ((found, "find"), (timeline, "timeline")):
        assert page.status_code == 200
        assert f"/admin/notification/{path}/" in page.text
        assert not re.search(r"/admin/mediator/(channels|transactions)/", page.text)
    assert theirs.post(f"{FIND}calls/", **form).status_code == 403


@pytest.mark.parametrize("term", ["P7", "away"])
def test_calls_about_a_patient_are_of_channels_that_are_reached(
    limited: Any, patient: tuple[str, str], term: str
) -> None:
    assert rows(limited.act(f"{FIND}calls/", term=term)) == [patient[0]]
    assert patient[1] not in limited.act(FIND, term=term).text


def test_what_mediators_say_is_content(without_bodies: Any, patient: tuple[str, str]) -> None:
    assert rows(without_bodies.act(f"{FIND}calls/", term="P7")) == []
    assert rows(without_bodies.get(f"{LIST}?properties=patient%3DP7")) == []
    form = without_bodies.get(f"{LIST}rerun/?properties=patient%3DP7").text
    assert "No call meets these filters" in form


def test_timeline_leaves_out_rejections_and_reruns_elsewhere(
    limited: Any, calls: tuple[str, str], record: Any, container: Container
) -> None:
    again = record(5, channel_name="Other", parent_id=uuid.UUID(calls[0]))
    refused = new_id()
    with container.database.writing() as session:
        session.add(
            Rejection(
                correlation_id=refused,
                rejected_at=utc_now(),
                client_address="192.0.2.7",
                request_method="GET",
                request_path="/nowhere",
                status_code=404,
                reason="No channel takes it",
            )
        )
    assert again not in limited.get(f"/admin/timeline/{calls[0]}/").text
    assert "/nowhere" not in limited.get(f"/admin/timeline/{refused}/").text
    assert "/nowhere" not in limited.act(FIND, term=str(refused)).text


def test_calls_are_compared_where_both_are_seen(
    limited: Any, calls: tuple[str, str], record: Any, mine: dict[str, Any]
) -> None:
    own, other = calls
    like = record(2, channel_name=mine["name"], parent_id=uuid.UUID(other))
    again = record(3, channel_name="Other", parent_id=uuid.UUID(own))
    offered = limited.get(f"{LIST}{own}/compare/").text
    assert again not in limited.get(f"{LIST}{own}/").text
    assert other not in limited.get(f"{LIST}{like}/").text
    assert like in offered
    assert again not in offered
    assert f"other={other}" not in limited.get(f"{LIST}{like}/compare/").text
    assert "patient Asha" in limited.get(f"{LIST}{own}/compare/?other={like}").text
    for left, right in ((own, other), (other, own)):
        path = f"{LIST}{left}/compare/"
        assert limited.get(f"{path}?other={right}").status_code == 404
        assert limited.act(path, other=right, reason="why").status_code == 404
    assert limited.get(f"{LIST}{other}/compare/").status_code == 404


def test_bytes_and_test_cases_are_of_channels_that_are_reached(
    limited: Any, calls: tuple[str, str]
) -> None:
    own, other = calls
    for page in CONTENT:
        assert limited.get(f"{LIST}{own}/{page}").status_code == 200
        assert limited.get(f"{LIST}{other}/{page}").status_code == 404
    for one, status in ((own, 200), (other, 404)):
        answer = limited.act(f"{LIST}{one}/body/request/", reason="why")
        assert answer.status_code == status


@pytest.mark.parametrize("asks_reason", [False, True])
def test_nothing_of_the_content_without_the_right(
    without_bodies: Any,
    calls: tuple[str, str],
    record: Any,
    mine: dict[str, Any],
    api: Any,
    asks_reason: bool,
) -> None:
    api.patch(f"channels/{mine['id']}/", {"ask_reason": asks_reason})
    own, like = calls[0], record(2, channel_name=mine["name"], request_body="patient Asha")
    page = without_bodies.get(f"{LIST}{own}/").text
    for text in ("patient Asha", "curl", "X-Many", f"{own}/open/", f"{own}/body/", "test-case"):
        assert text not in page
    compared = without_bodies.get(f"{LIST}{own}/compare/?other={like}").text
    assert "Headers of the request" not in compared
    assert "patient Asha" not in compared
    answer = without_bodies.act(f"{LIST}{own}/compare/", other=like, reason="why")
    assert answer.status_code == 403
    for path in CONTENT:
        assert without_bodies.get(f"{LIST}{own}/{path}").status_code == 403
    assert without_bodies.act(f"{LIST}{own}/body/request/", reason="why").status_code == 403
    assert api.get("audit/", act="transaction.viewed").get_json()["data"] == []


def test_errors_quote_nothing_to_who_sees_no_bodies(
    without_bodies: Any, admin: Any, record: Any, mine: dict[str, Any]
) -> None:
    wrong = {
        "status": TransactionStatus.FAILED,
        "error_message": "No patient 'Asha' with insurance 4711",
        "channel_name": mine["name"],
    }
    one, other = record(0, **wrong), record(1, **wrong)
    compared = f"{LIST}{one}/compare/?other={other}"
    timeline = f"/admin/timeline/{one}/"
    for path in ("/admin/", LIST, f"{LIST}?format=csv", f"{LIST}{one}/", compared, timeline):
        assert re.search("(?s)Asha.*4711", admin.get(path).text)
        shown = without_bodies.get(path).text
        assert "No patient" in shown
        assert not re.search("Asha|4711", shown)


def test_live_rows_quote_nothing_to_who_sees_no_bodies(
    without_bodies: Any, record: Any, mine: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.record.live_feed.LOOK_EVERY_S", 0.05)
    stream = without_bodies.get(f"{LIST}live/", headers={"Accept": "text/event-stream"})
    chunks = (one.decode() for one in stream.response)
    assert "welcome" in next(chunks)
    for name in ("Other", mine["name"]):
        now = utc_now()
        wrong = {"error_message": "No patient 'Asha'", "channel_name": name}
        record(correlation_id=new_id_at(now), started_at=now, **wrong)
    rows_of_it = next(one for one in chunks if one.startswith("event: rows"))
    stream.close()
    assert "No patient" in rows_of_it
    assert "Asha" not in rows_of_it
    assert "Other" not in rows_of_it


def test_tester_repeats_no_body_to_who_sees_none(
    member_with: Member, api: Any, calls: tuple[str, str]
) -> None:
    api.made("clients", **api.a_client())
    theirs = member_with(["gateway:observe", "gateway:operate"])
    page = theirs.get(f"{BASE}/tester/?call={calls[0]}").text
    assert 'value="/patients/17"' in page
    assert "patient Asha" not in page
    assert "X-Many" not in page


def test_views_of_others_may_name_other_channels(
    limited: Any, admin: Any, container: Container
) -> None:
    views = f"{BASE}/views/"
    admin.act(views, channel="Other", view_name="Of Other", view_is_shared="true")
    with container.database.reading() as session:
        shared = session.scalars(select(SavedView.id)).one()
    assert "Of Other" in admin.get(LIST).text
    assert "Of Other" not in limited.get(LIST).text
    assert limited.get(f"{views}{shared}/").status_code == 404
    assert limited.act(views, status="failed", view_name="Mine").status_code == 303
    assert "Mine" in limited.get(LIST).text


@pytest.mark.parametrize("form", ["", "&format=csv"])
def test_kinds_of_errors_are_of_channels_that_are_reached(
    limited: Any, calls: tuple[str, str], form: str
) -> None:
    span = "since=2026-05-01T00:00:00Z&until=2026-05-02T00:00:00Z"
    page = limited.get(f"{BASE}/report/errors/?{span}{form}").text
    assert calls[0] in page
    assert calls[1] not in page
    assert "Other" not in page
    for by in ("mediator", "status"):
        assert limited.get(f"{BASE}/report/?by={by}{form}").status_code == 422


def test_health_is_judged_by_calls_that_are_reached(
    limited: Any, admin: Any, record: Any, container: Container, api: Any, mine: dict[str, Any]
) -> None:
    other = {"name": "Other", "path_pattern": "/other/*", "mediator_id": mine["mediator_id"]}
    api.made("channels", **other)
    now = utc_now()
    for at in range(6):
        is_own, moment = at % 2, now - timedelta(seconds=at)
        status = TransactionStatus.SUCCESSFUL if is_own else TransactionStatus.FAILED
        name = mine["name"] if is_own else "Other"
        record(
            correlation_id=new_id_at(moment), started_at=moment, status=status, channel_name=name
        )
    roll_up_minutes(container.database, now)
    found = [
        well(Measure.DATABASE, ""),
        failing(Measure.MEDIATOR, "Registry", "3 of 6 calls failed"),
        failing(Measure.QUEUE_AGE, "calls", "waits"),
    ]
    with container.database.writing() as session:
        keep(session, found, utc_now())
    paths = ("/admin/", f"{BASE}/mediators/", f"{BASE}/mediators/?format=csv", f"{BASE}/checks/")
    for path in paths:
        assert "fail" in re.sub(r"of them failed|Latest failures", "", admin.get(path).text)
    for path in paths:
        shown = limited.get(path)
        assert shown.status_code == 200
        assert not re.search(r"calls failed|Other|waits|>failing<|,failing,", shown.text)


def test_alerts_are_about_channels_that_are_reached(
    limited: Any, admin: Any, container: Container, mine: dict[str, Any]
) -> None:
    ids: dict[str, uuid.UUID] = {}
    raised = [
        (About.CHANNEL, mine["name"], "of mine"),
        (About.CHANNEL, "Other", "of another"),
        (About.CLIENT, mine["name"], "of a client"),
        (About.WHOLE, "", "of all"),
    ]
    usual = dict.fromkeys(("window_s", "least_calls", "quiet_s", "escalate_after_s"), 300)
    with container.database.writing() as session:
        for about, subject, detail in raised:
            rule = AlertRule(
                id=new_id(),
                name=f"Rule {detail}",
                measure=Measure.FAILURES,
                about=about,
                subject=subject,
                threshold=5.0,
                percentile=95,
                **usual,
            )
            session.add(rule)
            session.flush()
            alert = Alert(rule_id=rule.id, rule_name=rule.name, subject=subject, detail=detail)
            session.add(alert)
            session.flush()
            ids[detail] = alert.id
    for form in ("", "?state=open", "?format=csv"):
        assert all(detail in admin.get(f"{BASE}/alerts/{form}").text for detail in ids)
        shown = limited.get(f"{BASE}/alerts/{form}").text
        assert [detail for detail in ids if detail in shown] == ["of mine"]
    for detail, alert_id in ids.items():
        status = 200 if detail == "of mine" else 404
        assert limited.get(f"{BASE}/alerts/{alert_id}/").status_code == status
        assert limited.act(f"{BASE}/alerts/{alert_id}/acknowledge/").status_code == 403
    for page in ("alert-rules/", "alert-rules/new/"):
        assert limited.get(f"{BASE}/{page}").status_code == 403
