"""A campaign from draft to done: its list, the dry run, two persons, the worker."""

import threading
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from common.clock import utc_now
from notification.campaigns import running
from notification.campaigns.running import next_portion_at, portion_size
from notification.models import (
    Campaign,
    CampaignReach,
    CampaignRecipient,
    ChannelCode,
    Event,
    MessageStatus,
    OutboxMessage,
)
from notification.outbox.reach import Failed, count_failed
from notification.retention import keep_bounded
from notification.transports import Outcome
from notification.transports.sms.settings import SmsSettings
from sqlalchemy import func, select, update
from sqlalchemy.exc import InterfaceError, OperationalError

pytestmark = pytest.mark.usefixtures("words")

EVENT = "LICENCE_ISSUED"
ASHA = {"user_id": "asha", "actor_type": "TEACHER", "to_phone": "0712000001"}
BEN = {"user_id": "ben", "actor_type": "TEACHER", "to_phone": "0712000002"}
NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


# Lists


def test_list_from_a_spreadsheet_is_read_filtered_and_told_of(campaigns: Any) -> None:
    campaign = campaigns.draft(only={"District": ["Kondoa"]})
    body = (
        "User ID;actor_type;to_phone;District;name\r\n"
        "1;TEACHER;0712000001;Kondoa;Asha Ñandú\r\n"
        "2;TEACHER;0712000002;Chemba;Ben\r\n"
        ";TEACHER;0712000003;Kondoa;Nobody\r\n"
        "4;TEACHER;0712000004;Kondoa;Dora;more\r\n"
        "1;TEACHER;0712000001;Kondoa;Asha again\r\n"
    )

    added = campaigns.upload(campaign, body.encode("cp1252"))

    assert (added["added"], added["repeated"], added["filtered_out"]) == (1, 1, 1)
    assert [one["line"] for one in added["rejected"]] == [4, 5]
    assert "user_id" in added["rejected"][0]["reason"]
    assert campaigns.people(campaign) == {"1": ("WAITING", None)}
    assert campaigns.read(campaign)["filtered_out"] == 1


def test_list_without_the_columns_it_needs_is_422(campaigns: Any) -> None:
    answer = campaigns.upload(campaigns.draft(), b"name,phone\nAsha,0712000001\n", 422)

    assert answer["errors"] == {"list": ["The header lacks user_id and actor_type."]}


def test_body_that_is_no_csv_is_415(campaigns: Any) -> None:
    campaign = campaigns.draft()
    answer = campaigns.writer.post(f"campaigns/{campaign}/list/", {})

    assert answer.status_code == 415


def test_people_are_added_once_and_only_to_a_draft(campaigns: Any) -> None:
    campaign = campaigns.draft(ASHA)

    assert campaigns.add(campaign, ASHA, BEN)["repeated"] == 1
    assert campaigns.approve(campaign).status_code == 200
    answer = campaigns.writer.post(f"campaigns/{campaign}/recipients/", {"recipients": [BEN]})
    assert answer.status_code == 409


# Dry run


