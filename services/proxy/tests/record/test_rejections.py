"""What is kept of requests that became no call is short, and there is never too much of it."""

from dataclasses import replace
from typing import Any

from proxy.container import Container
from proxy.models import Rejection
from proxy.record.rejections import MAX_CLAIM_CHARS, MAX_URL_CHARS
from proxy.retention import keep_bounded
from sqlalchemy import select
from waiting import eventually


def kept(container: Container) -> list[Rejection]:
    with container.database.reading() as session:
        return list(session.scalars(select(Rejection)))


def test_long_paths_and_names_are_shortened_as_they_are_written(
    served: Any, container: Container
) -> None:
    for number in range(20):
        path = f"/nowhere-{number:02}{'x' * 2048}"
        assert served.get(path, headers={"X-Client-Id": "c" * 2000}).status_code in (401, 404)

    found = eventually(lambda: kept(container) if len(kept(container)) == 20 else None)
    assert {len(one.request_path) for one in found} == {MAX_URL_CHARS}
    assert {len(one.client_claimed or "") for one in found} <= {0, MAX_CLAIM_CHARS}


def test_the_newest_are_kept_only(served: Any, container: Container) -> None:
    for number in range(5):
        served.get(f"/nowhere/{number}")
        eventually(lambda count=number + 1: len(kept(container)) == count)

    keep_bounded(container.database, replace(container.settings, rejections_kept=3))
    assert sorted(one.request_path for one in kept(container)) == [
        f"/nowhere/{number}" for number in (2, 3, 4)
    ]
