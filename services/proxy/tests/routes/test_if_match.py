"""`ETag` and `If-Match`: a change of a record that was changed since is rejected with 412."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

RECORDS = {
    "channels": {"description": "New"},
    "clients": {"name": "New"},
    "mediators": {"name": "New"},
    "registrations": {"push_code": "P"},
    "staff": {"email": "new@example.org"},
}


@pytest.fixture(params=RECORDS)
def record(request: Any, api: Any, channel: dict[str, Any]) -> tuple[str, dict[str, Any], Any]:
    """The path of a record, the record as it was made, and a change of it."""
    noun = request.param
    made = {
        "channels": lambda: channel,
        "clients": lambda: api.made("clients", **api.a_client()),
        "mediators": lambda: api.made("mediators", **api.a_mediator(urn="urn:second")),
        "registrations": lambda: api.made("registrations", organization="NHIF", api_code="A"),
        "staff": lambda: api.made(
            "staff", username="amina", password="long enough, and new", role="viewer"
        ),
    }[noun]()
    return f"{noun}/{made['id']}/", made, RECORDS[noun]


def test_stale_change_is_rejected_and_a_fresh_one_is_made(api: Any, record: Any) -> None:
    path, _, changes = record
    read = api.get(path)
    tag = read.headers["ETag"]
    assert read.get_json()["data"]["etag"] == tag
    (listed,) = [one for one in api.get(path.split("/")[0] + "/").get_json()["data"]
                 if one["id"] == read.get_json()["data"]["id"]]  # fmt: skip
    assert listed["etag"] == tag

    changed = api.ask("PATCH", path, changes, headers={"If-Match": tag})
    assert changed.status_code == 200, changed.text
    assert changed.headers["ETag"] == api.get(path).headers["ETag"] != tag

    for method, body in (("PATCH", changes), ("DELETE", None)):
        stale = api.ask(method, path, body, headers={"If-Match": tag})
        assert stale.status_code == 412
        assert stale.get_json()["title"] == "Precondition Failed"
    assert api.get(path).headers["ETag"] == changed.headers["ETag"]


@pytest.mark.parametrize("wanted", ["*", None, '"99", {}', "W/{}"])
def test_change_is_made_where_any_given_tag_is_the_records(
    api: Any, channel: dict[str, Any], wanted: str | None
) -> None:
    path = f"channels/{channel['id']}/"
    headers = {"If-Match": wanted.format(channel["etag"])} if wanted else {}
    assert api.ask("PATCH", path, {"description": "x"}, headers=headers).status_code == 200


@pytest.mark.parametrize("wanted", ['"99"', "nonsense", "", '""'])
def test_other_tags_change_nothing(api: Any, channel: dict[str, Any], wanted: str) -> None:
    path = f"channels/{channel['id']}/"
    answer = api.ask("PATCH", path, {"description": "x"}, headers={"If-Match": wanted})
    assert answer.status_code == 412
    assert api.get(path).get_json()["data"] == channel


def test_unknown_record_is_not_found_whatever_the_tag(api: Any, channel: dict[str, Any]) -> None:
    path = f"channels/{channel['mediator_id']}/"
    headers = {"If-Match": '"1"'}
    assert api.ask("PATCH", path, {"description": "x"}, headers=headers).status_code == 404


def test_of_many_who_read_the_same_one_is_first(api: Any, channel: dict[str, Any]) -> None:
    """However close they are: the revision is compared by the UPDATE that counts it up."""
    path, headers = f"channels/{channel['id']}/", {"If-Match": channel["etag"]}

    def change(number: int) -> int:
        answer = api.ask("PATCH", path, {"description": f"{number}"}, headers=headers)
        return int(answer.status_code)

    with ThreadPoolExecutor(8) as threads:
        statuses = sorted(threads.map(change, range(8)))
    assert statuses == [200, *[412] * 7]


def test_heartbeat_is_no_change(api: Any, channel: dict[str, Any]) -> None:
    path = f"mediators/{channel['mediator_id']}/"
    mediator = api.get(path).get_json()["data"]
    assert api.post(f"mediators/{mediator['urn']}/heartbeat/", {"uptime": 1}).status_code == 200
    headers = {"If-Match": mediator["etag"]}
    assert api.ask("PATCH", path, {"name": "New"}, headers=headers).status_code == 200
