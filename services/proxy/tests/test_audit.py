"""Every act of staff and every change by the API leaves an event; so do views and exports."""

import io
import json
import uuid
from collections.abc import Callable
from typing import Any

import pyotp
import pytest
from click.testing import Result
from common.audit.requests import acts_of
from common.audit.verify import rows_after, verify
from common.ids import new_id
from flask import Flask
from openhim_documents import a_channel as an_openhim_channel
from openhim_documents import a_client as an_openhim_client
from openhim_documents import a_mediator as an_openhim_mediator
from proxy.container import Container
from proxy.models import AUDIT_TABLES, Alert, AlertRule
from software_passkey import SoftwarePasskey
from sqlalchemy import select, text
from werkzeug.test import TestResponse

PASSWORD = "correct horse battery"
A_CHANNEL = {
    "name": "Results",
    "path_pattern": "/results/*",
    "channel_type": "http",
    "priority": "1",
    "response_retention_days": "1",
}
A_MEDIATOR = {"name": "Lab", "urn": "urn:mediator:lab", "version": "1.0.0"}
A_GROUP: dict[str, Any] = {
    "name": "on call",
    "contacts": [{"kind": "sms", "address": "+255712345678"}],
}
A_RULE = {"name": "fails", "measure": "failure_share", "threshold": "5"}
A_WINDOW = {
    "begins_at": "2026-05-01T12:00:00Z",
    "ends_at": "2099-05-01T13:00:00Z",
    "reason": "new server",
}
#: What is made at OpenHIM's addresses.
MADE = {"channels": "Registry", "clients": "lab-system"}
A_MEMBER = {"username": "juma", "role": "viewer", "email": "juma@example.org"}


@pytest.fixture
def events(container: Container) -> Callable[[], list[dict[str, Any]]]:
    """All events, oldest first."""

    def read() -> list[dict[str, Any]]:
        with container.database.reading() as session:
            return list(rows_after(session, AUDIT_TABLES, 0))

    return read


def done(answer: TestResponse) -> TestResponse:
    assert answer.status_code < 400, (answer.request.path, answer.text[-600:])
    return answer


Acts = dict[tuple[str, str], Callable[[], TestResponse]]


