"""XML outside the subset: taken over its bytes, given to targets as JSON, or refused by name."""

import json
import time
from collections.abc import Callable

import pytest
from esb_relay.errors import BadSignature, MalformedEnvelope, MalformedText
from esb_relay.keys.pairs import PrivateKey
from esb_relay.wire.envelope import read_envelope, seal
from esb_relay.wire.incoming import read_answer, read_call
from esb_relay.wire.json_span import MAX_DEPTH
from esb_relay.wire.signature import sign, verify
from esb_relay.wire.terms import Format, Root, Spelling
from esb_relay.wire.xml_body import xml_to_json
from esb_relay.wire.xml_received import read

BODIES = {
    "attribute": ('<esbBody><p id="7" sex=\'F&amp;"\'>Asha</p></esbBody>',
                  {"p": {"@id": "7", "@sex": 'F&"', "#text": "Asha"}}),
    "bracket_in_attribute": ('<esbBody a=">"><p x="/>" y=\'"\'></p></esbBody>',
                             {"@a": ">", "p": {"@x": "/>", "@y": '"'}}),
    "prefix": ('<esbBody xmlns:n="urn:n"><n:p n:a="1"><n:q>é</n:q></n:p></esbBody>',
               {"@xmlns:n": "urn:n", "n:p": {"@n:a": "1", "n:q": "é"}}),
    "cdata": ("<esbBody><p><![CDATA[<data>1 & 2</data>]]> 3</p></esbBody>",
              {"p": "<data>1 & 2</data> 3"}),
    "comment": ("<esbBody><!-- é 😀 --><p>a<!-- b -->c</p><!----></esbBody>", {"p": "ac"}),
    "empty": ('<esbBody><p nil="true"/><q  a = "1" ></q></esbBody>',
              {"p": {"@nil": "true"}, "q": {"@a": "1"}}),
    "siblings": ('<esbBody><p a="é😀">1.10</p><p>2</p></esbBody>',
                 {"p": [{"@a": "é😀", "#text": "1.10"}, "2"]}),
    "scalar": ("<esbBody><![CDATA[1.10]]></esbBody>", "1.10"),
    "references": ('<esbBody a="&#233;&#10;"><p>&#x1F600;&lt;\r\n</p></esbBody>',
                   {"@a": "é\n", "p": "😀<\n"}),
}  # fmt: skip


def data_with(body: str) -> str:
    return f'<data lang="sw"><!-- é --><success>true</success><requestId>R</requestId>{body}</data>'


@pytest.mark.parametrize(("body", "as_json"), BODIES.values(), ids=BODIES.keys())
def test_signed_xml_is_verified_over_its_bytes_and_passed_on_as_it_came(
    body: str, as_json: object, key: PrivateKey, sealed: Callable[..., bytes]
) -> None:
    data = data_with(body)
    envelope = read_envelope(sealed(data, key))
    assert envelope.data == data
    assert verify(envelope, [key.public]).verified_by is Spelling.RAW
    answer = read_answer(envelope)
    assert (answer.success, answer.request_id, answer.esb_body) == (True, "R", body)
    assert read_call(envelope).esb_body == body
    assert json.loads(xml_to_json(body)) == as_json


def test_what_surrounds_data_may_have_attributes_and_comments(p256: PrivateKey) -> None:
    data = data_with("<esbBody/>")
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!-- é --><esbresponse xmlns:n="urn:n"> '
        f'{data}<n:x/><signature alg="x"><![CDATA[{sign(data, p256)}]]></signature>'
        "</esbresponse><!-- end -->\n"
    )
    envelope = read_envelope(text.encode())
    assert envelope.data == data
    assert verify(envelope, [p256.public]).verified_by is Spelling.RAW


