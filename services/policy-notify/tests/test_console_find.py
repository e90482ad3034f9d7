"""The search box, as this service answers it; and what it knows of a correlation id."""

import pytest
from common.clock import utc_now
from policy_notify.models import (
    Delivery,
    IndicationDetails,
    IndicationStatus,
    NotificationType,
    SeenEvent,
)

ROOT = "/admin/policy-notification"


def found(console, csrf, term):
    answer = console("viewer").post(f"{ROOT}/find/", data={**csrf, "term": term})
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize("term", ["70001", "0700 000 009", "mushi", "Asha1 Mushi", "MUSHI"])
def test_person_is_found_with_what_their_family_was_sent(console, csrf, scheme, term):
    family = scheme.family(phone="+255700000009")
    policy = scheme.policy(family)

    page = found(console, csrf, term)

    assert f'href="{ROOT}/families/{family}/"' in page
    assert f'href="{ROOT}/policies/{policy}/"' in page


@pytest.mark.parametrize("term", ["Juma Mushi", "70", "Mush", "0700 000 001"])
def test_person_is_not_found_by_half_of_what_they_are(console, csrf, scheme, term):
    family = scheme.family(phone="+255700000009")

    assert str(family) not in found(console, csrf, term)


def test_records_are_found_by_their_ids(console, csrf, scheme):
    family = scheme.family()

    assert f'href="{ROOT}/families/{family}/"' in found(console, csrf, str(family))


def test_timeline_of_an_attempt_tells_what_was_decided_and_became_of_it(console, container, scheme):
    policy = scheme.policy(scheme.family())
    now = utc_now()
    attempt = IndicationDetails(
        policy=policy,
        type=NotificationType.EXPIRATION,
        event_date=now.date(),
        attempt=1,
        status=IndicationStatus.NO_PERMISSION,
        reason="The family denied notifications",
        delivery=Delivery.ENDED,
        run_id=policy,
        family=policy,
        ended_at=now,
        created_at=now,
    )
    with container.database.writing() as session:
        session.add(attempt)
        session.flush()
        known = attempt.id

    page = console("viewer").get(f"{ROOT}/timeline/{known}/").text

    assert "A run decided: expiration of policy" in page
    assert "It was not sent: The family denied notifications" in page
    assert f'href="{ROOT}/policies/{policy}/"' in page
    shown = console("viewer").get(f"{ROOT}/policies/{policy}/").text
    assert f'href="/admin/timeline/{known}/"' in shown


def test_timeline_tells_of_events_that_came(console, container):
    with container.database.writing() as session:
        seen = SeenEvent(event_id="1", consumed_at=utc_now(), correlation_id="lab-request-17")
        session.add(seen)

    assert (
        "came to policy notification"
        in console("viewer").get(f"{ROOT}/timeline/lab-request-17/").text
    )