def api_acts(api, call: str) -> Acts:
    """Each route that changes something, asked so that it does."""
    made: dict[str, Any] = {}

    def make(noun: str, given: dict[str, Any]) -> Callable[[], TestResponse]:
        def act() -> TestResponse:
            answer = api.post(f"{noun}/", given() if callable(given) else given)
            made[noun] = answer.get_json()
            return answer

        return act

    def path(noun: str, end: str = "") -> str:
        return f"{noun}/{made[noun]['id']}/{end}"

    def secret() -> str:
        return f"secrets/{api.get(path('clients')).get_json()['secrets'][0]['id']}/"

    return {
        ("mediators.Mediators", "POST"): make("mediators", api.a_mediator()),
        ("mediators.OneMediator", "PATCH"): lambda: api.patch(path("mediators"), {"name": "New"}),
        ("channels.Channels", "POST"): make("channels", lambda: api.a_channel(made["mediators"])),
        ("transactions.rerun", "POST"): lambda: api.post(f"transactions/{call}/rerun/"),
        ("transactions.rerun_matching", "POST"): lambda: api.post(
            "transactions/rerun/", {"client": "clinic", "limit": 1, "include_repeated": True}
        ),
        ("tasks.Tasks", "POST"): make("tasks", {"filter": {"client": "clinic"}}),
        ("tasks.pause_task", "POST"): lambda: api.post(path("tasks", "pause/")),
        ("tasks.resume_task", "POST"): lambda: api.post(path("tasks", "resume/")),
        ("tasks.cancel_task", "POST"): lambda: api.post(path("tasks", "cancel/")),
        ("mediators.install_suggested_channels", "POST"): lambda: api.post(
            path("mediators", "channels/"), {}
        ),
        ("channels.OneChannel", "PATCH"): lambda: api.patch(path("channels"), {"priority": 7}),
        ("channel_versions.roll_back_to", "POST"): lambda: api.post(
            path("channels", "versions/1/rollback/")
        ),
        ("metadata.Metadata", "POST"): lambda: api.post(
            "metadata/", {"kiungo_metadata": 1, "clients": [{"client_id": "third", "name": "3"}]}
        ),
        ("registrations.Registrations", "POST"): make(
            "registrations", {"organization": "TRA", "api_code": "a"}
        ),
        ("registrations.OneRegistration", "PATCH"): lambda: api.patch(
            path("registrations"), {"api_code": "b"}
        ),
        ("registrations.OneRegistration", "DELETE"): lambda: api.delete(path("registrations")),
        ("channels.OneChannel", "DELETE"): lambda: api.delete(path("channels")),
        ("mediators.OneMediator", "DELETE"): lambda: api.delete(path("mediators")),
        ("clients.Clients", "POST"): make("clients", api.a_client()),
        ("clients.OneClient", "PATCH"): lambda: api.patch(path("clients"), {"roles": ["r"]}),
        ("clients.rotate_secret", "POST"): lambda: api.post(path("clients", "rotate-secret/"), {}),
        ("clients.drop_secret", "DELETE"): lambda: api.delete(path("clients", secret())),
        ("clients.OneClient", "DELETE"): lambda: api.delete(path("clients")),
        ("roles.Roles", "POST"): make("roles", {"name": "clerks", "rights": ["policy:read"]}),
        ("roles.OneRole", "PATCH"): lambda: api.patch(path("roles"), {"rights": ["esb:read"]}),
        ("roles.OneRole", "DELETE"): lambda: api.delete(path("roles")),
        ("staff.Staff", "POST"): make("staff", api.a_member(username="juma")),
        ("staff.OneMember", "PATCH"): lambda: api.patch(path("staff"), {"role": "operator"}),
        ("staff.Sessions", "DELETE"): lambda: api.delete(path("staff", "sessions/")),
        ("staff.OneMember", "DELETE"): lambda: api.delete(path("staff")),
    }


