"""openIMIS's right for the report counts as the scope that it stands for; no other right does."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

PATH = "communication_by_notification_report/"


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"scope": "131224"}, 200),
        ({"scope": "policy:read", "rights": ["101001", 131224]}, 200),
        ({"scope": "", "rights": ["131224"]}, 200),
        ({"scope": "", "rights": ["131225"]}, 403),
        ({"scope": "", "rights": "131224"}, 403),
        ({"scope": "1312240"}, 403),
    ],
)
def test_right_for_the_report_opens_it(
    app: Flask,
    api: Any,
    scheme: Any,
    signed_token: Callable[..., str],
    claims: dict[str, Any],
    status: int,
) -> None:
    api.token = signed_token(**claims)
    assert api.get(PATH, regionUuid=scheme.region).status_code == status


def test_right_for_the_report_opens_nothing_else(
    api: Any, signed_token: Callable[..., str]
) -> None:
    api.token = signed_token(scope="131224", rights=["131224"])
    assert api.get("families/").status_code == 403
