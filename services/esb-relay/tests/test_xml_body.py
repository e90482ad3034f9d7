"""One body as JSON and as XML."""

import json

import pytest
from esb_relay.errors import MalformedText, UnsendableBody
from esb_relay.wire.json_span import MAX_DEPTH
from esb_relay.wire.xml_body import json_to_xml, sendable_xml, xml_to_json
from esb_relay.wire.xml_text import decoded, escaped
from hypothesis import given
from hypothesis import strategies as st

_TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\n\r<>&]"),
    max_size=12,
)
_NAMES = st.from_regex(r"[A-Za-z_é][A-Za-z0-9._-]{0,6}", fullmatch=True)
_BODIES = st.recursive(
    _TEXT,
    lambda inner: st.dictionaries(
        _NAMES, inner | st.lists(inner, min_size=2, max_size=3), min_size=1, max_size=4
    ),
    max_leaves=10,
)


@given(_BODIES)
def test_strings_objects_and_arrays_survive_xml(body: object) -> None:
    xml = json_to_xml(json.dumps(body))
    assert json.loads(xml_to_json(xml)) == body
    assert sendable_xml(xml) == xml


@given(_TEXT)
def test_escaping_is_undone_by_decoding(text: str) -> None:
    assert decoded(escaped(text)) == text


@pytest.mark.parametrize(
    ("body", "xml"),
    [
        (
            '{"n":1.10,"e":1e21,"i":19900101141210000123}',
            "<n>1.10</n><e>1e21</e><i>19900101141210000123</i>",
        ),
        ('{"a":[1,2],"b":3}', "<a>1</a><a>2</a><b>3</b>"),
        ('{"a":[],"b":null,"c":"","d":{}}', "<b></b><c></c><d></d>"),
        ('{"t":true,"f":false}', "<t>true</t><f>false</f>"),
        ('{"t":"<a> & ]]> \\" > \\r\\n"}', '<t>&lt;a> &amp; ]]&gt; " > &#xd;\n</t>'),
        ('"habari 😀"', "habari 😀"),
        ("null", ""),
    ],
)
def test_json_as_xml(body: str, xml: str) -> None:
    assert json_to_xml(body) == f"<esbBody>{xml}</esbBody>"


def test_array_as_a_body_is_adjacent_bodies() -> None:
    assert json_to_xml('[1,{"a":2}]') == "<esbBody>1</esbBody><esbBody><a>2</a></esbBody>"
    assert xml_to_json("<esbBody>1</esbBody><esbBody><a>2</a></esbBody>") == '["1",{"a":"2"}]'
    assert json_to_xml("[]") == "<esbBody></esbBody>"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("{", "not JSON"),
        ('{"a b":1}', "name"),
        ('{"":1}', "name"),
        ('{"x:a":1}', "name"),
        ('{"a":1,"a":2}', "repeats"),
        ('{"a":[[1]]}', "array within"),
        ('{"a":"\\u0001"}', "character"),
        ('{"a":"\\ud800"}', "character"),
    ],
)
def test_json_without_an_xml_spelling_is_refused(body: str, reason: str) -> None:
    with pytest.raises(UnsendableBody, match=reason):
        json_to_xml(body)


@pytest.mark.parametrize(
    ("body", "xml"),
    [
        ("<a>1</a>", "<esbBody><a>1</a></esbBody>"),
        ("<a>1</a> <b/>", "<esbBody><a>1</a><b></b></esbBody>"),
        ("<?xml version='1.0'?>\n<esbBody><a>1</a></esbBody>\n", "<esbBody><a>1</a></esbBody>"),
        ("<esbBody>1</esbBody><esbBody/>", "<esbBody>1</esbBody><esbBody></esbBody>"),
        ("  text  ", "<esbBody>  text  </esbBody>"),
        ("", "<esbBody></esbBody>"),
    ],
)
def test_xml_body_is_wrapped_unless_it_is_wrapped(body: str, xml: str) -> None:
    assert sendable_xml(body) == xml


@pytest.mark.parametrize(
    "body", ["<a>", "</esbBody><x></x><esbBody>", "<a b='1'/>", "x<a/>", "&e;"]
)
def test_xml_outside_the_subset_is_refused(body: str) -> None:
    with pytest.raises(UnsendableBody):
        sendable_xml(body)


def test_scattered_siblings_are_refused() -> None:
    with pytest.raises(UnsendableBody, match="adjacent"):
        sendable_xml("<r><a>1</a><b></b><a>2</a></r>")


def test_scattered_siblings_are_gathered_as_json() -> None:
    body = "<esbBody><a>1</a><b></b><a>2</a></esbBody>"
    assert xml_to_json(body) == '{"a":["1","2"],"b":""}'


def test_deepest_body_converts_without_exhausting_the_stack() -> None:
    depth = MAX_DEPTH - 2
    body = '{"a":' * depth + '"x"' + "}" * depth
    assert xml_to_json(json_to_xml(body)) == body


def test_text_that_is_no_body_is_refused() -> None:
    with pytest.raises(MalformedText, match="esbBody"):
        xml_to_json("<a>1</a>")
