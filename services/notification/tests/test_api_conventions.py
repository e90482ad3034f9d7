"""What holds for every address of the API: tokens, scopes, lists, filters, problems, bodies."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from notification.models import ChannelCode

PROBLEM = "application/problem+json"
EMPTY = {"ok": True, "count": 0, "data": [], "next_cursor": None}
LISTS = ["events", "rules", "templates", "outbox", "inbox/anna"]


def test_request_without_a_token_is_401_and_says_how_to_ask(app: Flask) -> None:
    answer = app.test_client().get("/api/notification/outbox/")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.content_type == PROBLEM


def test_each_scope_opens_its_own_doors(api_with: Callable[[str], Any]) -> None:
    reader, sender, admin = (api_with(f"notification:{one}") for one in ("read", "emit", "admin"))
    read = ["", "lookups/", "metrics/", *(f"{one}/" for one in LISTS)]
    emit = ["emit/", "preferences/TEACHER/anna/"]
    change = ["events/", "rules/", "templates/", "outbox/process/"]

    assert {reader.get(one).status_code for one in read} == {200}
    assert {one.get("outbox/").status_code for one in (sender, admin)} == {403}
    assert {sender.post(one, {"x": 1}).status_code for one in emit} == {422}
    assert {one.post(path, {}).status_code for one in (reader, admin) for path in emit} == {403}
    assert {admin.post(one, {"x": 1}).status_code for one in change} == {422}
    assert {one.post(path, {}).status_code for one in (reader, sender) for path in change} == {403}


def test_index_names_the_addresses_and_the_channels_that_have_a_way_out(api: Any) -> None:
    answer = api.get("").get_json()

    assert (answer["service"], answer["status"]) == ("notification", "ok")
    assert "IN_APP" in answer["channels"]
    assert "/api/notification/emit/" in answer["endpoints"]


def test_lookups_are_the_first_data(api: Any) -> None:
    answer = api.get("lookups/").get_json()

    assert [one["code"] for one in answer["channels"]] == ["SMS", "EMAIL", "IN_APP", "WEBHOOK"]
    assert [(one["code"], one["weight"]) for one in answer["priorities"]] == [
        *[("LOW", 10), ("NORMAL", 50), ("HIGH", 80), ("CRITICAL", 100)]
    ]
    assert {name: len(answer[name]) for name in ("modules", "statuses", "actor_types")} == {
        "modules": 8,
        "statuses": 10,
        "actor_types": 4,
    }


def test_path_without_the_final_slash_answers_the_same(api: Any) -> None:
    assert api.get("lookups").get_json() == api.get("lookups/").get_json()


@pytest.mark.parametrize("noun", LISTS[1:])
def test_empty_list_has_the_shape_of_every_list(api: Any, noun: str) -> None:
    more = {"unread_count": 0} if noun.startswith("inbox") else {}
    assert api.get(f"{noun}/").get_json() == {**EMPTY, **more}


def test_pages_follow_each_other_newest_first(api: Any, client: Any) -> None:
    rules = [str(client.rule(ChannelCode.IN_APP)) for _ in range(5)]

    seen: list[str] = []
    page: dict[str, Any] = {"next_cursor": ""}
    while page["next_cursor"] is not None:
        page = api.get("rules/", limit=2, cursor=page["next_cursor"]).get_json()
        assert page["count"] == len(page["data"]) <= 2
        seen += [rule["id"] for rule in page["data"]]

    assert sorted(seen) == sorted(rules)
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize(("limit", "count"), [("0", 1), ("-3", 1), ("2", 2), ("9999", 3)])
@pytest.mark.parametrize("noun", ["outbox", "inbox/anna"])
def test_limit_is_brought_into_range(
    api: Any, client: Any, noun: str, limit: str, count: int
) -> None:
    client.rule(ChannelCode.IN_APP)
    client.template(ChannelCode.IN_APP)
    for _ in range(3):
        client.emit("anna")
        client.in_app("anna")

    assert api.get(f"{noun}/", limit=limit).get_json()["count"] == count


FILTERS = ["events/?active", "rules/?active", "templates/?active", "outbox/?due", "inbox/a/?unread"]


@pytest.mark.parametrize("filter_", FILTERS)
def test_filters_take_words_for_true_and_false_and_nothing_else(api: Any, filter_: str) -> None:
    for value in ("true", "false", "TRUE", "False", "1", "0", "yes", "No"):
        assert api.ask("GET", f"{filter_}={value}").status_code == 200
    for value in ("", "2", "null", "tru", " true"):
        answer = api.ask("GET", f"{filter_}={value}")
        assert answer.status_code == 422
        assert list(answer.get_json()["errors"]) == [filter_.partition("?")[2]]


@pytest.mark.parametrize(
    "query",
    [
        *("outbox/?status=LOST", "outbox/?channel=FAX", "outbox/?limit=x", "outbox/?colour=red"),
        *("templates/?channel=sms", "templates/?language=*", "events/?module=a%00"),
        *("outbox/?cursor=%00", "explain/", "explain/?event_code=A", "explain/?user_id=a"),
    ],
)
def test_query_of_nonsense_is_refused(api: Any, query: str) -> None:
    answer = api.ask("GET", query)

    assert answer.status_code == 422
    assert answer.content_type == PROBLEM


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"", "application/json", 422),
        (b"null", "application/json", 422),
        (b"[]", "application/json", 422),
        (b"event_code=x", "application/x-www-form-urlencoded", 415),
    ],
)
def test_body_that_is_no_json_object_is_refused(
    api: Any, body: bytes, content_type: str, status: int
) -> None:
    answer = api.ask("POST", "emit/", data=body, content_type=content_type)

    assert answer.status_code == status
    assert answer.content_type == PROBLEM


@pytest.mark.parametrize("name", ["nobody", "00000000-0000-0000-0000-000000000000", "%00", "%ff"])
def test_name_of_nothing_is_404(api: Any, name: str) -> None:
    for noun in ("events", "rules", "templates", "outbox"):
        assert api.get(f"{noun}/{name}/").status_code == 404
    assert api.get(f"preferences/{name}/anna/").status_code == 404
    assert api.post(f"inbox/{name}/read/").status_code == 404
    assert api.get("explain/", event_code="nobody", user_id="anna").status_code == 404
