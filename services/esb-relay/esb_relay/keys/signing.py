"""Envelopes made and checked for a caller who sends or receives them by other means."""

from typing import Any

from common.audit.log import record_act
from common.audit.values import digest

from esb_relay.engine.relaying import sealed
from esb_relay.errors import BadSignature, MalformedEnvelope
from esb_relay.keys.keyring import ESB, Keyring
from esb_relay.wire.envelope import decode_text, read_envelope
from esb_relay.wire.outgoing import request_data
from esb_relay.wire.signature import verify
from esb_relay.wire.terms import Format, Mode, Root


def signed_request(
    keyring: Keyring, mode: Mode, code: str, raw: bytes, format_: Format, user_id: str | None
) -> bytes:
    """The envelope around a raw body, as it would be sent; nothing at all is no body.

    Whoever asks in whatever manner: the audit log has the signature before it is given.

    Raises MalformedText, UnsendableBody, MissingSetting, KeyProblem.
    """
    text = decode_text(raw)
    body = text if text.strip() else None
    data = request_data(mode, code, body, format_, user_id)
    envelope = sealed(data, keyring, format_, Root.REQUEST)
    record_act("signature.given", "", code, mode=mode, format=format_, envelope=digest(envelope))
    return envelope


def verdict(keyring: Keyring, raw: bytes, key: str = ESB) -> dict[str, Any]:
    """`{"ok", "valid", "verified_by", "kid", "reason"}` for whatever bytes were read.

    Raises NoSuchKey, MissingSetting, KeyProblem.
    """
    keys = keyring.esb_keys() if key == ESB else (keyring.named(key, field="key"),)
    said: dict[str, Any] = {"ok": True, "valid": False, "verified_by": None, "kid": None}
    try:
        verified = verify(read_envelope(raw), keys)
    except (MalformedEnvelope, BadSignature) as exc:
        return {**said, "reason": str(exc)}
    found = {"valid": True, "verified_by": verified.verified_by, "kid": verified.kid}
    return {**said, **found, "reason": None}
