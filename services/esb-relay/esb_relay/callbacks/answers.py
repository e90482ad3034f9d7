"""Signed answers to the bus, in the format in which it asked."""

from esb_relay.callbacks.results import Result
from esb_relay.engine.relaying import sealed
from esb_relay.errors import UnsendableBody
from esb_relay.keys.keyring import Keyring
from esb_relay.wire.outgoing import failure_data, success_data
from esb_relay.wire.terms import Format, Root
from esb_relay.wire.xml_body import json_to_xml


def answer_data(result: Result, format_: Format, request_id: str | None = None) -> str:
    """`data` of an answer; `request_id` only for a late one. Raises UnsendableBody."""
    body = result.body
    if body is not None and format_ is Format.XML:
        body = json_to_xml(body)
    if result.success:
        return success_data(body, format_, request_id)
    return failure_data(result.message, body, format_, request_id)


def signed_answer(result: Result, format_: Format, keyring: Keyring) -> bytes:
    """The envelope that answers a call. A body that cannot be carried is left out, and said so."""
    try:
        data = answer_data(result, format_)
    except UnsendableBody as exc:
        done = "the request was carried out, but " if result.success else ""
        words = f"{done}the answer cannot be sent as {format_}: {exc}"
        data = answer_data(Result(False, words), format_)
    return sealed(data, keyring, format_, Root.RESPONSE)
