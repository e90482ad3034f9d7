"""Every act of staff and every change by the API leaves an event; no person is in one."""

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from common.audit.requests import acts_of
from common.audit.verify import rows_after, verify
from common.clock import utc_now
from common.jobs.broker import dead_letter_queue, open_broker
from common.jobs.dead_letters import DeadLetters
from common.jobs.events import CONTENT_TYPE
from flask import Flask
from notification.container import Container
from notification.emit import intake
from notification.models import (
    AUDIT_TABLES,
    AddressFailure,
    ChannelCode,
    OutboxMessage,
    TransportState,
)
from notification.routes import transports
from sqlalchemy import update

HOME = "/admin/notification/"
USER = "19700101-12345"
PERSON = {"actor_type": "TEACHER", "user_id": USER}
CSV = f"user_id,actor_type\n{USER},TEACHER\n"
WORDS = {"event_code": "LICENCE_ISSUED", "channel": "SMS", "language": "en", "body": "Hello"}
Events = Callable[[], list[dict[str, Any]]]
Acts = dict[tuple[str, str], Callable[[], Any]]


@pytest.fixture
def events(container: Container) -> Events:
    """All events, oldest first."""

    def read() -> list[dict[str, Any]]:
        with container.database.reading() as session:
            return list(rows_after(session, AUDIT_TABLES, 0))

    return read


@pytest.fixture
def names(api: Any, container: Container) -> dict[str, Any]:
    """A rule, two versions of its words, a message, a provider that is closed."""
    rule = {"event_code": "LICENCE_ISSUED", "recipient_policy": "ALL", "channels": ["SMS"]}
    made = [api.post("rules/", rule), *(api.post("templates/", WORDS) for _ in range(2))]
    emission = {"event_code": "LICENCE_ISSUED", "context": {}, "recipients": [PERSON]}
    assert api.post("emit/", emission).status_code == 201
    hook = {"user_id": "licences", "actor_type": "SYSTEM", "url": "https://hooks.example.org/"}
    webhook = api.post("webhooks/", hook).get_json()["id"]
    close(container)
    rule_id, template_id, _ = (one.get_json()["id"] for one in made)
    (message,) = api.get("outbox/").get_json()["data"]
    return {
        "rule": rule_id,
        "template": template_id,
        "message": uuid.UUID(message["id"]),
        "webhook": webhook,
    }


