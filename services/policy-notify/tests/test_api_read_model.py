"""Bulk upserts: idempotent, partial, out of order, as JSON and NDJSON."""

import json
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from policy_notify.container import Container
from policy_notify.intake.conversions import MAX_CONVERSIONS, successors
from policy_notify.models import (
    Family,
    IndicationDetails,
    Insuree,
    NotificationType,
    Policy,
    ProductSuccession,
)
from sqlalchemy import func, select


def an_insuree(**changes: Any) -> dict[str, Any]:
    return {"uuid": str(uuid4()), "chf_id": "70001", **changes}


def count(container: Container, model: Any) -> int:
    with container.database.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_good_records_are_stored_and_bad_ones_reported_by_index(
    api: Any, container: Container
) -> None:
    good = [an_insuree(), an_insuree()]
    bad = [
        {"uuid": "x", "chf_id": "1"},
        {**an_insuree(), "colour": "red"},
        {**an_insuree(), "last_name": "a\x00b"},
        "text",
        None,
        {**an_insuree(), "\ud800": 1},
    ]

    answer = api.put("insurees/", [good[0], *bad, good[1]])

    assert answer.status_code == 200
    found = answer.get_json()
    assert (found["ok"], found["received"], found["stored"]) == (False, 8, 2)
    assert [one["index"] for one in found["rejected"]] == [1, 2, 3, 4, 5, 6]
    assert set(found["rejected"][0]["errors"]) == {"uuid"}
    assert set(found["rejected"][1]["errors"]) == {"colour"}
    assert count(container, Insuree) == 2


def test_same_records_again_change_nothing_and_later_ones_win(
    api: Any, container: Container
) -> None:
    one = an_insuree(phone="1")
    for record in (one, one, {**one, "phone": " 2 "}):
        assert api.put("insurees/", [record]).get_json()["ok"]
    api.put("insurees/", [{**one, "phone": "8"}, {**one, "phone": "9"}])

    with container.database.reading() as session:
        (stored,) = session.scalars(select(Insuree)).all()
    assert stored.phone == "9"


def test_ndjson_reports_a_broken_line_and_stores_the_others(api: Any) -> None:
    lines = [json.dumps(an_insuree()), "{broken", "", json.dumps(an_insuree())]

    answer = api.ask(
        "PUT",
        "insurees/",
        data="\n".join(lines),
        headers={"Content-Type": "application/x-ndjson"},
    )

    found = answer.get_json()
    assert (found["received"], found["stored"]) == (3, 2)
    assert found["rejected"] == [{"index": 1, "uuid": None, "errors": {"_schema": ["Not JSON."]}}]


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"{", "application/json", 422),
        (b"{}", "application/json", 422),
        (b"[" * 50_000, "application/json", 422),
        (b"\xff", "application/json", 422),
        (b"[]", "text/csv", 415),
        (json.dumps([1] * 10_001).encode(), "application/json", 422),
    ],
)
def test_body_that_is_no_list_of_records_is_rejected(
    api: Any, body: bytes, media_type: str, status: int
) -> None:
    headers = {"Content-Type": media_type}
    assert api.ask("PUT", "insurees/", data=body, headers=headers).status_code == status


@pytest.mark.parametrize(("kind", "key"), [("consents", "family"), ("indications", "policy")])
def test_rejected_record_is_named_by_what_it_is_known_by(api: Any, kind: str, key: str) -> None:
    record = {key: str(uuid4()), "colour": "red"}
    (rejected,) = api.put(f"{kind}/", [record]).get_json()["rejected"]
    assert rejected["uuid"] == record[key]


def test_ten_thousand_records_are_taken_at_once(api: Any, container: Container) -> None:
    records = [an_insuree(chf_id=str(at), family=str(uuid4())) for at in range(10_000)]

    found = api.put("insurees/", records).get_json()

    assert (found["stored"], len(found["waiting"])) == (10_000, 10_000)
    assert count(container, Insuree) == 10_000


