"""The intake takes what openIMIS says: codes, gaps, times, phones; on both databases."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from common.clock import utc_now
from policy_notify.container import Container
from policy_notify.models import (
    Family,
    FamilyConsent,
    Indication,
    Insuree,
    Location,
    NotificationType,
    Officer,
    Policy,
    PolicyStage,
    PolicyStatus,
    Product,
)

T = NotificationType


def stored(container: Container, model: Any, key: Any) -> Any:
    with container.database.reading() as session:
        return session.get(model, UUID(str(key)))


def policy(**changes: Any) -> dict[str, Any]:
    record = {"uuid": str(uuid4()), "family": str(uuid4()), "product": str(uuid4())}
    return {**record, "status": 2, "stage": "N", "start_date": "2026-01-01", **changes}


@pytest.mark.parametrize(
    ("status", "stage", "expected"),
    [
        (1, "N", (PolicyStatus.IDLE, PolicyStage.NEW)),
        (2, None, (PolicyStatus.ACTIVE, PolicyStage.NEW)),
        ("4", "R", (PolicyStatus.SUSPENDED, PolicyStage.RENEWED)),
        (8, "", (PolicyStatus.EXPIRED, PolicyStage.NEW)),
        (16, "renewed", (PolicyStatus.READY, PolicyStage.RENEWED)),
        ("active", "new", (PolicyStatus.ACTIVE, PolicyStage.NEW)),
    ],
)
def test_openimis_codes_are_read(
    api: Any, container: Container, status: Any, stage: Any, expected: Any
) -> None:
    record = policy(status=status, stage=stage)
    answer = api.put("policies/", [record]).get_json()
    assert answer["ok"], answer
    found = stored(container, Policy, record["uuid"])
    assert (found.status, found.stage) == expected


@pytest.mark.parametrize("status", [3, True, "17", 2.0, None])
def test_other_codes_are_rejected(api: Any, status: Any) -> None:
    (rejected,) = api.put("policies/", [policy(status=status)]).get_json()["rejected"]
    assert list(rejected["errors"]) == ["status"]


def test_type_null_names_and_validity_are_taken(api: Any, container: Container) -> None:
    place, person, officer, product = (str(uuid4()) for _ in range(4))
    ended = "2026-05-10T12:00:00"
    names = {"last_name": None, "other_names": None}
    records = {
        "locations": {"uuid": place, "code": "R1", "name": "Dodoma", "type": "R"},
        "insurees": {"uuid": person, "chf_id": None, "phone": None, **names},
        "officers": {"uuid": officer, "code": "O1", **names},
        "products": {"uuid": product, "code": "CHF", "name": "CHF"},
    }
    for kind, record in records.items():
        answer = api.put(f"{kind}/", [{**record, "validity_to": ended}]).get_json()
        assert answer["ok"], answer
    noon_in_dodoma = datetime(2026, 5, 10, 9, 0, tzinfo=UTC)
    assert stored(container, Location, place).level == "R"
    assert (
        stored(container, Insuree, person).chf_id
        == stored(container, Insuree, person).last_name
        == ""
    )
    assert stored(container, Officer, officer).validity_to == noon_in_dodoma
    assert stored(container, Product, product).validity_to == noon_in_dodoma


@pytest.mark.parametrize("moment", ["2026-05-10T12:00:00", "2026-05-10 12:00:00.000"])
def test_time_without_a_zone_is_the_schemes(api: Any, container: Container, moment: str) -> None:
    record = policy(validity_from=moment)
    assert api.put("policies/", [record]).get_json()["ok"]
    found = stored(container, Policy, record["uuid"])
    assert found.validity_from == datetime(2026, 5, 10, 9, 0, tzinfo=UTC)


def test_unknown_members_are_ignored_when_asked(api: Any, container: Container) -> None:
    record = {"uuid": str(uuid4()), "poverty": True, "audit_user_id": 1}
    assert not api.put("families/", [record]).get_json()["ok"]
    assert api.put("families/?unknown=ignore", [record]).get_json()["ok"]
    assert stored(container, Family, record["uuid"]) is not None


@pytest.mark.parametrize("together", [True, False])
def test_older_record_never_overwrites_a_newer_one(
    api: Any, container: Container, together: bool
) -> None:
    """`expired` as of 2 November, then `active` as of the day before."""
    newer = policy(status="expired", validity_from="2026-11-02T00:00:00Z")
    older = {**newer, "status": "active", "validity_from": "2026-11-01T00:00:00Z"}
    if together:
        assert api.put("policies/", [newer, older]).get_json()["ok"]
    else:
        api.put("policies/", [newer])
        answer = api.put("policies/", [older]).get_json()
        found = (answer["ok"], answer["stored"], answer["changed"], answer["outdated"])
        assert found == (True, 0, 0, [0])
    assert stored(container, Policy, newer["uuid"]).status is PolicyStatus.EXPIRED


def test_record_that_says_what_is_stored_changes_nothing(api: Any) -> None:
    record = policy(validity_from="2026-11-02T00:00:00Z")
    first, second = (api.put("policies/", [record]).get_json() for _ in range(2))
    assert [(one["stored"], one["changed"]) for one in (first, second)] == [(1, 1), (1, 0)]


@pytest.mark.parametrize("field", ["start_date", "expiry_date", "effective_date", "enroll_date"])
@pytest.mark.parametrize("day", ["2082-05-31", "0202-01-01"])
def test_day_of_another_calendar_is_rejected_with_a_hint(api: Any, field: str, day: str) -> None:
    (rejected,) = api.put("policies/", [policy(**{field: day})]).get_json()["rejected"]
    assert "Bikram Sambat" in rejected["errors"][field][0]


@pytest.mark.parametrize(
    ("phone", "member", "notified"),
    [
        ("n/a", "0754000111", "+255754000111"),
        ("0712345678 / 0787654321", None, "+255712345678"),
        ("none; 0787654321", None, "+255787654321"),
        ("0754 000 222", "0754000111", "+255754000222"),
    ],
)
def test_message_goes_to_the_first_number_that_can_be_read(
    scheme: Any,
    runs: Any,
    provider: Any,
    today: date,
    phone: str,
    member: str | None,
    notified: str,
) -> None:
    family = scheme.family(phone)
    if member:
        scheme.person(family, member)
    scheme.due(family, T.EXPIRATION)

    runs.on(today, provider)

    assert [one.recipient for one in provider.taken] == [notified]


def test_policy_that_openimis_told_about_is_not_told_again(
    api: Any, scheme: Any, runs: Any, provider: Any, container: Container, today: date
) -> None:
    """In force since January, edited yesterday, loaded today for the first time."""
    edited = f"{today - timedelta(days=1)}T09:00:00"
    made = scheme.policy(scheme.family(), validity_from=edited)
    settled = scheme.policy(scheme.family(), validity_from=edited)
    fresh = scheme.policy(scheme.family(), validity_from=edited)
    answer = api.put(
        "indications/",
        [
            {"policy": str(made), "activation_of_policy": "2026-01-30T08:00:00"},
            {"policy": str(settled), "activation_of_policy": "0001-01-01T00:00:00"},
        ],
    ).get_json()
    assert answer["ok"], answer

    runs.on(today, provider)

    assert [one.policy for one in provider.taken] == [fresh]
    assert [one.policy for one in runs.attempts()] == [fresh]
    assert stored(container, Indication, made).activation_of_policy.month == 1


def test_indications_of_another_system_do_not_undo_ours(
    api: Any, scheme: Any, runs: Any, provider: Any, container: Container, today: date
) -> None:
    made = scheme.due(scheme.family(), T.EXPIRATION)
    runs.on(today, provider)
    ours = stored(container, Indication, made).expiration_of_policy

    starting = "2026-01-30T08:00:00Z"
    api.put("indications/", [{"policy": str(made), "starting_of_policy": starting}])

    found = stored(container, Indication, made)
    assert found.expiration_of_policy == ours
    assert found.starting_of_policy == datetime(2026, 1, 30, 8, 0, tzinfo=UTC)


def test_consents_come_in_bulk_and_wait_for_their_families(
    api: Any, scheme: Any, container: Container
) -> None:
    known, coming = scheme.family(approval=None), uuid4()
    given = {"approvalOfNotification": True, "languageOfNotification": "sw"}
    records = [
        {"family": str(known), **given},
        {"family": str(coming), "approvalOfNotification": False},
        {"family": str(uuid4()), **given, "languageOfNotification": "xx"},
        {"family": str(uuid4()), "approvalOfNotification": "yes"},
    ]
    answer = api.put("consents/", records).get_json()
    rejected = [(one["index"], list(one["errors"])) for one in answer["rejected"]]
    assert rejected == [(2, ["languageOfNotification"]), (3, ["approvalOfNotification"])]
    (waiting,) = answer["waiting"]
    assert (waiting["field"], waiting["missing"]) == ("family", str(coming))
    (listed,) = api.get("waiting/", reference="consents.family").get_json()["data"]
    assert listed["missing"] == str(coming)
    consent = stored(container, FamilyConsent, known)
    assert (consent.approval, consent.language) == (True, "sw")
    assert stored(container, FamilyConsent, coming).language == "en"


def test_consent_that_was_changed_here_is_newer_than_what_comes_in_bulk(
    api: Any, scheme: Any, container: Container
) -> None:
    family = scheme.family(approval=None)
    before = (utc_now() - timedelta(hours=1)).isoformat()
    api.post(f"families/{family}/notification/", {"approvalOfNotification": False})
    record = {"family": str(family), "approvalOfNotification": True, "validity_from": before}
    assert api.put("consents/", [record]).get_json()["outdated"] == [0]
    assert stored(container, FamilyConsent, family).approval is False