def page_acts(admin, api, call: str) -> Acts:
    """Each form of the console, sent so that it changes something."""
    mediator = api.made(
        "mediators",
        **api.a_mediator(
            config_defs=[{"param": "url", "type": "string"}],
            config={"url": "u"},
            default_channels=[an_openhim_channel()],
        ),
    )
    channel = api.made("channels", **api.a_channel(mediator))
    registration = api.made("registrations", organization="TRA", api_code="a")
    client = api.made("clients", **api.a_client())
    member = api.made("staff", username="asha", password=PASSWORD)
    role = api.made("roles", name="readers", rights=["gateway:observe"])

    def form(path: str, /, **given: Any) -> Callable[[], TestResponse]:
        return lambda: admin.act(f"/admin/mediator/{path}", **given)

    def secret() -> TestResponse:
        found = api.get(f"clients/{client['id']}/").get_json()["secrets"][0]["id"]
        return form(f"clients/{client['id']}/secrets/{found}/drop/")()

    def configure() -> TestResponse:
        path = f"mediators/{mediator['id']}/config/"
        page = admin.get(f"/admin/mediator/{path}").text
        revision = page.split('name="revision" value="')[1].split('"')[0]
        return form(path, revision=revision, **{"config.url": "other"})()

    def take_over() -> TestResponse:
        export = json.dumps({"Channels": [an_openhim_channel(name="Taken over")]}).encode()
        return form("openhim/", act="take over", file=(io.BytesIO(export), "export.json"))()

    def apply() -> TestResponse:
        clients = [{"client_id": "applied", "name": "Applied"}]
        document = json.dumps({"kiungo_metadata": 1, "clients": clients}).encode()
        return form("metadata/", act="apply", file=(io.BytesIO(document), "kiungo.json"))()

    def delete_role() -> TestResponse:
        found = {one["name"]: one["id"] for one in api.get("roles/").get_json()["data"]}
        return form(f"roles/{found['made-here']}/delete/")()

    def delete_view() -> TestResponse:
        page = admin.get("/admin/mediator/transactions/").text
        view = page.split("/admin/mediator/views/")[1].split("/")[0]
        return form(f"views/{view}/delete/")()

    def pause_task() -> TestResponse:
        task = api.get("tasks/").get_json()["data"][0]["id"]
        return form(f"tasks/{task}/pause/")()

    at = {"mediator_id": mediator["id"]}
    lab = {"endpoint_url": "http://127.0.0.1:9"}
    return {
        ("console.open_transaction", "POST"): form(f"transactions/{call}/open/", reason="why"),
        ("console.open_comparison", "POST"): form(
            f"transactions/{call}/compare/", reason="why", other=call
        ),
        ("console.open_raw_body", "POST"): form(f"transactions/{call}/body/request/", reason="why"),
        ("console.rerun", "POST"): form(f"transactions/{call}/rerun/"),
        ("console.rerun_many", "POST"): form("transactions/rerun/", client="clinic"),
        ("console.move_task", "POST"): pause_task,
        ("console.save_view", "POST"): form("views/", status="failed", view_name="Failed"),
        ("console.delete_view", "POST"): delete_view,
        ("console.create_channel", "POST"): form("channels/new/", **A_CHANNEL, **at),
        ("console.change_channel", "POST"): form(
            f"channels/{channel['id']}/edit/",
            **{**A_CHANNEL, "name": "B", "path_pattern": "/b"},
            **at,
        ),
        ("console.roll_channel_back", "POST"): form(f"channels/{channel['id']}/versions/1/"),
        ("console.apply_metadata", "POST"): apply,
        ("console.switch_channel", "POST"): form(f"channels/{channel['id']}/deactivate/"),
        ("console.create_mediator", "POST"): form("mediators/new/", **A_MEDIATOR, **lab),
        ("console.change_mediator", "POST"): form(
            f"mediators/{mediator['id']}/edit/", **{**A_MEDIATOR, "urn": "urn:b"}, **lab
        ),
        ("console.change_mediator_config", "POST"): configure,
        ("console.install_suggested_channel", "POST"): form(
            f"mediators/{mediator['id']}/channels/", name="Registry"
        ),
        ("console.import_openhim_export", "POST"): take_over,
        ("console.switch_mediator", "POST"): form(f"mediators/{mediator['id']}/deactivate/"),
        ("console.create_registration", "POST"): form(
            "registrations/new/", organization="NIDA", api_code="n"
        ),
        ("console.change_registration", "POST"): form(
            f"registrations/{registration['id']}/", organization="TRA", api_code="b"
        ),
        ("console.switch_registration", "POST"): form(
            f"registrations/{registration['id']}/deactivate/"
        ),
        ("console.create_client", "POST"): form("clients/new/", name="Lab", client_id="lab"),
        ("console.change_client", "POST"): form(
            f"clients/{client['id']}/edit/", name="New", client_id="clinic"
        ),
        ("console.rotate_secret", "POST"): form(f"clients/{client['id']}/rotate-secret/"),
        ("console.drop_secret", "POST"): secret,
        ("console.create_role", "POST"): form("roles/new/", name="made-here", rights="esb:read"),
        ("console.change_role", "POST"): form(
            f"roles/{role['id']}/", name="readers", rights="esb:read"
        ),
        ("console.delete_role", "POST"): delete_role,
        ("console.tester_grant", "POST"): form("tester/grant/", client="clinic"),
        ("console.switch_client", "POST"): form(f"clients/{client['id']}/deactivate/"),
        ("console.create_member", "POST"): form("staff/new/", **A_MEMBER, password=PASSWORD),
        ("console.change_member", "POST"): form(
            f"staff/{member['id']}/", **{**A_MEMBER, "username": "asha"}
        ),
        ("console.switch_member", "POST"): form(f"staff/{member['id']}/deactivate/"),
        **account_acts(admin, member),
        ("console.log_out", "POST"): lambda: admin.act("/admin/logout/"),
    }


