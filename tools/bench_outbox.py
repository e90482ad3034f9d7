"""`make bench`'s part for the outbox: how fast one worker brings messages to their persons.

    python tools/bench_outbox.py [--database sqlite|postgres]

SMS go to a gateway on loopback, which runs in this process; in-app messages into their inboxes.
"""

import argparse
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench_notification import judged, service
from bench_processes import tree_cpu_s
from bench_ruler import Ruler
from common.clock import utc_now
from notification.container import Container
from notification.models import ChannelCode, MessageStatus, OutboxMessage
from sms_gateway import SmsGateway
from sqlalchemy import func, insert, select

MESSAGES = 15_000
#: The clock runs from the first to the last of these: a worker starts and ends slowly.
COUNTED = (1_000, 14_000)
GOALS = {ChannelCode.SMS: 2_000.0, ChannelCode.IN_APP: 3_000.0}


def main() -> int:
    """Measure what the arguments ask for, print a line for each; 0: every goal was reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["postgres", "sqlite"], action="append")
    given = parser.parse_args()
    reached = True
    for name in given.database or ["postgres", "sqlite"]:
        with service(name) as app, SmsGateway() as gateway:
            if app is None:
                continue
            for channel in GOALS:
                reached &= measure(name, app.extensions["notification"], channel, gateway)
    return 0 if reached else 1


def measure(name: str, container: Container, channel: ChannelCode, gateway: SmsGateway) -> bool:
    """How fast one worker brings messages over `channel`; whether that is fast enough."""
    ruler = Ruler(container.settings.var_dir)
    ruler.measure()
    with container.database.writing() as session:
        session.execute(insert(OutboxMessage), [_message(channel) for _ in range(MESSAGES)])
    first, last = COUNTED
    with _worker(container, gateway) as pid:
        _wait_until(container, channel, first)
        began, cpu_s, had = time.perf_counter(), tree_cpu_s(pid), _done(container, channel)
        _wait_until(container, channel, last)
        brought = _done(container, channel) - had
        rate = brought / (time.perf_counter() - began)
        cpu_us = (tree_cpu_s(pid) - cpu_s) / brought * 1e6
    ruler.measure()
    more = f"{cpu_us:.0f} µs CPU of the worker each; {ruler}"
    return judged(name, f"one worker, {channel}", rate, GOALS[channel], ruler, more)


@contextmanager
def _worker(container: Container, gateway: SmsGateway) -> Iterator[int]:
    environ = {
        **os.environ,
        "VAR_DIR": str(container.settings.var_dir),
        "DATABASE_URL": container.settings.database_url_override or "",
        "LOG_LEVEL": "ERROR",
        "NOTIFICATION_SMS_PROVIDER": "generic",
        "NOTIFICATION_SMS_URL": gateway.url,
    }
    command = [sys.executable, "-m", "flask", "--app", "notification", "worker"]
    with subprocess.Popen(command, env=environ) as process:
        yield process.pid
        process.terminate()


def _wait_until(container: Container, channel: ChannelCode, count: int) -> None:
    while _done(container, channel) < count:
        time.sleep(0.25)  # counting takes part of what is measured


def _done(container: Container, channel: ChannelCode) -> int:
    waiting = (MessageStatus.QUEUED, MessageStatus.SENDING)
    with container.database.reading() as session:
        left = session.scalar(
            select(func.count()).where(
                OutboxMessage.status.in_(waiting), OutboxMessage.channel == channel
            )
        )
    return MESSAGES - (left or 0)


def _message(channel: ChannelCode) -> dict[str, Any]:
    user = f"teacher-{uuid.uuid4()}"
    return {
        "event_code": "LICENCE_EXPIRING_SOON",
        "rule_id": uuid.uuid4(),
        "channel": channel,
        "priority": "NORMAL",
        "rank": -50,
        "status": MessageStatus.QUEUED,
        "recipient_user_id": user,
        "recipient_actor_type": "TEACHER",
        "language": "sw",
        "template_id": uuid.uuid4(),
        "template_version": 1,
        "subject": "Leseni",
        "body": "Ndugu Mwanaidi, leseni TZ-17 inaisha 30.6.2027. Tafadhali ihuishe.",
        "to_phone": "+255712345678",
        "idempotency_key": f"{uuid.uuid4()}:LICENCE_EXPIRING_SOON:{user}:TEACHER:{channel}",
        "next_attempt_at": utc_now(),
    }


if __name__ == "__main__":
    sys.exit(main())
