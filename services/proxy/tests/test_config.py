"""Settings: what cannot be meant is refused at start, by its name; secrets are in no repr."""

import json

import pytest
from common.settings import SettingError
from proxy.config import Settings

ISSUER = {
    "issuer": "https://id.example",
    "jwks_url": "https://id.example/keys",
    "audience": "kiungo",
    "claim": "sub",
    "allow": ["clinic"],
}


def test_ports_of_listeners_are_single_ones_and_ranges() -> None:
    settings = Settings.read({"LISTENER_PORTS": "2575, 6000-6002"})
    assert [list(one) for one in settings.listener_ports] == [[2575], [6000, 6001, 6002]]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MEDIATOR_MODE", "both"),
        ("MEDIATOR_TOTAL_TIMEOUT", "0"),
        ("MEDIATOR_BREAKER_FAILURES", "-1"),
        ("LISTENER_ADDRESS", "somewhere"),
        ("LISTENER_PORTS", "0"),
        ("LISTENER_PORTS", "70000"),
        ("LISTENER_PORTS", "6100-6000"),
        ("TOKEN_ISSUERS", "{}"),
        ("TOKEN_ISSUERS", json.dumps([{**ISSUER, "jwks_url": "http://id.example/keys"}])),
        ("TOKEN_ISSUERS", json.dumps([{**ISSUER, "allow": []}, {"issuer": "x"}])),
        ("OIDC_ISSUER", "http://id.example"),
        ("OIDC_ROLES", '{"admins": "emperor"}'),
        ("SECOND_FACTOR_ROLES", "emperor"),
        ("CONSOLE_URL", "hub.example"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name):
        Settings.read({name: value})


@pytest.mark.parametrize(
    ("given", "missing"),
    [({}, "OIDC_CLIENT_ID"), ({"OIDC_CLIENT_ID": "kiungo"}, "OIDC_ROLES")],
)
def test_a_provider_without_its_partners_is_refused(given: dict[str, str], missing: str) -> None:
    with pytest.raises(SettingError, match=missing):
        Settings.read({"OIDC_ISSUER": "https://id.example", **given})


def test_no_secret_is_in_a_repr() -> None:
    settings = Settings.read({"ADMIN_PASSWORD": "Hapana-1", "OIDC_CLIENT_SECRET": "Hapana-2"})
    assert (settings.admin_password, settings.oidc_client_secret) == ("Hapana-1", "Hapana-2")
    assert "Hapana" not in repr(settings)