def alert_api_acts(api, container: Container) -> Acts:
    """The same of alerts: rules, contact groups, maintenance windows."""

    def alert() -> str:
        return an_alert(container)

    def of_newest(method: str, noun: str, given: Any = None) -> Callable[[], TestResponse]:
        def act() -> TestResponse:
            path = f"{noun}/{api.get(f'{noun}/').get_json()['data'][0]['id']}/"
            return api.delete(path) if method == "DELETE" else api.patch(path, given)

        return act

    return {
        ("alerts.ContactGroups", "POST"): lambda: api.post("contact-groups/", A_GROUP),
        ("alerts.OneContactGroup", "PATCH"): of_newest("PATCH", "contact-groups", {"name": "B"}),
        ("alerts.OneContactGroup", "DELETE"): of_newest("DELETE", "contact-groups"),
        ("alerts.AlertRules", "POST"): lambda: api.post("alert-rules/", A_RULE),
        ("alerts.OneAlertRule", "PATCH"): of_newest("PATCH", "alert-rules", {"threshold": 9}),
        ("alerts.acknowledge_alert", "POST"): lambda: api.post(f"alerts/{alert()}/acknowledge/"),
        ("alerts.OneAlertRule", "DELETE"): of_newest("DELETE", "alert-rules"),
        ("alerts.MaintenanceWindows", "POST"): lambda: api.post("maintenance-windows/", A_WINDOW),
        ("alerts.delete_maintenance_window", "DELETE"): of_newest("DELETE", "maintenance-windows"),
    }


def alert_page_acts(admin, api, container: Container) -> Acts:
    """The forms of alerts, each sent so that it changes something."""
    group = api.made("contact-groups", **{**A_GROUP, "name": "other"})["id"]
    rule = api.made("alert-rules", **{**A_RULE, "name": "other"})["id"]
    window = api.made("maintenance-windows", **A_WINDOW)["id"]
    alert = an_alert(container)

    def form(path: str, **given: str) -> Callable[[], TestResponse]:
        return lambda: admin.act(f"/admin/mediator/{path}", **given)

    typed = {"contacts": "+255712345678\nops@example.org"}
    return {
        ("console.create_alert_rule", "POST"): form("alert-rules/new/", **A_RULE),
        ("console.change_alert_rule", "POST"): form(
            f"alert-rules/{rule}/", **{**A_RULE, "name": "C"}
        ),
        ("console.switch_alert_rule", "POST"): form(f"alert-rules/{rule}/deactivate/"),
        ("console.acknowledge_alert", "POST"): form(f"alerts/{alert}/acknowledge/"),
        ("console.create_contact_group", "POST"): form("contact-groups/new/", name="D", **typed),
        ("console.change_contact_group", "POST"): form(
            f"contact-groups/{group}/", name="E", **typed
        ),
        ("console.create_maintenance_window", "POST"): form("maintenance-windows/new/", **A_WINDOW),
        ("console.remove_maintenance_window", "POST"): form(
            f"maintenance-windows/{window}/delete/"
        ),
    }


def an_alert(container: Container) -> str:
    """An alert of the newest rule that stands."""
    with container.database.writing() as session:
        rule = session.scalars(select(AlertRule).order_by(AlertRule.id.desc())).first()
        assert rule is not None
        alert = Alert(id=new_id(), rule_id=rule.id, rule_name=rule.name, subject="", detail="d")
        session.add(alert)
    return str(alert.id)


