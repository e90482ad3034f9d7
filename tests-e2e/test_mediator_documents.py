"""The examples of the Django mediator's two documents, as they stand there: only host and port are
others. Its settings are asked in `tools/tests/test_former_settings.py`.
"""

import json
import shutil
import subprocess
from typing import Any

import pytest
import requests

#: Its README: "Seed demo data can be overridden from `.env.local`".
SEEDS = {
    "DEMO_SEED_REQUEST_BASE_URL": "http://openhim.local:8087",
    "DEMO_SEED_CLIENTS_JSON": '[{"client_id":"demo-env-client","name":"Demo Env Client",'
    '"client_secret":"env-secret","allowed_ips":["127.0.0.1"],"is_active":true}]',
    "DEMO_SEED_MEDIATORS_JSON": '[{"urn":"urn:ttpb:demo:env","name":"Demo Env Mediator",'
    '"version":"2.0.0","endpoint_url":"https://env-mediator.example.org/api","is_online":true}]',
    "DEMO_SEED_CHANNELS_JSON": '[{"name":"Demo Env Channel","description":"Channel from env'
    ' configuration","path_pattern":"/demo/env/ping","methods":["get"],'
    '"requires_request_body":false,"request_content_type":"","request_body_example":"",'
    '"channel_type":"https","priority":1,"is_active":true,"mediator_urn":"urn:ttpb:demo:env"}]',
}
#: Its README: "Example request" and "Async request example".
CALL = """
curl -X POST 'http://127.0.0.1:8000/integrations/teachers?sync=true' \\
  -H 'Content-Type: application/json' \\
  -H 'X-Client-Id: demo-integrator' \\
  -H 'X-Client-Secret: demo-secret' \\
  -d '{"teacher_id":"T-1"}'
"""
ASYNC_CALL = CALL.replace("sync=true", "async=true")
#: Addresses that both documents name, and what they are answered with.
ADDRESSES = {
    "/": 200,
    "/health/": 200,
    "/admin/": 303,
    "/admin/mediator/tester/": 303,
    "/api/docs/openapi.json": 200,
    "/api/docs/swagger/": 200,
    "/favicon.ico": 302,
}
#: Notification's addresses that can be asked for, as its README lists them.
NOTIFICATION = (
    "/api/notification/",
    "/api/notification/lookups/",
    "/api/notification/events/?module=DEMO&active=true",
    "/api/notification/rules/?event_code=DEMO_APPOINTMENT&active=false",
    "/api/notification/templates/?event_code=X&channel=SMS&language=sw&active=true",
    "/api/notification/outbox/?status=SENT&channel=SMS&due=true&limit=100",
    "/api/notification/inbox/2001/?unread=true&limit=100",
)
pytestmark = pytest.mark.parametrize("hub", ["embedded"], indirect=True)


def curl(line: str, hub: Any) -> tuple[int, dict[str, str], Any]:
    """What a documented line answers when it is pasted: status, headers and JSON."""
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    pasted = line.replace("http://127.0.0.1:8000", hub.url)
    shown = pasted.replace("curl ", "curl --silent --include --noproxy '*' ", 1)
    done = subprocess.run(
        ["sh", "-c", shown], check=True, capture_output=True, text=True, timeout=20
    )
    head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
    status, *fields = head.split("\n")
    headers = {name.lower(): value.strip() for name, _, value in (f.partition(":") for f in fields)}
    return int(status.split()[1]), headers, json.loads(body)


@pytest.fixture
def teachers(hub, mediator) -> dict[str, str]:
    """The documents' client and channel, as the mediator's admin made them; the credentials."""
    credentials = {"X-Client-Id": "demo-integrator", "X-Client-Secret": "demo-secret"}
    known = hub.session.get(f"{hub.url}/integrations/nothing", headers=credentials, timeout=10)
    if known.status_code == 403:
        record = {"client_id": "demo-integrator", "name": "Demo", "client_secret": "demo-secret"}
        hub.api("POST", "clients/", 201, json=record)
        system = hub.new_mediator(mediator.url)
        hub.new_channel("integrations/teachers", system["id"], methods=["post"])
        hub.in_force()
    return credentials


def test_the_documented_call_is_answered_by_its_mediator(hub, mediator, teachers):
    status, headers, answer = curl(CALL, hub)
    assert (status, answer) == (200, {"ok": True})
    assert headers["x-correlation-id"]
    [got] = mediator.received
    assert got.request_line == "POST /integrations/teachers?sync=true HTTP/1.1"
    assert json.loads(got.body) == {"teacher_id": "T-1"}
    basic = ("demo-integrator", "demo-secret")
    called = hub.session.post(f"{hub.url}/integrations/teachers", auth=basic, timeout=10)
    assert called.status_code == 200


def test_the_documented_asynchronous_call_is_accepted_and_asked_for(
    hub, mediator, teachers, eventually
):
    status, headers, accepted = curl(ASYNC_CALL, hub)
    assert status == 202
    assert headers["preference-applied"] == "respond-async"
    assert accepted["status_url"] == f"/transactions/{accepted['correlation_id']}/"
    assert accepted["message"]

    def state() -> dict[str, Any]:
        answer: requests.Response = hub.session.get(
            f"{hub.url}{accepted['status_url']}", headers=teachers, timeout=10
        )
        found: dict[str, Any] = answer.json()
        assert found["ok"] is True
        assert found["data"]["status"] in ("pending", "processing", "successful")
        return found["data"]

    ended = eventually(lambda: (found := state())["is_terminal"] and found)
    assert (ended["status"], ended["response_status_code"]) == ("successful", 200)
    assert ended["request_url"] == f"{mediator.url}/integrations/teachers"
    assert (ended["error_message"], json.loads(ended["response_body"])) == ("", {"ok": True})
    assert [json.loads(got.body) for got in mediator.received] == [{"teacher_id": "T-1"}]


def test_the_documented_seeds_are_there(hub, eventually):
    said = hub.stack.flask("proxy", "seed-demo", "--transactions-per-channel", "1", **SEEDS)
    assert "1 clients, 1 mediators, 1 channels are there" in said
    listed = hub.api("GET", "channels/?limit=500", 200)["data"]
    [channel] = [one for one in listed if one["name"] == "Demo Env Channel"]
    assert (channel["methods"], channel["channel_type"]) == (["GET"], "https")
    assert channel["mediator_urn"] == "urn:ttpb:demo:env"
    path = f"channels/{channel['id']}/test-match/"
    assert hub.api("POST", path, 200, json={"path": "/demo/env/ping"})["wins"] is True
    [call] = hub.api("GET", "transactions/?channel=Demo Env Channel", 200)["data"]
    assert call["request_url"] == "http://openhim.local:8087/demo/env/ping"

    def token() -> requests.Response:
        form = {"grant_type": "client_credentials"}
        basic = ("demo-env-client", "env-secret")
        answer: requests.Response = hub.session.post(
            f"{hub.url}/oauth/token", auth=basic, data=form, timeout=10
        )
        return answer

    eventually(lambda: token().status_code == 200)
    assert token().json()["scope"] == "notification:emit"


def test_the_documented_addresses_answer(hub):
    for path, status in ADDRESSES.items():
        answer = hub.session.get(hub.url + path, allow_redirects=False, timeout=10)
        assert answer.status_code == status, path
    for path in NOTIFICATION:
        assert hub.call("GET", path).status_code == 200, path
    assert {"service", "status", "endpoints"} <= set(hub.call("GET", "/").json())
    health = hub.call("GET", "/health/").json()
    assert set(health["services"]) == {"database", "rabbitmq"}
