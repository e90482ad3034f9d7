"""Patients whose values are planted in every service, and where a copy of it is searched for them.

What the hub hands over to others is on the far side, and left out: SMS and e-mails that the
demonstration catches, what a mediator got.
"""

import base64
import json
import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from bench_sync import fill
from bus import Bus
from console import form_token, signed_in
from hub import Hub, unique
from kombu.connection import Connection
from policy_scheme import Scheme
from scratch_database import scratch_database
from waiting import eventually

IDS = [f"NID-1990{n:04}-4711" for n in range(20)]
NAMES = [f"Amina-{n:02}-Mwakyusa" for n in range(20)]
PHONES = [f"+2557540{n:05}" for n in range(10)]
MAILS = [f"amina.{n:02}@wagonjwa.example" for n in range(5)]
PATIENTS = [*IDS, *NAMES, *PHONES, *MAILS]
BODY = json.dumps({"patients": PATIENTS}).encode()
#: A queue from which nobody takes, and one whose consumer takes no such events.
NOBODYS, REFUSING = unique("queue"), "policy-notify.events"
EVENT = "DEMO_APPOINTMENT"
PLACE = {"place": "Dodoma", "date": "2026-12-01"}
#: Folders of what others would have: telephones, mailboxes, the provider.
FAR_SIDE = {"sms", "mail", "sent_notification"}


def plant(hub: Hub) -> dict[str, str]:
    """Every service is told of the patients: by its API and by the bus, and by a spreadsheet.

    Addresses that show what was planted, with a value that stands there.
    """
    notify(hub)
    run_campaign(hub)
    if hub.shape == "production":
        read_openimis(hub)
    return {
        f"notification/inbox/{IDS[0]}/": NAMES[0],
        f"notification/explain/?event_code={EVENT}&user_id={IDS[0]}": IDS[0],
        exchange(hub): NAMES[7],
        insure(hub): NAMES[11],
    }


def not_shown(hub: Hub, places: dict[str, str]) -> list[str]:
    """At which addresses the value that is wanted does not stand; of the console, by a search."""
    found = {path: json.dumps(_asked(hub, "GET", path)) for path in places}
    missing = [path for path, value in places.items() if value not in found[path]]
    with signed_in(hub, "viewer") as console:
        terms = [("notification", IDS[0], EVENT), ("policy-notification", IDS[0], NAMES[9])]
        if hub.shape == "production":
            terms.append(("policy-notification", IDS[4], NAMES[13]))
        for service, term, value in terms:
            path = f"/admin/{service}/find/"
            form = {"term": term, "csrf_token": form_token(hub, console, "/admin/")}
            headers = {"Origin": hub.url, "Referer": f"{hub.url}/admin/"}
            page = console.post(hub.url + path, data=form, headers=headers, timeout=20)
            missing += [] if value in page.text else [f"{path}: {page.status_code} {page.text}"]
    return missing


def replace_key(hub: Hub) -> None:
    """As it is described: a new one, everything anew under it, the old one away."""
    folder = Path(hub.stack.installation.var_dir, "keys")
    before = {*folder.glob("seal/*.key"), *folder.glob("messages/*.key")}
    hub.stack.flask("proxy", "create-seal-key")
    hub.stack.flask("proxy", "create-message-key")
    time.sleep(2.5)  # every process seals with it by now
    for service in ("proxy", "esb_relay", "notification", "policy_notify"):
        said = hub.stack.flask(service, "reseal", "--pause", "0")
        assert "All is under the newest key" in said, said
    assert before
    for path in before:
        path.unlink()


def notify(hub: Hub) -> None:
    """An event for ten people, by SMS, e-mail and in their inbox."""
    people = [
        {"user_id": id_, "actor_type": "FAMILY", "to_phone": phone, "to_email": MAILS[at % 5]}
        for at, (id_, phone) in enumerate(zip(IDS[:10], PHONES, strict=True))
    ]
    more = {"name": NAMES[0], "entity_id": IDS[10], "idempotency_key": IDS[11]}
    _asked(
        hub,
        "POST",
        "notification/emit/",
        json={
            "event_code": EVENT,
            "context": {"name": more.pop("name"), **PLACE},
            "payload": {"name": NAMES[1]},
            "recipients": people,
            **more,
        },
    )


def run_campaign(hub: Hub) -> None:
    """A list from a spreadsheet and one by API, approved by somebody else, on its way."""
    draft = {"event_code": EVENT, "channel": "SMS", "context": {"name": NAMES[2], **PLACE}}
    given = {"name": unique("campaign"), "rate": 100, **draft}
    made = _asked(hub, "POST", "notification/campaigns/", json=given)
    at = f"notification/campaigns/{made['data']['id']}"
    rows = [
        f"{id_},FAMILY,{phone},{name}"
        for id_, phone, name in zip(IDS[12:16], PHONES[:4], NAMES[3:7], strict=True)
    ]
    sheet = "\n".join(["user_id,actor_type,to_phone,name", *rows]).encode()
    _asked(hub, "POST", f"{at}/list/", data=sheet, headers={"Content-Type": "text/csv"})
    more = [{"user_id": IDS[16], "actor_type": "FAMILY", "to_phone": PHONES[5]}]
    _asked(hub, "POST", f"{at}/recipients/", json={"recipients": more})
    tried = _asked(hub, "POST", f"{at}/dry-run/")["data"]["dry_run"]
    second = hub.new_client(scopes=["notification:admin"])
    hub.in_force()
    approval = {"fingerprint": tried["fingerprint"]}
    _asked(hub, "POST", f"{at}/approve/", json=approval, headers=second)
    eventually(lambda: _asked(hub, "GET", f"{at}/")["data"]["status"] == "DONE")


