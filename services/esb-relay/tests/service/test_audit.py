"""Every act of staff and clients leaves an event; each signature does, whoever asked for it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from common.audit.requests import acts_of
from common.audit.verify import rows_after, verify
from esb_relay.container import Container
from esb_relay.keys.signing import signed_request
from esb_relay.models import AUDIT_TABLES
from esb_relay.wire.terms import Format, Mode
from flask import Flask

ROUTE = {"name": "lab", "target_kind": "http", "target": "https://lab.example/take"}
BODY = '{"diagnosis":"known to nobody"}'
WORKBENCH = "/admin/esb/workbench/sign/"
Events = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def events(container: Container) -> Events:
    """All events, oldest first."""

    def read() -> list[dict[str, Any]]:
        with container.database.reading() as session:
            return list(rows_after(session, AUDIT_TABLES, 0))

    return read


def test_every_act_leaves_an_event(
    app: Flask, api: Any, console: Any, csrf: Any, events: Events, container: Container
) -> None:
    admin, routes = console("admin"), "/admin/esb/routes/"
    made = api.route(**ROUTE)
    one = f"{routes}{made['id']}/"
    sealed = api.ask("POST", "encrypt/?to=own", data=b"plain").data
    changed = {**ROUTE, "name": "other", **csrf}
    acts: list[tuple[str, str, Callable[[], Any]]] = [
        ("console.create_route", "POST", lambda: admin.post(f"{routes}new/", data=changed)),
        (
            "console.change_route",
            "POST",
            lambda: admin.post(f"{one}edit/", data={**changed, "name": "new"}),
        ),
        ("console.switch_route", "POST", lambda: admin.post(f"{one}deactivate/", data=csrf)),
        (
            "console.sign",
            "POST",
            lambda: admin.post(WORKBENCH, data={"code": "A1", "user_id": "", "body": BODY, **csrf}),
        ),
        ("crypto.sign", "POST", lambda: api.ask("POST", "sign/?code=A1", json={})),
        ("crypto.decrypt", "POST", lambda: api.ask("POST", "decrypt/", data=sealed)),
        (
            "routes.CallbackRoutes",
            "POST",
            lambda: api.ask("POST", "routes/", json={**ROUTE, "name": "third"}),
        ),
        (
            "routes.OneCallbackRoute",
            "PATCH",
            lambda: api.ask("PATCH", f"routes/{made['id']}/", json={"description": "d"}),
        ),
        (
            "routes.OneCallbackRoute",
            "DELETE",
            lambda: api.ask("DELETE", f"routes/{made['id']}/"),
        ),
    ]
    for endpoint, _, act in acts:
        before = len(events())
        answer = act()
        assert answer.status_code < 400, (endpoint, answer.text)
        (added,) = events()[before:]
        is_page = endpoint.startswith("console")
        assert (added["actor_kind"], bool(added["actor"])) == (
            "staff" if is_page else "client",
            True,
        )
    assert {(endpoint, method) for endpoint, method, _ in acts} == acts_of(app)
    with container.database.reading() as session:
        assert verify(session, AUDIT_TABLES).problem is None


def test_each_signature_is_on_record_without_what_it_signs(
    app: Flask, api: Any, console: Any, csrf: Any, events: Events, container: Container
) -> None:
    form = {"code": "A1", "mode": "nida", "user_id": "19700101-1", "body": BODY, **csrf}
    console("operator").post(WORKBENCH, data=form)
    api.ask("POST", "sign/?code=P1&mode=push", data=BODY, content_type="application/json")
    with app.app_context():
        signed_request(container.keyring, Mode.NORMAL, "C1", b"", Format.JSON, None)
    found = events()
    assert [(one["act"], one["object_name"]) for one in found] == [
        ("signature.given", "A1"),
        ("signature.given", "P1"),
        ("signature.given", "C1"),
    ]
    assert json.loads(found[0]["after"])["envelope"].startswith("sha256:")
    assert "nobody" not in json.dumps(found, default=str)
    assert "19700101" not in json.dumps(found, default=str)


def test_a_signature_that_cannot_be_noted_is_not_given(
    api: Any, console: Any, csrf: Any, container: Container
) -> None:
    AUDIT_TABLES.events.__table__.drop(container.database.engine)
    answer = api.ask("POST", "sign/?code=A1", json={})
    form = {"code": "A1", "user_id": "", "body": "{}", **csrf}
    page = console("operator").post(WORKBENCH, data=form)
    AUDIT_TABLES.events.__table__.create(container.database.engine)
    assert min(answer.status_code, page.status_code) >= 500
    assert b"signature" not in answer.data
    assert "apiCode" not in page.text


def test_views_of_exchanges_are_noted_and_the_page_shows_them(
    api: Any, console: Any, events: Events
) -> None:
    exchange = api.exchange(api.relay("{}"))
    console("viewer").get(f"/admin/esb/exchanges/{exchange['id']}/")
    assert [(one["act"], one["object_id"]) for one in events()] == [
        ("exchange.viewed", exchange["id"]),
        ("exchange.viewed", exchange["id"]),
    ]
    assert "exchange.viewed" in console("admin").get("/admin/esb/audit/").text
    assert console("operator").get("/admin/esb/audit/").status_code == 403


def test_list_needs_its_scope(app: Flask, api_of: Any) -> None:
    api_of(app).route(**ROUTE)
    assert api_of(app, "esb:admin").ask("GET", "audit/").status_code == 403
    (event,) = api_of(app, "esb:audit").ask("GET", "audit/").get_json()["data"]
    assert (event["act"], event["object_name"]) == ("route.created", "lab")
