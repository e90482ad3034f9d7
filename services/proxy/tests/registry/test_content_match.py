"""Rules for what a call holds: media types, regular expressions, JSON, and a part of XPath."""

import time
from typing import Any

import pytest
from common.errors import Invalid
from proxy.registry.content_match import content_rule

XML = b"""<?xml version="1.0"?><!-- a <! b -->
<o:order xmlns:o="urn:o"><item kind="lab"><code>A1</code></item>
<item kind="image" n="2"><code>B2</code>tail</item></o:order>"""


def holds(kind: str, expression: str, value: str, body: bytes) -> bool:
    given: dict[str, Any] = {"kind": kind, "expression": expression, "value": value}
    rule = content_rule([], given)
    assert rule is not None
    assert rule.body is not None
    return rule.body(body)


def test_no_rule_is_none_and_media_types_are_without_parameters() -> None:
    assert content_rule([], None) is None
    rule = content_rule(["Text/XML; charset=utf-8"], None)
    assert rule is not None
    assert (rule.content_types, rule.body) == (frozenset({"text/xml"}), None)


@pytest.mark.parametrize(
    ("kind", "expression", "value", "body", "expected"),
    [
        ("regex", r"ORU\^R01", "", b"MSH|^~\\&|...|ORU^R01|", True),
        ("regex", "^b", "", b"ab", False),
        ("json", "resourceType", "Bundle", b'{"resourceType": "Bundle"}', True),
        ("json", "/meta/0/a~1b", "x", b'{"meta": [{"a/b": "x"}]}', True),
        ("json", "$.meta[1]", "12345678901234567890", b'{"meta":[0,12345678901234567890]}', True),
        ("json", "ok", "true", b'{"ok": true}', True),
        ("json", "a.b", "1.10", b'{"a": {"b": 1.10}}', True),
        ("json", "a", "", b'{"a": null}', False),
        ("json", "a.b", "x", b'{"a": "x"}', False),
        ("json", "a", "x", b"not json", False),
        ("xpath", "/order/item/code", "A1", XML, True),
        ("xpath", "/o:order/item[2]/code/text()", "B2", XML, True),
        ("xpath", "string(/*/item[@kind='image']/@n)", "2", XML, True),
        ("xpath", "//*[local-name()='code']", "A1", XML, True),
        ("xpath", "/order/item[@kind='image']/text()", "tail", XML, True),
        ("xpath", "/order/code", "A1", XML, False),
        ("xpath", "/order", "x", b"not xml", False),
        ("xpath", "/a", "x", b'<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', False),
    ],
)  # fmt: skip
def test_rule_holds_for_the_bodies_it_means(kind, expression, value, body, expected) -> None:
    assert holds(kind, expression, value, body) is expected


@pytest.mark.parametrize(
    ("kind", "expression"),
    [
        ("regex", "("),
        ("regex", "(?=a)"),
        ("xpath", "order/item"),
        ("xpath", "/a[b='c']"),
        ("xpath", "/a[1"),
        ("xpath", "/@a/b"),
        ("xpath", "count(/a)"),
        ("xpath", "//a//b"),
    ],
)
def test_what_is_not_understood_is_refused_when_saved(kind: str, expression: str) -> None:
    with pytest.raises(Invalid) as refused:
        holds(kind, expression, "", b"")
    assert list(refused.value.errors) == ["match_body"]


@pytest.mark.parametrize(
    "body", [b"<a>" * 50_000 + b"</a>" * 50_000, b"<a>" + b"<a/>" * 200_000 + b"</a>"]
)
def test_large_documents_are_looked_into_in_a_time_that_is_linear(body: bytes) -> None:
    began = time.process_time()
    assert not holds("xpath", "//a/a/a[1]", "x", body)
    assert time.process_time() - began < 3
