"""Ids that sort as the events came."""

import threading
from datetime import timedelta

from common.clock import utc_now
from common.ids import moment_of
from notification.emit.event_order import id_in_inbox, next_id


def test_ids_sort_as_they_were_made_and_tell_the_time() -> None:
    before = utc_now() - timedelta(milliseconds=1)
    ids = [next_id() for _ in range(20_000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    assert {(one.version, one.variant) for one in ids} == {(7, "specified in RFC 4122")}
    assert before <= moment_of(ids[0]) <= utc_now()


def test_threads_never_make_the_same_id() -> None:
    made: list[list[object]] = [[] for _ in range(4)]

    def make(into: list[object]) -> None:
        into += [next_id() for _ in range(5_000)]

    threads = [threading.Thread(target=make, args=(one,)) for one in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id_ for one in made for id_ in one}) == 20_000


def test_a_delayed_message_sorts_by_its_time() -> None:
    first, second = next_id(), next_id()
    now = utc_now()
    assert id_in_inbox(first, now - timedelta(days=1)) == first
    delayed = id_in_inbox(first, now + timedelta(days=2))
    assert delayed > second
    assert delayed.version == 7
    assert moment_of(delayed) - now < timedelta(days=2, seconds=1)
