"""Requests of odd shapes, forged tokens, crooked paths: at the front door and right behind it."""

import base64
import contextlib
import hashlib
import hmac
import json
import socket
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import requests
from hub import Hub, unique
from raw_mediator import RawMediator
from systems import MOSTLY_EMBEDDED

#: Forged credentials from the tests' one address would count against the tests that follow.
pytestmark = pytest.mark.parametrize("hub", MOSTLY_EMBEDDED, indirect=True)

TOKENS = "/oauth/token"
#: An answer that has not come after so long does not come: the other side waits for more.
QUIET_S = 0.5
READS = (
    "/api/proxy/clients/",
    "/api/notification/lookups/",
    "/api/policy-notification/counts/",
    "/api/esb/keys/",
)
#: Two requests in one, where a front and a back would disagree about where the first one ends.
SMUGGLING = {
    "two lengths": ["Content-Length: 6", "Content-Length: 0"],
    "two lengths in one": ["Content-Length: 0, 6"],
    "length that is no number": ["Content-Length: 0x6"],
    "length with a sign": ["Content-Length: +6"],
    "negative length": ["Content-Length: -1"],
    "length and chunks": ["Content-Length: 6", "Transfer-Encoding: chunked"],
    "chunks and length": ["Transfer-Encoding: chunked", "Content-Length: 6"],
    "chunked twice": ["Transfer-Encoding: chunked, chunked"],
    "chunked, then not": ["Transfer-Encoding: chunked, identity"],
    "unknown coding": ["Transfer-Encoding: xchunked"],
    "two codings": ["Transfer-Encoding: identity", "Transfer-Encoding: chunked"],
    "blank before the colon": ["Transfer-Encoding : chunked"],
    "tab before the value": ["Transfer-Encoding:\tchunked", "Content-Length: 6"],
    "vertical tab": ["Transfer-Encoding:\x0bchunked", "Content-Length: 6"],
    "folded line": ["X-Y: a\r\n Transfer-Encoding: chunked", "Content-Length: 6"],
    "bare carriage return": ["X-Y: a\rTransfer-Encoding: chunked", "Content-Length: 6"],
    "bare line feed": ["X-Y: a\nTransfer-Encoding: chunked", "Content-Length: 6"],
    "underscores": ["Transfer_Encoding: chunked", "Content-Length: 6"],
    "null": ["Transfer-Encoding: chun\0ked", "Content-Length: 6"],
}
CHUNKS = {
    "sign": b"+0\r\n\r\n",
    "hexadecimal prefix": b"0x0\r\n\r\n",
    "huge size": b"ffffffffffffffffff\r\n",
    "line feed alone": b"0\n\n",
    "size with blanks": b" 0 \r\n\r\n",
}


def exchanged(port: int, asked: Mapping[str, bytes]) -> dict[str, bytes]:
    """What came back for each of these bytes, all at the same time, until nothing more came."""
    found = dict.fromkeys(asked, b"")
    with contextlib.ExitStack() as opened:
        socks = {
            name: opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            for name in asked
        }
        # They stay open for writing: nginx gives up what a client has turned away from.
        for name, raw in asked.items():
            socks[name].sendall(raw)
        for name, sock in socks.items():
            with contextlib.suppress(OSError):
                while piece := sock.recv(65536):
                    found[name] += piece
                    sock.settimeout(QUIET_S)
            for other in socks.values():
                other.settimeout(QUIET_S)
    return found


@pytest.fixture(params=["nginx", "gateway"])
def port(hub: Hub, request: pytest.FixtureRequest) -> int:
    ports = hub.stack.installation.ports
    return int(ports["NGINX_PORT" if request.param == "nginx" else "PROXY_GATEWAY_PORT"])


def smuggled(hub: Hub, base: str, headers: list[str], begin: bytes) -> bytes:
    """A call with a right secret, and behind it one without any, for nobody to see."""
    own = [f"{name}: {value}" for name, value in hub.credentials.items()]
    first = [f"POST {base}/first HTTP/1.1", "Host: hub.example", *own, *headers]
    second = f"GET {base}/smuggled HTTP/1.1\r\nHost: hub.example\r\n\r\n"
    return "\r\n".join(first).encode("latin-1") + b"\r\n\r\n" + begin + second.encode()


