"""Steps 1–6: who asks, from where, for which channel, on behalf of whom."""

import base64
import uuid
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from common.upstream import Endpoint
from proxy import create_app
from proxy.config import Settings
from proxy.gateway import admission, refusals
from proxy.gateway.admission import Credentials
from proxy.gateway.call import Call
from proxy.gateway.routing_table import Registration, RoutedChannel, RoutedClient
from werkzeug.test import EnvironBuilder

MakeCall = Callable[..., Call]


@pytest.fixture(scope="module")
def a_call(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeCall]:
    """Reads a request as the gateway does."""
    app = create_app(Settings(var_dir=tmp_path_factory.mktemp("var"), log_level="ERROR"))
    gateway = app.extensions["proxy-gateway"]

    def make(target: str = "/a", **request: Any) -> Call:
        call: Call = gateway.read_call(EnvironBuilder(target, **request).get_environ())
        return call

    yield make
    app.extensions["proxy"].database.engine.dispose()


# --- 1: credentials


def basic(text: bytes | str) -> dict[str, str]:
    raw = text if isinstance(text, bytes) else text.encode()
    return {"Authorization": f"Basic {base64.b64encode(raw).decode()}"}


@pytest.mark.parametrize(
    ("headers", "client_id", "secret"),
    [
        ({"X-Client-Id": "a", "X-Client-Secret": "s"}, "a", "s"),
        ({"X-Client-Id": "a", "X-Client-Secret": "s", **basic("b:t")}, "a", "s"),
        ({"X-Client-Id": "a", **basic("b:t")}, "b", "t"),
        ({"X-Client-Secret": "s", **basic("b:t")}, "b", "t"),
        (basic("b:t"), "b", "t"),
        (basic("b:t:u:"), "b", "t:u:"),
        (basic("b:"), "b", ""),
        (basic("Náomi:señal"), "Náomi", "señal"),
        ({"Authorization": basic("b:t")["Authorization"].replace("Basic", "bAsIc")}, "b", "t"),
        ({"Authorization": basic("b:t")["Authorization"].replace(" ", "   ")}, "b", "t"),
    ],
)
def test_credentials_are_read(headers: dict[str, str], client_id: str, secret: str) -> None:
    assert admission.claimed_credentials(headers) == Credentials(client_id, secret)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Client-Id": "a"},
        {"X-Client-Secret": "s"},
        {"X-Client-Id": "", "X-Client-Secret": "s"},
        {"Authorization": "Bearer abc"},
        {"Authorization": "Basic"},
        {"Authorization": "Basic "},
        {"Authorization": "Basic not base64!"},
        {"Authorization": "Basic YTp"},
        {"Authorization": "Basic é"},
        basic("no colon"),
        basic(":no name"),
        basic(b"\xff\xfe:x"),
    ],
)
def test_what_is_no_credentials_is_none(headers: dict[str, str]) -> None:
    assert admission.claimed_credentials(headers) is None


def test_secret_does_not_show() -> None:
    assert "hunter2" not in repr(Credentials("a", "hunter2"))


# --- 2: authentication


def client(client_id: str = "clinic", **changes: Any) -> RoutedClient:
    known = {
        "secret_hashes": ("h1", "h2"),
        "allowed_networks": (),
        "groups": frozenset({client_id}),
    }
    return RoutedClient(client_id, **{**known, **changes})


@pytest.mark.parametrize(
    ("client_id", "secret", "error"),
    [
        ("clinic", "right", None),
        ("clinic", "wrong", refusals.InvalidCredentials),
        ("nobody", "right", refusals.InvalidCredentials),
    ],
)
def test_client_is_who_knows_its_secret(
    client_id: str, secret: str, error: type[Exception] | None
) -> None:
    def ask() -> RoutedClient:
        return admission.authenticate(
            Credentials(client_id, secret),
            {"clinic": client()},
            lambda _id, given, _hashes: given == "right",
        )

    if error is None:
        assert ask() == client()
    else:
        with pytest.raises(error):
            ask()


def test_without_credentials_authentication_is_required() -> None:
    with pytest.raises(refusals.AuthenticationRequired):
        admission.authenticate(None, {}, lambda *_: True)


@pytest.mark.parametrize(("client_id", "hashes"), [("clinic", ("h1", "h2")), ("nobody", ())])
def test_unknown_client_costs_a_check_as_well(client_id: str, hashes: tuple[str, ...]) -> None:
    checked: list[object] = []

    def check(*asked: object) -> bool:
        checked.append(asked)
        return False

    with pytest.raises(refusals.InvalidCredentials):
        admission.authenticate(Credentials(client_id, "s"), {"clinic": client()}, check)
    assert checked == [(client_id, "s", hashes)]


# --- 3: addresses


