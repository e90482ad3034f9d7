"""Refused requests in the console: who claimed to ask for what, why it was refused."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from common.ids import new_id
from proxy.container import Container
from proxy.models import Rejection

LIST = "/admin/mediator/rejections/"
NEAREST = [
    {"channel": "Patients", "path_pattern": "/patients/*", "why_not": "it has no final slash"}
]

Refuse = Callable[..., str]


@pytest.fixture
def refuse(container: Container) -> Refuse:
    """Puts a rejection on record."""

    def put(**changes: Any) -> str:
        values: dict[str, Any] = {
            "correlation_id": new_id(),
            "rejected_at": datetime(2026, 5, 1, 12, tzinfo=UTC),
            "client_claimed": "clinic",
            "client_address": "192.0.2.7",
            "request_method": "GET",
            "request_path": "/patients",
            "status_code": 404,
            "reason": "No active channel for this path",
            "nearest": None,
            **changes,
        }
        with container.database.writing() as session:
            session.add(Rejection(**values))
        return str(values["correlation_id"])

    return put


def test_rejection_says_which_channels_were_near_and_why_they_did_not_match(
    signed_in: Any, refuse: Refuse
) -> None:
    refuse(nearest=NEAREST, client_claimed=None)

    page = signed_in.get(LIST).text

    assert "No active channel for this path" in page
    assert "<li>Patients <code>/patients/*</code>: it has no final slash</li>" in page


def test_what_a_stranger_sent_is_shown_as_text(signed_in: Any, refuse: Refuse) -> None:
    refuse(request_path="/<script>alert(1)</script>", client_claimed="<img src=x>")

    page = signed_in.get(LIST).text

    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page


@pytest.mark.parametrize("query", ["client=lab", "path=/visits", "client=lab&path=/vis"])
def test_filters_leave_what_is_meant(signed_in: Any, refuse: Refuse, query: str) -> None:
    refuse()
    meant = refuse(client_claimed="lab", request_path="/visits/1")

    page = signed_in.get(f"{LIST}?{query}").text

    assert page.count('<tr id="rejection-') == 1
    assert f'id="rejection-{meant}"' in page


def test_download_has_the_reasons_too(signed_in: Any, refuse: Refuse) -> None:
    refuse(nearest=NEAREST)

    lines = signed_in.get(f"{LIST}?format=csv").text.splitlines()

    assert lines[1].endswith('Patients: it has no final slash"')


def test_empty_list_says_what_comes_here(signed_in: Any) -> None:
    assert "Nothing was refused yet" in signed_in.get(LIST).text