@pytest.mark.parametrize(("body", "_as_json"), BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("change", [("true", "false"), ("<esbBody", "\n<esbBody")])
def test_wider_xml_that_was_changed_is_a_bad_signature_and_nothing_else(
    body: str, _as_json: object, change: tuple[str, str], p256: PrivateKey
) -> None:
    data = data_with(body)
    raw = seal(data.replace(*change), sign(data, p256), Format.XML, Root.RESPONSE)
    with pytest.raises(BadSignature, match="in any known spelling"):
        verify(read_envelope(raw), [p256.public])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("<data a='1'/><data/><signature>x</signature>", "2 <data>"),
        ("<data a='1'/><n:data/><signature>x</signature>", "2 <data>"),
        ("<n:data/><signature>x</signature>", "namespace prefix"),
        ("<data/><n:signature>x</n:signature>", "namespace prefix"),
        ("<data/><signature a='1'/><signature>x</signature>", "2 <signature>"),
        ("<!-- <data></data> --><data/><signature>x</signature>", "comment"),
        ("<data><!-- <n:data > --></data><signature>x</signature>", "comment"),
        ("<data/><!-- </signature> --><signature>x</signature>", "comment"),
        ("<![CDATA[<data/>]]><data/><signature>x</signature>", "among"),
        ("<data/><![CDATA[<data/>]]><signature>x</signature>", "among"),
        ("<data a='1'>x<b/></data><signature>x</signature>", "among"),
        ("<data a='1'><?pi x?></data><signature>x</signature>", "processing"),
        ("<data a='&x;'/><signature>x</signature>", "entity"),
        ("<data a='1' a='2'/><signature>x</signature>", "duplicate attribute"),
        ("<data a='<'/><signature>x</signature>", "not well-formed"),
        ("<data a=1/><signature>x</signature>", "not well-formed"),
        ("<data a='1'><signature>x</signature>", "mismatched"),
        ("<data a='1'>\x01</data><signature>x</signature>", "not well-formed"),
        ("<data><!-- -- --></data><signature>x</signature>", "not well-formed"),
        ("<data a='1'>]]></data><signature>x</signature>", "not well-formed"),
    ],
)
def test_wider_xml_that_hides_or_repeats_something_is_refused(content: str, reason: str) -> None:
    with pytest.raises(MalformedEnvelope) as refused:
        read_envelope(f"<esbresponse>{content}</esbresponse>".encode())
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    "document",
    [
        "<!DOCTYPE x><r a='1'/>",
        '<!DOCTYPE x [<!ENTITY e "v">]><r a="1">&e;</r>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><r a="1"/>',
        '<!DOCTYPE r [<!ATTLIST r a CDATA "v">]><r/>',
    ],
)
def test_document_type_is_refused_before_anything_is_read(document: str) -> None:
    with pytest.raises(MalformedText, match="DOCTYPE"):
        read(document)


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "UTF-16", "utf-7"])
def test_other_encodings_are_refused(encoding: str) -> None:
    with pytest.raises(MalformedText, match="UTF-8"):
        read(f"<?xml version='1.0' encoding='{encoding}'?><r a='1'/>")


def test_depth_is_bounded() -> None:
    deep = "<a b='1'>"
    read(deep * MAX_DEPTH + "</a>" * MAX_DEPTH)
    with pytest.raises(MalformedText, match="deeper"):
        read(deep * (MAX_DEPTH + 1) + "</a>" * (MAX_DEPTH + 1))


@pytest.mark.parametrize(
    "text",
    [
        "<a b='1'>" * 300_000,
        "<a " + "b='" * 300_000,
        "<a" + ' b=""' * 200_000 + ">",
        "<a>" + "<!--" * 250_000,
        "<a>" + "<![CDATA[" * 100_000,
        "<a b=''>" + "<![CDATA[x]]>" * 80_000,
        "<a b=''>" + "<!-- -->" * 120_000 + "é",
        "<r b=''>" + "<a c='é'/>" * 50_000,
        "<r><!--" + "<" * 900_000 + "-->",
        "<r><!--" + "< " * 400_000 + "-->",
        "<r><!--<" + " " * 900_000 + "-->",
        "<r><!--" + "<a:" * 300_000 + "-->",
        "<r><!--<" + "a" * 900_000 + "-->",
    ],
    ids=range(13),
)
def test_hostile_text_is_refused_quickly(text: str) -> None:
    began = time.process_time()
    with pytest.raises(MalformedText):
        read(text)
    assert time.process_time() - began < 3
