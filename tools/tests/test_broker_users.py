"""A broker user per service: each works with its own queues, and reads no other's."""

import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from amqp.exceptions import AccessRefused
from common.jobs.broker import dead_letter_queue, durable_queue
from common.jobs.wake_up import wake_up_queue
from kombu import Connection

pytestmark = pytest.mark.faults  # rabbitmqctl takes a second for each word

ROOT = Path(__file__).parent.parent.parent
SERVICES = ("proxy", "esb_relay", "notification", "policy_notify")
PASSWORD = "long-enough"
#: Where each service's worker is woken, and whose events it sends.
QUEUES = {
    "proxy": ("proxy.calls", ()),
    "esb_relay": ("esb_relay.work", ("policy-notify.events",)),
    "notification": ("notification.outbox", ("notification.escalated",)),
    "policy_notify": ("policy-notify.runs", ("notification.emit",)),
}


@pytest.fixture(scope="module")
def connect() -> Iterator[Callable[[str], Connection]]:
    """Connects a service's user to a virtual host of the test's own."""
    rabbitmqctl = shutil.which("rabbitmqctl", path=f"{os.environ['PATH']}:/usr/sbin")
    name = f"kiungo_users_{uuid.uuid4().hex[:8]}"

    def control(*arguments: str) -> None:
        command = [str(rabbitmqctl), "-q", *arguments]
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    try:
        assert rabbitmqctl
        control("add_vhost", name)
    except (AssertionError, OSError, subprocess.SubprocessError):
        pytest.skip("users of RabbitMQ can be made only by its administrator (rabbitmqctl)")
    passwords = {f"{one.upper()}_RABBITMQ_PASSWORD": PASSWORD for one in SERVICES}
    places = {"RABBITMQCTL": rabbitmqctl, "RABBITMQ_VHOST": name, "USER_PREFIX": f"{name}_"}
    script = ["sh", str(ROOT / "deploy" / "rabbitmq" / "users.sh")]
    for _ in range(2):  # it may be repeated
        environ = {**os.environ, **passwords, **places}
        subprocess.run(script, env=environ, check=True, capture_output=True, timeout=120)
    yield lambda one: Connection(f"amqp://{name}_{one}:{PASSWORD}@127.0.0.1:5672/{name}")
    for one in SERVICES:
        control("delete_user", f"{name}_{one}")
    control("delete_vhost", name)


@pytest.mark.parametrize("service", SERVICES)
def test_service_works_with_its_own_queues_and_reads_no_others(
    connect: Callable[[str], Connection], service: str
) -> None:
    woken, targets = QUEUES[service]
    with connect(service) as own:
        queue = wake_up_queue(woken)(own.default_channel)
        queue.declare()
        for target in targets:
            with own.Producer() as producer:
                declared = [dead_letter_queue(target), durable_queue(target)]
                producer.publish(b"x", routing_key=target, declare=declared)
        with own.Producer() as producer:
            producer.publish(b"x", routing_key=woken)
        assert queue.get(no_ack=True) is not None
    for other in SERVICES:
        if other != service:
            with connect(other) as theirs, pytest.raises(AccessRefused):
                theirs.default_channel.basic_get(woken)
            with connect(other) as theirs, pytest.raises(AccessRefused):
                theirs.default_channel.queue_delete(woken)
