"""The role that sees what the gateway does, and no body."""

from collections.abc import Callable
from typing import Any

import pytest

BASE = "/admin/mediator"
SECRET_CONFIG = {"db": "not for observers"}


@pytest.fixture
def call(record: Callable[..., str]) -> str:
    """A call whose bodies speak of a patient."""
    return record(request_body="patient Asha", response_body='{"patient":"Juma"}')


@pytest.mark.parametrize(("role", "sees"), [("observer", False), ("viewer", True)])
def test_bodies_are_for_viewers(
    signed_in_as: Callable[[str], Any], call: str, role: str, sees: bool
) -> None:
    page = signed_in_as(role).get(f"{BASE}/transactions/{call}/")
    assert page.status_code == 200
    assert "patients/17" in page.text
    for body in ("patient Asha", "Juma"):
        assert (body in page.text) is sees
    assert ("does not see bodies" in page.text) is not sees


@pytest.mark.usefixtures("call")
def test_observer_opens_the_gateways_lists_and_changes_nothing(
    signed_in_as: Callable[[str], Any], api: Any, mediator: dict[str, Any]
) -> None:
    api.patch(f"mediators/{mediator['id']}/", {"config": SECRET_CONFIG})
    observer = signed_in_as("observer")
    for noun in ("transactions", "rejections", "channels", "mediators", "clients", "registrations"):
        assert observer.get(f"{BASE}/{noun}/").status_code == 200
    shown = observer.get(f"{BASE}/mediators/{mediator['id']}/")
    assert (shown.status_code, SECRET_CONFIG["db"] in shown.text) == (200, False)
    for path in ("staff/", "tester/", "channels/new/", f"mediators/{mediator['id']}/edit/"):
        assert observer.get(f"{BASE}/{path}").status_code == 403
    assert observer.act(f"{BASE}/mediators/{mediator['id']}/deactivate/").status_code == 403


def test_menu_of_an_observer_has_nothing_of_other_services(
    signed_in_as: Callable[[str], Any],
) -> None:
    installed = {"X-Kiungo-Services": "esb=x notification=y policy-notification=z"}
    page = signed_in_as("observer").get("/admin/", headers=installed).text
    assert f'href="{BASE}/transactions/"' in page
    for path in ("/admin/esb/", "/admin/notification/", "/admin/policy-notification/"):
        assert f'href="{path}' not in page
    assert f'href="{BASE}/staff/"' not in page
