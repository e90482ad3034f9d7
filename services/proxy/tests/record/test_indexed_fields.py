"""Calls are found by what stands in their sealed bodies, and a copied database says none of it."""

import gzip
import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from common import sealing
from common.audit.verify import rows_after
from common.clock import utc_now
from common.ids import lowest_id_at
from common.resealing import reseal_column
from proxy.container import Container
from proxy.models import AUDIT_TABLES, Base, Transaction, TransactionField
from proxy.record import indexed_fields
from proxy.record.indexing import index_calls
from proxy.record.resealing import sealed_columns
from proxy.record.sealing import Sealer
from proxy.retention import keep_bounded
from raw_mediator import RawMediator, answer
from sqlalchemy import func, select, update

SECRET = "s" * 32
PATIENT, OTHER = "NIN-19800101-00017", "NIN-19990909-00042"
FIELDS = [
    {"name": "patient id", "kind": "json", "expression": "/patient/id"},
    {"name": "patient id", "kind": "json", "expression": "/entry/*/patient"},
    {"name": "patient id", "kind": "hl7", "expression": "PID-3.1"},
]
LIST = "/admin/mediator/transactions/"

Call = Callable[..., str]


@pytest.fixture
def upstream() -> Iterator[RawMediator]:
    started = RawMediator()
    yield started
    started.close()


@pytest.fixture
def events(container: Container) -> Callable[[], list[dict[str, Any]]]:
    """The audit log, oldest first."""

    def read() -> list[dict[str, Any]]:
        with container.database.reading() as session:
            return list(rows_after(session, AUDIT_TABLES, 0))

    return read


@pytest.fixture
def clinic(api: Any, upstream: RawMediator) -> dict[str, Any]:
    """A channel that keeps no bodies, and names the field that holds a patient's id."""
    mediator = api.made("mediators", **api.a_mediator(endpoint_url=upstream.url))
    api.made("clients", **api.a_client(client_secret=SECRET))
    storing = {"store_request_body": False, "store_response_body": False}
    return dict(api.made("channels", **api.a_channel(mediator, indexed_fields=FIELDS, **storing)))


@pytest.fixture
def call(served: Any, upstream: RawMediator, clinic: dict[str, Any]) -> Call:
    """Makes a call of the channel; its id."""

    def make(body: bytes = b"", reply: bytes = b"{}", *, status: int = 200, **headers: str) -> str:
        upstream.default = answer(reply, "200 OK", "Content-Type: application/json")
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        answered = served.post("/patients/", data=body, headers=given, auth=("clinic", SECRET))
        assert answered.status_code == status, answered.text
        return str(answered.headers["X-Correlation-Id"])

    return make


def about(patient: str) -> bytes:
    return json.dumps({"patient": {"id": patient}}).encode()


def found(api: Any, value: str, **query: Any) -> list[str]:
    answered = api.get("transactions/", about=value, **query)
    assert answered.status_code == 200, answered.text
    return [one["correlation_id"] for one in answered.get_json()["data"]]


def copied(container: Container) -> str:
    """Everything that is in the tables, as whoever copies the database sees it."""
    with container.database.engine.connect() as connection:
        rows = [connection.execute(select(table)).all() for table in Base.metadata.sorted_tables]
    return str(rows)


def test_calls_are_found_by_what_stands_in_requests_and_answers(
    call: Call, api: Any, container: Container
) -> None:
    asked = call(about(PATIENT))
    answered = call(b"", json.dumps({"entry": [{"patient": OTHER}, {"patient": PATIENT}]}).encode())
    packed = call(gzip.compress(about(PATIENT)), Content_Encoding="gzip")
    message = call(f"MSH|^~\\&|LAB\rPID|1||{PATIENT}^^^HOSP\r".encode())
    call(about(OTHER))
    call(b'{"patient": ')

    assert found(api, f" {PATIENT.lower()} ") == [message, packed, answered, asked]
    assert found(api, PATIENT, limit=1, status="successful") == [message]
    assert found(api, PATIENT[:-1]) == []
    seen = copied(container)
    assert PATIENT not in seen
    assert PATIENT.lower() not in seen


