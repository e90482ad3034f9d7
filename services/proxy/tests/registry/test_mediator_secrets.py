"""Mediators' credentials and certificates: sealed at rest, masked wherever they are shown."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from certificates import write_certificate
from common.errors import Invalid
from proxy.container import Container
from proxy.gateway.load_table import load_table
from proxy.models import Mediator
from proxy.registry.credentials import field_of, settled
from proxy.registry.mediator_secrets import tls_of
from sqlalchemy import select

SECRET = "s3cret-for-a-mediator"
BASIC = {"kind": "basic", "name": "hub", "secret": SECRET}


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A certificate with its key."""
    text = write_certificate(tmp_path_factory.mktemp("pem") / "cert.pem").read_text()
    key, mark, certificate = text.partition("-----BEGIN CERTIFICATE-----")
    return {"client_key": key, "client_certificate": mark + certificate}


def stored(container: Container) -> Mediator:
    with container.database.reading() as session:
        return session.scalars(select(Mediator)).one()


def shown_to_mediator(container: Container, channel: dict[str, Any]) -> Any:
    with container.database.reading() as session:
        table = load_table(session, 0, 1.0, sealer=container.sealer)
    return next(iter(table.channels.values())).credentials


def test_secret_is_sealed_masked_and_used(
    api: Any, container: Container, mediator: Any, channel: Any, admin: Any
) -> None:
    path = f"mediators/{mediator['id']}/"
    changed = api.patch(path, {"credentials": BASIC}).get_json()
    assert changed["credentials"] == {"kind": "basic", "name": "hub", "secret": "***"}
    assert SECRET.encode() not in (stored(container).sealed_secrets or b"")
    page = admin.get(f"/admin/mediator/mediators/{mediator['id']}/edit/").text
    assert SECRET not in page + str(api.get(path).get_json())
    expected = ("Authorization", "Basic aHViOnMzY3JldC1mb3ItYS1tZWRpYXRvcg==")
    assert shown_to_mediator(container, channel) == expected


def test_mask_that_comes_back_means_the_secret_that_is_there(
    api: Any, container: Container, mediator: Any, channel: Any
) -> None:
    path = f"mediators/{mediator['id']}/"
    api.patch(path, {"credentials": {"kind": "bearer", "secret": "t0ken"}})
    masked = api.get(path).get_json()["credentials"]
    assert api.patch(path, {"credentials": masked}).status_code == 200
    assert api.patch(path, {"name": "Renamed"}).status_code == 200
    assert shown_to_mediator(container, channel) == ("Authorization", "Bearer t0ken")
    other = api.patch(path, {"credentials": {"kind": "header", "name": "X-Key", "secret": "***"}})
    assert other.status_code == 422
    assert api.patch(path, {"credentials": None}).get_json()["credentials"] is None
    assert stored(container).sealed_secrets is None


def test_registration_anew_keeps_what_an_operator_gave(
    api: Any, container: Container, mediator: Any, channel: Any
) -> None:
    api.patch(f"mediators/{mediator['id']}/", {"credentials": BASIC})
    assert api.post("mediators/", api.a_mediator(version="2.0.0")).status_code == 200
    assert shown_to_mediator(container, channel)[0] == "Authorization"


def test_channel_whose_mediators_key_is_gone_is_left_out(
    api: Any, container: Container, mediator: Any, channel: Any
) -> None:
    api.patch(f"mediators/{mediator['id']}/", {"credentials": BASIC})
    with container.database.writing() as session:
        session.scalars(select(Mediator)).one().sealed_secrets = b"x" * 40
    with container.database.reading() as session:
        assert load_table(session, 0, 1.0, sealer=container.sealer).channels == {}
    path = f"mediators/{mediator['id']}/"
    assert api.patch(path, {"credentials": {**BASIC, "secret": "***"}}).status_code == 422
    assert api.patch(path, {"credentials": BASIC}).status_code == 200
    assert shown_to_mediator(container, channel)[0] == "Authorization"


def test_certificates_are_checked_kept_and_dropped_together(
    api: Any, container: Container, mediator: Any, pem: dict[str, str]
) -> None:
    path = f"mediators/{mediator['id']}/"
    changed = api.patch(path, pem).get_json()
    assert (changed["has_client_key"], changed["client_certificate"]) == (
        True,
        pem["client_certificate"],
    )
    assert "client_key" not in changed
    assert b"PRIVATE" not in (stored(container).sealed_secrets or b"")
    assert api.patch(path, {"ca_certificates": pem["client_certificate"]}).status_code == 200
    assert api.patch(path, {"client_certificate": ""}).get_json()["has_client_key"] is False


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"client_key": "k"}, "client_key"),
        ({"client_certificate": "no PEM", "client_key": "k"}, "client_certificate"),
        ({"ca_certificates": "no PEM"}, "ca_certificates"),
        ({"ca_certificates": "not even ASCII: é"}, "ca_certificates"),
        ({"credentials": {"kind": "basic", "name": "a:b", "secret": "x"}}, "credentials"),
        ({"credentials": {"kind": "bearer", "secret": "a b"}}, "credentials"),
        ({"credentials": {"kind": "header", "name": "Host", "secret": "x"}}, "credentials"),
        ({"credentials": {"kind": "header", "name": "X Y", "secret": "x"}}, "credentials"),
        ({"credentials": {"kind": "bearer"}}, "credentials"),
        ({"credentials": {"secret": "x"}}, "credentials"),
        ({"credentials": {"kind": "bearer", "secret": "a\r\nb"}}, "credentials"),
    ],
)
def test_what_cannot_be_used_is_refused(api: Any, mediator: Any, given: Any, field: str) -> None:
    answer = api.patch(f"mediators/{mediator['id']}/", given)
    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == [field]


def test_key_of_another_certificate_is_refused(pem: dict[str, str], tmp_path: Path) -> None:
    other = write_certificate(tmp_path / "other.pem").read_text()
    with pytest.raises(ValueError, match="do not fit"):
        tls_of("", pem["client_certificate"], other.partition("-----BEGIN CERT")[0])


def test_own_authorities_are_the_only_ones(pem: dict[str, str]) -> None:
    context = tls_of(pem["client_certificate"], "", "")
    assert len(context.get_ca_certs()) == 1
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context is tls_of(pem["client_certificate"], "", "")


def test_text_beyond_ascii_is_shown_as_utf_8() -> None:
    assert field_of({"kind": "header", "name": "X-Key", "secret": "é"}) == ("X-Key", "Ã©")
    with pytest.raises(Invalid):
        settled({"kind": "basic", "secret": "x"}, None, "", "credentials")


def test_form_keeps_a_secret_that_was_left_blank(
    admin: Any, api: Any, container: Container, mediator: Any, channel: Any
) -> None:
    path = f"/admin/mediator/mediators/{mediator['id']}/edit/"
    form = {"name": "R", "version": "1.2.0", "endpoint_url": mediator["endpoint_url"]}
    shown = {"credentials_kind": "basic", "credentials_name": "hub"}
    assert admin.act(path, **form, **shown, credentials_secret=SECRET).status_code == 303
    assert admin.act(path, **form, **shown, credentials_secret="").status_code == 303
    assert shown_to_mediator(container, channel)[1].startswith("Basic ")
    assert SECRET not in admin.get(path).text
    assert admin.act(path, **form).status_code == 303
    assert shown_to_mediator(container, channel) is None
