"""GovESB's access token: shared, renewed by one caller, whatever `expires_in` says."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from common.clock import utc_now
from esb_relay.container import Container
from esb_relay.demo.server import Simulator
from esb_relay.models import EsbToken
from flask import Flask
from sqlalchemy import select, update


def grant(simulator: Simulator, **oddities: Any) -> None:
    simulator.tokens.oddities = oddities


@pytest.mark.parametrize("expires_in", ["3600", 3600, 3599.5, "  600 "])
def test_token_serves_many_requests(api: Any, simulator: Simulator, expires_in: object) -> None:
    grant(simulator, expires_in=expires_in)
    assert [api.relay("1").status_code for _ in range(3)] == [200] * 3
    assert simulator.tokens.granted == 1


@pytest.mark.parametrize("expires_in", [0, -5, "0", "absent", None, "soon", True, [], "nan"])
def test_token_without_a_life_serves_one_request(
    api: Any, simulator: Simulator, expires_in: object
) -> None:
    grant(simulator, expires_in=expires_in)
    assert [api.relay("1").status_code for _ in range(2)] == [200, 200]
    assert simulator.tokens.granted == 2


def test_another_process_uses_the_same_token(
    app_with: Callable[..., Flask], api_of: Callable[..., Any], simulator: Simulator
) -> None:
    for app in (app_with(), app_with()):
        assert api_of(app).relay("1").status_code == 200
    assert simulator.tokens.granted == 1


def test_expired_token_is_fetched_once_for_many_callers_in_many_processes(
    app_with: Callable[..., Flask], api_of: Callable[..., Any], simulator: Simulator
) -> None:
    apis = [api_of(app_with()), api_of(app_with())]
    assert apis[0].relay("1").status_code == 200
    process: Container = apis[0].app.extensions["esb-relay"]
    with process.database.writing() as session:
        session.execute(update(EsbToken).values(good_until=utc_now()))
    apis[0].app.extensions[
        "served"
    ].exchanger._tokens._token = None  # the process's own memory of it
    grant(simulator, delay_s=0.3)
    with ThreadPoolExecutor(40) as threads:
        answers = list(threads.map(lambda at: apis[at % 2].relay("1").status_code, range(80)))
    assert answers == [200] * 80
    assert simulator.tokens.granted == 2


def test_revoked_token_is_renewed_once_for_many_callers(api: Any, simulator: Simulator) -> None:
    api.relay("1")
    simulator.tokens.revoke_all()
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: api.relay("1", mode="push").status_code, range(40)))
    assert answers == [200] * 40
    assert simulator.tokens.granted == 2


@pytest.mark.parametrize(
    ("oddities", "reason"),
    [
        ({"status": 401}, "the token server answered 401"),
        ({"status": 500}, "the token server answered 500"),
        ({"status": 302, "headers": {"Location": "/elsewhere"}}, "the token server answered 302"),
        ({"body": "<html>"}, "not json"),
        ({"body": "[]"}, "no access_token"),
        ({"body": '{"access_token":"a\\r\\nX: y"}'}, "no access_token"),
        ({"silent": True}, "did not answer within 1 s"),
    ],
)
def test_no_token_means_nothing_was_sent(
    api: Any, simulator: Simulator, oddities: dict[str, Any], reason: str
) -> None:
    grant(simulator, **oddities)
    answer = api.relay("1", mode="push")

    assert (answer.status_code, answer.get_json()["outcome"]) == (502, "not_sent")
    assert reason in answer.get_json()["detail"].lower()
    assert not simulator.bodies
    grant(simulator)
    assert api.relay("1", mode="push").status_code == 200


def test_callers_who_waited_for_a_failed_fetch_share_its_failure(
    api: Any, simulator: Simulator
) -> None:
    grant(simulator, status=503, delay_s=0.5)
    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda _: api.relay("1", mode="push").status_code, range(10)))
    assert answers == [502] * 10
    assert simulator.tokens.granted <= 3


def test_token_rests_sealed(
    api: Any, served: Any, container: Container, simulator: Simulator
) -> None:
    api.relay("1")
    with container.database.reading() as session:
        row = session.scalars(select(EsbToken)).one()
    assert row.sealed is not None
    assert not any(token in row.sealed for token in simulator.tokens._good)
    with container.database.writing() as session:
        session.execute(update(EsbToken).values(sealed="AAAA" * 16))
    served.exchanger._tokens._token = None
    assert api.relay("1").status_code == 200


@pytest.mark.parametrize(
    ("missing", "variable"),
    [
        ("token_url", "GOVESB_TOKEN_URL"),
        ("engine_url", "GOVESB_ENGINE_URL"),
        ("client_id", "ESB_CLIENT_ID"),
        ("client_secret", "ESB_CLIENT_SECRET"),
        ("private_key", "CLIENT_PRIVATE_KEY"),
        ("esb_public_keys", "GOV_ESB_PUBLIC_KEY"),
    ],
)
def test_missing_setting_is_named_by_the_call_that_needs_it(
    app_with: Callable[..., Flask],
    api_of: Callable[..., Any],
    simulator: Simulator,
    missing: str,
    variable: str,
) -> None:
    answer = api_of(app_with(**{missing: None})).relay("1")

    assert answer.status_code == 503
    assert variable in answer.get_json()["detail"]
    assert not simulator.bodies
