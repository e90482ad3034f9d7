"""A running OpenHIM is asked for what an export would hold, with a user's log-in by token."""

import hashlib
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import Result
from common.clock import utc_now
from common.importing.source import SourceError
from flask import Flask
from one_database import on_one_database
from openhim_documents import an_export
from proxy.container import Container
from proxy.models import ChangedHour, Transaction
from proxy.openhim.documents import KEYS
from proxy.openhim.remote import RemoteOpenHim
from sqlalchemy import func, select

PASSWORD, SALT = "the password there", "5a17"


def sha512(text: str) -> str:
    return hashlib.sha512(text.encode()).hexdigest()


class Simulator(BaseHTTPRequestHandler):
    """OpenHIM's API as far as it is asked."""

    answers: dict[str, Any]
    #: The pages of transactions that were asked for.
    asked: list[int]

    def do_GET(self) -> None:
        """Answer who has logged in."""
        if self.path == "/authenticate/root%40openhim.org":
            return self._send(200, {"salt": SALT, "ts": "2026-01-01T00:00:00.000Z"})
        moment, sent = self.headers.get("auth-ts", ""), self.headers.get("auth-token", "")
        if sent != sha512(sha512(SALT + PASSWORD) + SALT + moment):
            return self._send(401, "")
        parts = urlsplit(self.path)
        if parts.path == "/transactions":
            return self._send(200, self._transactions(parse_qs(parts.query)))
        return self._send(200, self.answers.get(self.path, {}))

    def _transactions(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        """The newest first, those within the bounds, whole if asked so: as OpenHIM core 8.5 does.

        It compares times as text here: they are all of one form.
        """
        bounds = json.loads(json.loads(query["filters"][0])["request.timestamp"])
        low, high = (bounds[name].replace("Z", "") for name in ("$gte", "$lte"))
        found = [
            one
            for one in self.answers.get("calls", [])
            if low <= one["request"]["timestamp"].replace("Z", "") <= high
        ]
        found.sort(key=lambda one: one["request"]["timestamp"], reverse=True)
        limit, page = (int(query[name][0]) for name in ("filterLimit", "filterPage"))
        assert query["filterRepresentation"] == ["full"]
        self.asked.append(page)
        return found[page * limit : (page + 1) * limit]

    def _send(self, status: int, found: Any) -> None:
        body = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """The address of one that holds everything."""
    document = an_export()
    Simulator.answers = {f"/{kind.lower()}": document[kind] for kind in KEYS}
    Simulator.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Simulator)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@on_one_database()
def test_everything_of_a_running_openhim_comes_over(app: Flask, api: Any, url: str) -> None:
    def run(password: str, *more: str) -> Result:
        with app.app_context():
            return app.test_cli_runner().invoke(
                args=["import-openhim", "--url", url, "--user", "root@openhim.org", *more],
                env={"OPENHIM_PASSWORD": password},
            )

    wrong = run("wrong")
    assert (wrong.exit_code, "password wrong" in wrong.output) == (1, True)
    assert run("").exit_code == 2
    assert run(PASSWORD, "--dry-run").exit_code == 0
    assert api.get("channels/").get_json()["count"] == 0
    done = run(PASSWORD)
    assert "channel 'Registry': new" in done.output
    assert PASSWORD not in done.output
    assert api.get("clients/").get_json()["count"] == 1


def a_call(number: int, moment: str, **changes: Any) -> dict[str, Any]:
    """A transaction as OpenHIM's API answers it."""
    return {
        "_id": f"{number:024x}",
        "clientID": "5c1ient",
        "channelID": "5c4anne1",
        "clientIP": "192.0.2.9",
        "status": "Successful",
        "request": {
            "host": "registry", "port": "3000", "path": "/registry/1",
            "querystring": "token=abc&a=b",
            "method": "POST", "timestamp": moment, "body": '{"name": "Asha"}',
            "headers": {"content-type": "application/json", "authorization": "Basic c2VjcmV0"},
        },
        "response": {
            "status": 201, "timestamp": moment.replace("Z", "")[:-3] + "250Z", "body": "made",
            "headers": {"content-type": "text/plain"},
        },
        "orchestrations": [{"name": "lookup", "request": {"path": "/x", "method": "GET"}}],
        "properties": {"facility": "17"},
        **changes,
    }  # fmt: skip