def test_dry_run_says_who_in_which_words_at_what_cost_and_who_not(
    campaigns: Any, app: Any, container: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sms = container.settings.sms
    priced = [replace(one, segment_price=185_000) for one in sms] or [_priced()]
    settings = replace(container.settings, sms=tuple(priced))
    monkeypatch.setitem(app.extensions, "notification", replace(container, settings=settings))
    campaigns.catalogue.prefers("ben", allow_sms=False)
    campaigns.catalogue.prefers("dora", preferred_lang="sw")
    campaign = campaigns.draft(
        ASHA,
        BEN,
        {"user_id": "caro", "actor_type": "TEACHER", "to_phone": "N/A"},
        {"user_id": "dora", "actor_type": "TEACHER", "to_phone": "0712000004/0712000005"},
        {"user_id": "emil", "actor_type": "TEACHER", "to_phone": "+255712000001"},
        {"user_id": "fay", "actor_type": "TEACHER"},
        {"user_id": "gil", "actor_type": "PLUMBER", "to_phone": "0712000007"},
    )

    found = campaigns.try_out(campaign)

    assert (found["people"], found["messages"], found["merged"]) == (7, 2, 1)
    left_out = {
        "Blocked by user preference": "ben",
        "No number in to_phone: not a telephone number": "caro",
        "Same text to the same phone (recipients_merged)": "emil",
        "No to_phone": "fay",
        "Unknown actor_type code: PLUMBER": "gil",
    }
    assert found["left_out"] == dict.fromkeys(left_out, 1)
    languages = [(one["language"], one["messages"], one["segments"]) for one in found["languages"]]
    assert (languages, found["segments"]) == ([("en", 1, 1), ("sw", 1, 2)], 3)
    assert [one["cost"] for one in found["costs"]] == [55.5]
    for reason, user_id in left_out.items():
        assert campaigns.people(campaign, reason=reason) == {user_id: ("WAITING", reason)}
    assert campaigns.queued() == []


def _priced() -> Any:
    return SmsSettings(name="generic", url="http://127.0.0.1:9/", segment_price=185_000)


def test_dry_run_knows_numbers_that_failed_for_good(campaigns: Any, container: Any) -> None:
    failed = Failed(("asha", "TEACHER"), ChannelCode.SMS, "+255712000001", "absent")
    for _ in range(container.settings.skipped_after):
        with container.database.writing() as session:
            count_failed(session, [failed], utc_now())

    found = campaigns.try_out(campaigns.draft(ASHA, BEN))

    assert found["left_out"] == {"Unreachable: failed for good 3 times": 1}


# Two persons


def test_nobody_who_had_a_hand_in_it_approves_it(campaigns: Any, api_as: Any) -> None:
    helper = api_as("helper")
    campaign = campaigns.draft(ASHA)
    helper.post(f"campaigns/{campaign}/recipients/", {"recipients": [BEN]})

    assert campaigns.approve(campaign, campaigns.writer).status_code == 403
    assert campaigns.approve(campaign, helper).status_code == 403
    assert campaigns.work() == 0
    approved = campaigns.approve(campaign).get_json()
    assert (approved["status"], approved["approved_by"]) == ("RUNNING", "client:second")
    assert campaigns.read(campaign)["authors"] == ["client:writer", "client:helper"]


@pytest.mark.parametrize("change", ["people", "context", "words", "nothing tried out"])
def test_what_changed_after_its_dry_run_is_not_approved(campaigns: Any, change: str) -> None:
    campaign = campaigns.draft(ASHA)
    wanted = {"fingerprint": campaigns.try_out(campaign)["fingerprint"]}
    if change == "people":
        campaigns.add(campaign, BEN)
    elif change == "context":
        campaigns.writer.patch(f"campaigns/{campaign}/", {"context": {"a": "b"}})
    elif change == "words":
        campaigns.catalogue.template(ChannelCode.SMS, "Other words", version=2)
    else:
        wanted = {"fingerprint": "none"}

    answer = campaigns.second.post(f"campaigns/{campaign}/approve/", wanted)

    assert answer.status_code == 409
    assert campaigns.read(campaign)["status"] == "DRAFT"


def test_scopes_part_writing_from_approving(campaigns: Any, api_with: Any) -> None:
    campaign = campaigns.draft(ASHA)
    sender, reader = api_with("notification:emit"), api_with("notification:read")

    for act in ("approve", "pause", "resume", "stop"):
        assert sender.post(f"campaigns/{campaign}/{act}/", {}).status_code == 403
    assert sender.post(f"campaigns/{campaign}/dry-run/").status_code == 200
    assert reader.post("campaigns/", {}).status_code == 403
    assert reader.get("campaigns/").get_json()["count"] == 1
    assert reader.get("campaigns/", status="RUNNING").get_json()["count"] == 0


def test_a_campaign_is_not_critical(campaigns: Any) -> None:
    given = {"name": "x", "event_code": EVENT, "channel": "SMS", "priority": "CRITICAL"}

    answer = campaigns.writer.post("campaigns/", given)

    assert answer.status_code == 422
    assert "priority" in answer.get_json()["errors"]


# Running


def test_everybody_gets_the_approved_words_filled_with_their_values(campaigns: Any) -> None:
    campaigns.catalogue.template(ChannelCode.SMS, "{name} of {office}: renew", version=2)
    campaign = campaigns.draft(
        {**ASHA, "values": {"name": "Asha"}},
        {**BEN, "values": {"office": "Moshi"}},
        {**BEN, "user_id": "caro", "values": {"name": "Caro", "office": "Moshi"}},
        context={"office": "Dodoma"},
    )
    assert campaigns.approve(campaign).status_code == 200
    campaigns.catalogue.template(ChannelCode.SMS, "Not approved", version=3)

    assert campaigns.work() == 2

    found = {one.recipient_user_id: one for one in campaigns.queued()}
    assert found["asha"].body == "Asha of Dodoma: renew"
    assert found["caro"].body == "Caro of Moshi: renew"
    assert (found["asha"].entity_type, found["asha"].entity_id) == ("campaign", campaign)
    assert campaigns.people(campaign)["ben"] == ("LEFT_OUT", "Missing placeholder: name")


def test_numbers_stand_in_the_words_as_they_were_written(campaigns: Any) -> None:
    campaigns.catalogue.template(ChannelCode.SMS, "{fee} by {day} of {year}", version=2)
    campaign = campaigns.draft()
    path, kind = f"campaigns/{campaign}/", {"content_type": "application/json"}
    campaigns.writer.ask("PATCH", path, data='{"context": {"fee": 1500.00, "year": 2027}}', **kind)
    person = '{"user_id": "a", "actor_type": "TEACHER", "to_phone": "0712000001", "values": '
    body = '{"recipients": [' + person + '{"day": 1.50}}]}'
    campaigns.writer.ask("POST", f"{path}recipients/", data=body, **kind)
    assert campaigns.approve(campaign).status_code == 200

    campaigns.work()

    assert [one.body for one in campaigns.queued()] == ["1500.00 by 1.50 of 2027"]


def test_what_the_list_says_of_people_is_forgotten_when_they_are_queued(
    campaigns: Any, container: Any
) -> None:
    campaigns.running({**ASHA, "values": {"name": "Asha"}}, {**BEN, "to_phone": "N/A"})
    campaigns.work()

    with container.database.reading() as session:
        assert session.scalars(select(CampaignRecipient.given)).all() == [None, None]


def test_two_people_with_one_phone_get_one_message_whatever_portion_they_are_in(
    campaigns: Any, container: Any
) -> None:
    others = ({**ASHA, "user_id": f"u{at}"} for at in range(3))
    shared = {"user_id": "two", "actor_type": "TEACHER", "to_phone": "0712000001/0712000009"}
    campaign = campaigns.running(*others, shared, rate=60)
    for _ in range(4):
        _make_due(container)
        campaigns.work()

    assert [one.to_phone for one in campaigns.queued()] == ["+255712000009", "+255712000001"]
    assert campaigns.read(campaign)["progress"]["left_out"] == {
        "Same text to the same phone (recipients_merged)": 2
    }


def _make_due(container: Any) -> None:
    with container.database.writing() as session:
        session.execute(update(Campaign).values(next_attempt_at=utc_now()))


def test_a_campaign_keeps_its_rate(campaigns: Any, container: Any) -> None:
    people = ({**ASHA, "user_id": f"u{at}", "to_phone": f"07120{at:05d}"} for at in range(30))
    campaign = campaigns.running(*people, rate=600)

    assert campaigns.work() == 10
    assert campaigns.work() == 0, "not before a second is over"
    with container.database.reading() as session:
        wait = session.get_one(Campaign, _id(campaign)).next_attempt_at - utc_now()
    assert timedelta(0) < wait <= timedelta(seconds=1)


def _id(campaign: str) -> uuid.UUID:
    return uuid.UUID(campaign)


@pytest.mark.parametrize(
    ("late_s", "count", "rate", "again_s"),
    [
        (0.0, 10, 600, 1.0),
        (0.7, 10, 600, 0.3),  # a late look costs no speed
        (3_600.0, 10, 600, -4.0),  # an hour that the worker was away is not made up for
        (0.0, 1, 1, 60.0),
        (0.0, 0, 600, 0.0),  # nobody of the portion gets a message
    ],
)
def test_when_the_next_portion_is_due(late_s: float, count: int, rate: int, again_s: float) -> None:
    due = NOW - timedelta(seconds=late_s)
    assert next_portion_at(due, NOW, count, rate) == NOW + timedelta(seconds=again_s)


def test_portions_are_a_seconds_messages() -> None:
    assert [portion_size(rate) for rate in (1, 90, 600, 60_000)] == [1, 2, 10, 1_000]


def test_messages_that_do_not_leave_hold_the_campaign_back(campaigns: Any, container: Any) -> None:
    people = ({**ASHA, "user_id": f"u{at}", "to_phone": f"07120{at:05d}"} for at in range(30))
    campaigns.running(*people, rate=60)
    for _ in range(40):
        _make_due(container)
        campaigns.work()

    assert len(campaigns.queued()) == 12


def test_paused_nothing_leaves_and_resumed_everything_does(
    campaigns: Any, outbox: Any, sms: Any, container: Any
) -> None:
    campaign = campaigns.running(ASHA, BEN, rate=60)
    campaigns.work()

    assert campaigns.act(campaign, "pause").get_json()["status"] == "PAUSED"
    _make_due(container)
    assert campaigns.work() == 0
    assert outbox.process([ChannelCode.SMS], 10) == []
    assert [(one.status, one.attempt_count) for one in campaigns.queued()] == [("QUEUED", 0)]

    assert campaigns.act(campaign, "resume").get_json()["status"] == "RUNNING"
    assert campaigns.work() == 1
    outbox.process([ChannelCode.SMS], 10)
    assert len(sms.sent) == 2
    _finish(campaigns, container)
    assert campaigns.read(campaign)["status"] == "DONE"
    assert campaigns.read(campaign)["progress"] == {
        "people": 2,
        "waiting": 0,
        "left_out": {},
        "messages": {"SENT": 2},
    }


def _finish(campaigns: Any, container: Any) -> None:
    _make_due(container)
    campaigns.work()


def test_opt_out_after_the_approval_stops_a_persons_message(
    campaigns: Any, outbox: Any, sms: Any
) -> None:
    campaign = campaigns.running(ASHA, BEN, {**ASHA, "user_id": "caro", "to_phone": "0712000003"})
    campaigns.catalogue.prefers("ben", allow_sms=False)
    campaigns.work()
    campaigns.catalogue.prefers("asha", allow_sms=False)

    outbox.process([ChannelCode.SMS], 10)

    assert [one.to for one in sms.slices[0]] == [("+255712000003",)]
    found = campaigns.read(campaign)["progress"]
    assert found["left_out"] == {"Blocked by user preference": 1}
    assert found["messages"] == {"CANCELLED": 1, "SENT": 1}


def test_stopped_nothing_more_leaves(campaigns: Any, outbox: Any, sms: Any, container: Any) -> None:
    campaign = campaigns.running(ASHA, BEN, rate=60)
    campaigns.work()

    stopped = campaigns.act(campaign, "stop").get_json()
    _make_due(container)
    campaigns.work()
    outbox.process([ChannelCode.SMS], 10)

    assert (stopped["status"], sms.sent) == ("STOPPED", [])
    [message] = campaigns.queued()
    assert (message.status, message.last_error) == ("CANCELLED", "The campaign was stopped")
    assert campaigns.people(campaign)["ben"] == ("LEFT_OUT", "The campaign was stopped")
    assert campaigns.act(campaign, "resume").status_code == 409
    with container.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(CampaignReach)) == 0


