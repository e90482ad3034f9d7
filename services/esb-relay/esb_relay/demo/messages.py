"""What the simulator says: `data` of its answers, and envelopes around it, right or wrong."""

from esb_relay.keys.pairs import PrivateKey
from esb_relay.wire.envelope import seal
from esb_relay.wire.json_canonical import quoted
from esb_relay.wire.signature import sign
from esb_relay.wire.terms import Format, Root
from esb_relay.wire.xml_canonical import wrapped
from esb_relay.wire.xml_text import escaped

SUCCESS, FAILURE = "true", "false"


def answer_data(
    format_: Format, verdict: str, request_id: str, message: str, body: str | None
) -> str:
    """`data` of an answer; `body` is a raw text in the answer's format, in XML with its tags."""
    if format_ is Format.XML:
        return wrapped(
            "data",
            wrapped("success", verdict)
            + wrapped("requestId", escaped(request_id))
            + wrapped("message", escaped(message))
            + (body or ""),
        )
    content = "" if body is None else f',"esbBody":{body}'
    return (
        f'{{"success":{verdict},"requestId":{quoted(request_id)},'
        f'"message":{quoted(message)}{content}}}'
    )


def failure_data(format_: Format, request_id: str, message: str) -> str:
    """`data` of a business failure with everything that the bus may add to it."""
    data = answer_data(format_, FAILURE, request_id, message, None)
    if format_ is Format.XML:
        extra = "<errors>E1</errors><errors>E2</errors>"
        return data.replace("</data>", f"{extra}</data>")
    return f'{data[:-1]},"errors":["E1",1.10],"validationErrors":{{"nin":"too short"}}}}'


class Seal:
    """Puts signed envelopes together."""

    def __init__(self, key: PrivateKey) -> None:
        self._key = key

    def envelope(self, data: str, signed: str | None = None) -> bytes:
        """An envelope around `data`, signed over `signed` where that is another text."""
        format_ = Format.XML if data.startswith("<") else Format.JSON
        signature = self.signature(data if signed is None else signed)
        return seal(data, signature, format_, Root.RESPONSE)

    def signature(self, text: str) -> str:
        """The signature by itself."""
        return sign(text, self._key)
