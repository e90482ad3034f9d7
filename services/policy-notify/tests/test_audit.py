"""Every act of staff and every change by the API leaves an event; records of the scheme do not."""

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from common.audit.requests import acts_of
from common.audit.verify import rows_after, verify
from common.jobs.broker import dead_letter_queue, open_broker
from common.jobs.events import CONTENT_TYPE
from flask import Flask
from policy_notify.container import Container
from policy_notify.intake import events
from policy_notify.intake.dead_letters import dead_letters
from policy_notify.models import AUDIT_TABLES

HOME = "/admin/policy-notification/"
CONSENT = {"approvalOfNotification": True, "languageOfNotification": "sw"}
Events = Callable[[], list[dict[str, Any]]]


@pytest.fixture(name="noted")
def noted_events(container: Container) -> Events:
    """All events, oldest first."""

    def read() -> list[dict[str, Any]]:
        with container.database.reading() as session:
            return list(rows_after(session, AUDIT_TABLES, 0))

    return read


@pytest.fixture
def letters(
    app: Flask, container: Container, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """The keys of four events that could not be handled."""
    settings = replace(container.settings, rabbitmq_url=None, var_dir=tmp_path)
    wired = replace(container, settings=settings)
    monkeypatch.setitem(app.extensions, "policy-notify", wired)
    queue = dead_letter_queue(events.QUEUE)
    with open_broker(settings) as connection, connection.Producer() as producer:
        for number in range(4):
            producer.publish(
                json.dumps({"number": number}).encode(),
                routing_key=queue(connection.default_channel).name,
                content_type=CONTENT_TYPE,
                content_encoding="utf-8",
                declare=[queue],
            )
    return [one.key for one in dead_letters(settings).all()]


def test_every_act_leaves_an_event(
    app: Flask,
    api: Any,
    console: Any,
    csrf: Any,
    scheme: Any,
    letters: list[str],
    noted: Events,
    container: Container,
) -> None:
    families = [scheme.family(approval=None) for _ in range(4)]
    person, path = scheme.person(families[0], None), f"families/{families[1]}/notification/"
    operator = console("operator")
    mutation = {"uuid": str(families[2]), "contribution": {"PolicyNotification": CONSENT}}
    consent = [{"family": str(families[3]), "approval": True, "language": "en"}]
    acts: list[tuple[str, str, Callable[[], Any]]] = [
        (
            "console.change_consent",
            "POST",
            lambda: operator.post(
                f"{HOME}families/{families[0]}/consent/", data={**CONSENT, **csrf}
            ),
        ),
        ("console.ask_for_run", "POST", lambda: operator.post(f"{HOME}runs/", data=csrf)),
        ("consent.Notification", "POST", lambda: api.post(path, CONSENT)),
        (
            "consent.Notification",
            "PATCH",
            lambda: api.patch(path, {"languageOfNotification": "en"}),
        ),
        ("consent.Notification", "DELETE", lambda: api.delete(path)),
        ("consent.mutate", "POST", lambda: api.mutate("UpdateFamilyMutation", mutation)),
        ("read_model.put_consents", "PUT", lambda: api.put("consents/", consent)),
        ("read_model.erase", "DELETE", lambda: api.delete(f"insurees/{person}/")),
        ("runs.Runs", "POST", lambda: api.post("runs/", {})),
        (
            "console.replay_dead_letter",
            "POST",
            lambda: operator.post(f"{HOME}dead-letters/{letters[2]}/replay/", data=csrf),
        ),
        (
            "console.drop_dead_letter",
            "POST",
            lambda: operator.post(f"{HOME}dead-letters/{letters[3]}/drop/", data=csrf),
        ),
        (
            "dead_letters.replay_dead_letter",
            "POST",
            lambda: api.post(f"dead-letters/{letters[0]}/replay/"),
        ),
        (
            "dead_letters.drop_dead_letter",
            "DELETE",
            lambda: api.delete(f"dead-letters/{letters[1]}/"),
        ),
    ]
    for endpoint, method, act in acts:
        before = len(noted())
        answer = act()
        assert answer.status_code < 400, (endpoint, method, answer.text[-600:])
        who = ("staff", "amina") if endpoint.startswith("console") else ("client", "tester")
        assert {(one["actor_kind"], one["actor"]) for one in noted()[before:]} == {who}, endpoint
    assert {(endpoint, method) for endpoint, method, _ in acts} == acts_of(app)
    assert str(person) not in json.dumps(noted(), default=str)
    with container.database.reading() as session:
        assert verify(session, AUDIT_TABLES).problem is None


def test_a_consent_tells_before_and_after(api: Any, scheme: Any, noted: Events) -> None:
    family = scheme.family(approval=True, language="en")
    api.patch(f"families/{family}/notification/", {"approvalOfNotification": False})
    (event,) = noted()
    assert (event["act"], event["object_id"]) == ("consent.updated", str(family))
    assert json.loads(event["before"])["approval"] is True
    assert json.loads(event["after"])["approval"] is False


def test_letters_are_noted_whoever_drops_them(
    app: Flask, letters: list[str], noted: Events
) -> None:
    with app.app_context():
        runner = app.test_cli_runner()
        assert runner.invoke(args=["dead-letters", "drop", letters[0]]).exit_code == 0
        assert runner.invoke(args=["dead-letters", "replay", "--all"]).exit_code == 0
    found = [(one["act"], one["object_id"], one["actor"]) for one in noted()]
    assert found[0] == ("dead_letter.dropped", letters[0], "dead-letters drop")
    assert {one[1] for one in found[1:]} == set(letters[1:])


def test_records_of_the_scheme_leave_none(api: Any, noted: Events) -> None:
    person = {"uuid": str(uuid.uuid4()), "chf_id": "70001"}
    assert api.put("insurees/", [person]).status_code == 200
    assert noted() == []


def test_views_and_exports_are_noted_for_auditors(
    api: Any, api_with: Any, console: Any, scheme: Any, noted: Events
) -> None:
    family, viewer = scheme.family(), console("viewer")
    assert viewer.get(f"{HOME}families/{family}/").status_code == 200
    assert viewer.get(f"{HOME}families/?format=csv").status_code == 200
    assert api.get("indications/").status_code == 200
    assert console("operator").get(f"{HOME}runs/dry/").status_code == 200
    acts = [one["act"] for one in noted()]
    assert acts == ["family.viewed", "list.exported", "messages.viewed", "messages.viewed"]
    assert noted()[0]["object_id"] == str(family)
    assert "family.viewed" in console("admin").get(f"{HOME}audit/").text
    assert console("operator").get(f"{HOME}audit/").status_code == 403
    assert api.get("audit/").status_code == 403
    assert api_with("policy:audit").get("audit/", who="amina").get_json()["count"] == 3
