"""An administrator's acts in all services, through nginx: each is in that service's audit log."""

import requests
from console import form_token, open_console, sign_in, staff_of
from hub import unique
from waiting import eventually


def acts(session: requests.Session, hub) -> dict[str, str]:
    """Sends a form in each service's console; the name or text that must be found there."""
    name = unique("audited")
    forms = {
        "mediator/clients/new/": {"name": name, "client_id": name},
        "esb/workbench/sign/": {"code": name, "user_id": "", "body": '{"secret": "diagnosis"}'},
        "notification/events/new/": {"code": name, "module": "CPD", "when_unknown": "hold"},
        "policy-notification/runs/": {},
    }
    pages = {path: path.replace("/sign/", "/") for path in forms}
    for path, form in forms.items():
        token = form_token(hub, session, f"/admin/{pages[path]}")
        answer = session.post(
            f"{hub.url}/admin/{path}",
            data={**form, "csrf_token": token},
            headers={"Origin": hub.url},
            timeout=30,
        )
        assert answer.status_code == 200, (path, answer.text)
    return {
        "mediator": f"client.created {name}",
        "esb": f"signature.given {name}",
        "notification": f"event.created {name}",
        "policy-notification": "run.created",
    }


def test_each_act_is_in_its_service_and_the_chains_are_whole(hub) -> None:
    _, username, password = staff_of(hub, "admin")
    with open_console(hub) as session:
        assert sign_in(hub, session, username, "not the password").status_code == 403
        assert sign_in(hub, session, username, password).status_code == 303
        expected = acts(session, hub)
        session.get(f"{hub.url}/admin/mediator/clients/?format=csv", timeout=30).raise_for_status()
        for place, words in expected.items():
            page = session.get(
                f"{hub.url}/admin/{place}/audit/", params={"who": username}, timeout=30
            )
            assert page.status_code == 200, place
            for word in words.split():
                assert word in page.text, (place, word)
            assert "diagnosis" not in page.text
    found = events(hub, "proxy", username)
    acts_of_theirs = {one["act"] for one in found}
    assert acts_of_theirs >= {
        "staff.sign_in_rejected",
        "staff.signed_in",
        "client.created",
        "client_secret.created",
        "list.exported",
    }
    assert {one["address"] for one in found} == {"127.0.0.1"}
    assert all(one["correlation_id"] for one in found)
    assert "events are whole" in hub.stack.flask("proxy", "verify-audit")


def events(hub, place: str, who: str) -> list[dict]:
    """What a client reads that may audit, once every process knows it."""
    auditor = hub.new_client(scopes=[f"{place}:audit"])
    basic = (auditor["X-Client-Id"], auditor["X-Client-Secret"])
    address = f"{hub.url}/api/{place}/audit/"

    def read() -> list[dict] | None:
        answer = requests.get(address, params={"who": who}, auth=basic, timeout=10)
        return answer.json()["data"] if answer.ok else None

    return eventually(read)
