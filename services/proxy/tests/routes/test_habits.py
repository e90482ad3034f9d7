"""What clients of the Django mediator send, as they send it."""

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("sent", "stored"),
    [({"version": "1.0"}, "1.0.0"), ({"version": "2"}, "2.0.0"), ({}, "1.0.0")],
)
def test_version_may_be_short_or_missing(api: Any, sent: dict[str, Any], stored: str) -> None:
    record = {key: value for key, value in api.a_mediator().items() if key != "version"}
    assert api.made("mediators", **record, **sent)["version"] == stored


@pytest.mark.parametrize(
    ("sent", "stored", "path"),
    [
        ("integrations/x", "/integrations/x", "/integrations/x"),
        ("/pre*", "/pre*", "/prefix"),
        ("/pre*", "/pre*", "/pre/a/b"),
        ("/pre*", "/pre*", "/pre"),
        ("pre*", "/pre*", "/pre"),
    ],
)
def test_pattern_takes_what_it_took(
    api: Any, mediator: dict[str, Any], sent: str, stored: str, path: str
) -> None:
    made = api.made("channels", **api.a_channel(mediator, path_pattern=sent))
    assert made["path_pattern"] == stored
    asked = api.post(f"channels/{made['id']}/test-match/", {"method": "GET", "path": path})
    assert asked.get_json()["matches"] is True


@pytest.mark.parametrize("methods", [None, ["get", "Post"]])
def test_methods_may_be_null_or_in_any_case(
    api: Any, mediator: dict[str, Any], methods: Any
) -> None:
    made = api.made("channels", **api.a_channel(mediator, methods=methods))
    assert made["methods"] == [one.upper() for one in methods or []]