@pytest.fixture
def letters(
    app: Flask, container: Container, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """The keys of two events that could not be emitted."""
    settings = replace(container.settings, rabbitmq_url=None, var_dir=tmp_path)
    monkeypatch.setitem(app.extensions, "notification", replace(container, settings=settings))
    queue = dead_letter_queue(intake.QUEUE)
    with open_broker(settings) as connection, connection.Producer() as producer:
        for number in range(2):
            producer.publish(
                json.dumps({"number": number}).encode(),
                routing_key=queue(connection.default_channel).name,
                content_type=CONTENT_TYPE,
                content_encoding="utf-8",
                declare=[queue],
            )
    return [one.key for one in DeadLetters(settings, intake.QUEUE).all()]


def unreachable(container: Container, address: str) -> uuid.UUID:
    """An address that failed for good."""
    with container.database.writing() as session:
        failure = AddressFailure(
            **PERSON, channel=ChannelCode.SMS, address=address, failures=9, last_at=utc_now()
        )
        session.add(failure)
        session.flush()
        return failure.id


def close(container: Container) -> None:
    with container.database.writing() as session:
        closed = {"closed_until": utc_now(), "closings": 1, "changed_at": utc_now()}
        session.merge(
            TransportState(channel=ChannelCode.SMS, provider="beem", reason="no credit", **closed)
        )


def failed(container: Container, message: uuid.UUID) -> None:
    with container.database.writing() as session:
        row = update(OutboxMessage).where(OutboxMessage.id == message)
        session.execute(row.values(status="FAILED", is_final=True))


def page_acts(send: Callable[..., Any], names: dict[str, Any]) -> Acts:
    """Each form of the console, sent so that it changes something."""
    quiet = {"preferred_lang": "sw", "quiet_from": "", "quiet_until": "", "time_zone": "UTC"}
    rule = {"event_code": "LICENCE_ISSUED", "recipient_policy": "ALL", "channels": "EMAIL"}
    event = {"module": "CPD", "when_unknown": "hold"}
    return {
        ("console.create_event", "POST"): lambda: send("events/new/", code="NEW", **event),
        ("console.change_event", "POST"): lambda: send("events/LICENCE_ISSUED/", **event),
        ("console.create_rule", "POST"): lambda: send("rules/new/", **rule),
        ("console.change_rule", "POST"): lambda: send(f"rules/{names['rule']}/", **rule),
        ("console.create_template", "POST"): lambda: send("templates/new/", **WORDS),
        ("console.use_template", "POST"): lambda: send(f"templates/{names['template']}/use/"),
        ("console.requeue", "POST"): lambda: send(f"outbox/{names['message']}/requeue/"),
        ("console.cancel", "POST"): lambda: send(f"outbox/{names['message']}/cancel/"),
        ("console.change_preference", "POST"): lambda: send("preferences/", **PERSON, **quiet),
        ("console.open_closed_transport", "POST"): lambda: send("transports/SMS/beem/open/"),
        ("console.try_address_again", "POST"): lambda: send(
            f"unreachable/{names['addresses'][0]}/try-again/"
        ),
        ("console.create_webhook", "POST"): lambda: send(
            "webhooks/new/", **PERSON, url="https://hooks.example.org/"
        ),
        ("console.use_webhook", "POST"): lambda: send(
            f"webhooks/{names['webhook']}/use/", is_active=""
        ),
        ("console.replay_dead_letter", "POST"): lambda: send(
            f"dead-letters/{names['letters'][0]}/replay/"
        ),
        ("console.drop_dead_letter", "POST"): lambda: send(
            f"dead-letters/{names['letters'][1]}/drop/"
        ),
    }


def campaign_acts(send: Callable[..., Any], names: dict[str, Any]) -> Acts:
    """Each form of a campaign; a client has tried out the one that is approved."""
    wanted, approved = (f"campaigns/{names[name]}/" for name in ("campaign", "approved"))
    new = {"name": "C", "event_code": "LICENCE_ISSUED", "channel": "SMS", "priority": "LOW"}
    print_of = {"fingerprint": names["fingerprint"]}
    return {
        ("console.create_campaign", "POST"): lambda: send("campaigns/new/", rate="1", **new),
        ("console.approve_campaign", "POST"): lambda: send(f"{approved}approve/", **print_of),
        ("console.change_campaign_rate", "POST"): lambda: send(f"{approved}rate/", rate="2"),
        ("console.pause_campaign", "POST"): lambda: send(f"{approved}pause/"),
        ("console.resume_campaign", "POST"): lambda: send(f"{approved}resume/"),
        ("console.stop_campaign", "POST"): lambda: send(f"{approved}stop/"),
        ("console.try_campaign_out", "POST"): lambda: send(f"{wanted}dry-run/"),
        ("console.add_campaign_people", "POST"): lambda: send(
            f"{wanted}people/", list=(BytesIO(CSV.encode()), "list.csv")
        ),
    }


def campaign_calls(api: Any, names: dict[str, Any]) -> Acts:
    """Each route of a campaign; another client has written the one that is approved."""
    mine, theirs = (f"campaigns/{names[name]}/" for name in ("campaign", "other"))
    new = {"name": "C", "event_code": "LICENCE_ISSUED", "channel": "SMS"}
    print_of = {"fingerprint": names["other_fingerprint"]}
    return {
        ("campaigns.Campaigns", "POST"): lambda: api.post("campaigns/", new),
        ("campaigns.OneCampaign", "PATCH"): lambda: api.patch(mine, {"rate": 5}),
        ("campaigns.add_recipients", "POST"): lambda: api.post(
            f"{mine}recipients/", {"recipients": [PERSON]}
        ),
        ("campaigns.add_list", "POST"): lambda: api.ask(
            "POST", f"{mine}list/", data=CSV, content_type="text/csv"
        ),
        ("campaigns.try_campaign_out", "POST"): lambda: api.post(f"{mine}dry-run/"),
        ("campaigns.approve_campaign", "POST"): lambda: api.post(f"{theirs}approve/", print_of),
        ("campaigns.pause_campaign", "POST"): lambda: api.post(f"{theirs}pause/"),
        ("campaigns.resume_campaign", "POST"): lambda: api.post(f"{theirs}resume/"),
        ("campaigns.stop_campaign", "POST"): lambda: api.post(f"{theirs}stop/"),
    }


def api_acts(api: Any, names: dict[str, Any]) -> Acts:
    """Each route that changes something, asked so that it does."""
    message = f"outbox/{names['message']}"
    rule = {"event_code": "LICENCE_ISSUED", "recipient_policy": "ALL", "channels": ["SMS"]}
    wanted = {"event_code": "LICENCE_ISSUED"}
    return {
        ("catalogue.Events", "POST"): lambda: api.post("events/", {"code": "B", "module": "CPD"}),
        ("catalogue.OneEvent", "PATCH"): lambda: api.patch("events/B/", {"description": "d"}),
        ("lookups.add_lookup", "POST"): lambda: api.post(
            "lookups/modules/", {"code": "NURSING", "name": "Nursing"}
        ),
        ("lookups.change_lookup", "PATCH"): lambda: api.patch(
            "lookups/modules/NURSING/", {"name": "Nursing council"}
        ),
        ("catalogue.Rules", "POST"): lambda: api.post("rules/", rule),
        ("catalogue.OneRule", "PATCH"): lambda: api.patch(
            f"rules/{names['rule']}/", {"is_active": False}
        ),
        ("templates.Templates", "POST"): lambda: api.post("templates/", WORDS),
        ("templates.OneTemplate", "PATCH"): lambda: api.patch(
            f"templates/{names['template']}/", {"is_active": True}
        ),
        ("people.OnePreference", "POST"): lambda: api.post(
            f"preferences/TEACHER/{USER}/", {"allow_sms": False}
        ),
        ("unreachable.try_address_again", "POST"): lambda: api.post(
            f"unreachable/{names['addresses'][1]}/try-again/"
        ),
        ("webhooks.Webhooks", "POST"): lambda: api.post(
            "webhooks/", {**PERSON, "actor_type": "STAFF", "url": "https://hooks.example.org/"}
        ),
        ("webhooks.OneWebhook", "PATCH"): lambda: api.patch(
            f"webhooks/{names['webhook']}/", {"is_active": True}
        ),
        ("webhooks.renew_webhook_secret", "POST"): lambda: api.post(
            f"webhooks/{names['webhook']}/secret/"
        ),
        ("deliveries.requeue_message", "POST"): lambda: api.post(f"{message}/requeue/"),
        ("deliveries.cancel_message", "POST"): lambda: api.post(f"{message}/cancel/"),
        ("deliveries.requeue_messages", "POST"): lambda: api.post("outbox/requeue/", wanted),
        ("deliveries.cancel_messages", "POST"): lambda: api.post("outbox/cancel/", wanted),
        ("deliveries.process_outbox", "POST"): lambda: api.post("outbox/process/", {"limit": 1}),
        (f"{transports.blp.name}.open_closed_transport", "POST"): lambda: api.post(
            "transports/SMS/beem/open/"
        ),
    }


def test_every_act_leaves_an_event(
    app: Flask,
    api: Any,
    console: Any,
    csrf: Any,
    names: dict[str, Any],
    events: Events,
    container: Container,
    letters: list[str],
    campaigns: Any,
) -> None:
    admin = console("admin")
    for name in ("approved", "other", "campaign"):
        names[name] = campaigns.draft(PERSON)
    names["fingerprint"] = campaigns.try_out(names["approved"])["fingerprint"]
    names["other_fingerprint"] = campaigns.try_out(names["other"])["fingerprint"]
    names["letters"] = letters
    names["addresses"] = [unreachable(container, f"+25571200000{at}") for at in range(2)]

    def send(path: str, **form: Any) -> Any:
        return admin.post(HOME + path, data={**form, **csrf})

    of_campaigns, by_clients = campaign_acts(send, names), campaign_calls(api, names)
    walk(of_campaigns, ("staff", "amina"), events)
    walk(by_clients, ("client", "tester"), events)
    pages = page_acts(send, names)
    failed(container, names["message"])
    walk(pages, ("staff", "amina"), events)
    close(container)
    calls = api_acts(api, names)
    walk(calls, ("client", "tester"), events)
    assert {*pages, *calls, *of_campaigns, *by_clients} == acts_of(app)
    assert USER not in json.dumps(events(), default=str)
    with container.database.reading() as session:
        assert verify(session, AUDIT_TABLES).problem is None


def walk(acts: Acts, who: tuple[str, str], events: Events) -> None:
    for which, act in acts.items():
        before = len(events())
        answer = act()
        assert answer.status_code < 400, (which, answer.text[-600:])
        added = events()[before:]
        assert {(one["actor_kind"], one["actor"]) for one in added} == {who}, which


def test_acts_on_a_message_tell_what_it_was(
    api: Any, names: dict[str, Any], events: Events, container: Container
) -> None:
    failed(container, names["message"])
    api.post("outbox/requeue/", {"status": "FAILED"})
    event = events()[-1]
    assert (event["act"], event["object_id"]) == ("message.requeued", str(names["message"]))
    assert (event["object_name"], event["before"]) == ("LICENCE_ISSUED", '{"status":"FAILED"}')


def test_a_preference_tells_what_changed(api: Any, events: Events) -> None:
    api.post(f"preferences/TEACHER/{USER}/", {"allow_sms": False})
    event = events()[-1]
    assert event["act"] == "preference.updated"
    assert (event["before"], event["after"]) == ('{"allow_sms":true}', '{"allow_sms":false}')
    assert uuid.UUID(event["object_id"])


def test_views_of_words_are_noted_and_only_auditors_read_of_them(
    api: Any,
    api_with: Any,
    console: Any,
    names: dict[str, Any],
    events: Events,
) -> None:
    begun = len(events())
    viewer = console("viewer")
    assert viewer.get(f"{HOME}outbox/{names['message']}/").status_code == 200
    assert viewer.get(f"{HOME}inbox/?user_id={USER}").status_code == 200
    assert api.get(f"outbox/{names['message']}/").status_code == 200
    assert viewer.get(f"{HOME}outbox/?format=csv&user_id={USER}").status_code == 200
    acts = [one["act"] for one in events()[begun:]]
    assert acts == ["message.viewed", "inbox.viewed", "message.viewed", "list.exported"]
    assert USER not in json.dumps(events(), default=str)
    assert "inbox.viewed" in console("admin").get(f"{HOME}audit/").text
    assert console("operator").get(f"{HOME}audit/").status_code == 403
    assert api_with("notification:admin").get("audit/").status_code == 403
    assert api_with("notification:audit").get("audit/").get_json()["count"] == len(events())


def test_a_call_leaves_none(api: Any, names: dict[str, Any], events: Events) -> None:
    begun = len(events())
    emission = {"event_code": "LICENCE_ISSUED", "context": {}, "recipients": [PERSON]}
    assert api.post("emit/", emission).status_code == 201
    assert len(events()) == begun