def test_request_that_two_could_read_differently_is_one_or_none(
    hub: Hub, base: str, mediator: RawMediator, port: int
) -> None:
    shapes = {name: (headers, b"0\r\n\r\n") for name, headers in SMUGGLING.items()}
    shapes |= {name: (["Transfer-Encoding: chunked"], begin) for name, begin in CHUNKS.items()}
    places = {name: f"{base}/{number}" for number, name in enumerate(shapes)}
    asked = {name: smuggled(hub, places[name], *shape) for name, shape in shapes.items()}
    answers = exchanged(port, asked)
    for name, place in places.items():
        # What follows is a request without credentials, or the rest of a body: never a call.
        assert mediator.to(f"{place}/smuggled") == [], name
        assert len(mediator.to(f"{place}/first")) <= 1, name
        assert answers[name].count(b"HTTP/1.1 200 ") <= 1, name
    # The test itself works: what is whole, and followed by one with a secret, is answered twice.
    whole = smuggled(hub, base, ["Content-Length: 0"], b"")
    assert exchanged(port, {"whole": whole})["whole"].count(b"HTTP/1.1 ") == 2


def part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def read(text: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


Forge = Callable[[str, Any], str]


def none_of(token: str, _keys: Any) -> str:
    header, claims, _ = token.split(".")
    return f"{part({**read(header), 'alg': 'none'})}.{claims}."


def by_the_public_key(token: str, keys: Any) -> str:
    """The key that everybody may read as the secret of an HMAC."""
    header, claims, _ = token.split(".")
    kid = read(header)["kid"]
    public = next(key["x"] for key in keys if key["kid"] == kid)
    signed = f"{part({**read(header), 'alg': 'HS256'})}.{claims}"
    digest = hmac.digest(public.encode(), signed.encode(), hashlib.sha256)
    return f"{signed}.{part(digest)}"


def wider(token: str, _keys: Any) -> str:
    header, claims, signature = token.split(".")
    scopes = {**read(claims), "scope": "proxy:admin notification:admin policy:write esb:admin"}
    return f"{header}.{part(scopes)}.{signature}"


def for_another(token: str, _keys: Any) -> str:
    header, claims, signature = token.split(".")
    return f"{header}.{part({**read(claims), 'sub': 'another'})}.{signature}"


def without_end(token: str, _keys: Any) -> str:
    header, claims, signature = token.split(".")
    return f"{header}.{part({**read(claims), 'exp': 2**40})}.{signature}"


def key_from_a_file(token: str, _keys: Any) -> str:
    header, claims, signature = token.split(".")
    return f"{part({**read(header), 'kid': '../../../dev/null'})}.{claims}.{signature}"


def key_within(token: str, keys: Any) -> str:
    header, claims, signature = token.split(".")
    brought = {"jwk": keys[0], "jku": "http://127.0.0.1:9/keys", "x5u": "http://127.0.0.1:9/"}
    return f"{part({**read(header), **brought, 'kid': 'mine'})}.{claims}.{signature}"


def cut(token: str, _keys: Any) -> str:
    return token[:-4]


@pytest.fixture(scope="module")
def token(hub: Hub) -> str:
    """A right one, of a client that may read."""
    name = unique("reader")
    scopes = ["proxy:read", "notification:read", "policy:read", "esb:admin"]
    made = hub.api(
        "POST", "clients/", 201, json={"name": name, "client_id": name, "scopes": scopes}
    )
    hub.in_force()
    got = requests.post(
        hub.url + TOKENS,
        auth=(name, made["client_secret"]),
        data={"grant_type": "client_credentials"},
        timeout=10,
    )
    return str(got.json()["access_token"])


@pytest.mark.parametrize(
    "forge",
    [
        none_of,
        by_the_public_key,
        wider,
        for_another,
        without_end,
        key_from_a_file,
        key_within,
        cut,
    ],
)
def test_forged_token_opens_nothing_anywhere(
    hub: Hub, base: str, mediator: RawMediator, token: str, forge: Forge
) -> None:
    keys = requests.get(f"{hub.url}/.well-known/jwks.json", timeout=10).json()["keys"]
    forged = {"Authorization": f"Bearer {forge(token, keys)}"}
    right = {"Authorization": f"Bearer {token}"}
    for path in READS:
        assert requests.get(hub.url + path, headers=right, timeout=10).status_code == 200
        assert requests.get(hub.url + path, headers=forged, timeout=10).status_code == 401, path
    posts = ("/api/esb/relay/", "/api/notification/emit/", "/integration/call", f"{base}/forged")
    for path in posts:
        got = requests.post(hub.url + path, headers=forged, json={}, timeout=10)
        assert got.status_code == 401, path
    assert mediator.to(f"{base}/forged") == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/integration/call"),
        ("GET", "/transactions/00000000-0000-0000-0000-000000000000/"),
        ("GET", "/transactions/00000000-0000-0000-0000-000000000000/response/"),
        ("GET", "/transactions/000000000000000000000000/"),
        ("POST", "/api/esb/relay/"),
        ("GET", "{base}/x"),
        ("DELETE", "{base}/x"),
    ],
)
@pytest.mark.parametrize("behind", ["", "PROXY_GATEWAY_PORT", "ESB_RELAY_GATEWAY_PORT"])
def test_gateways_own_paths_want_credentials(
    hub: Hub, base: str, mediator: RawMediator, method: str, path: str, behind: str
) -> None:
    is_relays = path.startswith("/api/esb/")
    if behind and is_relays is not (behind == "ESB_RELAY_GATEWAY_PORT"):
        return  # the other gateway's
    at = f"http://127.0.0.1:{hub.stack.installation.ports[behind]}" if behind else hub.url
    address = at + path.format(base=base)
    for headers in (
        {},
        {"X-Client-Id": "nobody", "X-Client-Secret": "x"},
        {"Authorization": "Basic " + base64.b64encode(b"nobody:x").decode()},
        {"Authorization": "Bearer x"},
        {"Authorization": "custom x"},
        {"X-Client-Secret": f"grant_{'x' * 43}", "X-Client-Id": hub.stack.demo_client_id},
        {"X-Kiungo-Client-Certificate": "x", "X-Kiungo-Staff": "x", "X-Kiungo-Token": "x"},
    ):
        got = requests.request(method, address, headers=headers, timeout=10)
        assert got.status_code in {401, 403, 429}, (address, headers)
    assert mediator.to(f"{base}/x") == []


@pytest.mark.parametrize(
    "crooked",
    [
        "/../admin/",
        "/..%2fadmin/",
        "/%2e%2e/admin/",
        "/..%5cadmin",
        "/..;/admin/",
        "/.%00./admin/",
        "/%252e%252e/admin/",
        "/./x",
        "/x/..%2f..%2f..%2fetc%2fpasswd",
        "/\\..\\admin",
    ],
)
def test_crooked_path_leads_to_its_channel_as_it_is_or_nowhere(
    hub: Hub, base: str, mediator: RawMediator, crooked: str
) -> None:
    own = "".join(f"{name}: {value}\r\n" for name, value in hub.credentials.items())
    head = f"GET {base}{crooked} HTTP/1.1\r\nHost: hub.example\r\nConnection: close\r\n{own}\r\n"
    port = int(hub.stack.installation.ports["NGINX_PORT"])
    got = exchanged(port, {"it": head.encode()})["it"]
    assert b"console/layout" not in got
    assert b"root:x:" not in got
    targets = [one.target for one in mediator.received if one.target.startswith(base)]
    # A name with a per cent sign in it is a name and nothing else.
    assert targets == ([f"{base}{crooked}"] if crooked.startswith("/%252e") else [])
