"""Bookmarks of the Django mediator's pages lead to ours."""

import uuid
from typing import Any

import pytest
from proxy.container import Container
from proxy.models import FormerRecord


@pytest.mark.parametrize(
    ("bookmark", "page"),
    [
        ("client/", "clients/"),
        ("channel/?q=x", "channels/"),
        ("mediator/", "mediators/"),
        ("externalsystemregistration/", "registrations/"),
        ("transaction/", "transactions/"),
        ("transaction/17/change/", "transactions/"),
        ("channel/add/", "channels/"),
        ("channel/5/change/", "channels/"),
    ],
)
def test_a_bookmark_leads_to_our_list(signed_in: Any, bookmark: str, page: str) -> None:
    led = signed_in.get(f"/admin/mediator/{bookmark}")
    assert (led.status_code, led.headers["Location"]) == (302, f"/admin/mediator/{page}")
    assert signed_in.get(led.headers["Location"]).status_code == 200


def test_a_record_that_came_over_is_found_by_its_number(
    signed_in: Any, container: Container, channel: dict[str, Any]
) -> None:
    record_id = uuid.UUID(channel["id"])
    with container.database.writing() as session:
        session.add(FormerRecord(kind="channel", former_id="5", record_id=record_id, digest="x"))
    led = signed_in.get("/admin/mediator/channel/5/change/")
    assert led.headers["Location"] == f"/admin/mediator/channels/{channel['id']}/"


def test_who_has_not_signed_in_signs_in_first(browser: Any) -> None:
    led = browser.get("/admin/mediator/client/")
    assert led.headers["Location"].startswith("/admin/login/")
