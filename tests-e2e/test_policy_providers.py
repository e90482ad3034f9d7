"""Providers in their order through nginx: the next one is asked only when the one before failed."""

import json

import pytest
from policy_scheme import Scheme
from raw_mediator import answer, hang_up
from systems import MOSTLY_EMBEDDED

GATEWAY = {
    "SmsResource": "/sms",
    "PrivateKey": "private_key",
    "UserId": "test_user_id",
    "SenderId": "sender_id",
    "ServiceId": "service_id",
}
ENABLED = "expiration_of_policy,starting_of_policy"
REFUSED = "eGASMSGateway: the gateway answered 500"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("shape", MOSTLY_EMBEDDED)
def test_second_provider_gets_what_the_first_one_did_not_take(shape, own_hub, mediator):
    """One installation, the gateway and then files, through all ways in which they may fail."""
    gateway = {"eGASMSGateway": {**GATEWAY, "GateUrl": mediator.url}}
    files = {"TextNotificationProvider": {"DestinationFolder": "sent"}}
    hub = own_hub(
        shape,
        services=["proxy", "policy-notify"],
        PROVIDERS=json.dumps({**gateway, **files}),
        ELIGIBLE_NOTIFICATION_TYPES=ENABLED,
    )
    scheme, folder = Scheme(hub).found(), hub.stack.installation.var_dir / "sent"

    mediator.on("/sms", answer(b"", "500 Internal Server Error"))
    made = scheme.expiring("+255731000001")
    scheme.consent(made["chf_id"])
    for _ in range(2):
        scheme.run()
    assert outcome(scheme, made) == [(1, "TextNotificationProvider", "")]
    assert len(mediator.to("/sms")) == 1
    assert len(list(folder.glob("SMSMessage_*.txt"))) == 1

    folder.rename(folder.with_name("kept"))
    folder.touch()  # a file where the folder was: nothing can be written below it
    both = scheme.expiring("+255731000002")
    scheme.consent(both["chf_id"])
    run = scheme.run()
    ((status, provider, reason),) = outcome(scheme, both)
    assert (status, provider) == (4, None)
    assert reason.startswith(f"{REFUSED}; TextNotificationProvider: ")
    assert run["summary"]["by_type"]["expiration_of_policy"]["reasons"] == {reason: 1}

    mediator.on("/sms", answer(b'{"error":null}'))
    scheme.run()
    assert [one[:2] for one in outcome(scheme, both)] == [(1, "eGASMSGateway"), (4, None)]

    mediator.on("/sms", hang_up)
    unknown = scheme.expiring("+255731000003")
    scheme.consent(unknown["chf_id"])
    asked = len(mediator.to("/sms"))
    for _ in range(2):
        scheme.run()
    ((status, provider, reason),) = outcome(scheme, unknown)
    assert (status, provider) == (0, "eGASMSGateway")
    assert reason.endswith("whether it was sent is not known")
    assert len(mediator.to("/sms")) == asked + 1

    family = scheme.family("+255731000004")
    scheme.consent(family["chf_id"])
    policy = scheme.policy(family["family"], expiry_date=scheme.day(5))
    scheme.run()
    assert scheme.attempts(policy, "need_for_renewal") == [], "a type that is off leaves no trace"


def outcome(scheme: Scheme, made: dict[str, str]) -> list[tuple[int, str | None, str]]:
    """Status, provider and reason of each attempt, newest first."""
    attempts = scheme.attempts(made["policy"])
    return [(one["status"], one["provider"], one["reason"]) for one in attempts]
