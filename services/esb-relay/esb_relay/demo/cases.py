"""Every way in which an engine can answer, by the name that a code asks for it with.

A code `<anything>!<case>` asks for a case; `<case>:<n>` is that case n times, then a good answer.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from esb_relay.demo import replies
from esb_relay.demo.http_server import Reply
from esb_relay.demo.messages import SUCCESS, Seal, answer_data, failure_data
from esb_relay.keys.pairs import Curve, generate
from esb_relay.wire import json_canonical
from esb_relay.wire.terms import Format


@dataclass(frozen=True, slots=True)
class Asked:
    """A good request: what an honest answer to it would say."""

    format: Format
    request_id: str
    body: str | None = field(repr=False)

    @property
    def data(self) -> str:
        """`data` of the honest answer: the body comes back as it came."""
        return answer_data(self.format, SUCCESS, self.request_id, "received", self.body)

    @property
    def content_type(self) -> str:
        """The answer's media type."""
        return f"application/{self.format}"


Case = Callable[[Asked, Seal], Reply]


def good(asked: Asked, seal: Seal) -> Reply:
    """The honest answer."""
    return _answer(asked, seal.envelope(asked.data))


def _answer(asked: Asked, body: bytes) -> Reply:
    return replies.answer(body, content_type=asked.content_type)


def _spelled(asked: Asked, seal: Seal) -> Reply:
    """An answer whose body is the text that the request's body holds: `{"text": "[1e21]"}`."""
    text = json.loads(asked.body or "{}").get("text", "null")
    data = answer_data(asked.format, SUCCESS, asked.request_id, "received", text)
    return _answer(asked, seal.envelope(data))


def _text(build: Callable[[Asked, Seal], str]) -> Case:
    """An answer with HTTP 200 and this text."""
    return lambda asked, seal: _answer(asked, build(asked, seal).encode())


def _bytes(build: Callable[[Asked, Seal], bytes]) -> Case:
    return lambda asked, seal: _answer(asked, build(asked, seal))


def _status(status: int) -> Case:
    """A valid envelope under another status than 200."""
    return lambda asked, seal: replies.answer(seal.envelope(asked.data), status=status)


def _bare(status: int) -> Case:
    """Words of what stands before the engine."""
    return lambda _asked, _seal: replies.answer(
        b"<html>no</html>", status=status, content_type="text/html"
    )


def _json(data: str, signature: str) -> str:
    return f'{{"data":{data},"signature":"{signature}"}}'


def _xml(content: str) -> str:
    return f"<esbresponse>{content}</esbresponse>"


def _xml_signature(asked: Asked, seal: Seal) -> str:
    return f"<signature>{seal.signature(asked.data)}</signature>"


def _wrapped(signature: str) -> str:
    return "\\r\\n".join(signature[at : at + 64] for at in range(0, len(signature), 64))


def _pretty(asked: Asked, seal: Seal) -> str:
    """Indented after it was signed, so that only the text without white space verifies."""
    spread = json.JSONDecoder(parse_int=_Spelled, parse_float=_Spelled).decode(asked.data)
    return _json(_indented(spread), seal.signature(asked.data))


class _Spelled(str):
    """A number by its digits."""


def _indented(value: object) -> str:
    if isinstance(value, dict):
        members = (f"\n  {json.dumps(name)} : {_indented(one)}" for name, one in value.items())
        return "{" + ",".join(members) + "\n}"
    if isinstance(value, list):
        return "[ " + " , ".join(map(_indented, value)) + " ]"
    if isinstance(value, _Spelled):
        return value
    return json_canonical.canonical(json.dumps(value, ensure_ascii=False))


def _altered(asked: Asked, seal: Seal) -> bytes:
    changed = answer_data(asked.format, SUCCESS, asked.request_id, "received", '{"paid":true}')
    return seal.envelope(changed, signed=asked.data)


