"""Every row of the step table, asked through nginx: the status and the reason of the contract."""

import base64
import socket
from urllib.parse import urlsplit

import pytest
from raw_mediator import answer, hang_up, slow


def reason(response) -> str:
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["ok"] is False
    assert problem["status"] == response.status_code
    assert problem["error"] == problem["detail"]
    assert problem["correlation_id"] == response.headers["X-Correlation-Id"]
    return problem["error"]


def routed(hub, path):
    """The answer on a new channel, once both processes know it."""
    hub.in_force()
    return hub.call("GET", path)


def rejection(hub, eventually, response):
    """The rejection's own row; rejections are written just after their answer."""
    wanted = response.headers["X-Correlation-Id"]

    def found():
        rows = hub.api("GET", "rejections/?limit=50", 200)["data"]
        return next((row for row in rows if row["correlation_id"] == wanted), None)

    return eventually(found)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Client-Id": "demo"},
        {"Authorization": "Bearer abc"},
        {"Authorization": "Basic not-base64!"},
    ],
)
def test_1_without_credentials_authentication_is_required(hub, headers):
    response = hub.session.get(f"{hub.url}/demo/x", headers=headers, timeout=10)
    assert response.status_code == 401
    assert reason(response) == "Authentication required"
    assert response.headers["WWW-Authenticate"].startswith("Basic")


def test_1_basic_authentication_is_as_good(hub):
    user, secret = hub.credentials.values()
    response = hub.session.get(f"{hub.url}/demo/x", auth=(user, secret), timeout=10)
    assert response.status_code == 200


@pytest.mark.parametrize("wrong", [("demo", "wrong"), ("nobody", "wrong"), ("demo", "é\u0000x")])
def test_2_wrong_credentials_are_invalid(hub, eventually, wrong):
    encoded = base64.b64encode(":".join(wrong).encode()).decode()
    response = hub.session.get(
        f"{hub.url}/demo/x", headers={"Authorization": f"Basic {encoded}"}, timeout=10
    )
    assert (response.status_code, reason(response)) == (403, "Invalid client credentials")
    assert rejection(hub, eventually, response)["client_claimed"] == wrong[0]


def test_2_an_inactive_client_is_invalid(hub):
    client = hub.new_client()
    hub.in_force()
    assert hub.call("GET", "/demo/x", headers=client).status_code == 200
    record = next(
        row
        for row in hub.api("GET", "clients/?limit=500", 200)["data"]
        if row["client_id"] == client["X-Client-Id"]
    )
    hub.api("PATCH", f"clients/{record['id']}/", 200, json={"is_active": False})
    hub.in_force()
    assert hub.call("GET", "/demo/x", headers=client).status_code == 403


def test_3_a_client_from_elsewhere_is_not_allowed_whatever_it_claims(hub, eventually):
    client = hub.new_client(allowed_ips=["10.1.2.0/24"])
    hub.in_force()
    for forged in ("10.1.2.3", "10.1.2.3, 127.0.0.1", "127.0.0.1, 10.1.2.3"):
        headers = {**client, "X-Forwarded-For": forged, "X-Real-IP": "10.1.2.3"}
        headers["Forwarded"] = "for=10.1.2.3"
        response = hub.call("GET", "/demo/x", headers=headers)
        assert (response.status_code, reason(response)) == (403, "Client IP is not allowed")
    assert rejection(hub, eventually, response)["client_address"] == "127.0.0.1"


def test_3_a_client_from_an_allowed_network_passes(hub):
    client = hub.new_client(allowed_ips=["127.0.0.0/8"])
    hub.in_force()
    assert hub.call("GET", "/demo/x", headers=client).status_code == 200


def test_4_an_unknown_path_has_no_channel_and_the_rejection_names_the_nearest(hub, eventually):
    response = hub.call("POST", "/demo/patients/", json={})
    assert response.status_code == 200  # the echo channel takes /demo/*
    response = hub.call("GET", "/Demo/x")
    assert (response.status_code, reason(response)) == (404, "No active channel for this path")
    nearest = rejection(hub, eventually, response)["nearest"]
    assert "letter case" in next(
        row["why_not"] for row in nearest if row["path_pattern"] == "/demo/*"
    )


