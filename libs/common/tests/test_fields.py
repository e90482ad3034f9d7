"""Fields take what both databases can store, say which member cannot, and document it."""

from datetime import UTC, datetime
from typing import Any

import marshmallow as ma
import pytest
from common.web.fields import (
    Flag,
    Integer,
    JsonObject,
    Line,
    Moment,
    Name,
    Text,
    check_storable,
)


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "value",
    ["\x00", "a\ud800", ["\x00"], {"\x00": 1}, {"a": [{"b": "\udfff"}]}, float("nan"), nested(65)],
)
def test_what_cannot_be_stored_is_refused_at_any_depth(value: object) -> None:
    with pytest.raises(ma.ValidationError):
        check_storable(value)


@pytest.mark.parametrize("value", ["", "é\U0001f600\n", nested(64), {"a": [1, 2.5, None, True]}])
def test_what_can_be_stored_passes(value: object) -> None:
    check_storable(value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (Text(max_length=3), "four"),
        (Text(), 1),
        (Line(), "a\nb"),
        (Line(), "a\u2028b"),
        (Line(), "a\x9fb"),
        (Name(), ""),
        (Name(), " \u00a0 "),
        (Integer(low=1), 0),
        (Integer(), 2**31),
        (Integer(), "1"),
        (Integer(), 1.5),
        (Integer(), True),
        (Flag(), 1),
        (Flag(), "true"),
        (JsonObject(), []),
        (JsonObject(max_length=10), {"a": "0123456789"}),
        (Moment(), "2026-05-01T12:00:00"),
        (Moment(), "0001-01-01T00:00:00+14:00"),
        (Moment(), "9999-12-31T23:59:59-14:00"),
    ],
)
def test_bad_value_is_refused(field: ma.fields.Field[Any], value: object) -> None:
    with pytest.raises(ma.ValidationError):
        field.deserialize(value)


def test_name_loses_its_outer_spaces() -> None:
    assert Name().deserialize("  Clinic 7 ") == "Clinic 7"


def test_moment_is_utc_both_ways() -> None:
    moment = Moment().deserialize("2026-05-01T15:00:00+03:00")

    assert moment == datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert Moment().serialize("at", {"at": moment}) == "2026-05-01T12:00:00Z"
