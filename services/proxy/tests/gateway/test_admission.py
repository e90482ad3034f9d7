"""Steps 1–6: who asks, from where, for which channel, on behalf of whom."""

import asyncio
import base64
import uuid
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
from common.http.endpoint import Endpoint
from common.http.server_messages import Request
from proxy.access import secrets
from proxy.access.throttle import MAX_WRONG
from proxy.config import Settings
from proxy.gateway import call, callers, channel_choice, rejections
from proxy.gateway.call import Call, read_call
from proxy.gateway.callers import Credentials
from proxy.gateway.load_table import client_fields
from proxy.gateway.routing_table import NOBODY, Registration, RoutedChannel, RoutedClient

MakeCall = Callable[..., Call]


@pytest.fixture(scope="module")
def a_call(tmp_path_factory: pytest.TempPathFactory, run: Any) -> MakeCall:
    """Reads a request as the gateway does."""
    trusted = Settings(var_dir=tmp_path_factory.mktemp("var"), log_level="ERROR").trusted_proxies

    async def read(target: str, headers: dict[str, str]) -> Call:
        request = Request(asyncio.get_running_loop(), "127.0.0.1", lambda _full: None)
        request.method, request.target, request.headers = "GET", target, headers
        return read_call(request, trusted)

    return lambda target="/a", headers=None: run(read(target, headers or {}))


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
    assert callers.claimed_credentials(headers) == Credentials(client_id, secret)


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
    assert callers.claimed_credentials(headers) is None


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


@pytest.fixture
def clinic(api: Any) -> dict[str, Any]:
    made: dict[str, Any] = api.made("clients", **api.a_client())
    return made


Authenticate = Callable[[Credentials | None], RoutedClient]


@pytest.fixture
def authenticate(clinic: dict[str, Any], served: Any, run: Any, a_call: MakeCall) -> Authenticate:
    """Steps 1-3 of the gateway."""
    served.gateway.routing.refresh()
    return lambda claimed: run(served.gateway.admission.callers.authenticate(a_call(), claimed))


@pytest.mark.parametrize(
    ("client_id", "is_right", "error"),
    [
        ("clinic", True, None),
        ("clinic", False, rejections.InvalidCredentials),
        ("nobody", True, rejections.InvalidCredentials),
    ],
)
def test_client_is_who_knows_its_secret(
    authenticate: Authenticate,
    clinic: dict[str, Any],
    client_id: str,
    is_right: bool,
    error: type[Exception] | None,
) -> None:
    secret = clinic["client_secret"] if is_right else "wrong"
    for _ in range(2):  # checked, then remembered
        if error is None:
            assert authenticate(Credentials(client_id, secret)).client_id == "clinic"
        else:
            with pytest.raises(error):
                authenticate(Credentials(client_id, secret))


def test_without_credentials_authentication_is_required(authenticate: Authenticate) -> None:
    with pytest.raises(rejections.AuthenticationRequired):
        authenticate(None)


@pytest.mark.parametrize("client_id", ["clinic", "nobody"])
def test_wrong_secret_of_anybody_costs_no_slow_hash(
    authenticate: Authenticate, monkeypatch: pytest.MonkeyPatch, client_id: str
) -> None:
    monkeypatch.setattr(secrets, "matches_hash", None)
    with pytest.raises(rejections.InvalidCredentials):
        authenticate(Credentials(client_id, "s"))


def test_many_wrong_secrets_are_held_up_and_the_right_one_is_not(
    authenticate: Authenticate, clinic: dict[str, Any]
) -> None:
    for number in range(MAX_WRONG):
        with pytest.raises(rejections.InvalidCredentials):
            authenticate(Credentials("clinic", f"wrong-{number}"))
    with pytest.raises(rejections.TooManyWrongSecrets) as held_up:
        authenticate(Credentials("clinic", "wrong"))
    assert int(dict(held_up.value.headers)["Retry-After"]) > 0
    assert authenticate(Credentials("clinic", clinic["client_secret"])).client_id == "clinic"