def test_4_a_path_that_climbs_matches_nothing(hub, base):
    for path in ("/%2e%2e/admin", "/a/%2e%2e/%2e%2e/b", "/..%5cadmin"):
        assert _raw_status(hub, base + path) == 404, path


def _raw_status(hub, target: str) -> int:
    """The status of a request whose target no client library has tidied up."""
    address = urlsplit(hub.url)
    lines = [f"GET {target} HTTP/1.1", "Host: x", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in hub.credentials.items()]
    with socket.create_connection((address.hostname, address.port), timeout=10) as sock:
        sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return int(sock.makefile("rb").readline().split()[1])


def test_4_another_method_is_not_allowed_and_allow_says_which_are(hub, mediator):
    record = hub.new_mediator(mediator.url)
    path = f"/only-{record['id'][-12:]}"
    hub.new_channel(path, record["id"], methods=["PUT", "POST"])
    response = routed(hub, path)
    expected = (405, "Method not allowed for this channel")
    assert (response.status_code, reason(response)) == expected
    assert response.headers["Allow"] == "POST, PUT"


def test_4_an_offline_mediator_is_unavailable(hub, mediator):
    record = hub.new_mediator(mediator.url, is_online=False)
    path = f"/offline-{record['id'][-12:]}"
    hub.new_channel(path, record["id"])
    response = routed(hub, path)
    assert (response.status_code, reason(response)) == (503, "Matched mediator is offline")
    assert not mediator.received


def test_4_the_lowest_priority_number_wins_then_the_name(hub, mediator):
    record = hub.new_mediator(mediator.url)
    second = hub.new_mediator(mediator.url + "/second")
    path = f"/priority-{record['id'][-12:]}"
    hub.new_channel(path, record["id"], priority=2)
    hub.new_channel(path, second["id"], priority=1)
    hub.in_force()
    assert hub.call("GET", path).status_code == 200
    assert mediator.received[-1].target == f"/second{path}"


def test_5_a_client_that_is_not_listed_is_not_allowed(hub, mediator):
    record = hub.new_mediator(mediator.url)
    path = f"/listed-{record['id'][-12:]}"
    hub.new_channel(path, record["id"], allow=["somebody-else", "clinic"])
    response = routed(hub, path)
    expected = (403, "Client is not allowed on this channel")
    assert (response.status_code, reason(response)) == expected
    clinic = hub.new_client(roles=["clinic"])
    hub.in_force()
    assert hub.call("GET", path, headers=clinic).status_code == 200


@pytest.fixture
def strict_path(hub, mediator):
    record = hub.new_mediator(mediator.url)
    path = f"/strict-{record['id'][-12:]}"
    hub.new_channel(
        path,
        record["id"],
        requires_request_body=True,
        request_content_type="application/json",
        request_body_schema={
            "type": "object",
            "properties": {"persons": {"items": {"required": ["name"]}}},
        },
    )
    hub.in_force()
    return path


def test_7_a_missing_body_is_refused_and_kept_as_a_failed_transaction(hub, strict_path):
    response = hub.call("POST", strict_path)
    expected = (400, "Request body is required for this channel")
    assert (response.status_code, reason(response)) == expected
    kept = hub.transaction(response.headers["X-Correlation-Id"])
    assert (kept["status"], kept["error_message"]) == ("failed", expected[1])


def test_7_another_content_type_is_unsupported(hub, strict_path):
    response = hub.call("POST", strict_path, data=b"<a/>", headers={"Content-Type": "text/xml"})
    assert response.status_code == 415
    assert reason(response) == (
        "Unsupported content type for this channel. Expected application/json"
    )
    assert hub.transaction(response.headers["X-Correlation-Id"])["status"] == "failed"


def test_7_parameters_of_the_content_type_do_not_matter(hub, strict_path):
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert hub.call("POST", strict_path, data=b"{}", headers=headers).status_code == 200


