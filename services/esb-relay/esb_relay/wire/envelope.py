"""The signed envelope around every GovESB message: taking it apart and putting it together.

JSON: `{"data":{…},"signature":"…"}`. XML: `<esbrequest><data>…</data><signature>…</signature>
</esbrequest>`, or `<esbresponse>`.
"""

from dataclasses import dataclass, field

from esb_relay.errors import MalformedEnvelope, MalformedText
from esb_relay.wire import json_span, xml_received
from esb_relay.wire.terms import Format, Root
from esb_relay.wire.xml_canonical import wrapped
from esb_relay.wire.xml_span import Element

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Envelope:
    """A readable envelope whose signature nobody has checked yet.

    `data` is the text of the member as received, in XML with its `<data>` tags; its UTF-8 is
    byte for byte what was received. `signature` is the text as received, decoded from JSON or XML.
    """

    format: Format
    data: str = field(repr=False)
    signature: str = field(repr=False)


def decode_text(raw: bytes) -> str:
    """UTF-8 with or without a byte order mark, as text. Raises MalformedText."""
    try:
        return raw.removeprefix(_BOM).decode()
    except UnicodeDecodeError as exc:
        raise MalformedText(f"not UTF-8 at byte {exc.start}") from exc


def read_envelope(raw: bytes) -> Envelope:
    """Find `data` and `signature` in what was received; its content type does not matter.

    Raises MalformedEnvelope, and nothing else, for whatever bytes come.
    """
    try:
        text = decode_text(raw)
        if not text.strip(" \t\r\n"):
            raise MalformedEnvelope("nothing was received")
        if text.lstrip(" \t\r\n").startswith("<"):
            return _read_xml(text)
        return _read_json(text)
    except MalformedText as exc:
        raise MalformedEnvelope(str(exc)) from exc


def seal(data: str, signature: str, format_: Format, root: Root) -> bytes:
    """The envelope as it is sent: compact, `data` first. `root` names the XML element."""
    if format_ is Format.XML:
        return wrapped(root, data + wrapped("signature", signature)).encode()
    return f'{{"data":{data},"signature":"{signature}"}}'.encode()


def _read_json(text: str) -> Envelope:
    members = json_span.members(text)
    data, signature = members.get("data"), members.get("signature")
    if data is None or not isinstance(data.value, dict):
        raise MalformedEnvelope("no envelope: `data` is missing or not an object")
    if signature is None or not signature.text.startswith('"'):
        raise MalformedEnvelope("not signed: `signature` is missing or not a string")
    return Envelope(Format.JSON, data.text, str(signature.value))


def _read_xml(text: str) -> Envelope:
    root = xml_received.read(text.lstrip(" \t\r\n"))
    if root.name not in set(Root):
        raise MalformedEnvelope("no envelope: the root is neither <esbresponse> nor <esbrequest>")
    data, signature = _only(root, "data"), _only(root, "signature")
    if signature.children:
        raise MalformedEnvelope("not signed: <signature> holds elements")
    return Envelope(Format.XML, data.outer, signature.text)


def _only(root: Element, name: str) -> Element:
    """The one of that name; with a prefix it would be another one for half of all readers."""
    found = [child for child in root.children if child.name.rpartition(":")[2] == name]
    if len(found) != 1:
        raise MalformedEnvelope(f"no envelope: {len(found)} <{name}> where one belongs")
    if found[0].name != name:
        raise MalformedEnvelope(f"no envelope: <{name}> has a namespace prefix")
    return found[0]
