"""One record of each kind under the id that the OpenAPI document's examples have. Idempotent.

Messages are none of them: their words are kept for some days only.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from common.web.examples import EXAMPLE_ID
from sqlalchemy.orm import Session

from notification.demo.seed import EVENT
from notification.models import (
    AddressFailure,
    Campaign,
    ChannelCode,
    Rule,
    RuleChannel,
    Template,
    TransportState,
)

_PERSON = {"user_id": "17", "actor_type": "TEACHER"}


def seed(session: Session, now: datetime) -> None:
    """Add the records that are missing; what somebody has changed stays as it is."""
    for record in _records(now):
        if session.get(type(record), EXAMPLE_ID) is None:
            session.add(record)
    key = (ChannelCode.SMS, "demo")
    if session.get(TransportState, key) is None:
        session.add(
            TransportState(channel=key[0], provider=key[1], changed_at=now, closed_since=now)
        )


def _records(now: datetime) -> Iterator[Any]:
    """A rule out of use, words in one more language, a draft, a number that failed."""
    yield Rule(
        id=EXAMPLE_ID,
        event_code=EVENT,
        recipient_policy="TEACHER",
        priority="NORMAL",
        channels=[RuleChannel(channel=ChannelCode.IN_APP)],
        is_active=False,
    )
    yield Template(
        id=EXAMPLE_ID,
        event_code=EVENT,
        channel=ChannelCode.SMS,
        language="pt",
        subject="",
        body="{name}: {place}, {date}",
        version=1,
    )
    yield Campaign(
        id=EXAMPLE_ID,
        name="Appointments of March",
        event_code=EVENT,
        channel=ChannelCode.SMS,
        priority="NORMAL",
        context={"place": "Amana", "date": "1 March"},
        only={},
        rate=10,
        authors=["command:demonstration"],
        next_attempt_at=now,
    )
    yield AddressFailure(
        id=EXAMPLE_ID,
        **_PERSON,
        channel=ChannelCode.SMS,
        address="255700000017",
        failures=1,
        last_at=now,
    )