def test_7_a_body_that_breaks_the_schema_is_named_by_its_pointer(hub, strict_path):
    response = hub.call("POST", strict_path, json={"persons": [{"name": "A"}, {}]})
    assert response.status_code == 422
    assert "/persons/1" in reason(response)
    assert "/persons/1" in response.json()["errors"]


def test_7_methods_without_a_body_are_not_asked_for_one(hub, strict_path):
    for method in ("GET", "HEAD", "OPTIONS"):
        assert hub.call(method, strict_path).status_code == 200


def test_8_a_body_that_is_too_large_is_refused_before_it_is_read(hub, base, mediator):
    response = hub.call("POST", f"{base}/large", data=b"x" * 16_000_001)
    assert response.status_code == 413
    assert "16000000 bytes" in reason(response)
    assert not mediator.to(f"{base}/large")


def test_8_a_chunked_body_that_is_too_large_is_refused(hub, base):
    response = hub.call("POST", f"{base}/large", data=(b"x" * 100_000 for _ in range(170)))
    assert response.status_code == 413


def test_10_a_mediator_that_refuses_connections_cannot_be_reached(hub):
    record = hub.new_mediator("http://127.0.0.1:9")
    path = f"/refused-{record['id'][-12:]}"
    hub.new_channel(path, record["id"])
    response = routed(hub, path)
    assert (response.status_code, reason(response)) == (502, "Failed to reach mediator endpoint")
    assert hub.transaction(response.headers["X-Correlation-Id"])["status"] == "failed"


def test_10_a_mediator_that_hangs_up_is_a_bad_gateway(hub, base, mediator):
    mediator.on(f"{base}/reset", hang_up)
    response = hub.call("POST", f"{base}/reset", data=b"x")
    assert response.status_code == 502
    assert reason(response).startswith("Failed to reach mediator endpoint")
    assert len(mediator.to(f"{base}/reset")) == 1


def test_10_a_mediator_that_answers_nonsense_is_a_bad_gateway(hub, base, mediator):
    for raw in (b"not http at all\r\n\r\n", b"HTTP/1.1 200 OK\r\nBad Header: x\r\n\r\n"):
        mediator.on(f"{base}/bad", lambda sock, _r, raw=raw: sock.sendall(raw) or True)
        assert hub.call("POST", f"{base}/bad", data=b"x").status_code == 502


def test_10_a_mediator_that_is_too_slow_times_out(hub, base, mediator):
    mediator.on(f"{base}/slow", slow(4, answer()))
    response = hub.call("POST", f"{base}/slow", data=b"x")
    assert response.status_code == 504
    assert "did not answer" in reason(response)
    kept = hub.transaction(response.headers["X-Correlation-Id"])
    assert (kept["status"], kept["response_status_code"]) == ("failed", 504)


def test_11_an_answer_is_on_record_with_its_stages(hub, base, mediator):
    mediator.on(f"{base}/made", answer(b'{"id":7}', "201 Created", "Content-Type: text/json"))
    response = hub.call("POST", f"{base}/made?a=1", json={"n": 1})
    assert (response.status_code, response.content) == (201, b'{"id":7}')
    kept = hub.transaction(response.headers["X-Correlation-Id"])
    assert kept["status"] == "successful"
    assert kept["request_url"] == f"{base}/made?a=1"
    assert kept["request_body"] == '{"n": 1}'
    assert kept["response_body"] == '{"id":7}'
    assert kept["request_headers"]["X-Client-Secret"] == "***"
    assert kept["duration_ms"] >= kept["upstream_ms"] > 0
    assert kept["store_ms"] > 0
    assert kept["match_ms"] > 0


def test_11_a_mediators_error_is_passed_on_and_kept_as_failed(hub, base, mediator):
    mediator.on(f"{base}/error", answer(b"broken", "500 Internal Server Error"))
    response = hub.call("GET", f"{base}/error")
    assert (response.status_code, response.content) == (500, b"broken")
    assert hub.transaction(response.headers["X-Correlation-Id"])["status"] == "failed"
