"""What holds for every address of the API: tokens, scopes, lists, problems, bodies."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

PROBLEM = "application/problem+json"
NOUNS = ["clients", "mediators", "channels", "registrations", "transactions", "rejections"]


def test_request_without_a_token_is_401_and_says_how_to_ask(app: Flask) -> None:
    answer = app.test_client().get("/api/proxy/clients/")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.content_type == PROBLEM


def test_reader_may_read_and_not_change(api_with: Callable[[str], Any]) -> None:
    reader = api_with("proxy:read")

    assert [reader.get(f"{noun}/").status_code for noun in [*NOUNS, "metrics"]] == [200] * 7
    assert reader.post("clients/", reader.a_client()).status_code == 403
    assert reader.get("staff/").status_code == 403


def test_administrator_without_the_scope_to_read_reads_nothing(
    api_with: Callable[[str], Any],
) -> None:
    assert api_with("proxy:admin").get("clients/").status_code == 403


def test_path_without_the_final_slash_answers_the_same(api: Any) -> None:
    assert api.get("clients").get_json() == api.get("clients/").get_json()


@pytest.mark.parametrize("noun", [*NOUNS, "staff"])
def test_empty_list_has_the_shape_of_every_list(api: Any, noun: str) -> None:
    # Only the record of calls and rejections is searched in bounded steps, and says how far.
    searched = {"searched_back_to": None} if noun in {"transactions", "rejections"} else {}
    assert api.get(f"{noun}/").get_json() == {
        "ok": True,
        "count": 0,
        "data": [],
        "next_cursor": None,
        **searched,
    }


def test_pages_follow_each_other_newest_first(api: Any) -> None:
    for number in range(5):
        api.made("clients", **api.a_client(client_id=f"clinic-{number}"))

    seen: list[str] = []
    page: dict[str, Any] = {"next_cursor": ""}
    while page["next_cursor"] is not None:
        page = api.get("clients/", limit=2, cursor=page["next_cursor"]).get_json()
        seen += [client["client_id"] for client in page["data"]]

    assert seen == [f"clinic-{number}" for number in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize("cursor", ["x", "\x00", "%", "=====", "MQ", "8J-YgA", "é"])
def test_cursor_of_no_list_is_refused(api: Any, cursor: str) -> None:
    assert api.get("clients/", cursor=cursor).status_code == 422


@pytest.mark.parametrize(("limit", "status"), [("0", 200), ("-1", 200), ("9" * 30, 200)])
def test_limit_is_brought_into_range(api: Any, limit: str, status: int) -> None:
    assert api.get("clients/", limit=limit).status_code == status


def test_unknown_query_parameter_is_refused_by_name(api: Any) -> None:
    answer = api.get("clients/", limits=5)

    assert answer.status_code == 422
    assert "limits" in answer.get_json()["errors"]


def test_query_parameter_that_is_given_twice_is_refused_by_name(api: Any) -> None:
    answer = api.get("clients/", limit=[5, 6])

    assert answer.status_code == 422
    assert answer.get_json()["errors"] == {"limit": ["Must be given once."]}


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"name": ' + b"1" * 5000 + b"}", "application/json", 400),
        (b"", "application/json", 422),
        (b"null", "application/json", 422),
        (b"[]", "application/json", 422),
        (b'"x"', "application/json", 422),
        (b"name=x", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
    ],
)
def test_body_that_is_no_json_object_is_refused(
    api: Any, body: bytes, content_type: str, status: int
) -> None:
    answer = api.ask("POST", "clients/", data=body, content_type=content_type)

    assert answer.status_code == status
    assert answer.content_type == PROBLEM


def test_change_in_another_media_type_is_not_taken_for_no_change(api: Any) -> None:
    made = api.made("clients", **api.a_client())

    answer = api.ask("PATCH", f"clients/{made['id']}/", data=b"{}", content_type="text/plain")

    assert answer.status_code == 415


@pytest.mark.parametrize(
    "value",
    [
        {"a": float("inf")},
        {"a": float("nan")},
        {"a": "\x00"},
        {"\ud800": 1},
        {"a": "x" * 70_000},
    ],
)
def test_json_that_cannot_be_stored_is_refused(
    api: Any, mediator: dict[str, Any], value: object
) -> None:
    answer = api.patch(f"mediators/{mediator['id']}/", {"config": value})

    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == ["config"]


def test_json_nested_beyond_measure_is_refused(api: Any, mediator: dict[str, Any]) -> None:
    nested: dict[str, Any] = {}
    for _ in range(200):
        nested = {"a": nested}

    assert api.patch(f"mediators/{mediator['id']}/", {"config": nested}).status_code == 422


def test_405_says_what_is_allowed(api: Any) -> None:
    answer = api.ask("PUT", "clients/")

    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


@pytest.mark.parametrize("name", ["nobody", "00000000-0000-0000-0000-000000000000", "%00", "%ff"])
def test_id_that_names_nothing_is_404(api: Any, name: str) -> None:
    for noun in (*NOUNS[:-1], "staff"):
        assert api.get(f"{noun}/{name}/").status_code == 404
    assert api.post(f"mediators/{name}/heartbeat/", {}).status_code == 404


def test_problems_are_in_the_language_that_is_accepted(api: Any) -> None:
    given = {"client_id": "x" * 300, "no_such": 1}
    french, english = (
        api.ask("POST", "clients/", given, headers={"Accept-Language": accepted})
        for accepted in ("fr-CH, en;q=0.5", "de")
    )
    nowhere = "clients/00000000-0000-0000-0000-000000000000/"
    missing = api.ask("GET", nowhere, headers={"Accept-Language": "sw"})

    assert french.headers["Content-Language"] == "fr"
    assert french.get_json()["title"] == "Contenu non traitable"
    assert french.get_json()["errors"]["no_such"] == ["Champ inconnu."]
    assert french.get_json()["errors"].keys() == english.get_json()["errors"].keys()
    assert english.get_json()["errors"]["no_such"] == ["Unknown field."]
    assert missing.get_json()["detail"] == "Haipatikani: mteja"


def test_objects_of_a_change_are_whole(api: Any) -> None:
    contact = {"kind": "email", "address": "duty@example.org"}
    group = api.made("contact-groups", name="Duty", contacts=[contact])

    answer = api.patch(f"contact-groups/{group['id']}/", {"contacts": [{"address": "other"}]})

    assert answer.status_code == 422
    assert answer.get_json()["errors"]["contacts"]["0"]["kind"]
    assert api.get(f"contact-groups/{group['id']}/").get_json()["data"]["contacts"] == [contact]