def test_a_call_that_a_rule_rejects_is_found_too(
    call: Call, api: Any, clinic: dict[str, Any]
) -> None:
    schema = {"type": "object", "required": ["visit"]}
    api.patch(f"channels/{clinic['id']}/", {"request_body_schema": schema})

    rejected = call(about(PATIENT), status=422)
    assert found(api, PATIENT) == [rejected]


def test_a_call_is_about_a_bounded_number_of_people(
    call: Call, api: Any, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexed_fields, "MOST_VALUES", 3)
    entries = [{"patient": f"P-{n}"} for n in (0, 0, 1, 2, 3)]
    made = call(json.dumps({"entry": entries}).encode())

    assert [found(api, f"P-{n}") for n in range(4)] == [[made], [made], [made], []]


def test_a_value_is_found_under_old_and_new_keys_and_after_the_old_one_is_gone(
    call: Call, api: Any, container: Container, keys: Path
) -> None:
    former = [*keys.glob("*.key")]
    old = call(about(PATIENT))
    made = sealing.create_key(keys)
    made.rename(keys / f"9{made.name}")
    container.sealer.core.newest_head()  # the process looks into the folder
    new = call(about(PATIENT))

    assert found(api, PATIENT) == [new, old]
    columns = [
        one for one in sealed_columns(container.sealer) if one.name.endswith("fields.sealed")
    ]
    counts = [reseal_column(container.database, container.sealer.core, columns[0]) for _ in "12"]
    assert [(one.sealed, one.unreadable) for one in counts] == [(1, 0), (0, 0)]
    for one in former:
        one.unlink()
    container.sealer.core.newest_head()
    assert found(api, PATIENT) == [new, old]


@pytest.fixture
def keys(container: Container) -> Iterator[Path]:
    """The folder of sealing keys, as it was once the test has ended."""
    folder = container.settings.seal_keys_folder
    kept = folder.with_name("seal-kept")
    shutil.copytree(folder, kept)
    yield folder
    shutil.rmtree(folder)
    kept.rename(folder)
    container.sealer.core.newest_head()


def test_old_calls_are_indexed_by_what_was_kept(
    api: Any, container: Container, clinic: dict[str, Any], record: Callable[..., str]
) -> None:
    texts = {"request_body": about(PATIENT).decode(), "response_body": about(OTHER).decode()}
    old = record(0, **texts)
    record(1, request_body="<not stored>", response_body='{"patient": {"id": "X')
    count = [one.values for one in index_calls(container.database, container.sealer, pause_s=0)]
    again = [one.values for one in index_calls(container.database, container.sealer, pause_s=0)]

    assert (count, again) == ([2], [0])
    assert found(api, PATIENT) == found(api, OTHER) == [old]
    renamed = [{"name": "visit", "kind": "json", "expression": "/visit"}]
    api.patch(f"channels/{clinic['id']}/", {"indexed_fields": renamed})
    assert [*index_calls(container.database, container.sealer, pause_s=0)]
    assert found(api, PATIENT) == []


def test_rows_go_with_their_call(call: Call, container: Container) -> None:
    made = uuid.UUID(call(about(PATIENT)))
    ancient = utc_now() - timedelta(days=container.settings.transaction_retention_days + 1)
    with container.database.writing() as session:
        older = moved(session, made, lowest_id_at(ancient))
        session.execute(update(TransactionField).values(correlation_id=older))
    keep_bounded(container.database, container.settings)
    with container.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(TransactionField)) == 0


def moved(session: Any, call: uuid.UUID, to: uuid.UUID) -> uuid.UUID:
    """A copy of a call, as if it had been made then."""
    found = session.get_one(Transaction, call)
    kept = {one.name: getattr(found, one.name) for one in Transaction.__table__.columns}
    session.add(Transaction(**{**kept, "correlation_id": to}))
    session.flush()
    return to


# --- who may search, and what is noted of it


@pytest.mark.parametrize("ask", ["list", "rerun", "task"])
def test_a_program_that_may_not_see_bodies_may_not_search_in_them(
    api_with: Callable[[str], Any], ask: str
) -> None:
    api = api_with("proxy:transactions proxy:transactions:rerun")
    answered = {
        "list": lambda: api.get("transactions/", about=PATIENT),
        "rerun": lambda: api.post("transactions/rerun/", {"about": PATIENT}),
        "task": lambda: api.post("tasks/", {"filter": {"about": PATIENT}}),
    }[ask]()

    assert answered.status_code == 403
    assert "proxy:transactions:bodies" in answered.text


