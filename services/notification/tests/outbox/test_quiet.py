"""Late messages and further attempts do not disturb anybody in quiet hours."""

from datetime import timedelta
from typing import Any

import pytest
from common.clock import utc_now
from notification.models import ChannelCode, MessageStatus, Preference

SMS = [ChannelCode.SMS]


@pytest.fixture
def quiet_now(store: Any) -> Any:
    """A function that gives a person quiet hours around this moment; returns their end."""

    def give(user_id: str) -> Any:
        now = utc_now()
        begin, end = now - timedelta(hours=1), (now + timedelta(hours=2)).replace(microsecond=0)
        with store.database.writing() as session:
            session.add(
                Preference(
                    user_id=user_id,
                    actor_type="TEACHER",
                    quiet_from=begin.time(),
                    quiet_until=end.time(),
                    time_zone="UTC",
                )
            )
        return end

    return give


def test_message_that_is_late_waits_for_the_end_of_quiet_hours(
    outbox: Any, store: Any, sms: Any, quiet_now: Any
) -> None:
    end = quiet_now("asleep")
    [asleep] = store.queue(recipient_user_id="asleep")
    [awake] = store.queue(recipient_user_id="awake")

    outbox.process(SMS, 10)

    row = store.one(asleep)
    assert (row.status, row.next_attempt_at) == (MessageStatus.QUEUED, end)
    assert (row.attempt_count, row.lease_token, store.log(asleep)) == (0, None, [])
    assert store.one(awake).status == MessageStatus.SENT
    store.change(asleep, next_attempt_at=utc_now())
    outbox.process(SMS, 10)
    assert store.one(asleep).next_attempt_at == end


def test_those_who_sleep_hold_up_nobody_behind_them(
    outbox: Any, store: Any, sms: Any, quiet_now: Any
) -> None:
    quiet_now("asleep")
    store.queue(250, recipient_user_id="asleep")
    [awake] = store.queue(recipient_user_id="awake")

    done = outbox.process(SMS, 10)

    assert [one.outbox_id for one in done] == [awake]


def test_critical_and_in_app_messages_do_not_wait(
    outbox: Any, store: Any, sms: Any, quiet_now: Any
) -> None:
    quiet_now("asleep")
    [critical] = store.queue(recipient_user_id="asleep", priority="CRITICAL")
    [in_app] = store.queue(recipient_user_id="asleep", channel=ChannelCode.IN_APP)

    outbox.process([*SMS, ChannelCode.IN_APP], 10)

    assert store.one(critical).status == MessageStatus.SENT
    assert store.one(in_app).status == MessageStatus.DELIVERED
