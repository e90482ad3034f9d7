"""Copies of calls to another hub: sent beside the call, compared, and never in its way."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from common.ids import new_id
from common.outbound import rules
from proxy.container import Container
from proxy.gateway import shadow
from proxy.models import ShadowDifference
from proxy.retention import keep_bounded
from raw_mediator import RawMediator, answer, slow
from sqlalchemy import func, select
from waiting import eventually

JSON = "Content-Type: application/json"


@pytest.fixture
def upstream() -> Iterator[RawMediator]:
    started = RawMediator()
    started.default = answer(b'{"id": 17}', "200 OK", JSON)
    yield started
    started.close()


@pytest.fixture
def other_hub() -> Iterator[RawMediator]:
    started = RawMediator()
    started.default = answer(b'{"id": 17}', "200 OK", JSON)
    yield started
    started.close()


@pytest.fixture
def channel(api: Any, upstream: RawMediator, other_hub: RawMediator) -> dict[str, Any]:
    """A channel whose calls are copied."""
    mediator = api.made("mediators", **api.a_mediator(endpoint_url=upstream.url))
    given = api.a_channel(mediator, shadow_url=f"{other_hub.url}/old/")
    made: dict[str, Any] = api.made("channels", **given)
    return made


@pytest.fixture
def headers(api: Any, channel: dict[str, Any]) -> dict[str, str]:
    """The credentials of a client."""
    made = api.made("clients", **api.a_client())
    return {"X-Client-Id": "clinic", "X-Client-Secret": made["client_secret"]}


@pytest.fixture
def differences(api: Any) -> Callable[[int], list[dict[str, Any]]]:
    """Waits until there are so many differences; all of them."""

    def all_of_them() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = api.get("shadow-differences/").get_json()["data"]
        return found

    def wait(count: int) -> list[dict[str, Any]]:
        eventually(lambda: len(all_of_them()) >= count)
        found = all_of_them()
        assert len(found) == count
        return found

    return wait


def test_a_copy_is_the_call_as_its_client_made_it(
    served: Any,
    headers: dict[str, str],
    other_hub: RawMediator,
    differences: Callable[[int], list[dict[str, Any]]],
) -> None:
    sent = {**headers, "X-Ward": "7"}
    call = served.get("/patients/17?full=1&b=%20", headers=sent)
    eventually(lambda: other_hub.received)
    copy = other_hub.received[0]
    assert copy.target == "/old/patients/17?full=1&b=%20"
    for name, value in sent.items():
        assert copy.header(name) == [value]
    assert copy.header("X-Shadow-Copy-Of") == [call.headers["X-Correlation-Id"]]
    assert differences(0) == []


@pytest.mark.parametrize(
    ("theirs", "difference", "members"),
    [
        (answer(b'{"id": 18, "x": "Asha"}', "200 OK", JSON), "body", ["/id", "/x"]),
        (answer(b'{"id": 17}', "404 Not Found", JSON), "status", []),
        (answer(b'{"id": 17}', "200 OK", "Content-Type: text/html"), "content_type", []),
    ],
    ids=["body", "status", "type"],
)
def test_what_differs_is_kept_without_values(
    served: Any,
    api: Any,
    headers: dict[str, str],
    other_hub: RawMediator,
    differences: Callable[[int], list[dict[str, Any]]],
    theirs: Any,
    difference: str,
    members: list[str],
) -> None:
    other_hub.default = theirs
    call = served.get("/patients/17?token=abc", headers=headers)
    [found] = differences(1)
    assert found["correlation_id"] == call.headers["X-Correlation-Id"]
    assert (found["difference"], found["members"]) == (difference, members)
    assert (found["channel"], found["client"]) == ("Patients", "clinic")
    assert found["request_url"] == "/patients/17?token=***"
    assert "Asha" not in str(found)
    for name, value in (("difference", difference), ("channel", "Patients"), ("path", "/pat")):
        assert len(api.get("shadow-differences/", **{name: value}).get_json()["data"]) == 1
    for name, value in (("difference", "unanswered"), ("client", "x"), ("path", "/x")):
        assert api.get("shadow-differences/", **{name: value}).get_json()["data"] == []


def test_methods_that_act_are_copied_only_where_that_is_said(
    served: Any, api: Any, channel: dict[str, Any], headers: dict[str, str], other_hub: RawMediator
) -> None:
    served.post("/patients/", data=b"x", headers=headers)
    api.patch(f"channels/{channel['id']}/", {"shadow_unsafe": True})
    served.post("/patients/", data=b"y", headers=headers)
    served.post("/patients/?async=true", data=b"z", headers=headers)
    eventually(lambda: other_hub.received)
    time.sleep(0.1)
    assert [copy.body for copy in other_hub.received] == [b"y"]


def test_a_copy_is_not_copied_again(
    served: Any, headers: dict[str, str], other_hub: RawMediator
) -> None:
    marked = {**headers, "X-Shadow-Copy-Of": str(new_id())}
    assert served.get("/patients/1", headers=marked).status_code == 200
    served.get("/patients/2", headers=headers)
    eventually(lambda: other_hub.received)
    time.sleep(0.1)
    assert [copy.target for copy in other_hub.received] == ["/old/patients/2"]


def test_a_slow_hub_delays_nobody_and_only_so_many_copies_wait(
    served: Any,
    headers: dict[str, str],
    other_hub: RawMediator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shadow, "MOST_COPIES", 2)
    other_hub.default = slow(5.0, answer(b"late"))
    began = time.monotonic()
    for number in range(4):
        assert served.get(f"/patients/{number}", headers=headers).status_code == 200
    assert time.monotonic() - began < 4.5
    eventually(lambda: len(other_hub.received) == 2)
    time.sleep(0.1)
    assert len(other_hub.received) == 2


def test_a_hub_that_is_away_fails_no_call(
    served: Any,
    api: Any,
    channel: dict[str, Any],
    headers: dict[str, str],
    other_hub: RawMediator,
    differences: Callable[[int], list[dict[str, Any]]],
) -> None:
    other_hub.close()
    assert served.get("/patients/1", headers=headers).status_code == 200
    [found] = differences(1)
    assert (found["difference"], found["shadow_status_code"]) == ("unanswered", None)
    api.patch(f"channels/{channel['id']}/", {"shadow_url": ""})
    assert served.get("/patients/1", headers=headers).status_code == 200
    time.sleep(0.1)
    assert len(differences(1)) == 1


def test_a_hub_that_may_not_be_called_is_not_called(
    container: Container,
    run: Any,
    headers: dict[str, str],
    other_hub: RawMediator,
    differences: Callable[[int], list[dict[str, Any]]],
    serve: Callable[[Container], Any],
) -> None:
    denied = replace(container.settings, outbound_deny=rules("127.0.0.1"))
    guarded = serve(replace(container, settings=denied))
    assert guarded.get("/patients/1", headers=headers).status_code == 502
    [found] = differences(1)
    assert "OUTBOUND_DENY" in found["note"]
    assert other_hub.received == []


@pytest.mark.parametrize("wrong", ["tcp://127.0.0.1:9", "http://u:p@h", "ftp://h", "old-hub"])
def test_what_is_no_hub_is_refused(api: Any, channel: dict[str, Any], wrong: str) -> None:
    refused = api.patch(f"channels/{channel['id']}/", {"shadow_url": wrong})
    assert (refused.status_code, list(refused.get_json()["errors"])) == (422, ["shadow_url"])


def test_differences_are_bounded_by_number_and_age(
    container: Container, served: Any, headers: dict[str, str], other_hub: RawMediator
) -> None:
    other_hub.default = answer(b"{}", "200 OK", JSON)
    for number in range(3):
        served.get(f"/patients/{number}", headers=headers)
    eventually(lambda: _count(container) == 3)
    removed = keep_bounded(
        container.database, replace(container.settings, shadow_differences_kept=2)
    )
    assert (removed["shadow_differences"], _count(container)) == (1, 2)


def _count(container: Container) -> int:
    with container.database.reading() as session:
        return session.scalar(select(func.count()).select_from(ShadowDifference)) or 0


def test_the_page_shows_and_filters_differences(
    served: Any,
    signed_in: Any,
    headers: dict[str, str],
    other_hub: RawMediator,
    differences: Callable[[int], list[dict[str, Any]]],
) -> None:
    other_hub.default = answer(b'{"id": "secret value"}', "200 OK", JSON)
    served.get("/patients/17", headers=headers)
    differences(1)
    page = signed_in.get("/admin/mediator/shadow-differences/").text
    assert "GET /patients/17" in page
    assert "<code>/id</code>" in page
    assert "secret value" not in page
    none = signed_in.get("/admin/mediator/shadow-differences/?difference=status").text
    assert "Nothing differs" in none or "GET /patients/17" not in none
    csv = signed_in.get("/admin/mediator/shadow-differences/?format=csv").text
    assert csv.splitlines()[1].endswith(',"/id",""')