def test_a_task_repeats_the_calls_about_a_value_and_does_not_hold_it(
    call: Call, api: Any, container: Container
) -> None:
    call(about(OTHER))
    call(about(PATIENT))
    made = api.made("tasks", filter={"about": PATIENT}, is_paused=True)

    assert PATIENT not in copied(container)
    assert PATIENT not in str(api.get(f"tasks/{made['id']}/").get_json())


def test_each_search_is_in_the_audit_log_by_its_digest(
    call: Call, api: Any, signed_in: Any, events: Any
) -> None:
    made = call(about(PATIENT))
    begun = len(events())
    found(api, PATIENT)
    api.get("transactions/")  # no search: nothing to note
    signed_in.act("/admin/find/", term=PATIENT)
    listed = signed_in.act(f"{LIST}about/?status=successful", term=PATIENT)
    page = signed_in.get(listed.headers["Location"])

    assert f'id="call-{made}"' in page.text
    assert "status=successful" in listed.headers["Location"]
    assert PATIENT not in listed.headers["Location"]
    seen = [one for one in events()[begun:] if one["act"] == "transaction.searched"]
    assert [one["actor"] for one in seen] == ["tester", "amina", "amina"]
    said = {json.loads(one["after"])["about"] for one in seen}
    assert len(said) == 1
    assert said.pop().startswith("hmac-sha256:")
    assert PATIENT not in str(events())


def test_who_does_not_see_bodies_finds_nobody_by_them(
    call: Call, signed_in_as: Callable[[str], Any], container: Container
) -> None:
    made = call(about(PATIENT))
    observer = signed_in_as("observer")

    term = indexed_fields.term_of(container.sealer, PATIENT)
    assert made not in observer.act("/admin/find/", term=PATIENT).text
    assert observer.act(f"{LIST}about/", term=PATIENT).status_code == 403
    page = observer.get(f"{LIST}?about={term}")
    assert (page.status_code, made in page.text) == (200, False)


def test_search_box_finds_the_calls_about_a_patient(call: Call, signed_in: Any) -> None:
    made = call(about(PATIENT))

    assert (
        f'href="/admin/mediator/transactions/{made}/"'
        in signed_in.act("/admin/find/", term=PATIENT).text
    )
    assert f'id="call-{made}"' in signed_in.act("/admin/find/calls/", term=PATIENT).text


# --- the setting


def test_a_form_has_a_field_a_line(admin: Any, clinic: dict[str, Any], api: Any) -> None:
    page = f"/admin/mediator/channels/{clinic['id']}/"
    shown = admin.get(f"{page}edit/").text

    assert "patient id: hl7 PID-3.1\n" in shown.replace("</textarea>", "\n")
    assert "patient id" in admin.get(page).text


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "p", "kind": "hl7", "expression": "PID"},
        {"name": "p", "kind": "xpath", "expression": "//a//b"},
        {"name": "", "kind": "json", "expression": "/a"},
        {"name": "a:b", "kind": "json", "expression": "/a"},
        {"name": "p", "kind": "regex", "expression": "a"},
    ],
)
def test_a_field_that_is_none_is_rejected(
    api: Any, channel: dict[str, Any], wrong: dict[str, str]
) -> None:
    answered = api.patch(f"channels/{channel['id']}/", {"indexed_fields": [wrong]})

    assert answered.status_code == 422
    assert "indexed_fields" in answered.text


def test_without_key_files_nothing_is_indexed(container: Container) -> None:
    core = sealing.Sealer(sealing.KeyFolder(Path("none")), container.signer.storage_keys)
    fields = indexed_fields.fields_of(FIELDS)
    body = indexed_fields.SentBody(about(PATIENT))

    assert indexed_fields.field_rows(Sealer(core), uuid.uuid4(), fields, [body]) == []
    assert indexed_fields.digests_of(Sealer(core), PATIENT) == []