#: Valid, if odd: these are accepted.
ACCEPTED: dict[str, Case] = {
    "signature-first": _text(
        lambda asked, seal: f'{{"signature":"{seal.signature(asked.data)}","data":{asked.data}}}'
    ),
    "pretty": _text(_pretty),
    "bom": _bytes(lambda asked, seal: b"\xef\xbb\xbf" + seal.envelope(asked.data)),
    "wrapped-signature": _text(
        lambda asked, seal: _json(asked.data, _wrapped(seal.signature(asked.data)))
    ),
    "wrong-type": lambda asked, seal: replies.answer(
        seal.envelope(asked.data), content_type="text/html"
    ),
    "signed-canonical": _bytes(
        lambda asked, seal: seal.envelope(asked.data, json_canonical.canonical(asked.data))
    ),
    "signed-ascii": _bytes(
        lambda asked, seal: seal.envelope(
            asked.data, next(iter(json_canonical.ascii_spellings(asked.data)))
        )
    ),
    "status-202": _status(202),
    "status-400": _status(400),
    "status-500": _status(500),
}

#: HTTP 200, and nothing that anybody vouches for.
UNVERIFIABLE: dict[str, Case] = {
    "two-data": _text(
        lambda asked, seal: (
            f'{{"data":{asked.data},"data":{asked.data},"signature":"{seal.signature(asked.data)}"}}'
        )
    ),
    "two-signatures": _text(
        lambda asked, seal: (
            f'{{"data":{asked.data},"signature":"AAAA","signature":"{seal.signature(asked.data)}"}}'
        )
    ),
    "html": _text(lambda _asked, _seal: "<!doctype html><html><body>Sign in</body></html>"),
    "empty": _text(lambda _asked, _seal: ""),
    "truncated": _bytes(lambda asked, seal: seal.envelope(asked.data)[:-25]),
    "unsigned": _text(lambda asked, _seal: f'{{"data":{asked.data}}}'),
    "signature-null": _text(lambda asked, _seal: f'{{"data":{asked.data},"signature":null}}'),
    "not-base64": _text(lambda asked, _seal: _json(asked.data, "%% not base64 %%")),
    "wrong-key": _bytes(lambda asked, _seal: Seal(generate(Curve.SECP256R1)).envelope(asked.data)),
    "altered": _bytes(_altered),
    "number": _text(lambda _asked, _seal: "42"),
    "not-utf8": _bytes(lambda _asked, _seal: b'{"data":"\xff\xfe"}'),
    "no-verdict": _bytes(lambda _asked, seal: seal.envelope('{"requestId":"r"}')),
}

#: The same in XML.
UNVERIFIABLE_XML: dict[str, Case] = {
    "xml-two-data": _text(
        lambda asked, seal: _xml(asked.data + asked.data + _xml_signature(asked, seal))
    ),
    "xml-data-in-comment": _text(
        lambda asked, seal: _xml(f"<!--{asked.data}-->" + _xml_signature(asked, seal))
    ),
    "xml-doctype": _text(
        lambda asked, seal: (
            "<!DOCTYPE esbresponse>" + _xml(asked.data + _xml_signature(asked, seal))
        )
    ),
    "xml-entity": _text(
        lambda asked, seal: (
            '<!DOCTYPE a [<!ENTITY e "x">]>'
            + _xml(asked.data.replace("received", "&e;") + _xml_signature(asked, seal))
        )
    ),
}

#: The request may have arrived; its answer does not.
UNKNOWN: dict[str, Case] = {
    "silent": lambda _asked, _seal: replies.silence,
    "reset": lambda _asked, _seal: replies.reset,
    "hang-up": lambda _asked, _seal: replies.hang_up,
    "cut-off": lambda asked, seal: replies.cut_off(replies.raw_answer(seal.envelope(asked.data))),
    "drip": lambda asked, seal: replies.drip(replies.raw_answer(seal.envelope(asked.data))),
}

#: The engine would not look at it now.
BUSY: dict[str, Case] = {"busy-429": _bare(429), "busy-502": _bare(502), "busy-503": _bare(503)}

CASES: dict[str, Case] = {
    **ACCEPTED,
    **UNVERIFIABLE,
    **UNVERIFIABLE_XML,
    **UNKNOWN,
    **BUSY,
    "spelled": _spelled,
    "failure": lambda asked, seal: _answer(
        asked,
        seal.envelope(failure_data(asked.format, asked.request_id, "Hakuna mtu huyu")),
    ),
    "unauthorized": _bare(401),
    "redirect": lambda _asked, _seal: replies.answer(
        b"", status=307, headers={"Location": "http://127.0.0.1:9/elsewhere"}
    ),
}
