"""Secrets by their names: in headers, in queries, and what an installation adds."""

from collections.abc import Callable
from typing import Any

import pytest
from proxy.config import path_masks
from proxy.gateway.headers import answered_headers
from proxy.record import masks
from proxy.record.headers import recorded_headers
from proxy.record.masks import MASK, masked_query


@pytest.mark.parametrize(
    "name",
    [
        "Api-Key",
        "X-Access-Token",
        "X-Vault-Token",
        "Ocp-Apim-Subscription-Key",
        "Password",
        "authorization",
    ],
)
def test_headers_that_are_secrets_are_masked(name: str) -> None:
    assert recorded_headers([(name, "hunter2"), ("X-Other", "seen")]) == {
        name: MASK,
        "X-Other": "seen",
    }


@pytest.mark.parametrize(
    "name", ["key", "pwd", "pin", "sig", "api-key", "apiKey", "access_token", "Refresh-Token"]
)
def test_parameters_that_are_secrets_are_masked(name: str) -> None:
    assert masked_query(f"?a=1&{name}=hunter2&b=2") == f"?a=1&{name}={MASK}&b=2"


@pytest.mark.parametrize("name", ["monkey", "keyword", "code", "pins", "donkey_id"])
def test_others_are_not(name: str) -> None:
    assert masked_query(f"?{name}=seen") == f"?{name}=seen"


def test_installation_adds_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masks, "HEADERS", set(masks.HEADERS))
    monkeypatch.setattr(masks, "PARAMETERS", set(masks.PARAMETERS))
    monkeypatch.setattr(masks, "_pairs", masks._pairs)
    masks.add(["X-National-Id"], ["nin"])
    assert "x-national-id" in masks.HEADERS
    assert masked_query("?nin=19990101&x=1") == f"?nin={MASK}&x=1"


def test_a_call_whose_path_was_masked_is_not_repeated_from_the_record(
    api: Any, channel: dict[str, Any], record: Callable[..., str]
) -> None:
    call = record(request_url="/patients/***", request_method="GET")

    assert channel
    answered = api.post(f"transactions/{call}/rerun/")
    assert answered.status_code == 409
    assert "was not kept" in answered.text


@pytest.mark.parametrize("text", ["patients/*", "/patients", "/pat*ents/x", "/a/*;"])
def test_a_setting_that_masks_nothing_stops_the_start(text: str) -> None:
    with pytest.raises(ValueError, match="expected paths"):
        path_masks(text)


@pytest.mark.parametrize(
    "pair",
    [
        ("Set-Cookie", "kiungo_session=x; Path=/admin"),
        ("set-cookie", " __Host-kiungo_session=x; Path=/"),
        ("Clear-Site-Data", '"*"'),
    ],
)
def test_mediator_cannot_touch_the_console(pair: tuple[str, str]) -> None:
    theirs = ("Set-Cookie", "theirs=1")
    assert answered_headers([pair, theirs]) == [theirs]