def account_acts(admin, member: dict[str, Any]) -> Acts:
    """Each form of one's own account, and of `member`'s, sent so that it changes something."""
    account = "/admin/account/"
    theirs = f"/admin/mediator/staff/{member['id']}/"

    def act(path: str, **given: str) -> Callable[[], TestResponse]:
        return lambda: admin.act(path, **given)

    def enrol() -> TestResponse:
        secret = admin.get(f"{account}app/").text.split('id="app-secret">')[1].split("<")[0]
        return admin.act(f"{account}app/", code=pyotp.TOTP(secret).now())

    def passkey(path: str, **given: str) -> Callable[[], TestResponse]:
        def send() -> TestResponse:
            found = admin.get(account).text.split(f"{account}passkeys/")[1].split("/")[0]
            return admin.act(f"{account}passkeys/{found}/{path}/", **given)

        return send

    def make_passkey() -> TestResponse:
        options = admin.get(f"{account}passkeys/").get_json()
        made = SoftwarePasskey("http://localhost", "localhost").made(options)
        return admin.act(f"{account}passkeys/", name="Laptop", credential=made)

    nobodys = uuid.uuid4()
    changed = {"current": PASSWORD, "password": "wholly unlike anything before"}
    return {
        ("console.choose_language", "POST"): act("/admin/language/", language="sw"),
        ("console.enrol_own_app", "POST"): enrol,
        ("console.renew_own_recovery_codes", "POST"): act(f"{account}recovery-codes/"),
        ("console.remove_own_app", "POST"): act(f"{account}app/remove/"),
        ("console.make_own_passkey", "POST"): make_passkey,
        ("console.name_own_passkey", "POST"): passkey("name", name="Renamed"),
        ("console.remove_own_passkey", "POST"): passkey("remove"),
        ("console.end_own_session", "POST"): act(f"{account}sessions/{nobodys}/end/"),
        ("console.end_own_sessions", "POST"): act(f"{account}sessions/end/"),
        ("console.end_member_session", "POST"): act(f"{theirs}sessions/{nobodys}/end/"),
        ("console.end_member_sessions", "POST"): act(f"{theirs}sessions/end/"),
        ("console.reset_second_factor", "POST"): act(f"{theirs}second-factor/reset/"),
        ("console.change_own_password", "POST"): act(f"{account}password/", **changed),
    }


def openhim_acts(api, call: str) -> Acts:
    """Each of OpenHIM's addresses that changes something, asked so that it does."""

    def ask(method: str, path: str, json: Any = None) -> TestResponse:
        headers = {"Authorization": f"Bearer {api.token}"}
        path = f"/api/openhim/{path}"
        return api.client.open(path, method=method, json=json, headers=headers)

    def asking(method: str, path: str, json: Any = None) -> Callable[[], TestResponse]:
        return lambda: ask(method, path, json)

    def of_it(method: str, noun: str, json: Any = None) -> Callable[[], TestResponse]:
        """Of the record that was made last."""
        names = {"channels": "name", "clients": "clientID"}

        def act() -> TestResponse:
            found = {one[names[noun]]: one["_id"] for one in ask("GET", noun).get_json()}
            return ask(method, f"{noun}/{found[MADE[noun]]}", json)

        return act

    mediator = an_openhim_mediator(defaultChannelConfig=[an_openhim_channel(name="Suggested")])
    at = f"mediators/{mediator['urn']}"
    whole = {"Clients": [an_openhim_client("x", clientID="third")]}
    ended = {"status": "Successful", "response": {"status": 200}}
    return {
        ("openhim.register", "POST"): asking("POST", "mediators", mediator),
        ("openhim.change_config", "PUT"): asking("PUT", f"{at}/config", {"url": "other"}),
        ("openhim.install", "POST"): asking("POST", f"{at}/channels"),
        ("openhim.create_channel", "POST"): asking("POST", "channels", an_openhim_channel()),
        ("openhim.change_channel", "PUT"): of_it("PUT", "channels", {"methods": ["PUT"]}),
        ("openhim.delete_channel", "DELETE"): of_it("DELETE", "channels"),
        ("openhim.delete_mediator", "DELETE"): lambda: without_channels(api, ask, at),
        ("openhim.create_client", "POST"): asking("POST", "clients", an_openhim_client("x")),
        ("openhim.change_client", "PUT"): of_it("PUT", "clients", {"name": "Other"}),
        ("openhim.remove_client", "DELETE"): of_it("DELETE", "clients"),
        ("openhim.create_rerun_task", "POST"): asking(
            "POST", "tasks", {"tids": [call.replace("-", "")[:24]], "batchSize": 1}
        ),
        ("openhim.import_metadata", "POST"): asking("POST", "metadata", whole),
        ("openhim.change_transaction", "PUT"): asking(
            "PUT", f"transactions/{call.replace('-', '')[:24]}", ended
        ),
    }


