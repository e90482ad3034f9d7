"""Old calls go with what belongs to them: by month, and channel by channel to the day."""

import dataclasses
import uuid
from datetime import datetime, timedelta

from common.clock import utc_now
from common.db.database import is_sqlite
from common.db.partitions import drop_months, keep_months_ahead, month_of, partitioned
from common.ids import lowest_id_at, new_id_at
from proxy.container import Container
from proxy.models import (
    Base,
    Transaction,
    TransactionProperty,
    TransactionReport,
    TransactionStatus,
)
from proxy.record.removal import keeping, remove_calls
from proxy.retention import keep_bounded
from sqlalchemy import select

DAY = timedelta(days=1)


def put(
    container: Container,
    at: datetime,
    channel: str | None = None,
    status: TransactionStatus = TransactionStatus.SUCCESSFUL,
) -> uuid.UUID:
    """A call with what other tables have of it."""
    call = new_id_at(at)
    with container.database.writing() as session:
        session.add(
            Transaction(
                correlation_id=call, channel_name=channel, client_name="c", client_address="",
                status=status, request_method="GET", request_url="/", request_headers={},
                request_body="", request_body_whole=True, started_at=at,
            )
        )  # fmt: skip
        session.add(TransactionProperty(correlation_id=call, name="ward", value="7"))
        session.add(TransactionReport(correlation_id=call, part=0, sealed=b""))
    return call


def kept(container: Container) -> set[uuid.UUID]:
    """The calls on record, of which all parts are there."""
    with container.database.reading() as session:
        calls, *parts = (
            set(session.scalars(select(model.correlation_id)))
            for model in (Transaction, TransactionProperty, TransactionReport)
        )
    assert parts == [calls, calls]
    return calls


def test_channels_keep_their_calls_for_as_long_as_they_say(api, container, channel, mediator):
    api.patch(f"channels/{channel['id']}/", {"retention_days": 7})
    long = api.made("channels", **api.a_channel(mediator, name="Long", path_pattern="/l/*"))
    api.patch(f"channels/{long['id']}/", {"retention_days": 400})
    now = utc_now()
    short, usual = timedelta(days=7), timedelta(days=90)
    put(container, now - short - DAY / 24, "Patients")
    put(container, now - usual - DAY / 24)
    put(container, now - usual - DAY / 24, "Gone")
    stay = {
        put(container, now - short + DAY / 24, "Patients"),
        put(container, now - usual + DAY / 24),
        put(container, now - usual - DAY / 24, "Long"),
        put(container, now - usual - DAY / 24, "Gone", TransactionStatus.PENDING),
    }
    settings = dataclasses.replace(container.settings, transaction_retention_days=90)

    assert keep_bounded(container.database, settings)["transactions"] == 3
    assert kept(container) == stay
    assert keep_bounded(container.database, settings)["transactions"] == 0


def test_months_go_whole_when_no_call_in_them_is_open(container: Container) -> None:
    engine, now = container.database.engine, utc_now()
    long_ago = month_of(now, -8)
    tables = partitioned(Base.metadata)
    keep_months_ahead(engine, tables, long_ago)  # that month, and the two after it
    old = [put(container, month_of(long_ago, at) + DAY) for at in range(3)]
    pending = put(container, month_of(long_ago, 1) + DAY, status=TransactionStatus.PENDING)
    days = keeping(container.database, (now - month_of(long_ago, 2)).days)

    removed = remove_calls(container.database, days, now)

    if is_sqlite(engine):
        assert removed == {"months": 0, "transactions": 2}
        assert kept(container) == {old[2], pending}
    else:  # what is in the month of the open call waits for it, to the day only in batches
        assert removed == {"months": 1, "transactions": 0}
        assert kept(container) == {old[1], old[2], pending}
    for table in tables:
        drop_months(engine, table, lowest_id_at(month_of(now, -4)))
