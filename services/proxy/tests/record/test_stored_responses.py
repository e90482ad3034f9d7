"""Whole answers of asynchronous calls: sealed, kept while their channel says, and gone then."""

import dataclasses
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from common import sealing
from common.clock import utc_now
from proxy.container import Container
from proxy.errors import UnknownRecord
from proxy.gateway.load_table import load_table
from proxy.models import StoredResponse, Transaction
from proxy.record.sealing import RequestCopy, ResponseCopy, Sealer
from proxy.retention import keep_bounded
from sqlalchemy import func, select

HEADERS = [("Content-Type", "application/json"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
COPY = ResponseCopy(207, HEADERS, b"\x00patient\xff")
OLD, NEW = b"o" * 32, b"n" * 32


def _sealer(*former: bytes) -> Sealer:
    return Sealer(sealing.Sealer(sealing.KeyFolder(Path("none")), lambda: former))


def stored(sealer: Sealer, copy: ResponseCopy = COPY) -> StoredResponse:
    return StoredResponse(**sealer.response_row(uuid.uuid4(), copy, utc_now()))


@pytest.mark.parametrize("copy", [COPY, ResponseCopy(204, [], b"")])
def test_answer_is_opened_to_the_byte_after_keys_were_rotated(copy: ResponseCopy) -> None:
    row = stored(_sealer(OLD), copy)
    assert _sealer(OLD, NEW).open_response(row) == copy


def test_nothing_of_an_answer_is_stored_or_shown_in_clear() -> None:
    assert b"patient" not in stored(_sealer(OLD)).sealed
    assert "patient" not in repr(COPY)
    assert "a=1" not in repr(COPY)


def test_answer_whose_key_is_gone_is_not_found() -> None:
    row = stored(_sealer(OLD))
    with pytest.raises(UnknownRecord):
        _sealer(NEW).open_response(row)


def test_answer_of_another_call_is_not_opened() -> None:
    row = stored(_sealer(OLD))
    row.correlation_id = uuid.uuid4()
    with pytest.raises(UnknownRecord):
        _sealer(OLD).open_response(row)


def test_request_is_not_opened_as_an_answer() -> None:
    sealer, call = _sealer(OLD), uuid.uuid4()
    sealed = sealer.row(call, RequestCopy("/a", "", [], b""))["sealed"]
    with pytest.raises(UnknownRecord):
        sealer.open_response(StoredResponse(correlation_id=call, status=200, sealed=sealed))


def keep(container: Container, call: str, expires_at: datetime) -> None:
    row = container.sealer.response_row(uuid.UUID(call), COPY, expires_at)
    with container.database.writing() as session:
        session.add(StoredResponse(**row))


def kept(container: Container) -> set[str]:
    with container.database.reading() as session:
        return {str(one) for one in session.scalars(select(StoredResponse.correlation_id))}


def test_answers_are_kept_until_they_expire(
    container: Container, record: Callable[..., str]
) -> None:
    settings = dataclasses.replace(container.settings, transaction_retention_days=36_500)
    calls = [record(minute) for minute in range(205)]
    for call in calls[1:]:
        keep(container, call, utc_now() - timedelta(seconds=1))
    keep(container, calls[0], utc_now() + timedelta(hours=1))

    assert keep_bounded(container.database, settings)["stored_responses"] == 204

    assert kept(container) == {calls[0]}
    assert keep_bounded(container.database, settings)["stored_responses"] == 0
    with container.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Transaction)) == 205


def test_answers_go_with_their_calls(container: Container, record: Callable[..., str]) -> None:
    call = record()  # of a day longer ago than calls are kept
    keep(container, call, utc_now() + timedelta(days=30))

    keep_bounded(container.database, container.settings)

    assert kept(container) == set()


def test_settings_of_a_channel_are_in_the_routing_table(
    api: Any, container: Container, mediator: dict[str, Any]
) -> None:
    given = {"total_timeout_s": 7200, "async_passthrough": True, "response_retention_days": 0}
    made = api.made("channels", **api.a_channel(mediator, **given))
    with container.database.reading() as session:
        routed = load_table(session, 0, 30.0).channels[uuid.UUID(made["id"])]
    assert (routed.total_timeout_s, routed.async_passthrough) == (7200, True)
    assert routed.response_retention_days == 0