@pytest.mark.parametrize(("known", "is_right"), [(True, False), (False, True), (False, False)])
def test_client_that_is_not_known_or_not_right_is_not_admitted(known: bool, is_right: bool) -> None:
    with pytest.raises(rejections.InvalidCredentials):
        callers.admit(client() if known else None, is_right, "127.0.0.1")


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
        callers.check_address(known, address)
    else:
        with pytest.raises(rejections.AddressNotAllowed):
            callers.check_address(known, address)


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
        channel_choice.check_allowed(known, a_channel(*allow), "192.0.2.7")
    else:
        with pytest.raises(rejections.ClientNotAllowed):
            channel_choice.check_allowed(known, a_channel(*allow), "192.0.2.7")


@pytest.mark.parametrize("known", [client(), NOBODY])
def test_channel_may_be_bound_to_networks(known: RoutedClient) -> None:
    bound = replace(a_channel(), is_public=True, allowed_networks=(ip_network("10.0.0.0/8"),))
    channel_choice.check_allowed(known, bound, "10.1.2.3")
    with pytest.raises(rejections.AddressNotAllowed):
        channel_choice.check_allowed(known, bound, "192.0.2.7")


def test_nobody_is_let_into_public_channels_only() -> None:
    channel_choice.check_allowed(NOBODY, replace(a_channel("others"), is_public=True), "192.0.2.7")
    known = client(groups=frozenset({"clinic"}))
    channel_choice.check_allowed(known, replace(a_channel("others"), is_public=True), "192.0.2.7")
    for channel in (a_channel(), a_channel("")):
        with pytest.raises(rejections.AuthenticationRequired):
            channel_choice.check_allowed(NOBODY, channel, "192.0.2.7")


def test_names_of_clients_are_header_text() -> None:
    fields = dict(client_fields("clinic", "Zoë\r\nEvil: 1"))
    assert fields == {"X-OpenHIM-ClientID": "clinic", "X-Client-Name": "ZoÃ«Evil: 1"}


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
    assert channel_choice.find_registration(call, REGISTRATIONS).organization == organization


@pytest.mark.parametrize(
    ("allow", "allowed"),
    [
        (None, True),
        ([], False),
        (["clinic"], True),
        (["nurses", "others"], True),
        (["others", "CLINIC"], False),
    ],
)
def test_registration_names_who_may_act_for_its_organization(
    allow: list[str] | None, allowed: bool
) -> None:
    known = client(groups=frozenset({"clinic", "nurses"}))
    registration = Registration("NHIF", "A1", "P1", None if allow is None else frozenset(allow))
    if allowed:
        channel_choice.check_may_act(known, registration)
    else:
        with pytest.raises(rejections.ClientMayNotActForOrganization):
            channel_choice.check_may_act(known, registration)


@pytest.mark.parametrize(
    ("target", "header", "error"),
    [
        ("/a", None, rejections.OrganizationRequired),
        ("/a", "  ", rejections.OrganizationRequired),
        ("/a?organization=", None, rejections.OrganizationRequired),
        ("/a?organizations=NHIF", None, rejections.OrganizationRequired),
        ("/a", "unknown", rejections.NoRegistration),
        ("/a?organization=unknown", None, rejections.NoRegistration),
        ("/a?organization=%FF%00", None, rejections.NoRegistration),
        ("/a?organization=other", "NHIF", rejections.AmbiguousRegistration),
    ],
)
def test_organization_that_decides_nothing_is_refused(
    a_call: MakeCall, target: str, header: str | None, error: type[Exception]
) -> None:
    call = a_call(target, headers={"X-Organization": header} if header else {})
    with pytest.raises(error):
        channel_choice.find_registration(call, REGISTRATIONS)


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
    assert call.query_value(a_call(target), "esb_mode") == value
