"""`exchanges/` and `routes/`: what is on record, who may ask, what is refused."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

#: Every operation with the scope that it asks for.
#: Nobody has it. The same in every process that collects these tests.
UNKNOWN = "0190a000-0000-7000-8000-000000000000"
OPERATIONS = [
    ("POST", "relay/", "esb:relay"),
    ("POST", "async-response/", "esb:relay"),
    ("POST", "sign/", "esb:crypto"),
    ("POST", "verify/", "esb:crypto"),
    ("POST", "encrypt/", "esb:crypto"),
    ("POST", "decrypt/", "esb:crypto"),
    ("GET", "exchanges/", "esb:admin"),
    ("GET", f"exchanges/{UNKNOWN}/", "esb:admin"),
    ("GET", "keys/", "esb:admin"),
    ("GET", "keys/x/public/", "esb:admin"),
    ("GET", "routes/", "esb:admin"),
    ("POST", "routes/", "esb:admin"),
    ("GET", f"routes/{UNKNOWN}/", "esb:admin"),
    ("PATCH", f"routes/{UNKNOWN}/", "esb:admin"),
    ("DELETE", f"routes/{UNKNOWN}/", "esb:admin"),
]
SCOPES = {"esb:relay", "esb:crypto", "esb:admin"}


@pytest.mark.parametrize(("method", "path", "scope"), OPERATIONS)
def test_token_with_the_scope_is_asked_for(
    app: Flask, api_of: Callable[..., Any], method: str, path: str, scope: str
) -> None:
    anonymous = app.test_client().open(f"/api/esb/{path}", method=method)
    assert anonymous.status_code == 401
    assert anonymous.headers["WWW-Authenticate"] == "Bearer"
    others = api_of(app, " ".join(SCOPES - {scope})).ask(method, path)
    assert (others.status_code, others.content_type) == (403, "application/problem+json")
    assert api_of(app, scope).ask(method, path).status_code not in (401, 403)


# --- exchanges


def test_exchange_is_on_record_without_its_body(api: Any) -> None:
    answer = api.relay('{"secret":"s3"}')
    record = api.exchange(answer)

    assert (record["direction"], record["mode"], record["code"]) == ("outgoing", "normal", "DEMO")
    assert (record["status"], record["http_status"], record["attempts"]) == ("succeeded", 200, 1)
    assert (record["caller"], record["verified_by"]) == ("tester", "raw")
    assert record["correlation_id"] == answer.headers["X-Correlation-Id"]
    assert record["request_id"] == answer.get_json()["request_id"]
    assert (record["request_body"], record["answer_body"]) == (None, None)
    assert len(record["request_digest"]) == len(record["answer_digest"]) == 64
    assert 0 < record["engine_ms"] <= record["duration_ms"]
    assert "s3" not in json.dumps(record)


def test_bodies_are_kept_only_where_the_installation_says_so(
    app_with: Callable[..., Flask], api_of: Callable[..., Any]
) -> None:
    api = api_of(app_with(store_bodies=True))
    record = api.exchange(api.relay('{"n":1.10}'))

    assert record["request_body"].startswith('{"data":{"apiCode":"DEMO","esbBody":{"n":1.1}}')
    assert '"esbBody":{"n":1.1}' in record["answer_body"]
    (summary,) = api.ask("GET", "exchanges/").get_json()["data"]
    assert "request_body" not in summary


def test_exchanges_are_listed_newest_first_page_by_page(api: Any) -> None:
    made = [api.relay("1").get_json()["exchange_id"] for _ in range(3)]
    first = api.ask("GET", "exchanges/?limit=2").get_json()
    rest = api.ask("GET", f"exchanges/?limit=2&cursor={first['next_cursor']}").get_json()

    assert [one["id"] for one in first["data"] + rest["data"]] == made[::-1]
    assert (first["count"], rest["next_cursor"]) == (2, None)


def test_filters_narrow_the_list(api: Any) -> None:
    api.ask("POST", "relay/", json={"code": "A"}, headers={"X-Organization": "NHIF"})
    api.relay("1", code="B", mode="push")
    failed = api.relay("1", code="C!html")
    record = api.exchange(failed)

    def codes(query: str) -> list[str]:
        found = api.ask("GET", f"exchanges/?{query}").get_json()
        return [one["code"] for one in found["data"]]

    assert codes("organization=NHIF") == ["A"]
    assert codes("mode=push") == codes("code=B") == ["B"]
    assert codes("status=unverifiable") == ["C!html"]
    assert codes(f"correlation_id={record['correlation_id']}") == ["C!html"]
    assert codes("direction=incoming") == codes("request_id=nobody") == []
    assert codes("direction=outgoing") == ["C!html", "B", "A"]
    assert codes(f"since={record['started_at']}") == ["C!html"]
    assert codes(f"until={record['started_at']}") == ["B", "A"]


@pytest.mark.parametrize(
    "query",
    ["status=lost", "mode=pull", "since=yesterday", "limit=x", "cursor=x", "odd=1"],
)
def test_bad_question_is_refused_by_name(api: Any, query: str) -> None:
    answer = api.ask("GET", f"exchanges/?{query}")
    assert answer.status_code == 422, answer.text
    assert answer.get_json()["errors"].keys() == {query.partition("=")[0]}


@pytest.mark.parametrize("record", ["exchanges", "routes"])
def test_unknown_record_is_not_found(api: Any, record: str) -> None:
    for unknown in (uuid4(), "x"):
        answer = api.ask("GET", f"{record}/{unknown}/")
        assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


# --- routes


def test_route_is_made_read_changed_and_closed(api: Any) -> None:
    given = {"name": "pay", "target_kind": "queue", "target": "esb.pay", "is_async": True}
    made = api.ask("POST", "routes/", json=given)
    path = f"routes/{made.get_json()['id']}/"

    assert made.status_code == 201
    assert made.headers["Location"].endswith(f"/api/esb/{path}")
    assert made.get_json().items() >= {**given, "is_active": True, "organization": None}.items()
    changed = api.ask("PATCH", path, json={"is_active": False}).get_json()
    assert (changed["is_active"], changed["name"]) == (False, "pay")
    assert api.ask("GET", path).get_json() == changed
    assert api.ask("GET", "routes/").get_json()["data"] == [changed["data"]]
    assert api.ask("DELETE", path).status_code == 204
    assert api.ask("GET", path).status_code == 404


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"name": None}, "name"),
        ({"name": "Pay"}, "name"),
        ({"name": "a/b"}, "name"),
        ({"target_kind": "ftp"}, "target_kind"),
        ({"target": "not an address"}, "target"),
        ({"target": "http://host/path?query"}, "target"),
        ({"target_kind": "proxy", "target": "no-slash"}, "target"),
        ({"target_kind": "queue", "target": "two words"}, "target"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_bad_route_is_refused_by_its_field(api: Any, changes: dict[str, Any], named: str) -> None:
    given = {"name": "r", "target_kind": "http", "target": "http://127.0.0.1/x"}
    answer = api.ask("POST", "routes/", json={**given, **changes})
    assert answer.status_code == 422, answer.text
    assert answer.get_json()["errors"].keys() == {named}
    made = api.route(target=given["target"])
    changed = api.ask("PATCH", f"routes/{made['id']}/", json=changes)
    assert changed.status_code == 422, changed.text
    assert api.ask("GET", f"routes/{made['id']}/").get_json() == made


def test_name_that_is_taken_is_a_conflict(api: Any) -> None:
    made = api.route(target="http://127.0.0.1/x")
    answer = api.ask(
        "POST", "routes/", json={key: made[key] for key in ("name", "target_kind", "target")}
    )
    assert (answer.status_code, answer.get_json()["errors"].keys()) == (409, {"name"})