def test_record_that_points_at_nothing_waits_is_reported_and_counts_later(
    api: Any, scheme: Any, runs: Any, provider: Any, today: Any
) -> None:
    """A policy comes before its family, the family before its head."""
    family, head = uuid4(), uuid4()
    policy = scheme.due(family, NotificationType.EXPIRATION)
    waiting = api.get("waiting/", reference="policies.family").get_json()
    assert waiting["data"] == [{"uuid": str(policy), "field": "family", "missing": str(family)}]
    assert runs.on(today, provider)["found"] == 0

    record = {"uuid": str(family), "head": str(head), "location": str(scheme.village)}
    answer = api.put("families/", [record]).get_json()
    assert answer["waiting"] == [
        {"index": 0, "uuid": str(family), "field": "head", "missing": str(head)}
    ]
    scheme.person(family, "+255700000009", uuid=head)
    api.post(f"families/{family}/notification/", {"approvalOfNotification": True})
    runs.on(today, provider)

    assert [one.recipient for one in provider.taken] == ["+255700000009"]
    assert api.get("waiting/", reference="policies.family").get_json()["count"] == 0


def test_waiting_records_are_paged(api: Any, scheme: Any) -> None:
    made = {str(scheme.policy(uuid4())) for _ in range(5)}
    seen, cursor = [], None
    while True:
        query = {
            "reference": "policies.family",
            "limit": 2,
            **({"cursor": cursor} if cursor else {}),
        }
        page = api.get("waiting/", **query).get_json()
        seen += [one["uuid"] for one in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == 5
    assert set(seen) == made


def test_amounts_and_plain_dates_are_read(api: Any, scheme: Any, container: Container) -> None:
    scheme.policy(uuid4(), amount_to_be_paid=12000, validity_from="2026-05-01")
    with container.database.reading() as session:
        (policy,) = session.scalars(select(Policy)).all()
    assert policy.amount_to_be_paid == "12000.00"
    assert policy.validity_from is not None
    assert policy.validity_from.isoformat() == "2026-05-01T00:00:00+00:00"


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_to_be_paid": "NaN"},
        {"amount_to_be_paid": True},
        {"amount_to_be_paid": -1},
        {"amount_to_be_paid": "1e400"},
        {"status": "Active"},
        {"expiry_date": "2026-02-30"},
        {"validity_from": "yesterday"},
        {"validity_from": "2026-05-1x"},
        # In some time zone these are no day of the calendar.
        {"validity_from": "9999-12-31T23:00:00Z"},
        {"validity_to": "0001-01-01"},
        {"start_date": None},
    ],
)
def test_bad_policy_is_rejected_by_the_name_of_its_field(api: Any, changes: dict[str, Any]) -> None:
    record = {
        "uuid": str(uuid4()),
        "family": str(uuid4()),
        "product": str(uuid4()),
        "status": "active",
        "stage": "new",
        "start_date": "2026-01-01",
        **changes,
    }
    (rejected,) = api.put("policies/", [record]).get_json()["rejected"]
    assert set(rejected["errors"]) == set(changes)


def test_conversions_are_followed_to_the_end_with_a_bound() -> None:
    a, b, c = uuid4(), uuid4(), uuid4()
    assert successors(a, {a: b, b: c}) == [a, b, c]
    assert successors(a, {a: b, b: a}) == [a, b]
    assert successors(a, {a: a}) == [a]
    chain = [uuid4() for _ in range(200)]
    long: dict[UUID, UUID | None] = dict(pairwise(chain))
    assert len(successors(chain[0], long)) == MAX_CONVERSIONS + 1


