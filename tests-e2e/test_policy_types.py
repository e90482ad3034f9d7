"""The six messages of a policy's life through nginx: each once, each rejection with its reason."""

from collections import Counter

import pytest
from policy_scheme import Scheme

DENIED = "The family has denied notifications"
OBSOLETE = "The event is too old for a notification"
NO_PHONE = "Nobody in the family has a phone number"
ONLY_START = "Activated on its effective day: only the start message goes out"


@pytest.fixture
def scheme(hub) -> Scheme:
    """A scheme of this test's own."""
    return Scheme(hub).found()


def dates(scheme: Scheme) -> dict[str, dict[str, str]]:
    """What is special about a policy of which exactly one thing is to be told today."""
    later = {"start_date": scheme.day(20), "effective_date": scheme.day(20)}
    return {
        "activation_of_policy": {**later, "validity_from": scheme.day(0)},
        "starting_of_policy": {"start_date": scheme.day(0), "effective_date": scheme.day(0)},
        "need_for_renewal": {"expiry_date": scheme.day(5)},
        "expiration_of_policy": {"expiry_date": scheme.day(0)},
        "reminder_after_expiration": {"expiry_date": scheme.day(-5), "status": "expired"},
        "renewal_of_policy": {"stage": "renewed", "validity_from": scheme.day(0)},
    }


def messages(hub) -> Counter[str]:
    """The texts that left, whole files."""
    folder = hub.stack.installation.var_dir / "sent_notification"
    return Counter(path.read_text() for path in folder.glob("SMSMessage_*.txt"))


def outcomes(scheme: Scheme, policy: str) -> Counter[tuple[str, int, str]]:
    """Type, status and reason of every attempt about a policy."""
    found = scheme.attempts(policy, type_=None)
    return Counter((one["type"], one["status"], one["reason"]) for one in found)


def test_each_type_is_found_sent_recorded_as_itself_and_not_sent_again(hub, scheme):
    owed = {}
    for at, (type_, special) in enumerate(dates(scheme).items()):
        family = scheme.family(phone := f"+25572100000{at}")
        scheme.consent(family["chf_id"])
        owed[type_] = phone, scheme.policy(family["family"], **special)

    for _ in range(2):
        scheme.run()

    left = messages(hub)
    for type_, (phone, policy) in owed.items():
        attempts = [one for one in scheme.attempts(policy, None) if one["status"] == 1]
        assert [one["type"] for one in attempts] == [type_]
        assert attempts[0]["recipient"] == phone
        assert left[f"To: {phone}\n\n{attempts[0]['message']}\n"] == 1
        assert sum(one.startswith(f"To: {phone}\n") for one in left.elements()) == 1


def test_each_rejection_is_kept_with_its_status_and_reason_and_only_4_is_tried_again(scheme):
    expiring = {"expiry_date": scheme.day(0)}
    fresh = {"validity_from": scheme.day(0)}
    asked = [
        # approval (None: never asked), phone, policy, the attempt about it
        (False, "1", expiring, ("expiration_of_policy", 2, DENIED)),
        (None, "1", expiring, ("expiration_of_policy", 2, DENIED)),
        (True, "1", {}, ("activation_of_policy", 3, OBSOLETE)),
        (True, "1", {"stage": "renewed"}, ("renewal_of_policy", 3, OBSOLETE)),
        (True, None, expiring, ("expiration_of_policy", 4, NO_PHONE)),
        (
            True,
            "1",
            {**fresh, "start_date": scheme.day(0), "effective_date": scheme.day(0)},
            ("activation_of_policy", 5, ONLY_START),
        ),
    ]
    expected = {}
    for approval, phone, special, attempt in asked:
        family = scheme.family(phone)
        if approval is not None:
            scheme.consent(family["chf_id"], approval=approval)
        expected[scheme.policy(family["family"], **special)] = attempt

    for runs in (1, 2):
        scheme.run()
        for policy, attempt in expected.items():
            assert outcomes(scheme, policy)[attempt] == (runs if attempt[1] == 4 else 1)


def test_message_that_was_sent_for_another_date_is_refused_as_already_sent(hub, scheme):
    made = scheme.expiring("+255722000001")
    scheme.consent(made["chf_id"])
    scheme.run()
    scheme.policy(made["family"], uuid=made["policy"], expiry_date=scheme.day(30))

    scheme.run(30)

    again, first = scheme.attempts(made["policy"])
    assert (first["status"], again["status"], again["reason"]) == (1, 5, "Already sent")
    assert messages(hub)[f"To: +255722000001\n\n{first['message']}\n"] == 1


def test_two_days_without_a_run_lose_no_reminder_and_repeat_none(hub, scheme):
    """Something of each dated type is due on each of five days; on two of them nothing runs."""
    start = 400
    shifts = {
        "starting_of_policy": ("effective_date", 0),
        "need_for_renewal": ("expiry_date", 5),
        "expiration_of_policy": ("expiry_date", 0),
        "reminder_after_expiration": ("expiry_date", -5),
    }
    due = []
    for day in range(start, start + 5):
        for type_, (name, shift) in shifts.items():
            family = scheme.family(f"+2557230{len(due):05d}")
            scheme.consent(family["chf_id"])
            special = {"expiry_date": scheme.day(start + 200), name: scheme.day(day + shift)}
            due.append((scheme.policy(family["family"], **special), type_))

    for day in (start, start + 3, start + 4):
        scheme.run(day)

    for policy, type_ in due:
        attempts = [one["status"] for one in scheme.attempts(policy, type_)]
        assert attempts == [1], (policy, type_)


@pytest.mark.parametrize("by", ["mode", "additional_filter", "report"])
def test_modes_over_families_by_approval_and_by_who_has_a_phone(scheme, by):
    """The head, only another member, a former member, or nobody has a phone."""
    made = {}
    for approval in (True, False):
        families = {
            "head": scheme.family("+255724000001"),
            "member": scheme.family(" "),
            "former": scheme.family(),
            "nobody": scheme.family(),
        }
        scheme.person(families["member"]["family"], "+255724000002")
        former = scheme.person(families["former"]["family"], "+255724000003")
        scheme.person(None, "+255724000003", uuid=former)
        for who, family in families.items():
            scheme.consent(family["chf_id"], approval=approval)
            made[family["chf_id"]] = who, approval

    reached, unreached = ("head", "member"), ("former", "nobody")
    expected = {
        0: set(made.values()),
        1: {(who, True) for who in reached},
        2: {(who, True) for who in unreached},
        3: {(who, False) for who in reached},
        4: {(who, False) for who in unreached},
    }
    assert {mode: {made[one] for one in chf_ids(scheme, by, mode)} for mode in range(5)} == expected


def chf_ids(scheme: Scheme, by: str, mode: int) -> list[str]:
    """The heads of the region's families in this mode."""
    if by == "report":
        query = {"regionUuid": scheme.region, "mode": mode}
        answer = scheme.ask("GET", "communication_by_notification_report/", params=query)
        return [row["chf_id"] for row in answer.json()["data"]]
    asked = {
        "mode": {"mode": mode},
        "additional_filter": {
            "additional_filter": f'{{"policyNotification":{{"mode":{{"value":{mode}}}}}}}'
        },
    }
    answer = scheme.ask("GET", "families/", params={"region": scheme.region, **asked[by]})
    return [family["head"]["chf_id"] for family in answer.json()["data"]]
