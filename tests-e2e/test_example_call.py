"""The first thing a newcomer does: paste the call that `make up` printed."""

import urllib.request
import uuid


def test_example_call_is_answered_and_on_record(hub):
    with urllib.request.urlopen(hub.stack.example_request(), timeout=10) as answer:
        assert answer.status == 200
        correlation_id = answer.headers["X-Correlation-Id"]
    state = hub.call("GET", f"/transactions/{correlation_id}/").json()
    assert state["status"] == "successful"
    assert state["is_terminal"] is True
    assert state["request_method"] == "POST"
    assert state["response_status_code"] == 200


def test_paths_without_their_final_slash_answer_the_same(hub):
    correlation_id = hub.call("GET", "/demo/x").headers["X-Correlation-Id"]
    for path in (f"/transactions/{correlation_id}", "/health", "/api/proxy/channels?limit=1"):
        headers = {"Authorization": f"Bearer {hub.token}"} if path.startswith("/api") else {}
        assert hub.call("GET", path, headers=headers).status_code == 200, path


def test_another_clients_transaction_is_not_found(hub):
    correlation_id = hub.call("GET", "/demo/x").headers["X-Correlation-Id"]
    answer = hub.call("GET", f"/transactions/{correlation_id}/", headers=hub.new_client())
    assert answer.status_code in (403, 404)  # 403 while the new client is not known everywhere


def test_unknown_transaction_is_not_found(hub):
    assert hub.call("GET", f"/transactions/{uuid.uuid4()}/").status_code == 404


def test_health_really_asks_database_and_broker(hub):
    answer = hub.call("GET", "/health/")
    assert answer.status_code == 200
    services = answer.json()["services"]
    assert services["database"] == {"ok": True, "checked": True}
    assert services["rabbitmq"]["ok"] is True
    assert answer.json()["ok"] is True


def test_metrics_are_not_published(hub):
    for path in ("/metrics", "/metrics/"):
        answer = hub.call("GET", path)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/problem+json"
