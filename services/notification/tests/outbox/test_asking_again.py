"""What is asked again just before a message leaves: quiet hours, and whether it is wanted still."""

from datetime import timedelta
from typing import Any

import pytest
from common.clock import utc_now
from notification.models import (
    AttemptStatus,
    ChannelCode,
    Event,
    MessageStatus,
    Preference,
    Rule,
    Template,
)
from sqlalchemy import update

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


# Opt-outs, and what went out of use


def cancelled(store: Any, id_: Any) -> str | None:
    """The reason why a message was stopped; no attempt counts."""
    row, (entry,) = store.one(id_), store.log(id_)
    assert (row.status, row.is_final, row.attempt_count) == (MessageStatus.CANCELLED, True, 0)
    assert (row.lease_token, row.lease_until) == (None, None)
    assert (entry.status, entry.error_message) == (AttemptStatus.CANCELLED, row.last_error)
    return row.last_error


@pytest.mark.parametrize("channel", [ChannelCode.SMS, ChannelCode.IN_APP])
def test_opt_out_after_the_event_stops_the_message(
    outbox: Any, store: Any, sms: Any, client: Any, channel: ChannelCode
) -> None:
    [stopped] = store.queue(channel=channel, recipient_user_id="asha")
    [other] = store.queue(channel=channel, recipient_user_id="asha", recipient_actor_type="STAFF")
    client.prefers("asha", allow_sms=False, allow_in_app=False)

    done = outbox.process([channel], 10)

    assert [one.outbox_id for one in done] == [other]
    assert cancelled(store, stopped) == "Blocked by user preference"
    inbox = client.api.get("inbox/asha/", actor_type="STAFF").get_json()
    assert inbox["count"] == (channel is ChannelCode.IN_APP)
    assert client.api.get("inbox/asha/", actor_type="TEACHER").get_json()["count"] == 0
    assert len(sms.sent) == (channel is ChannelCode.SMS)


def test_opt_out_in_the_last_moment_stops_a_message_that_is_claimed_already(
    outbox: Any, store: Any, sms: Any, client: Any
) -> None:
    store.queue(10, recipient_user_id="ben")
    [stopped] = store.queue(recipient_user_id="asha", next_attempt_at=utc_now())
    sms.slice_size = 6

    def opt_out() -> None:
        sms.before_answering = lambda: None
        assert store.one(stopped).status is MessageStatus.SENDING
        client.prefers("asha", allow_sms=False)

    sms.before_answering = opt_out
    outbox.process(SMS, 100)

    assert len(sms.sent) == 10
    assert cancelled(store, stopped) == "Blocked by user preference"


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (Event, "The event is not in use any more"),
        (Rule, "The rule is not in use any more"),
        (Template, "The template is not in use any more"),
    ],
)
def test_what_went_out_of_use_stops_its_messages(
    outbox: Any, store: Any, sms: Any, client: Any, model: Any, reason: str
) -> None:
    client.rule(ChannelCode.SMS)
    client.template(ChannelCode.SMS)
    client.emit({"user_id": "asha", "actor_type": "TEACHER", "to_phone": "0712345678"})
    [message] = client.queued()
    with store.database.writing() as session:
        session.execute(update(model).values(is_active=False))

    outbox.process(SMS, 10)

    assert sms.sent == []
    assert cancelled(store, message.id) == reason


def test_message_keeps_its_words_when_a_new_version_takes_their_place(
    outbox: Any, store: Any, sms: Any, client: Any
) -> None:
    client.rule(ChannelCode.SMS)
    template = client.template(ChannelCode.SMS, "Old")
    client.emit({"user_id": "asha", "actor_type": "TEACHER", "to_phone": "0712345678"})
    client.api.patch(f"templates/{template}/", {"body": "New"})

    outbox.process(SMS, 10)

    assert [one.body for one in sms.slices[0]] == ["Old"]


def test_requeued_after_an_opt_out_it_is_stopped_again(
    outbox: Any, store: Any, sms: Any, client: Any
) -> None:
    [stopped] = store.queue(recipient_user_id="asha")
    client.prefers("asha", allow_sms=False)
    outbox.process(SMS, 10)

    assert client.api.post(f"outbox/{stopped}/requeue/").status_code == 200
    outbox.process(SMS, 10)

    entries = [one.status for one in store.log(stopped)]
    stop = AttemptStatus.CANCELLED
    assert (entries, sms.sent) == ([stop, AttemptStatus.REQUEUED, stop], [])


def test_requeue_keeps_the_time_that_was_asked_for(outbox: Any, store: Any, client: Any) -> None:
    client.rule(ChannelCode.SMS)
    client.template(ChannelCode.SMS)
    later = utc_now().replace(microsecond=0) + timedelta(days=2)
    asha = {"user_id": "asha", "actor_type": "TEACHER", "to_phone": "0712345678"}
    [id_] = client.emit(asha, send_at=later.isoformat())["queued_outbox_ids"]

    client.api.post(f"outbox/{id_}/cancel/")
    answer = client.api.post(f"outbox/{id_}/requeue/").get_json()

    assert answer["status"] == "QUEUED"
    assert [one.next_attempt_at for one in client.queued()] == [later]
    assert outbox.process(SMS, 10) == []
