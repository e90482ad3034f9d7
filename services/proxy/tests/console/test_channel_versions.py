"""Versions, dry runs, the configuration and service levels in the console."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from one_database import on_one_database
from werkzeug.test import TestResponse

GATEWAY = "/admin/mediator"


@pytest.fixture
def typed(channel: dict[str, Any]) -> dict[str, Any]:
    """The channel as its form sends it."""
    names = ("name", "path_pattern", "channel_type", "priority", "mediator_id")
    return {**{name: channel[name] for name in names}, "response_retention_days": "1"}


@on_one_database()
def test_versions_are_told_apart_tried_and_gone_back_to(
    admin: Any, api: Any, channel: dict[str, Any], record: Callable[..., str]
) -> None:
    record(1)
    api.patch(f"channels/{channel['id']}/", {"path_pattern": "/other/*"})
    page = f"{GATEWAY}/channels/{channel['id']}/versions/"
    assert page in admin.get(f"{GATEWAY}/channels/{channel['id']}/").text
    shown = admin.get(page).text
    assert "&#34;/patients/*&#34; → &#34;/other/*&#34;" in shown
    assert "tester" in shown
    tried = admin.act(f"{page}1/try/")
    assert (tried.status_code, "1 would be taken" in tried.text) == (200, True)
    assert api.get(f"channels/{channel['id']}/").get_json()["path_pattern"] == "/other/*"
    assert admin.act(f"{page}1/").status_code == 303
    assert api.get(f"channels/{channel['id']}/").get_json()["path_pattern"] == "/patients/*"
    again = admin.get(page).text
    assert "back to version 1" in again
    assert "amina" in again
    assert "version" in admin.get(f"{page}?format=csv").text.lower()


@on_one_database()
def test_a_version_that_does_not_fit_is_said_to(
    admin: Any, api: Any, channel: dict[str, Any]
) -> None:
    other = api.made("mediators", **api.a_mediator(urn="urn:spare"))
    for mediator in (other["id"], channel["mediator_id"]):
        api.patch(f"channels/{channel['id']}/", {"mediator_id": mediator})
    api.delete(f"mediators/{other['id']}/")
    page = f"{GATEWAY}/channels/{channel['id']}/versions/"
    assert "does not fit any more" in admin.act(f"{page}2/try/").text
    assert admin.act(f"{page}2/").status_code == 303
    assert "does not fit any more" in admin.get(page).text


@on_one_database()
def test_what_is_typed_is_tried_before_it_is_saved(
    admin: Any, api: Any, channel: dict[str, Any], typed: dict[str, Any], record: Any
) -> None:
    record(1)
    path = f"{GATEWAY}/channels/{channel['id']}/dry-run/"
    found = admin.act(path, **{**typed, "path_pattern": "/narrow"})
    assert (found.status_code, "1 would be rejected" in found.text) == (200, True)
    assert 'value="/narrow"' in found.text
    assert api.get(f"channels/{channel['id']}/").get_json()["path_pattern"] == "/patients/*"
    assert admin.act(path, **{**typed, "path_pattern": "^("}).status_code == 422
    assert admin.act(path, **{**typed, "priority": "x"}).status_code == 422


@on_one_database()
def test_configuration_is_exported_compared_and_applied(
    admin: Any, api: Any, channel: dict[str, Any]
) -> None:
    page = f"{GATEWAY}/metadata/"
    answer = admin.get(f"{page}export/")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="kiungo.json"'
    document = json.loads(answer.text)

    def send(content: Any, act: str) -> TestResponse:
        file = io.BytesIO(json.dumps(content).encode())
        sent: TestResponse = admin.act(page, act=act, file=(file, "kiungo.json"))
        return sent

    def priority() -> int:
        found: int = api.get(f"channels/{channel['id']}/").get_json()["priority"]
        return found

    document["channels"][0]["priority"] = 8
    tried = send(document, "try")
    assert ("What would become of it" in tried.text, priority()) == (True, 1)
    assert "1 → 8" in tried.text
    done = send(document, "apply")
    assert ("What became of it" in done.text, priority()) == (True, 8)
    document["channels"][0]["mediator"] = "urn:nobody"
    wrong = send(document, "apply")
    assert (wrong.status_code, "there is no mediator urn:nobody" in wrong.text) == (422, True)
    assert send({}, "apply").status_code == 422
    assert admin.act(page, act="apply").status_code == 422


@on_one_database()
def test_service_levels_have_a_page_for_all(signed_in_as: Any) -> None:
    observer = signed_in_as("observer")
    page = f"{GATEWAY}/report/"
    assert "No calls yet" in observer.get(page).text
    assert observer.get(page, query_string={"by": "client", "target_ms": "250"}).status_code == 200
    assert observer.get(page, query_string={"since": "2020-01-01T00:00Z"}).status_code == 422
    assert observer.get(page, query_string={"target_ms": "x"}).status_code == 422
    assert observer.get(f"{page}?format=csv").status_code == 200
    for closed in ("metadata/", "metadata/export/"):
        assert observer.get(f"{GATEWAY}/{closed}").status_code == 403
