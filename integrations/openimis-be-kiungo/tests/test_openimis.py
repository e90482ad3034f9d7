"""What happens in openIMIS is known to Kiungo: through GraphQL, `.update()`, SQL and failures."""

import itertools
import json
import time
import uuid
from typing import Any

import pytest

NUMBERS = itertools.count(70_001)


def head(chf_id: str, phone: str = "0754000111") -> str:
    return (
        f'headInsuree: {{chfId: "{chf_id}", lastName: "Mushi", otherNames: "Asha", '
        f'genderId: "F", dob: "1980-01-01", phone: "{phone}"}}'
    )


def contribution(**said: Any) -> str:
    return f"contribution: {json.dumps(json.dumps({'PolicyNotification': said}))}"


def create(both: Any, **said: Any) -> dict[str, Any]:
    """A family made through GraphQL, with what it says about notifications."""
    chf_id = f"{next(NUMBERS)}"
    given = f'clientMutationId: "{uuid.uuid4()}", locationId: {both.openimis.ids["village"]}, '
    given += f"{contribution(**said)}, {head(chf_id)}"
    both.openimis.mutate("createFamily", given)
    family: dict[str, Any] = both.openimis.ask("families")[-1]
    return {**family, "chf_id": chf_id}


def insure(both: Any, family: dict[str, Any]) -> dict[str, Any]:
    """A policy made through GraphQL."""
    ids = both.openimis.ids
    given = (
        f'clientMutationId: "{uuid.uuid4()}", enrollDate: "2026-05-01", startDate: "2026-05-01", '
        f'expiryDate: "2027-04-30", value: "30000", productId: {ids["product"]}, '
        f"familyId: {family['id']}, officerId: {ids['officer']}"
    )
    both.openimis.mutate("createPolicy", given)
    policy: dict[str, Any] = both.openimis.ask("policies")[-1]
    return policy


def of(both: Any, kind: str, key: str, field: str = "uuid") -> dict[str, Any]:
    (found,) = [one for one in both.kiungo.records(kind) if one[field] == key]
    return found


def test_everything_is_forwarded_and_kiungo_knows_what_openimis_knows(both: Any) -> None:
    family = create(both, approvalOfNotification=True, languageOfNotification="sw")
    policy = insure(both, family)

    said = both.forward()

    assert "0 rejected" in said
    assert both.openimis.ask("outbox") == []
    assert both.differences() == {}
    assert of(both, "policies", policy["uuid"])["family"] == family["uuid"]
    consent = of(both, "consents", family["uuid"], "family")
    assert (consent["approvalOfNotification"], consent["languageOfNotification"]) == (True, "sw")


def test_family_is_edited_and_deleted_with_its_consent(both: Any) -> None:
    family = create(both, approvalOfNotification=True, languageOfNotification="fr")
    ids = both.openimis.ids
    edit = f'clientMutationId: "{uuid.uuid4()}", uuid: "{family["uuid"]}", id: {family["id"]}, '
    edit += f'locationId: {ids["village"]}, address: "by the well", '
    who = head(family["chf_id"], "0712345678").replace("{", f"{{id: {family['head']}, ", 1)
    both.openimis.mutate(
        "updateFamily", edit + who + ", " + contribution(approvalOfNotification=False)
    )
    both.forward()
    assert both.differences() == {}
    consent = of(both, "consents", family["uuid"], "family")
    assert (consent["approvalOfNotification"], consent["languageOfNotification"]) == (False, "fr")
    phones = [
        one["phone"] for one in both.kiungo.records("insurees") if one["family"] == family["uuid"]
    ]
    assert phones == ["0712345678"]

    gone = f'clientMutationId: "{uuid.uuid4()}", uuids: ["{family["uuid"]}"], deleteMembers: true'
    both.openimis.mutate("deleteFamilies", gone)
    both.forward()

    assert both.differences() == {}
    consent = of(both, "consents", family["uuid"], "family")
    assert consent["validity_to"] is not None


def test_what_no_signal_says_is_forwarded_as_well(both: Any) -> None:
    """openIMIS's nightly task is a plain `.update()`; calculation rules write in bulk."""
    policy = insure(both, create(both, approvalOfNotification=True))
    both.openimis.ask("activate", policy["id"])
    both.forward()
    assert of(both, "policies", policy["uuid"])["status"] == "active"

    both.openimis.ask("backdate", policy["id"], 3)
    assert both.openimis.ask("expire") >= 1
    both.forward()

    assert of(both, "policies", policy["uuid"])["status"] == "expired"
    assert both.differences() == {}


def test_renewal_through_graphql_is_a_later_policy_of_the_family(both: Any) -> None:
    family = create(both, approvalOfNotification=True)
    insure(both, family)
    ids = both.openimis.ids
    given = (
        f'clientMutationId: "{uuid.uuid4()}", enrollDate: "2026-05-02", startDate: "2027-05-01", '
        f'expiryDate: "2028-04-30", value: "30000", productId: {ids["product"]}, '
        f"familyId: {family['id']}, officerId: {ids['officer']}"
    )
    both.openimis.mutate("renewPolicy", given)
    both.forward()
    renewed = of(both, "policies", both.openimis.ask("policies")[-1]["uuid"])
    assert (renewed["stage"], renewed["family"]) == ("renewed", family["uuid"])
    assert both.differences() == {}


def test_what_was_rolled_back_is_not_forwarded(both: Any) -> None:
    family = create(both)
    both.forward()
    both.openimis.ask("roll_back", family["uuid"])
    assert both.openimis.ask("outbox") == []
    assert both.forward() == ""


