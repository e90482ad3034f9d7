"""Demonstration data from variables is saved as the API would save it, or refused by its key."""

import json
from typing import Any

import pytest
from common.settings import SettingError
from proxy.access.secrets import matches_hash
from proxy.container import Container
from proxy.demo.data import read_demo_data
from proxy.demo.seed import seed
from proxy.models import Channel, Client, Mediator
from sqlalchemy import select

CHANNEL = {"name": "Lab", "path_pattern": "/lab/*", "mediator_urn": "urn:mediator:demo-echo"}
CLIENT = {"client_id": "lab", "name": "Lab", "client_secret": "long enough to be one"}


def given(**records: Any) -> dict[str, str]:
    variables = {f"DEMO_SEED_{name}_JSON": json.dumps([one]) for name, one in records.items()}
    return {"DEMO_CLIENT_SECRET": "long enough to be one", **variables}


def test_seeded_records_are_saved_as_the_api_would(container: Container) -> None:
    environ = given(
        CHANNELS={**CHANNEL, "methods": ["get"], "request_body_schema": {}, "timeout_s": 2},
        CLIENTS={**CLIENT, "allowed_ips": ["::ffff:10.0.0.1"]},
    )
    with container.database.writing() as session:
        seed(session, container.sealer, read_demo_data(environ))
        channel = session.scalars(select(Channel)).one()
        client = session.scalars(select(Client)).one()
        assert (channel.methods, channel.request_body_schema) == (["GET"], None)
        assert (channel.timeout_s, channel.channel_type.value) == (2, "http")
        assert client.allowed_ips == ["10.0.0.1"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"methods": ["FETCH"]}, "bad value for the key methods"),
        ({"priority": "1"}, "bad value for the key priority"),
        ({"path_pattern": "^/(?=a)"}, "invalid perl operator"),
        ({"path_pattern": "/admin/*"}, "reserved for the hub"),
        ({"path_pattern": "/admin/x"}, "reserved for the hub"),
        ({"methods": "GET"}, "bad value for the key methods"),
        ({"request_body_schema": {"type": "dog"}}, "Not a JSON Schema"),
        ({"name": ""}, "lacks the key name"),
        ({"colour": "red"}, "unknown key colour"),
        ({"mediator_id": "x"}, "unknown key mediator_id"),
    ],
)
def test_bad_value_is_refused_by_its_key(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(SettingError, match=r"DEMO_SEED_CHANNELS_JSON\[0\].*" + reason):
        read_demo_data(given(CHANNELS={**CHANNEL, **changes}))


MEDIATOR = {"urn": "urn:lab", "name": "Lab", "endpoint_url": "http://127.0.0.1:9"}


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        (
            {"CHANNELS": {**CHANNEL, "channel_type": "https"}},
            r"CHANNELS_JSON\[0\]: channel_type: .* needs an https endpoint",
        ),
        ({"CHANNELS": {**CHANNEL, "mediator_urn": "urn:x"}}, "no mediator has the mediator_urn"),
        (
            {"MEDIATORS": {**MEDIATOR, "endpoint_url": "http://u:p@127.0.0.1"}},
            r"MEDIATORS_JSON\[0\]: endpoint_url: Must not contain credentials",
        ),
        ({"MEDIATORS": {**MEDIATOR, "version": "one"}}, "bad value for the key version"),
    ],
)
def test_what_the_api_refuses_is_not_seeded(
    container: Container, records: dict[str, Any], reason: str
) -> None:
    with (
        pytest.raises(SettingError, match=reason),
        container.database.writing() as session,
    ):
        seed(session, container.sealer, read_demo_data(given(**records)))


def test_channels_may_share_a_pattern(container: Container) -> None:
    for name in ("Lab", "Another lab"):
        with container.database.writing() as session:
            data = read_demo_data(given(CHANNELS={**CHANNEL, "name": name}))
            seed(session, container.sealer, data)
    with container.database.reading() as session:
        assert {"Lab", "Another lab"} <= set(session.scalars(select(Channel.name)))


def test_clients_with_secrets_of_their_own_need_no_other_one(container: Container) -> None:
    environ = given(
        CLIENTS=CLIENT, MEDIATORS=MEDIATOR, CHANNELS={**CHANNEL, "mediator_urn": "urn:lab"}
    )
    del environ["DEMO_CLIENT_SECRET"]
    with container.database.writing() as session:
        seed(session, container.sealer, read_demo_data(environ))
        client = session.scalars(select(Client)).one()
        assert client.scopes == ["notification:emit"]
        assert matches_hash(CLIENT["client_secret"], [one.secret_hash for one in client.secrets])
        assert session.scalars(select(Mediator.version)).one() == "1.0.0"
        client.scopes = []
    with container.database.writing() as session:
        seed(session, container.sealer, read_demo_data(environ))
        assert session.scalars(select(Client)).one().scopes == []


def test_a_channel_takes_null_and_a_schema(container: Container) -> None:
    schema = {"type": "object", "required": ["nin"]}
    environ = given(CHANNELS={**CHANNEL, "methods": None, "request_body_schema": schema})
    with container.database.writing() as session:
        seed(session, container.sealer, read_demo_data(environ))
        channel = session.scalars(select(Channel)).one()
        assert (channel.methods, channel.request_body_schema) == ([], schema)


def test_without_a_secret_the_usual_client_is_refused_by_its_variable() -> None:
    with pytest.raises(SettingError, match="DEMO_CLIENT_SECRET is not set"):
        read_demo_data({})
    with pytest.raises(SettingError, match="DEMO_MEDIATOR_PORT cannot be read"):
        read_demo_data({"DEMO_MEDIATOR_PORT": "x"})


def test_outside_a_demonstration_nobody_gets_scopes_that_are_not_named(
    container: Container,
) -> None:
    data = read_demo_data({**given(CLIENTS=CLIENT), "DEMO": "0"})
    assert data.without_scopes() == ["lab"]
    with container.database.writing() as session:
        seed(session, container.sealer, data)
        assert session.scalars(select(Client.scopes)).one() == []
    assert read_demo_data(given(CLIENTS=CLIENT)).without_scopes() == []