def test_later_policy_of_a_converted_product_is_a_renewal(
    scheme: Any, runs: Any, provider: Any, today: Any
) -> None:
    from datetime import timedelta

    second, third, other = uuid4(), uuid4(), uuid4()
    scheme.put("products", uuid=scheme.product, code="A", name="A", conversion_product=second)
    scheme.put("products", uuid=other, code="X", name="X")
    scheme.put("products", uuid=second, code="B", name="B", conversion_product=third)
    scheme.put("products", uuid=third, code="C", name="C", conversion_product=scheme.product)
    following = {"start_date": today + timedelta(days=1), "status": "idle"}
    notified = []
    for product, day, is_notified in (
        (scheme.product, 1, False),
        (third, 1, False),
        (other, 1, True),
        (third, 0, True),
    ):
        family = scheme.family()
        expiring = scheme.due(family, NotificationType.EXPIRATION)
        changes = {**following, "start_date": today + timedelta(days=day)}
        scheme.policy(family, product=product, **changes)
        notified += [expiring] if is_notified else []

    runs.on(today, provider)

    assert sorted(one.policy for one in provider.taken) == sorted(notified)


def test_products_table_of_successions_follows_changes(scheme: Any, container: Container) -> None:
    second = uuid4()
    scheme.put("products", uuid=second, code="B", name="B")
    scheme.put("products", uuid=scheme.product, code="A", name="A", conversion_product=second)
    assert count(container, ProductSuccession) == 3
    scheme.put("products", uuid=scheme.product, code="A", name="A")
    assert count(container, ProductSuccession) == 2


@pytest.mark.parametrize("path", ["insurees/", "policies/"])
def test_scope_is_asked(api_with: Any, path: str) -> None:
    assert api_with("policy:read").put(path, []).status_code == 403
    assert api_with("policy:write").get("waiting/").status_code == 403


def test_every_kind_is_listed_page_by_page_as_it_was_put(api: Any, scheme: Any) -> None:
    for sent in ("2026-05-01T08:00:00Z", "0001-01-01", None):
        policy = scheme.policy(scheme.family())
        scheme.put("indications", policy=policy, activation_of_policy=sent)
    kinds = ("locations", "officers", "products", "insurees", "policies", "consents", "indications")
    for kind in kinds:
        listed, cursor = [], None
        path = "indications/sent/" if kind == "indications" else f"{kind}/"
        while True:
            page = api.get(path, limit=2, **({"cursor": cursor} if cursor else {})).get_json()
            listed += page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert listed
        again = api.put(f"{kind}/", listed).get_json()
        assert (again["ok"], again["stored"], again["changed"]) == (True, len(listed), 0), again


def test_records_are_counted_by_kind(api: Any, scheme: Any) -> None:
    scheme.policy(scheme.family())
    scheme.policy(scheme.family(), validity_to="2026-01-01T00:00:00Z", product=uuid4())
    counts = {one["kind"]: one for one in api.get("counts/").get_json()["data"]}
    assert counts["families"] == {"kind": "families", "stored": 2, "current": 2, "waiting": 0}
    assert counts["policies"] == {"kind": "policies", "stored": 2, "current": 1, "waiting": 1}


def test_erased_person_leaves_counts_and_does_not_come_back(
    api: Any, scheme: Any, runs: Any, provider: Any, container: Any, today: Any
) -> None:
    family = scheme.family("0754000111")
    scheme.due(family, NotificationType.EXPIRATION)
    summary = runs.on(today, provider)
    with container.database.reading() as session:
        head = session.get(Family, family).head

    answer = api.delete(f"insurees/{head}/")

    assert (answer.status_code, answer.get_json()["messages"]) == (200, 1)
    (attempt,) = runs.attempts(IndicationDetails.type == NotificationType.EXPIRATION)
    forgotten = (attempt.message, attempt.recipient, attempt.variables)
    assert (int(attempt.status), *forgotten) == (1, None, None, None)
    assert runs.on(today, provider)["sent"] == 0
    assert summary["sent"] == 1
    again = {"uuid": str(head), "chf_id": "70001", "last_name": "Mushi"}
    assert api.put("insurees/", [again]).get_json()["changed"] == 0
    (person,) = api.get("insurees/").get_json()["data"]
    kept = (person["chf_id"], person["last_name"], person["other_names"], person["phone"])
    assert kept == ("", "", "", None)
    assert api.delete(f"insurees/{uuid4()}/").status_code == 404
