"""After a run with known secrets none of them is found in any log, column, URL or error."""

import base64
import json
import sqlite3
import urllib.parse
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from console import form_token, open_console, sign_in, signed_in
from planted import (
    BODY,
    IDS,
    MAILS,
    NAMES,
    PHONES,
    found_in,
    not_shown,
    plant,
    replace_key,
    texts_of,
)
from raw_mediator import answer
from systems import MOSTLY_EMBEDDED
from waiting import eventually

MARK = "s3kr1t-c4n4ry"
#: What the hub shows to the mediator, and what that reports of a step with a secret of its own.
SHOWN = {"kind": "basic", "name": "hub", "secret": f"{MARK}-shown"}
REPORT = json.dumps(
    {
        "response": {"status": 200, "body": "done"},
        "orchestrations": [
            {
                "name": "log in",
                "request": {"headers": {"Authorization": f"Bearer {MARK}-step"}},
                "response": {"status": 200, "body": f"the token is {MARK}-step"},
            }
        ],
        "properties": {"token": f"{MARK}-property"},
        "error": {"message": "it went wrong", "stack": f"at log_in({MARK}-step)"},
    }
).encode()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("shape", MOSTLY_EMBEDDED)
def test_known_secrets_are_found_nowhere(shape, own_hub, tmp_path, mediator):
    hub = own_hub(
        shape,
        own_broker=True,
        ADMIN_PASSWORD=f"{MARK}-admin",
        DEMO_CLIENT_SECRET=f"{MARK}-client",
        ESB_STORE_BODIES="true",
    )
    token = hub.token
    record = hub.new_mediator(mediator.url, credentials=SHOWN)
    route = {"name": "archive", "url": mediator.url, "rewrite_path": "/archive"}
    routes = [{**route, "credentials": {"kind": "bearer", "secret": f"{MARK}-route"}}]
    hub.new_channel("/s/*", record["id"], keep_whole_bodies=True, routes=routes)
    mediator.on("/s/reported", answer(REPORT, "200 OK", "Content-Type: application/json+openhim"))
    mediator.on("/s/patients", answer(BODY, "200 OK", "Content-Type: application/json"))
    hub.in_force()
    issued = hub.new_client()["X-Client-Secret"]
    use_everything(hub)
    places = plant(hub)
    grant = used_grant(hub)
    call = hub.call("POST", "/s/patients", data=BODY).headers["X-Correlation-Id"]
    places[f"proxy/transactions/{call}/"] = IDS[0]
    eventually(lambda: hub.transaction(call)["response_body"])
    places |= call_about_patients(hub, mediator)
    assert not_shown(hub, places) == []
    in_use = found_in(texts_of(hub, tmp_path))
    old = known_secrets(hub)
    replace_key(hub)
    assert not_shown(hub, places) == []
    hub.stack.stop()  # what is buffered is written
    secrets = [*old, *known_secrets(hub), token, issued, grant]
    found = in_use | found_in(texts_of(hub, tmp_path), *secrets)
    # The files below keys/ hold secrets on purpose; their mode is checked below.
    assert {one for one in found if "/keys/" not in one[0]} == set()


def use_everything(hub) -> None:
    """Calls, rejections, failures and tokens with secrets wherever a caller may put them."""
    secret = hub.credentials["X-Client-Secret"]
    basic = base64.b64encode(f"demo:{secret}".encode()).decode()
    both = {"Authorization": f"Basic {basic}", "Cookie": f"session={MARK}-cookie"}
    hub.call("POST", "/s/x", data=b"x", headers=both)
    hub.call("POST", "/s/x?async=1", data=b"x", headers=both)
    hub.call("GET", f"/s/x?access_token={MARK}-query&password={MARK}-pw")
    assert hub.call("GET", "/s/reported").content == b"done"
    for query in ("", "?async=1"):
        hub.call("POST", f"/s/patients{query}", data=BODY, headers={"Idempotency-Key": f"k{query}"})
    hub.call("GET", f"/nowhere?token={MARK}-query")
    hub.call("GET", "/nowhere", headers={"Authorization": f"Bearer {MARK}-bearer"})
    hub.session.get(
        f"{hub.url}/s/x",
        headers={"X-Client-Id": "demo", "X-Client-Secret": f"{MARK}-wrong"},
        timeout=10,
    )
    for data in (
        {"grant_type": "client_credentials", "client_id": "demo", "client_secret": secret},
        {"grant_type": "client_credentials", "client_id": "x", "client_secret": f"{MARK}-wrong"},
        {"grant_type": "password", "username": "a", "password": f"{MARK}-pw"},
    ):
        hub.session.post(f"{hub.url}/oauth/token", data=data, timeout=10)
    for path in ("/api/proxy/clients/", "/s/x", "/oauth/token"):
        hub.session.post(
            hub.url + path,
            data=b"{broken",
            headers={"Authorization": f"Bearer {MARK}-bearer", "Content-Type": "application/json"},
            timeout=10,
        )
    with open_console(hub) as console:
        for password in (f"{MARK}-wrong", f"{MARK}-admin"):
            sign_in(hub, console, "admin", password)
        sign_in(hub, console, f"{MARK}-in-the-wrong-field", "")
    hub.api("POST", "staff/", 201, json=_staff())
    hub.api("POST", "staff/", 422, json={**_staff(), "role": "nonsense"})
    hub.api("POST", "mediators/", 422, json={"endpoint_url": f"http://u:{MARK}-url@x/"})
    wrong = {"credentials": {"kind": "header", "name": "Host", "secret": f"{MARK}-shown"}}
    assert MARK not in str(hub.api("POST", "mediators/", 422, json=wrong))