def exchange(hub: Hub) -> str:
    """A message to the bus, and two calls of it: an event that waits, one that is a dead letter."""
    bus = Bus(hub)
    relayed = bus.relay(json.dumps({"patients": [IDS[17], NAMES[7], PHONES[6]]}))
    said = {"patient": [IDS[18], NAMES[8], PHONES[7]]}
    for queue in (NOBODYS, REFUSING):
        route = {"name": unique("route"), "target_kind": "queue", "target": queue}
        bus.ask("POST", "routes/", json=route).raise_for_status()
        bus.call(route["name"], json.dumps({"requestId": unique("call"), "esbBody": said}))
    return f"esb/exchanges/{bus.exchanges(relayed)[0]['id']}/"


def insure(hub: Hub) -> str:
    """Families whose policies end today are told so; a run and its messages."""
    scheme = Scheme(hub).found()
    for id_, name, phone in zip(IDS[:3], NAMES[9:12], PHONES[7:], strict=True):
        family = str(uuid.uuid4())
        policy = scheme.policy(family, expiry_date=scheme.day(0))
        head = scheme.person(family, phone, chf_id=id_, last_name=name, other_names=name)
        scheme.put("families", {"uuid": family, "location": scheme.village, "head": head})
        scheme.consent(id_)
    scheme.run()
    return f"policy-notification/indications/?policy={policy}"


def read_openimis(hub: Hub) -> None:
    """Five people come from the scheme's own database, which is on the far side."""
    with scratch_database() as source:
        fill(source, 1)
        with psycopg.connect(source) as connection:
            for at in range(1, 6):
                connection.execute(
                    'UPDATE "tblInsuree" SET "CHFID" = %s, "LastName" = %s, "OtherNames" = %s,'
                    ' "Phone" = %s WHERE "InsureeID" = %s',
                    (IDS[3 + at], NAMES[12 + at], NAMES[12 + at], PHONES[at], at),
                )
        hub.stack.flask("policy_notify", "sync", "openimis", OPENIMIS_DATABASE_URL=source)


def _asked(hub: Hub, method: str, path: str, **options: Any) -> Any:
    headers = options.pop("headers", {})
    if "X-Client-Id" not in headers:
        headers = {"Authorization": f"Bearer {hub.token}", **headers}
    answer = hub.session.request(
        method, f"{hub.url}/api/{path}", headers=headers, timeout=30, **options
    )
    assert answer.ok, (path, answer.status_code, answer.text)
    return answer.json()


def found_in(texts: Iterable[tuple[str, str]], *others: str) -> set[tuple[str, str]]:
    """Where which of the planted values, and of others, stand: by the name of the text."""
    wanted = {value: value for value in [*PATIENTS, *others]}
    # However a number is written, its last digits stand together.
    wanted |= {phone.removeprefix("+255"): phone for phone in PHONES}
    for value in [*PATIENTS, *others]:
        wanted |= dict.fromkeys([quote(value, safe=""), *_in_base64(value)], value)
    return {
        (name, value[:24])
        for name, text in texts
        for spelling, value in wanted.items()
        if spelling in text
    }


def _in_base64(value: str) -> Iterator[str]:
    """Wherever in a text it begins: its characters that no neighbour has a part in."""
    for before in range(3):
        encoded = base64.b64encode(b"." * before + value.encode()).decode()
        end = -4 if (before + len(value)) % 3 else None
        yield encoded[4 if before else 0 : end]


def texts_of(hub: Hub, folder: Path) -> Iterator[tuple[str, str]]:
    """All files of an installation, and what every column of its databases holds."""
    for path in folder.rglob("*"):
        is_ours = FAR_SIDE.isdisjoint(path.relative_to(folder).parts)
        if path.is_file() and is_ours:
            yield str(path), path.read_bytes().decode("latin-1")
            if path.suffix == ".sqlite3":
                yield from _tables_of(path)
    if hub.shape == "production":
        yield from _schemas_of(hub.stack.installation.environ["DATABASE_URL"])
        yield from _queues_of(hub.stack.installation.environ["RABBITMQ_URL"])


def _queues_of(url: str) -> Iterator[tuple[str, str]]:
    """What RabbitMQ holds; the messages stay where they are."""
    for name in (NOBODYS, f"{REFUSING}.dead"):
        yield f"queue {name}", eventually(partial(_lying, url, name))


def _lying(url: str, queue: str) -> str:
    with Connection(url) as connection:
        channel = connection.default_channel
        found = [one.body for one in iter(lambda: channel.basic_get(queue), None)]
    return "\n".join(one if isinstance(one, str) else bytes(one).decode("latin-1") for one in found)


def _tables_of(path: Path) -> Iterator[tuple[str, str]]:
    """SQLite's: in a file, long values are in parts."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        named = "SELECT name FROM sqlite_master WHERE type = 'table'"
        for (table,) in connection.execute(named).fetchall():
            rows = connection.execute(f'SELECT * FROM "{table}"')
            yield f"{path.name}.{table}", "\n".join(str(row) for row in rows)


def _schemas_of(url: str) -> Iterator[tuple[str, str]]:
    """PostgreSQL's tables, as `pg_dump` writes them."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, table in tables:
            with connection.cursor().copy(
                f'COPY (SELECT * FROM "{schema}"."{table}") TO STDOUT'
            ) as rows:
                yield f"{schema}.{table}", b"".join(rows).decode()
