"""An idempotency key belongs to a call that was made; it is free when surely nothing was sent."""

import pytest
from hub import unique
from raw_mediator import RawMediator, answer


@pytest.fixture
def away(hub):
    """A path to a port where nobody listens yet, and that port."""
    nobody = RawMediator()
    nobody.close()
    path = f"/{unique('away')}"
    hub.new_channel(path, hub.new_mediator(nobody.url)["id"])
    hub.in_force()
    return path, nobody.port


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_key_is_free_again_when_the_mediator_was_not_reached(hub, away, method):
    path, port = away
    headers = {"Idempotency-Key": path}
    first = hub.call(method, path, data=b"x", headers=headers)
    assert first.status_code == 502
    mediator = RawMediator(port=port)
    mediator.default = answer(b"made", "201 Created")
    try:
        second = hub.call(method, path, data=b"x", headers=headers)
        third = hub.call(method, path, data=b"x", headers=headers)
    finally:
        mediator.close()
    assert [(one.status_code, one.content) for one in (second, third)] == [(201, b"made")] * 2
    assert len(mediator.to(path)) == 1
    assert hub.transaction(first.headers["X-Correlation-Id"])["status"] == "failed"
    assert second.headers["X-Correlation-Id"] != first.headers["X-Correlation-Id"]