def call_about_patients(hub, mediator) -> dict[str, str]:
    """Calls that name patients in their paths, queries and headers: answered, rejected, made by a
    worker, made again. Addresses that show what was planted, as `plant` gives them."""
    named = answer(b"{}", "200 OK", f"X-Patient: {IDS[6]}", "Content-Type: application/json")
    mediator.on(f"/s/{IDS[3]}", named)
    query, headers = f"name={NAMES[4]}&to={MAILS[1]}", {"X-Patient": PHONES[8]}
    shown = {}
    for more in ("", "&async=1"):
        path = f"/s/{IDS[3]}?{query}{more}"
        call = hub.call("GET", path, headers=headers).headers["X-Correlation-Id"]
        eventually(lambda: hub.transaction(call)["response_headers"])  # noqa: B023
        again = hub.api("POST", f"transactions/{call}/rerun/", 202)["correlation_id"]
        eventually(lambda: hub.transaction(again)["completed_at"])  # noqa: B023
        for one in (call, again):
            shown |= {f"proxy/transactions/{one}/": IDS[6], f"proxy/transactions/{one}/?": NAMES[4]}
    hub.call("GET", f"/nowhere/{IDS[5]}?{query}", headers=headers)
    hub.call("GET", f"/patients-of/{NAMES[6]}", headers=headers)
    listed = {
        f"proxy/transactions/?path=/s/{IDS[3]}": NAMES[4],
        f"proxy/transactions/?q={NAMES[4]}": IDS[3],
        f"proxy/rejections/?path=/nowhere/{IDS[5]}": MAILS[1],
    }
    eventually(lambda: not not_shown(hub, listed))
    return {**shown, **listed}


def used_grant(hub) -> str:
    """A one-time grant that has made a call."""
    tester = "/admin/mediator/tester/"
    with signed_in(hub, "operator") as session:
        form = {"client": "demo", "csrf_token": form_token(hub, session, tester)}
        grant = session.post(f"{hub.url}{tester}grant/", data=form, timeout=10).json()["grant"]
    answer = hub.call("GET", "/s/x", headers={"X-Client-Secret": grant})
    assert answer.status_code == 200
    return grant


def _staff() -> dict[str, str]:
    return {"username": "maria", "password": f"{MARK}-staff", "role": "viewer"}


def known_secrets(hub) -> list[str]:
    folder = Path(hub.stack.installation.var_dir, "keys")
    sealing = [
        path.read_text().strip() for path in folder.glob("*/*.key") if path.parent.name != "tokens"
    ]
    assert sealing
    keys = folder / "tokens"
    private = [path.read_text().splitlines()[1] for path in keys.glob("*.pem")]
    secret = hub.credentials["X-Client-Secret"]
    encoded = base64.b64encode(f"demo:{secret}".encode()).decode()
    shown = base64.b64encode(f"hub:{SHOWN['secret']}".encode()).decode()
    return [MARK, urllib.parse.quote(MARK, safe=""), encoded, shown, *private, *sealing]


def test_key_files_are_for_their_owner_only(hub):
    keys = Path(hub.stack.installation.var_dir, "keys")
    files = [path for path in keys.rglob("*") if path.is_file()]
    assert files
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o600"}


def test_client_secrets_are_stored_as_hashes_and_chosen_ones_as_slow_ones(hub):
    hub.new_client()
    environ = hub.stack.installation.environ
    query = "SELECT secret_hash FROM {}client_secrets"
    if hub.shape == "production":
        with psycopg.connect(environ["DATABASE_URL"]) as connection:
            stored = connection.execute(query.format("proxy.")).fetchall()
    else:
        path = Path(hub.stack.installation.var_dir, "proxy.sqlite3")
        assert oct(path.stat().st_mode & 0o777) == "0o600"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            stored = connection.execute(query.format("")).fetchall()
    kinds = {row[0].partition(":" if row[0].startswith("scrypt:") else "$")[0] for row in stored}
    assert kinds == {"scrypt", "hmac-sha256"}, "the demonstration's client has a chosen secret"
