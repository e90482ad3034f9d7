"""Consent: openIMIS's three mutations exactly, REST beside them, and the mode filter."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

DEFAULTS = (False, "en")


def consent(api: Any, family: Any) -> tuple[bool, str] | int:
    answer = api.get(f"families/{family}/notification/")
    if answer.status_code != 200:
        return int(answer.status_code)
    found = answer.get_json()
    return found["approvalOfNotification"], found["languageOfNotification"]


def contribution(**data: Any) -> dict[str, Any]:
    return {"contribution": {"PolicyNotification": data}}


@pytest.fixture
def family(scheme: Any) -> str:
    """A family without consent, whose head has the CHF id 70001."""
    return str(scheme.family(approval=None))


def test_create_by_the_heads_chf_id(api: Any, family: str) -> None:
    data = {
        "head_insuree": {"chf_id": "70001"},
        **contribution(approvalOfNotification=True, languageOfNotification="sw"),
    }
    answer = api.mutate("CreateFamilyMutation", data)
    assert answer.get_json() == {"ok": True, "families": [family]}
    assert consent(api, family) == (True, "sw")


@pytest.mark.parametrize("given", [{}, {"contribution": {}}, contribution()])
def test_create_by_uuid_takes_the_defaults(api: Any, family: str, given: Any) -> None:
    assert api.mutate("CreateFamilyMutation", {"uuid": family, **given}).status_code == 200
    assert consent(api, family) == DEFAULTS


def test_second_create_is_an_error(api: Any, family: str) -> None:
    api.mutate("CreateFamilyMutation", {"uuid": family})
    assert api.mutate("CreateFamilyMutation", {"uuid": family}).status_code == 409


@pytest.mark.parametrize("data", [{"head_insuree": {"chf_id": "nobody"}}, {"uuid": str(uuid4())}])
def test_create_for_nobody_is_not_found(api: Any, data: Any) -> None:
    assert api.mutate("CreateFamilyMutation", data).status_code == 404


def test_update_changes_what_is_given(api: Any, family: str) -> None:
    api.mutate("CreateFamilyMutation", {"uuid": family})
    given = contribution(approvalOfNotification=True)
    api.mutate("UpdateFamilyMutation", {"uuid": family, **given})
    assert consent(api, family) == (True, "en")
    api.mutate(
        "UpdateFamilyMutation", {"uuid": family, **contribution(languageOfNotification="fr")}
    )
    assert consent(api, family) == (True, "fr")


def test_update_creates_with_defaults_first(api: Any, family: str) -> None:
    given = contribution(languageOfNotification="fr")
    api.mutate("UpdateFamilyMutation", {"uuid": family, **given})
    assert consent(api, family) == (False, "fr")


@pytest.mark.parametrize(
    "given", [{}, {"contribution": {}}, contribution(), {"contribution": None}]
)
def test_update_with_an_empty_contribution_does_nothing(api: Any, family: str, given: Any) -> None:
    answer = api.mutate("UpdateFamilyMutation", {"uuid": family, **given})
    assert answer.get_json() == {"ok": True, "families": []}
    assert consent(api, family) == 404


def test_delete_resets_an_active_family_and_ends_the_consent_of_an_ended_one(
    api: Any, scheme: Any
) -> None:
    active, ended = scheme.family(language="sw"), scheme.family(language="sw")
    scheme.put("families", uuid=ended, validity_to=datetime.now(UTC).isoformat())

    answer = api.mutate("DeleteFamiliesMutation", {"uuids": [str(active), str(ended)]})

    assert answer.status_code == 200
    assert consent(api, active) == DEFAULTS
    found = api.get(f"families/{ended}/notification/").get_json()
    assert found["validity_to"] is not None


@pytest.mark.parametrize("mutation", ["CreateFamilyMutation", "UpdateFamilyMutation"])
def test_consent_that_ended_begins_anew_when_its_family_is_back(
    api: Any, scheme: Any, mutation: str
) -> None:
    family = scheme.family(language="sw")
    scheme.put("families", uuid=family, validity_to=datetime.now(UTC).isoformat())
    api.mutate("DeleteFamiliesMutation", {"uuids": [str(family)]})
    scheme.put("families", uuid=family, location=scheme.village)

    given = contribution(languageOfNotification="fr")
    assert api.mutate(mutation, {"uuid": str(family), **given}).status_code == 200

    assert consent(api, family) == (False, "fr")
    assert api.get(f"families/{family}/notification/").get_json()["validity_to"] is None


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"approvalOfNotification": "yes"}, "approvalOfNotification"),
        ({"approvalOfNotification": 1}, "approvalOfNotification"),
        ({"languageOfNotification": "xx"}, "languageOfNotification"),
        ({"languageOfNotification": ["en"]}, "languageOfNotification"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_notification_data_is_rejected_by_name(
    api: Any, family: str, data: Any, field: str
) -> None:
    answers = [
        api.mutate("UpdateFamilyMutation", {"uuid": family, **contribution(**data)}),
        api.post(f"families/{family}/notification/", data),
        api.patch(f"families/{family}/notification/", data),
    ]
    for answer in answers:
        assert answer.status_code == 422
        assert field in answer.get_json()["errors"]
    assert consent(api, family) == 404


@pytest.mark.parametrize(
    ("mutation", "data"),
    [
        ("DropFamilies", {}),
        ("CreateFamilyMutation", {"head_insuree": {"chf_id": 70001}}),
        ("UpdateFamilyMutation", {}),
        ("UpdateFamilyMutation", {"uuid": "x"}),
        ("UpdateFamilyMutation", {"uuid": str(uuid4()), "contribution": 1}),
        ("UpdateFamilyMutation", {"uuid": str(uuid4()), "contribution": {"PolicyNotification": 1}}),
        ("DeleteFamiliesMutation", {}),
        ("DeleteFamiliesMutation", {"uuids": [1]}),
    ],
)
def test_mutation_that_cannot_be_read_is_rejected(api: Any, mutation: str, data: Any) -> None:
    assert api.mutate(mutation, data).status_code == 422


def test_rest_beside_the_mutations(api: Any, family: str) -> None:
    path = f"families/{family}/notification/"
    assert api.get(path).status_code == 404
    assert api.post(path, {"approvalOfNotification": True}).status_code == 201
    assert api.post(path, {}).status_code == 409
    assert api.patch(path, {"languageOfNotification": "fr"}).status_code == 200
    assert consent(api, family) == (True, "fr")
    assert api.delete(path).status_code == 200
    assert consent(api, family) == DEFAULTS
    assert api.get(f"families/{uuid4()}/notification/").status_code == 404


def _of(mode: int) -> dict[str, str]:
    return {"additional_filter": json.dumps({"policyNotification": {"mode": {"value": mode}}})}


@pytest.mark.parametrize("ask", [lambda mode: {"mode": mode}, _of])
def test_modes_by_approval_and_by_who_has_a_phone(api: Any, scheme: Any, ask: Any) -> None:
    """The head, only another member, a former member, or nobody has a phone."""
    families = {}
    for approval in (True, False):
        made = {
            "head": scheme.family(approval=approval),
            "member": scheme.family(phone=None, approval=approval),
            "former": scheme.family(phone=" ", approval=approval),
            "ended": scheme.family(phone="", approval=approval),
            "nobody": scheme.family(phone=None, approval=approval),
        }
        scheme.person(made["member"], "+255700000002")
        scheme.person(None, "+255700000003")
        scheme.person(made["ended"], "+255700000004", validity_to="2026-01-01T00:00:00Z")
        families |= {(name, approval): str(uuid_) for name, uuid_ in made.items()}
    scheme.family(validity_to="2026-01-01T00:00:00Z")

    def found(mode: int) -> set[str]:
        answer = api.get("families/", **ask(mode))
        assert answer.status_code == 200, answer.get_json()
        return {one["uuid"] for one in answer.get_json()["data"]}

    def expected(approval: bool, *names: str) -> set[str]:
        return {families[name, approval] for name in names}

    phones, none = ("head", "member"), ("former", "ended", "nobody")
    assert found(0) == set(families.values())
    assert found(1) == expected(True, *phones)
    assert found(2) == expected(True, *none)
    assert found(3) == expected(False, *phones)
    assert found(4) == expected(False, *none)


def test_families_by_region_district_and_officer(api: Any, scheme: Any) -> None:
    here, elsewhere = scheme.family(), scheme.family(location=uuid4())
    scheme.policy(here)
    scheme.policy(elsewhere, officer=uuid4())

    for query in (
        {"region": scheme.region},
        {"district": scheme.district},
        {"officer": scheme.officer},
        {"region": scheme.region, "district": scheme.district, "officer": scheme.officer},
    ):
        assert [one["uuid"] for one in api.get("families/", **query).get_json()["data"]] == [
            str(here)
        ]
    assert api.get("families/", region=uuid4()).get_json()["count"] == 0


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"policyNotification":1}', '{"policyNotification":{"mode":{"value":5}}}']
)
def test_bad_additional_filter_is_rejected(api: Any, text: str) -> None:
    assert api.get("families/", additional_filter=text).status_code == 422


@pytest.mark.parametrize("mutation", ["CreateFamilyMutation", "UpdateFamilyMutation"])
def test_null_language_is_the_default_where_there_is_no_consent_yet(
    api: Any, scheme: Any, mutation: str
) -> None:
    family = scheme.family(approval=None)
    given = contribution(approvalOfNotification=True, languageOfNotification=None)

    answer = api.mutate(mutation, {"uuid": str(family), **given})

    assert answer.status_code == 200, answer.get_json()
    assert consent(api, family) == (True, "en")


def test_null_in_an_update_means_unchanged(api: Any, scheme: Any) -> None:
    family = scheme.family(approval=True, language="sw")
    given = contribution(approvalOfNotification=None, languageOfNotification=None)
    assert api.mutate("UpdateFamilyMutation", {"uuid": str(family), **given}).status_code == 200
    assert consent(api, family) == (True, "sw")


def test_contribution_as_json_text_is_read(api: Any, scheme: Any) -> None:
    family = scheme.family(approval=None)
    text = json.dumps({"PolicyNotification": json.dumps({"approvalOfNotification": True})})
    data = {"uuid": str(family), "contribution": text}
    assert api.mutate("UpdateFamilyMutation", data).status_code == 200
    assert consent(api, family) == (True, "en")


def test_delete_of_a_known_and_an_unknown_family_resets_the_known_one(
    api: Any, scheme: Any
) -> None:
    family = scheme.family(approval=True, language="sw")
    answer = api.mutate("DeleteFamiliesMutation", {"uuids": [str(uuid4()), str(family)]})
    assert (answer.status_code, answer.get_json()["families"]) == (200, [str(family)])
    assert consent(api, family) == (False, "en")
