"""Ids carry the time they were made at."""

from datetime import UTC, datetime, timedelta

import pytest
from common.ids import lowest_id_at, new_id, new_id_at


def test_id_made_now_lies_between_the_lowest_of_before_and_after() -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    made = new_id()
    after = datetime.now(UTC) + timedelta(milliseconds=2)

    assert lowest_id_at(before) < made < lowest_id_at(after)
    assert (made.version, lowest_id_at(before).version) == (7, 7)


def test_id_of_the_past_sorts_where_it_belongs() -> None:
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)

    made = new_id_at(noon)

    assert lowest_id_at(noon) <= made < lowest_id_at(noon + timedelta(milliseconds=1))
    assert made != new_id_at(noon)


@pytest.mark.parametrize("year", [1, 1970, 9999])
def test_every_moment_has_a_lowest_id(year: int) -> None:
    assert lowest_id_at(datetime(year, 1, 1, tzinfo=UTC)).variant == new_id().variant