def without_channels(api, ask: Callable[..., TestResponse], path: str) -> TestResponse:
    """A mediator is deleted once no channel leads to it."""
    for one in api.get("channels/").get_json()["data"]:
        done(api.delete(f"channels/{one['id']}/"))
    return ask("DELETE", path)


def test_every_act_leaves_an_event(
    app: Flask, api, admin, record: Callable[..., str], events: Any, container: Container
) -> None:
    forms = alert_page_acts(admin, api, container)
    walked = walk(forms, "staff", "amina", events)
    calls = [record(minute, request_body="x") for minute in range(2)]
    pages = page_acts(admin, api, calls[0])
    walked |= walk(pages, "staff", "amina", events)
    for noun in ("channels", "registrations", "mediators", "clients"):
        for one in api.get(f"{noun}/").get_json()["data"]:
            done(api.delete(f"{noun}/{one['id']}/"))
    staff = [one for one in api.get("staff/").get_json()["data"] if one["username"] != "amina"]
    for one in staff:
        done(api.delete(f"staff/{one['id']}/"))
    walked |= walk(api_acts(api, calls[1]), "client", "tester", events)
    for one in api.get("alert-rules/").get_json()["data"]:
        done(api.delete(f"alert-rules/{one['id']}/"))
    walked |= walk(alert_api_acts(api, container), "client", "tester", events)
    walked |= walk(openhim_acts(api, calls[0]), "client", "tester", events)
    assert walked == acts_of(app)


def walk(acts: Acts, kind: str, name: str, events: Any) -> set[tuple[str, str]]:
    for which, act in acts.items():
        before = len(events())
        done(act())
        added = events()[before:]
        assert added, which
        assert {(one["actor_kind"], one["actor"]) for one in added} == {(kind, name)}, which
    return set(acts)


def test_no_secret_is_in_an_event_and_its_change_is(api, admin, events: Any) -> None:
    made = api.made("clients", **api.a_client())
    mediator = api.a_mediator(config={"password": "mediators-own"})
    api.made("mediators", **mediator)
    stored = json.dumps(events(), default=str)
    assert made["client_secret"] not in stored
    assert PASSWORD not in stored
    assert "mediators-own" not in stored
    assert "scrypt" not in stored
    acts = [one["act"] for one in events()]
    assert acts[-3:] == ["client.created", "client_secret.created", "mediator.created"]
    assert json.loads(events()[-1]["after"])["config"].startswith("sha256:")


def test_signing_in_well_and_badly_is_noted(browser, member: Any, events: Any) -> None:
    browser.sign_in(password="wrong")
    browser.sign_in(username="my-password-by-mistake")
    browser.sign_in()
    rejected, unknown, good = events()[-3:]
    assert [one["act"] for one in (rejected, unknown, good)] == [
        "staff.sign_in_rejected",
        "staff.sign_in_rejected",
        "staff.signed_in",
    ]
    assert (rejected["actor"], rejected["object_id"]) == ("amina", member["id"])
    assert (unknown["actor"], unknown["object_name"][:7]) == ("", "sha256:")
    assert (good["actor"], good["address"]) == ("amina", "198.51.100.7")
    assert "mistake" not in json.dumps(events(), default=str)


