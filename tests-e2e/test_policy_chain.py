"""The whole chain: a mutation comes in, a policy expires, and each family is told in its language.

openIMIS's mutation → consent → run → event on the queue → rule → template → SMS and inbox.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import demo_transports
import pytest
from hub import Hub
from policy_scheme import Scheme
from systems import MOSTLY_PRODUCTION, systems

SERVICES = ["proxy", "policy-notify", "notification", "demo-mail"]
EVENT = "POLICY_EXPIRATION_OF_POLICY"
PLACEHOLDERS = "{Name} {InsuranceID} {ProductCode} {ExpiryDate}"
WORDS = {"en": "Your policy ends today:", "fr": "Votre police expire:", "sw": "Bima yako inaisha:"}


@pytest.fixture(scope="module", params=MOSTLY_PRODUCTION)
def hub(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A system whose reminders go through the notification service, by a queue of its own."""
    providers = '{"NotificationService": {"EventPrefix": "POLICY_"}}'
    with systems(tmp_path_factory.mktemp("chain")) as start:
        hub = start(request.param, services=SERVICES, own_broker=True, PROVIDERS=providers)
        _describe_event(hub)
        yield hub


def notification(hub: Hub, method: str, path: str, **options: Any) -> Any:
    answer = hub.session.request(
        method,
        f"{hub.url}/api/notification/{path}",
        headers={"Authorization": f"Bearer {hub.token}"},
        timeout=30,
        **options,
    )
    assert answer.ok, answer.text
    return answer.json()


def _describe_event(hub: Hub) -> None:
    """What the README of policy-notify tells an office to do once."""
    notification(hub, "POST", "events/", json={"code": EVENT, "module": "POLICY"})
    channels = ["SMS", "IN_APP"]
    rule = {"event_code": EVENT, "recipient_policy": "FAMILY", "channels": channels}
    notification(hub, "POST", "rules/", json=rule)
    for channel in channels:
        for language, words in WORDS.items():
            template = {"event_code": EVENT, "channel": channel, "language": language}
            body = f"{words} {PLACEHOLDERS}"
            notification(hub, "POST", "templates/", json={**template, "body": body})


def sms_to(hub: Hub, number: str) -> list[str]:
    folder: Path = demo_transports.sms_folder(hub.stack.installation.var_dir)
    texts = [path.read_text() for path in folder.glob("*") if not path.name.startswith(".")]
    return [text for text in texts if text.startswith(f"To: {number}\n")]


def test_expiring_policy_is_told_to_each_family_in_its_language_once(hub, eventually):
    scheme = Scheme(hub).found()
    families = {
        language: (f"+25571200001{at}", scheme.expiring(f"071200001{at}"))
        for at, language in enumerate(WORDS)
    }
    silent = scheme.expiring("0712000019")
    for language, (_, made) in families.items():
        scheme.consent(made["chf_id"], language)
    scheme.consent(silent["chf_id"], approval=False)

    scheme.run()

    for language, (number, made) in families.items():
        text = f"{WORDS[language]} Asha Mushi {made['chf_id']} CHF01 {scheme.today:%d/%m/%Y}"
        (sms,) = eventually(lambda number=number: sms_to(hub, number))
        assert sms.endswith(f"\n{text}\n")
        inbox = f"inbox/{made['family']}/"
        (message,) = eventually(lambda inbox=inbox: notification(hub, "GET", inbox)["data"])
        assert (message["body"], message["event_code"]) == (text, EVENT)
        (attempt,) = scheme.attempts(made["policy"])
        assert (attempt["status"], attempt["provider"]) == (1, "NotificationService")
    (refused,) = scheme.attempts(silent["policy"])
    assert refused["status"] == 2

    scheme.run()

    assert [len(sms_to(hub, number)) for number, _ in families.values()] == [1, 1, 1]
    assert sms_to(hub, "+255712000019") == []


def test_family_hears_why_it_was_told(hub, eventually):
    scheme = Scheme(hub).found()
    made = scheme.expiring("0712000029")
    scheme.consent(made["chf_id"], "sw")
    scheme.run()
    eventually(lambda: sms_to(hub, "+255712000029"))
    query = {"event_code": EVENT, "user_id": made["family"]}
    explained = notification(hub, "GET", "explain/", params=query)
    assert {one["message"]["channel"] for one in explained["messages"]} == {"SMS", "IN_APP"}


def test_records_and_mutations_come_over_the_queue(hub, eventually):
    scheme = Scheme(hub).found()
    made = scheme.expiring("+255711000021")
    mutation = {
        "mutation_class": "UpdateFamilyMutation",
        "data": {
            "uuid": made["family"],
            "contribution": {"PolicyNotification": {"approvalOfNotification": True}},
        },
    }
    publish(hub, "policy-notify.mutation", mutation)
    path = f"families/{made['family']}/notification/"
    found = eventually(
        lambda: (answer := scheme.ask("GET", path)).status_code == 200 and answer.json()
    )
    assert found["approvalOfNotification"] is True


def publish(hub, type_: str, data: object) -> None:
    """Put an event on the installation's queue, as another system does."""
    script = (
        "import json, sys, uuid\n"
        "from common.jobs.broker import dead_letter_queue, durable_queue, open_broker\n"
        "from common.settings import Environment, process_environment\n"
        "queue = 'policy-notify.events'\n"
        "event = {'specversion': '1.0', 'id': str(uuid.uuid4()), 'source': 'test'}\n"
        "event |= json.loads(sys.argv[1])\n"
        "with open_broker(Environment.read(process_environment())) as connection:\n"
        "    with connection.Producer() as producer:\n"
        "        producer.publish(json.dumps(event).encode(), routing_key=queue,\n"
        "            content_type='application/cloudevents+json', content_encoding='utf-8',\n"
        "            declare=[dead_letter_queue(queue), durable_queue(queue)])\n"
    )
    command = [sys.executable, "-c", script, json.dumps({"type": type_, "data": data})]
    environ = hub.stack.installation.environ
    subprocess.run(command, env=environ, cwd=hub.stack.installation.cwd, check=True)