def test_a_pause_takes_the_claim_of_a_worker_that_is_deciding(
    campaigns: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = campaigns.running(ASHA, BEN)
    decide = running.choose

    def decide_late(*args: Any, **kwargs: Any) -> Any:
        found = decide(*args, **kwargs)
        assert campaigns.act(campaign, "pause").status_code == 200
        return found

    monkeypatch.setattr(running, "choose", decide_late)
    assert campaigns.work() == 0

    assert campaigns.queued() == []
    assert set(campaigns.people(campaign).values()) == {("WAITING", None)}


def test_workers_that_meet_queue_everybody_once(
    campaigns: Any, container: Any, in_threads: Any
) -> None:
    people = [{**ASHA, "user_id": f"u{at}", "to_phone": f"07120{at:05d}"} for at in range(200)]
    campaign = campaigns.running(*people, rate=3_000)

    one_at_a_time = threading.Lock()

    def work() -> None:
        while campaigns.read(campaign)["progress"]["waiting"]:
            campaigns.work()
            with one_at_a_time, container.database.writing() as session:
                session.execute(update(OutboxMessage).values(status=MessageStatus.SENT))
                session.execute(update(Campaign).values(next_attempt_at=utc_now()))

    in_threads(work, work, work)

    queued = [one.recipient_user_id for one in campaigns.queued()]
    assert sorted(queued) == sorted(one["user_id"] for one in people)


def test_event_out_of_use_pauses_its_campaigns(campaigns: Any, container: Any) -> None:
    campaign = campaigns.running(ASHA)
    with container.database.writing() as session:
        session.execute(update(Event).where(Event.code == EVENT).values(is_active=False))

    campaigns.work()

    found = campaigns.read(campaign)
    assert (found["status"], found["reason"]) == ("PAUSED", "Its event is not in use")
    assert campaigns.act(campaign, "resume").status_code == 404
    assert campaigns.queued() == []


def test_a_bug_pauses_its_campaign_says_so_and_leaves_the_others_alone(
    campaigns: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, whole = campaigns.running(ASHA), campaigns.running(BEN)
    decide = running.choose

    def decide_or_break(session: Any, campaign: Campaign, *args: Any, **kwargs: Any) -> Any:
        if str(campaign.id) == broken:
            raise KeyError("0712000001")
        return decide(session, campaign, *args, **kwargs)

    monkeypatch.setattr(running, "choose", decide_or_break)

    assert campaigns.work() == 1

    found = campaigns.read(broken)
    said = "A fault of the program met it (KeyError): the worker's log says where"
    assert (found["status"], found["reason"]) == ("PAUSED", said)
    assert campaigns.read(whole)["status"] == "RUNNING"
    assert campaigns.people(broken) == {"asha": ("WAITING", None)}

    monkeypatch.setattr(running, "choose", decide)
    assert campaigns.act(broken, "resume").status_code == 200
    assert campaigns.work() == 1
    assert campaigns.read(broken)["reason"] is None


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_database_that_is_away_pauses_no_campaign(
    campaigns: Any, monkeypatch: pytest.MonkeyPatch, error: Any
) -> None:
    campaign = campaigns.running(ASHA)

    def break_off(*_args: Any, **_kwargs: Any) -> Any:
        raise error("SELECT 1", {}, OSError("gone"))

    monkeypatch.setattr(running, "choose", break_off)

    assert campaigns.work() == 0
    assert campaigns.read(campaign)["status"] == "RUNNING"


def test_done_only_when_the_last_message_has_ended(
    campaigns: Any, outbox: Any, sms: Any, container: Any
) -> None:
    campaign = campaigns.running(ASHA)
    campaigns.work()
    _finish(campaigns, container)
    assert campaigns.read(campaign)["status"] == "RUNNING"

    sms.answer = lambda _message: sms.refused(Outcome.REFUSED_FOR_GOOD)
    outbox.process([ChannelCode.SMS], 10)
    _finish(campaigns, container)

    found = campaigns.read(campaign)
    assert (found["status"], found["progress"]["messages"]) == ("DONE", {"FAILED": 1})


# Retention


def test_lists_are_forgotten_and_what_became_of_them_is_not(
    campaigns: Any, outbox: Any, container: Any
) -> None:
    done, draft = campaigns.running(ASHA), campaigns.draft(BEN)
    campaigns.work()
    outbox.process([ChannelCode.SMS], 10)
    _finish(campaigns, container)
    before = campaigns.read(done)["progress"]
    old = utc_now() - timedelta(days=container.settings.retention_days + 1)
    with container.database.writing() as session:
        session.execute(update(Campaign).values(updated_at=old))
        session.execute(update(Campaign).where(Campaign.id == _id(done)).values(ended_at=old))

    removed = keep_bounded(container.database, container.settings)

    assert removed["campaigns"] == 2
    assert campaigns.people(done) == campaigns.people(draft) == {}
    assert campaigns.read(done)["progress"] == before
    assert campaigns.read(draft)["status"] == "STOPPED"
    assert keep_bounded(container.database, container.settings)["campaigns"] == 0
