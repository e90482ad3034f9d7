"""The small XML: what is read, and what is refused by name."""

import time

import pytest
from esb_relay.errors import MalformedText
from esb_relay.wire.json_span import MAX_DEPTH
from esb_relay.wire.xml_canonical import ascii_spellings, canonical, minified
from esb_relay.wire.xml_span import parse


def test_element_keeps_its_text() -> None:
    root = parse('<?xml version="1.0" encoding="UTF-8"?>\n<r><a> 1 &amp;\n</a ><b/></r>\n')
    first, second = root.children
    assert root.outer == "<r><a> 1 &amp;\n</a ><b/></r>"
    assert (first.outer, first.inner, first.text) == ("<a> 1 &amp;\n</a >", " 1 &amp;\n", " 1 &\n")
    assert (second.outer, second.inner, second.text) == ("<b/>", "", "")


def test_references_are_decoded_and_line_ends_normalised() -> None:
    text = "<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x1F600;&#xd;\r\n\r</a>"
    assert parse(text).text == "<>&\"'A😀\r\n\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<!DOCTYPE a><a></a>", "DOCTYPE"),
        ('<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', "DOCTYPE"),
        ("<a>&e;</a>", "entity"),
        ("<a>&amp</a>", "entity"),
        ("<a>&</a>", "entity"),
        ("<a>&#;</a>", "entity"),
        ("<a>&#0;</a>", "character"),
        ("<a>&#xD800;</a>", "no character"),
        ("<a>&#x110000;</a>", "no character"),
        ("<a>\x01</a>", "character"),
        ("<a>\ufffe</a>", "character"),
        ("<a>]]></a>", "]]>"),
        ("<a><!-- <data></data> --></a>", "comment"),
        ("<!-- c --><a></a>", "comment"),
        ("<a><![CDATA[x]]></a>", "CDATA"),
        ("<a><?pi x?></a>", "processing"),
        ("<?xml version='1.0'?><?pi?><a/>", "processing"),
        ('<a b="1"></a>', "attribute"),
        ('<a xmlns="urn:x"></a>', "attribute"),
        ("<x:a></x:a>", "namespace"),
        ("<?xml version='1.0' encoding='ISO-8859-1'?><a/>", "UTF-8"),
        ("<a>x<b></b></a>", "among"),
        ("<a><b></b>x</a>", "among"),
        ("<a></b>", "end tag"),
        ("</a>", "end tag"),
        ("<a></a/>", "broken tag"),
        ("<a><b></a></b>", "end tag"),
        ("<a></a><a></a>", "more after"),
        ("<a></a>x", "outside"),
        ("x<a></a>", "outside"),
        ("<a>", "too early"),
        ("<a", "broken tag"),
        ("<1a></1a>", "broken tag"),
        ("< a></a>", "broken tag"),
        ("", "too early"),
    ],
)
def test_what_is_outside_the_subset_is_refused_by_name(text: str, reason: str) -> None:
    with pytest.raises(MalformedText) as refused:
        parse(text)
    assert reason in str(refused.value)


def test_depth_is_bounded() -> None:
    parse("<a>" * MAX_DEPTH + "</a>" * MAX_DEPTH)
    with pytest.raises(MalformedText, match="deeper"):
        parse("<a>" * (MAX_DEPTH + 1) + "</a>" * (MAX_DEPTH + 1))


def test_spellings() -> None:
    element = parse("<a >\n <b>é &gt;&#x26;</b>\n\t<c/> <d>]]&gt;&#13;&quot;</d>\n</a>")
    assert minified(element) == "<a><b>é &gt;&#x26;</b><c/><d>]]&gt;&#13;&quot;</d></a>"
    assert canonical(element) == '<a><b>é >&amp;</b><c></c><d>]]&gt;&#xd;"</d></a>'
    decimal, hexadecimal = ascii_spellings(element)
    assert decimal == canonical(element).replace("é", "&#233;")
    assert hexadecimal == canonical(element).replace("é", "&#xe9;")


@pytest.mark.parametrize(
    "text",
    [
        "<a>" * 300_000,
        "<" * 1_000_000,
        "<a>" + "&" * 900_000,
        "<" + "a" * 900_000,
        "<?xml" + " " * 900_000,
        "<a" + " " * 900_000,
        "<r>" + "<a/>" * 200_000,
        "<a>" + "\r" * 900_000,
    ],
    ids=range(8),
)
def test_hostile_text_is_refused_quickly(text: str) -> None:
    began = time.process_time()
    with pytest.raises(MalformedText):
        parse(text)
    assert time.process_time() - began < 3