@pytest.mark.parametrize("fails", ["before", "after"])
def test_answer_that_fails_or_is_lost_loses_nothing(both: Any, fails: str) -> None:
    create(both, approvalOfNotification=True)
    waiting = both.openimis.ask("outbox")
    both.kiungo.fails = fails

    said = both.forward()

    assert "exit 1" in said
    assert both.openimis.ask("outbox") == waiting
    both.kiungo.fails = None
    both.forward()
    assert both.openimis.ask("outbox") == []
    assert both.differences() == {}


def test_killed_forwarder_loses_nothing(both: Any) -> None:
    """Killed while it sends, again and again, with changes going on."""
    for _ in range(2):
        both.openimis.ask("command", "forward_kiungo", "--once", "--whole")
        create(both, approvalOfNotification=True)
        before = len(both.kiungo.asked)
        process = both.forwarder()
        deadline = time.monotonic() + 120
        while len(both.kiungo.asked) == before:
            assert time.monotonic() < deadline, "the forwarder has sent nothing"
            time.sleep(0.01)
        process.kill()
        process.wait()
    both.forward()
    assert both.openimis.ask("outbox") == []
    assert both.differences() == {}


def test_what_kiungo_rejects_is_kept_with_the_reason_and_holds_up_nothing(both: Any) -> None:
    policy = insure(both, create(both))
    both.openimis.ask("backdate", policy["id"], 80_000)
    create(both)

    assert "1 rejected" in both.forward()

    ((kind, key, reason),) = both.openimis.ask("outbox")
    assert (kind, key) == ("policies", policy["id"])
    assert "expiry_date" in reason
    assert reason in both.openimis.ask("command", "forward_kiungo", "--rejected")
    assert "1 rejected" in both.openimis.ask("command", "forward_kiungo", "--once", "--again")
    assert len(both.openimis.ask("outbox")) == 1
    both.openimis.ask("backdate", policy["id"], 1)
    both.forward()
    assert both.openimis.ask("outbox") == []
    assert both.differences() == {}


def test_whole_and_since_find_what_no_trigger_noted(both: Any) -> None:
    family = create(both)
    both.forward()
    assert both.openimis.ask(
        "command", "forward_kiungo", "--once", "--since", "2999-01-01"
    ).startswith("0 rows noted")
    said = both.openimis.ask("command", "forward_kiungo", "--once", "--whole")
    assert int(said.split()[0]) >= len(both.openimis.ask("families"))
    assert of(both, "families", family["uuid"])
    assert both.differences() == {}


def test_bad_consent_is_said_before_anything_is_done(both: Any) -> None:
    families = both.openimis.ask("families")
    given = f"locationId: {both.openimis.ids['village']}, {head('99')}, "
    for said in ({"approvalOfNotification": "yes"}, {"languageOfNotification": "xx"}, {"phone": 1}):
        whole = given + contribution(**said)
        asked = f"mutation {{ createFamily(input: {{{whole}}}) {{ internalId }} }}"
        both.openimis.ask("graphql", asked)
        status, why = both.openimis.ask("statuses")[0]
        assert status == 1
        assert next(iter(said)) in why or "PolicyNotification" in why
    assert both.openimis.ask("families") == families


def test_consents_and_filter_are_asked_for_in_graphql(both: Any) -> None:
    yes = create(both, approvalOfNotification=True, languageOfNotification="sw")
    no = create(both, approvalOfNotification=False)

    asked = "{ families(first: 100%s) { edges { node { uuid familyNotification { %s } } } } }"
    fields = "approvalOfNotification languageOfNotification"
    whole = both.openimis.ask("graphql", asked % ("", fields))
    by_uuid = {one["node"]["uuid"]: one["node"]["familyNotification"] for one in _edges(whole)}
    assert by_uuid[yes["uuid"]] == {"approvalOfNotification": True, "languageOfNotification": "sw"}
    assert by_uuid[no["uuid"]] == {"approvalOfNotification": False, "languageOfNotification": "en"}
    for mode, expected in ((1, yes), (3, no)):
        text = json.dumps(json.dumps({"policyNotification": {"mode": {"value": mode}}}))
        found = both.openimis.ask("graphql", asked % (f", additionalFilter: {text}", fields))
        uuids = {one["node"]["uuid"] for one in _edges(found)}
        assert expected["uuid"] in uuids
        assert not {yes["uuid"], no["uuid"]} - {expected["uuid"]} & uuids
    own = "{ familyNotification(first: 100) { edges { node { languageOfNotification } } } }"
    listed = both.openimis.ask("graphql", own)
    assert {"node": {"languageOfNotification": "sw"}} in listed["familyNotification"]["edges"]


def _edges(answer: Any) -> Any:
    assert "errors" not in answer, answer
    return answer["families"]["edges"]


def test_report_stands_at_openimis_own_address_for_those_with_the_right(both: Any) -> None:
    create(both, approvalOfNotification=True)
    both.forward()
    path = "/api/policy_notification/communication_by_notification_report/"
    query = f"?regionUuid={both.openimis.ids['region_uuid']}&format=csv"
    status, body = both.openimis.ask("get", path + query)
    assert (status, "Mushi" in body) == (200, True), body
    assert both.openimis.ask("get", path + query, None)[0] == 403
    assert both.openimis.ask("get", f"{path}?regionUuid={uuid.uuid4()}")[0] == 404
