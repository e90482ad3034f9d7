"""Logs are JSON events with fields, with their correlation id, without secrets."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

START = """
import logging
from common.correlation import RequestContext, follow
from common.logs import configure_logging, get_logger
configure_logging("proxy", "INFO")
log = get_logger("proxy.gateway")
"""


def logged(code: str) -> list[dict[str, Any]]:
    """The events that a process of its own logs; logging is set up once per process."""
    ended = subprocess.run(
        [sys.executable, "-c", START + code],
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == ""
    return [json.loads(line) for line in ended.stderr.splitlines()]


@pytest.fixture(scope="module")
def events() -> dict[str, dict[str, Any]]:
    """Events of one process by their name."""
    found = logged(
        """
log.info("plain", count=2, path="/a\\nb")
log.debug("too low")
logging.getLogger("library").warning("from %s", "a library")
logging.getLogger("library").info("quiet")
logging.getLogger("kombu_sqlite.channel").warning(
    "message_unroutable", extra={"routing_key": "policy.created", "payload": "hunter2"})
follow(RequestContext("correlation-1"))
log.info("followed")
log.info("own", correlation_id="another-1")
logging.getLogger("library").warning("followed library")
log.info("secrets", authorization="hunter2", body="hunter2", client_secret="hunter2",
         cookie="hunter2", password="hunter2", secret="hunter2", token="hunter2", client_id="x")
log.info("odd", value=object(), data=b"\\xff")
try:
    1 // 0
except ZeroDivisionError:
    log.exception("broke")
"""
    )
    return {event["event"]: event for event in found}


def test_event_has_its_fields_and_where_it_comes_from(events: dict[str, dict[str, Any]]) -> None:
    event = events["plain"]
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "plain",
        "level": "info",
        "logger": "proxy.gateway",
        "service": "proxy",
        "count": 2,
        "path": "/a\nb",
    }


def test_event_below_the_level_is_not_logged(events: dict[str, dict[str, Any]]) -> None:
    assert not {"too low"} & events.keys()


@pytest.mark.parametrize(
    ("event", "correlation_id"),
    [
        ("plain", None),
        ("followed", "correlation-1"),
        ("followed library", "correlation-1"),
        ("own", "another-1"),
    ],
)
def test_event_carries_the_trail_it_belongs_to(
    events: dict[str, dict[str, Any]], event: str, correlation_id: str | None
) -> None:
    assert events[event].get("correlation_id") == correlation_id


def test_library_logs_through_the_same_renderer(events: dict[str, dict[str, Any]]) -> None:
    assert events["from a library"]["logger"] == "library"
    assert events["from a library"]["service"] == "proxy"


def test_library_of_ours_tells_its_fields_and_no_others(events: dict[str, dict[str, Any]]) -> None:
    event = events["message_unroutable"]
    assert (event["logger"], event["routing_key"]) == ("kombu_sqlite.channel", "policy.created")
    assert "hunter2" not in json.dumps(event)


def test_secrets_are_masked(events: dict[str, dict[str, Any]]) -> None:
    assert "hunter2" not in json.dumps(events["secrets"])
    assert (events["secrets"]["password"], events["secrets"]["client_id"]) == ("***", "x")


def test_values_that_json_does_not_know_are_shown_somehow(
    events: dict[str, dict[str, Any]],
) -> None:
    assert "object" in events["odd"]["value"]


def test_exception_is_one_event_with_its_traceback(events: dict[str, dict[str, Any]]) -> None:
    assert "ZeroDivisionError" in events["broke"]["exception"]
