"""A worker is killed in the middle of a run: the next one continues, and nobody is told twice."""

import json
import signal
from collections import Counter

import pytest
from policy_scheme import Scheme
from raw_mediator import answer, slow

FAMILIES = 8


def gateway(url: str) -> str:
    settings = {
        "GateUrl": url,
        "SmsResource": "/sms",
        "PrivateKey": "k",
        "UserId": "u",
        "SenderId": "s",
        "ServiceId": "i",
    }
    return json.dumps({"eGASMSGateway": settings})


def recipients(mediator) -> list[str]:
    inner = (json.loads(json.loads(one.body)["data"]) for one in mediator.to("/sms"))
    return [one["recipients"] for one in inner]


@pytest.mark.parametrize("shape", ["embedded", "production"])
def test_killed_workers_run_is_continued_and_nothing_is_sent_twice(
    shape, own_hub, mediator, eventually
):
    mediator.on("/sms", slow(0.3, answer(b"{}")))
    hub = own_hub(shape, PROVIDERS=gateway(mediator.url), RUN_LEASE_SECONDS="2", DEMO="1")
    scheme = Scheme(hub).found()
    phones = {
        f"+2557120000{at:02d}": scheme.expiring(f"+2557120000{at:02d}") for at in range(FAMILIES)
    }
    for made in phones.values():
        scheme.consent(made["chf_id"], "en")

    run_id = scheme.request_run()
    eventually(lambda: len(mediator.to("/sms")) == 3)
    hub.stack.kill("policy-notify-worker", signal.SIGKILL)
    run = scheme.ended(run_id)

    assert run["continuations"] >= 1
    got = Counter(recipients(mediator))
    assert set(got.values()) == {1}
    assert set(got) == set(phones)
    outcomes = Counter()
    for made in phones.values():
        (attempt,) = scheme.attempts(made["policy"])
        outcomes[attempt["status"]] += 1
        if attempt["status"] == 0:
            assert attempt["reason"] == "Interrupted; whether it was sent is not known"
    assert outcomes == {0: 1, 1: FAMILIES - 1}