def test_views_of_bodies_and_exports_are_noted(
    api, admin, record: Callable[..., str], events: Any
) -> None:
    call = record(1, response_body="a diagnosis")
    begun = len(events())
    done(admin.get("/admin/mediator/transactions/"))  # no bodies: nothing to note
    done(admin.get(f"/admin/mediator/transactions/{call}/"))
    done(admin.get(f"/admin/mediator/tester/calls/{call}/?later=true"))
    done(api.get(f"transactions/{call}/"))
    done(admin.get("/admin/mediator/transactions/?format=csv&channel=Patients&q=4711"))
    done(admin.get("/admin/mediator/metadata/export/"))
    done(api.get("metadata/"))
    seen = events()[begun:]
    assert [(one["act"], one["actor"]) for one in seen] == [
        ("transaction.viewed", "amina"),
        ("transaction.viewed", "amina"),
        ("transaction.viewed", "tester"),
        ("list.exported", "amina"),
        ("list.exported", "amina"),
        ("metadata.exported", "tester"),
    ]
    assert [one["object_id"] for one in seen[:3]] == [call] * 3
    exported = json.loads(seen[3]["after"])
    assert (exported["channel"], seen[3]["object_name"]) == ("Patients", "transactions.csv")
    assert "4711" not in seen[3]["after"]
    assert "diagnosis" not in json.dumps(seen, default=str)


def test_a_channel_may_ask_why_a_body_is_opened(
    api, admin, record: Callable[..., str], channel: Any, events: Any
) -> None:
    api.patch(f"channels/{channel['id']}/", {"ask_reason": True})
    call, body = record(1, response_body="a diagnosis"), "a diagnosis"
    page = f"/admin/mediator/transactions/{call}/"
    begun = len(events())
    closed = [
        done(admin.get(page)),
        done(admin.get(f"/admin/mediator/tester/calls/{call}/?later=true")),
        admin.act(f"{page}open/", reason=" "),
        api.get(f"transactions/{call}/"),
    ]
    assert [one.status_code for one in closed] == [200, 200, 422, 403]
    assert not any(body in one.text for one in closed)
    assert len(events()) == begun
    assert body in done(admin.act(f"{page}open/", reason="Complaint 17")).text
    assert body in done(api.ask("GET", f"transactions/{call}/", headers={"X-Reason": "R"})).text
    seen = [(one["act"], one["object_id"], one["after"]) for one in events()[begun:]]
    assert seen == [
        ("transaction.viewed", call, '{"reason":"Complaint 17"}'),
        ("transaction.viewed", call, '{"reason":"R"}'),
    ]


def test_page_and_list_show_the_same_to_those_who_may(api_with, channel: Any, admin) -> None:
    auditor = api_with("proxy:audit")
    page = done(auditor.get("audit/", act="channel.", object="patients")).get_json()
    (event,) = page["data"]
    assert (event["act"], event["object_id"]) == ("channel.created", channel["id"])
    assert event["after"]["path_pattern"] == "/patients/*"
    assert api_with("proxy:read").get("audit/").status_code == 403
    shown = done(admin.get("/admin/mediator/audit/?act=channel.&who=tester")).text
    assert "channel.created" in shown
    assert "client.created" not in shown
    assert "channel.created" in done(admin.get("/admin/mediator/audit/?format=csv")).text


def test_operators_do_not_see_the_page(signed_in) -> None:
    assert signed_in.get("/admin/mediator/audit/").status_code == 403


def test_commands_name_themselves_and_verify_finds_a_changed_row(app, container):
    def flask(*arguments: str) -> Result:
        with app.app_context():
            return app.test_cli_runner().invoke(args=arguments)

    assert flask("create-client", "lab").exit_code == 0
    whole = flask("verify-audit")
    assert (whole.exit_code, whole.output[:19]) == (0, "2 events are whole;")
    event = json.loads(flask("export-audit").output.splitlines()[0])
    assert (event["act"], event["actor"]) == ("client.created", "create-client")
    with container.database.engine.begin() as connection:
        connection.execute(text("UPDATE audit_events SET actor = 'somebody' WHERE id = 2"))
    broken = flask("verify-audit")
    assert broken.exit_code == 1
    assert "row 2 was changed" in broken.output


def test_the_chain_is_whole_after_all_that(api, channel: Any, container: Container) -> None:
    with container.database.reading() as session:
        verdict = verify(session, AUDIT_TABLES)
    assert (verdict.problem, verdict.last_id) == (None, 2)
