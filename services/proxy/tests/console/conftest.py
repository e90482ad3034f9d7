"""A member of staff with a role that an administrator made, and calls of two channels."""

from collections.abc import Callable
from typing import Any

import pytest
from proxy.models import TransactionStatus

SECRET = "a password that is long"


@pytest.fixture
def mine(api: Any, mediator: dict[str, Any]) -> dict[str, Any]:
    """The channel that the role reaches."""
    return dict(api.made("channels", **api.a_channel(mediator)))


@pytest.fixture
def calls(record: Callable[..., str], mine: dict[str, Any]) -> tuple[str, str]:
    """A call of that channel, and one of another; both failed."""
    kept = {
        "request_body": "patient Asha",
        "status": TransactionStatus.FAILED,
        "error_message": "away",
    }
    return record(0, channel_name=mine["name"], **kept), record(1, channel_name="Other", **kept)


@pytest.fixture
def member_with(api: Any, app: Any, container: Any, browser: Any) -> Callable[..., Any]:
    """Signs in somebody with a role of `rights`, and what is said of channels."""

    def sign_in(rights: list[str], **channels: Any) -> Any:
        api.made("roles", name="clinic-staff", rights=rights, **channels)
        api.made("staff", username="baraka", password=SECRET, role="clinic-staff")
        theirs = type(browser)(app.test_client(), container)
        assert theirs.sign_in(SECRET, username="baraka").status_code == 303
        return theirs

    return sign_in
