"""`make faults`: a backup under load, restored on an empty machine. What was answered before it is
there, each service has what another one says that it has, and what is sealed can be read.
"""

import itertools
import json
import threading
import time
from dataclasses import dataclass
from typing import Any

import pytest
from backup import backup
from hub import Hub, unique
from raw_mediator import RawMediator, answer

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]

LOAD_S = 4.0
SERVICES = ("proxy", "esb-relay", "notification", "policy-notify", "demo-govesb")


@dataclass(frozen=True)
class Receipt:
    """What a caller was answered, and when."""

    kind: str
    id: str
    text: str
    at: float


class Load:
    """Calls of three kinds while it is open, from a thread each."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._stopping = threading.Event()
        self.receipts: list[Receipt] = []
        kinds = (_call_the_bus, _call_later, _tell)
        self._threads = [threading.Thread(target=self._go_on, args=(kind,)) for kind in kinds]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _go_on(self, ask: Any) -> None:
        for number in itertools.count():
            if self._stopping.is_set():
                return
            text = f"text {number}"
            self.receipts.append(
                Receipt(ask.__name__, ask(self._hub, text), text, time.monotonic())
            )


def _call_the_bus(hub: Hub, text: str) -> str:
    answered = hub.call(
        "POST", "/demo/esb", json={"text": text}, headers={"X-Organization": "DEMO"}
    )
    assert answered.status_code == 200, answered.text
    return answered.headers["X-Correlation-Id"]


def _call_later(hub: Hub, text: str) -> str:
    answered = hub.call(
        "POST", "/later/x", json={"text": text}, headers={"Prefer": "respond-async"}
    )
    assert answered.status_code == 202, answered.text
    found: str = answered.json()["correlation_id"]
    return found


def _tell(hub: Hub, text: str) -> str:
    person = {"user_id": unique("person"), "actor_type": "FAMILY", "to_phone": "0712345678"}
    answered = hub.session.post(
        f"{hub.url}/api/notification/emit/",
        headers={"Authorization": f"Bearer {hub.token}"},
        json={
            "event_code": "DEMO_APPOINTMENT",
            "context": {"name": text, "place": "Dodoma", "date": "1 June"},
            "recipients": [person],
        },
        timeout=60,
    )
    assert answered.status_code == 201, answered.text
    return str(answered.json()["queued_outbox_ids"][0])


@pytest.mark.parametrize("shape", ["embedded", "production"])
def test_a_backup_under_load_comes_back_whole(own_hub, mediator, eventually, tmp_path, shape):
    hub = own_hub(shape, services=SERVICES, own_broker=True)
    mediator.default = answer(b'{"ok": true}')
    hub.new_channel("/later/*", hub.new_mediator(mediator.url)["id"])
    hub.in_force()
    installation, target = hub.stack.installation, tmp_path / "b.tar.gz"
    with Load(hub) as load:
        time.sleep(LOAD_S)
        began = time.monotonic()
        backup(installation.var_dir, target, installation.environ)
        took_s = time.monotonic() - began
        time.sleep(1)
    hub.stack.stop()
    before = [one for one in load.receipts if one.at < began]
    print(f"\n{len(before)} receipts before the backup, of {len(load.receipts)}; {took_s:.1f} s")
    assert {one.kind for one in before} == {"_call_the_bus", "_call_later", "_tell"}

    again = own_hub(shape, services=SERVICES, own_broker=True, restored=target)
    for one in before:
        _is_there(again, one, eventually)
    _agree(again)
    _still_works(again, mediator, eventually)


def _is_there(hub: Hub, receipt: Receipt, eventually: Any) -> None:
    if receipt.kind == "_tell":
        message = _asked(hub, f"notification/outbox/{receipt.id}/")
        assert receipt.text in message["body"]
        return

    def ended() -> Any:
        call = hub.transaction(receipt.id)
        return call if call["status"] in ("successful", "failed") else None

    call = eventually(ended, 40)
    assert receipt.text in call["request_body"]
    # A request that was on its way at that moment is not sent again.
    is_unknown = receipt.kind == "_call_later" and "outcome unknown" in str(call["error_message"])
    assert call["status"] == "successful" or is_unknown, call


def _agree(hub: Hub) -> None:
    """The relay has the exchange of every call to the bus that the proxy says has ended well."""
    found = hub.api("GET", "transactions/", 200, params={"channel": "Demo ESB", "limit": 200})
    ended = [one for one in found["data"] if one["status"] == "successful"]
    assert ended
    for one in ended:
        wanted = {"correlation_id": one["correlation_id"]}
        [exchange] = _asked(hub, "esb/exchanges/", params=wanted)
        assert exchange["status"] == "succeeded"


def _still_works(hub: Hub, mediator: RawMediator, eventually: Any) -> None:
    for ask in (_call_the_bus, _call_later, _tell):
        made = Receipt(ask.__name__, ask(hub, "new"), "new", 0.0)
        _is_there(hub, made, eventually)
    assert mediator.received
    for app in ("proxy", "esb_relay", "notification", "policy_notify"):
        assert "events are whole" in hub.stack.flask(app, "verify-audit")


def _asked(hub: Hub, path: str, **options: Any) -> Any:
    answered = hub.session.get(
        f"{hub.url}/api/{path}",
        headers={"Authorization": f"Bearer {hub.token}"},
        timeout=60,
        **options,
    )
    assert answered.status_code == 200, json.dumps(answered.json())
    return answered.json()["data"]
