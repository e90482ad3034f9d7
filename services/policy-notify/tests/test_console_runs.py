"""Runs in the console: what they did, one by hand, and what one would do."""

import pytest
from policy_notify.models import IndicationDetails, NotificationType, Run
from sqlalchemy import func, select

RUNS = "/admin/policy-notification/runs/"
DRY = f"{RUNS}dry/"


def runs_of(container):
    with container.database.reading() as session:
        return list(session.scalars(select(Run)))


def test_operator_asks_for_a_run_and_sees_it(console, csrf, container):
    operator = console("operator")

    answer = operator.post(RUNS, data=csrf)

    (run,) = runs_of(container)
    assert answer.headers["Location"] == f"{RUNS}{run.id}/"
    page = operator.get(f"{RUNS}{run.id}/").text
    assert "The run is asked for" in page
    assert "Asked for by amina" in page
    assert 'hx-trigger="every 2s"' in page
    assert "asked for by amina" in operator.get("/admin/policy-notification/").text


@pytest.mark.parametrize(("role", "form"), [("viewer", True), ("admin", False)])
def test_run_needs_the_role_and_the_forms_token(console, csrf, container, role, form):
    assert console(role).post(RUNS, data=csrf if form else {}).status_code == 403
    assert runs_of(container) == []


def test_run_shows_its_counts_and_reasons_by_type(
    console, scheme, runs, provider, container, today
):
    scheme.due(scheme.family(), NotificationType.EXPIRATION)
    scheme.due(scheme.family(approval=False), NotificationType.STARTING)
    runs.on(today, provider)
    (run,) = runs_of(container)

    page = console("viewer").get(f"{RUNS}{run.id}/").text

    assert '<span class="figure">4</span>found' in page
    assert "1 found, 1 eligible, 1 sent, 0 failed" in page
    assert "<li>The family has denied notifications: 1</li>" in page
    assert "hx-trigger" not in page


def test_runs_are_filtered_by_the_address_and_downloaded(
    console, scheme, runs, provider, container, today
):
    runs.on(today, provider)
    (run,) = runs_of(container)
    viewer = console("viewer")

    assert f'id="run-{run.id}"' in viewer.get(f"{RUNS}?status=ended&run_date={today}").text
    assert "Clear the filters" in viewer.get(f"{RUNS}?status=running").text
    assert viewer.get(f"{RUNS}?run_date=x").status_code == 422
    assert str(run.id) in viewer.get(f"{RUNS}?format=csv").text


# --- dry run


def test_dry_run_says_who_would_get_what_and_writes_nothing(console, scheme, container, today):
    scheme.due(scheme.family(phone="+255700000042", language="sw"), NotificationType.EXPIRATION)
    scheme.due(scheme.family(approval=False), NotificationType.EXPIRATION)

    page = console("operator").get(f"{DRY}?date={today}").text

    assert '<td>+255700000042</td><td>sw</td><td class="nowrap">1 × GSM-7</td>' in page
    assert "70001" in page
    assert "The family has denied" not in page
    with container.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(IndicationDetails)) == 0
    assert runs_of(container) == []


def test_dry_run_shows_rejections_and_types_where_asked(console, scheme, today):
    scheme.due(scheme.family(approval=False), NotificationType.EXPIRATION)
    operator = console("operator")

    page = operator.get(f"{DRY}?date={today}&rejected=true&type=expiration_of_policy").text
    other = operator.get(f"{DRY}?date={today}&rejected=true&type=renewal_of_policy").text

    assert "The family has denied notifications" in page
    assert "No message would be rejected on that day." in other


def test_dry_run_is_downloaded_whole(console, scheme, today):
    scheme.due(scheme.family(phone="+255700000042"), NotificationType.EXPIRATION)

    lines = console("operator").get(f"{DRY}?date={today}&format=csv").text.splitlines()

    assert len(lines) == 2
    assert '"\'+255700000042","en","1",' in lines[1]


@pytest.mark.parametrize("day", ["soon", "1066-10-14"])
def test_dry_run_for_no_usable_day_says_so(console, day):
    page = console("operator").get(f"{DRY}?date={day}")

    assert page.status_code == 422
    assert "Not a" in page.text


def test_dry_run_is_for_operators(console):
    assert console("viewer").get(DRY).status_code == 403
    assert DRY not in console("viewer").get(RUNS).text
    assert DRY in console("operator").get(RUNS).text