@on_one_database()
def test_calls_of_a_running_openhim_come_over(
    app: Flask, api: Any, container: Container, url: str
) -> None:
    Simulator.answers["/clients"][0]["_id"] = "5c1ient"
    Simulator.answers["/channels"][0]["_id"] = "5c4anne1"
    day = (utc_now() - timedelta(days=2)).strftime("%Y-%m-%d")
    calls = [a_call(at, f"{day}T10:{at % 60:02}:00.000Z") for at in range(130)]
    same_moment = [a_call(1000 + at, f"{day}T11:00:00.000Z") for at in range(120)]
    failed = a_call(
        2000, f"{day}T12:00:00.000Z", status="Failed", clientID=None, error={"message": "no way"}
    )
    others = [
        a_call(3000, f"{day}T12:00:01.000Z", status="Processing"),
        a_call(4000, "2020-01-01T00:00:00.000Z"),
    ]
    Simulator.answers["calls"] = [*calls, *same_moment, failed, *others]

    def run(since: str, *more: str) -> Result:
        with app.app_context():
            return app.test_cli_runner().invoke(
                args=["import-openhim", "--url", url, "--user", "root@openhim.org",
                      "--transactions-since", since, *more],
                env={"OPENHIM_PASSWORD": PASSWORD},
            )  # fmt: skip

    def stored() -> int:
        with container.database.reading() as session:
            return session.scalar(select(func.count()).select_from(Transaction)) or 0

    tried = run("2019-01-01", "--dry-run")
    assert (tried.exit_code, stored()) == (0, 0), tried.output
    done = run("2019-01-01")
    assert (done.exit_code, stored()) == (0, 251), done.output
    assert "has not ended there: import again" in done.output
    assert "older than what is kept" in done.output
    assert "Asha" not in done.output
    with container.database.reading() as session:  # the hours of 10, 11 and 12 are counted anew
        assert session.scalar(select(func.count()).select_from(ChangedHour)) == 3
    run("2019-01-01")
    assert stored() == 251
    found = api.get("transactions/", **{"properties.openhim_id": f"{7:024x}"}).get_json()["data"]
    assert [(one["channel"], one["client"]) for one in found] == [("Registry", "lab-system")]
    whole = api.get(f"transactions/{found[0]['correlation_id']}/").get_json()["data"]
    assert whole["request_url"] == "/registry/1?token=***&a=b"
    assert whole["request_headers"]["authorization"] == "***"
    assert (whole["request_body"], whole["response_status_code"]) == ('{"name": "Asha"}', 201)
    assert (whole["duration_ms"], whole["properties"]["facility"]) == (250.0, "17")
    assert [step["name"] for step in whole["orchestrations"]] == ["lookup"]
    (broken,) = api.get("transactions/", status="failed").get_json()["data"]
    assert (broken["client"], broken["error_message"]) == ("", "no way")


def test_calls_that_share_a_moment_are_told_apart_by_page(url: str) -> None:
    Simulator.answers["calls"] = [a_call(at, "2026-01-01T10:00:00.000Z") for at in range(120)]
    remote = RemoteOpenHim(url, "root@openhim.org", PASSWORD)
    until = datetime(2026, 2, 1, tzinfo=UTC)
    pages = list(remote.transactions(datetime(2026, 1, 1, tzinfo=UTC), until))
    assert sorted(one["_id"] for page in pages for one in page) == [
        f"{at:024x}" for at in range(120)
    ]
    assert Simulator.asked == [0, 0, 1, 2]
    remote.close()


@on_one_database()
def test_calls_are_not_taken_from_a_file(app: Flask, tmp_path: Any) -> None:
    file = tmp_path / "export.json"
    file.write_text(json.dumps(an_export()))
    with app.app_context():
        done = app.test_cli_runner().invoke(
            args=["import-openhim", str(file), "--transactions-since", "2026-01-01"]
        )
    assert (done.exit_code, "needs --url" in done.output) == (2, True)


@pytest.mark.parametrize("address", ["http://openhim.example:8080", "ftp://x", "openhim.example"])
def test_password_goes_nowhere_in_clear(address: str) -> None:
    with pytest.raises(SourceError, match="https"):
        RemoteOpenHim(address, "root@openhim.org", PASSWORD)


def test_what_is_no_openhim_is_said(url: str) -> None:
    Simulator.answers = {}
    with pytest.raises(SourceError, match="no list"):
        RemoteOpenHim(url, "root@openhim.org", PASSWORD).export()
    with pytest.raises(SourceError, match="reached"):
        RemoteOpenHim("http://127.0.0.1:1", "root@openhim.org", PASSWORD).export()