@pytest.mark.parametrize(
    ("networks", "address", "allowed"),
    [
        ("", "203.0.113.9", True),
        ("", "", True),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.5", "10.0.0.5", True),
        ("10.0.0.5", "10.0.0.6", False),
        ("10.0.0.0/8 192.168.0.0/16", "192.168.7.7", True),
        ("10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("10.0.0.0/8", "::ffff:11.1.2.3", False),
        ("::1", "::1", True),
        ("2001:db8::/32", "2001:db8:1::9", True),
        ("2001:db8::/32", "2001:DB8:0:0:0:0:0:9", True),
        ("2001:db8::/32", "2001:db9::9", False),
        ("2001:db8::/32", "10.1.2.3", False),
        ("10.0.0.0/8", "2001:db8::1", False),
        ("0.0.0.0/0", "::1", False),
        ("10.0.0.0/8", "", False),
        ("10.0.0.0/8", "unknown", False),
        ("10.0.0.0/8", "010.1.2.3", False),
    ],
)
def test_address_must_be_within_the_allowed_networks(
    networks: str, address: str, allowed: bool
) -> None:
    known = client(allowed_networks=tuple(ip_network(one) for one in networks.split()))
    if allowed:
        admission.check_address(known, address)
    else:
        with pytest.raises(refusals.AddressNotAllowed):
            admission.check_address(known, address)


# --- 5: who may


def a_channel(*allow: str) -> RoutedChannel:
    return RoutedChannel(
        id=uuid.uuid4(),
        name="Patients",
        pattern="/a",
        endpoint=Endpoint.parse("http://h"),
        allow=frozenset(allow),
        timeout_s=1,
        requires_request_body=False,
        request_content_type="",
        request_body_schema=None,
        store_request_body=True,
        store_response_body=True,
        keep_whole_bodies=False,
        requires_tls=False,
        registrations={},
    )


@pytest.mark.parametrize(
    ("allow", "allowed"),
    [
        ([], True),
        (["clinic"], True),
        (["nurses"], True),
        (["others", "nurses"], True),
        (["others"], False),
        (["CLINIC"], False),
    ],
)
def test_channel_may_name_its_clients_and_roles(allow: list[str], allowed: bool) -> None:
    known = client(groups=frozenset({"clinic", "nurses"}))
    if allowed:
        admission.check_allowed(known, a_channel(*allow))
    else:
        with pytest.raises(refusals.ClientNotAllowed):
            admission.check_allowed(known, a_channel(*allow))


# --- 6: organizations

REGISTRATIONS = {"nhif": Registration("NHIF", "A1", "P1"), "straße": Registration("Straße", "", "")}


@pytest.mark.parametrize(
    ("target", "header", "organization"),
    [
        ("/a", "NHIF", "NHIF"),
        ("/a", " nhif ", "NHIF"),
        ("/a?organization=nHiF", None, "NHIF"),
        ("/a?organization=+NHIF+", None, "NHIF"),
        ("/a?x=1&organization=NHIF&organization=other", None, "NHIF"),
        ("/a?organization=nhif", "NHIF", "NHIF"),
        ("/a?organization=", "NHIF", "NHIF"),
    ],
)
def test_organization_comes_from_header_or_query(
    a_call: MakeCall, target: str, header: str | None, organization: str
) -> None:
    call = a_call(target, headers={"X-Organization": header} if header else {})
    assert admission.find_registration(call, REGISTRATIONS).organization == organization


@pytest.mark.parametrize(
    ("target", "header", "error"),
    [
        ("/a", None, refusals.OrganizationRequired),
        ("/a", "  ", refusals.OrganizationRequired),
        ("/a?organization=", None, refusals.OrganizationRequired),
        ("/a?organizations=NHIF", None, refusals.OrganizationRequired),
        ("/a", "unknown", refusals.NoRegistration),
        ("/a?organization=unknown", None, refusals.NoRegistration),
        ("/a?organization=%FF%00", None, refusals.NoRegistration),
        ("/a?organization=other", "NHIF", refusals.AmbiguousRegistration),
    ],
)
def test_organization_that_decides_nothing_is_refused(
    a_call: MakeCall, target: str, header: str | None, error: type[Exception]
) -> None:
    call = a_call(target, headers={"X-Organization": header} if header else {})
    with pytest.raises(error):
        admission.find_registration(call, REGISTRATIONS)


@pytest.mark.parametrize(
    ("target", "value"),
    [
        ("/a", ""),
        ("/a?esb_mode=push", "push"),
        ("/a?xesb_mode=push", ""),
        ("/a?esb_mode=a&esb_mode=b", "a"),
        ("/a?esb_mode", ""),
        ("/a?esb_mode=%70ush", "push"),
        ("/a?esb_mode=%zz", "%zz"),
        ("/a?esb_mode=a%20b+c", "a b c"),
        ("/a?esb_mode=%ff", "\N{REPLACEMENT CHARACTER}"),
        ("/a?" + "x=1&" * 5_000 + "esb_mode=push", "push"),
    ],
)
def test_query_value_is_the_first_of_its_name(a_call: MakeCall, target: str, value: str) -> None:
    assert admission.query_value(a_call(target), "esb_mode") == value
