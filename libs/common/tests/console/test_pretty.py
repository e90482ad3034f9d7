"""Stored bodies, shown so that people can read them and nothing is changed."""

import json
import re

import pytest
from common.console.presenting import breakable, duration
from common.console.pretty import pretty


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"a":1.10,"b":[]}', '{\n  "a": 1.10,\n  "b": []\n}'),
        ("[1e400, -0.0]", "[\n  1e400,\n  -0.0\n]"),
        ('{"a": {}, "a": "{[,:]}\\""}', '{\n  "a": {},\n  "a": "{[,:]}\\""\n}'),
        ("[]", "[]"),
        ('[[{"n":12345678901234567890}]]', None),
        ("<a><b>x</b><c/><d></d></a>", "<a>\n  <b>x</b>\n  <c/>\n  <d></d>\n</a>"),
        ("<p>one <b>two</b> three</p>", "<p>one <b>two</b> three</p>"),
        ('<?xml version="1.0"?><a>\n  <b> x </b></a>', None),
    ],
)
def test_json_and_xml_are_indented_and_nothing_else_changes(text, shown):
    result = pretty(text)

    assert shown in {None, result}
    assert re.sub(r"\s", "", result) == re.sub(r"\s", "", text)


@pytest.mark.parametrize(
    "text", ["", "plain text", '{"cut": "of', "[" * 5000, "<a <b", "<binary 18432 bytes image/png>"]
)
def test_what_is_neither_is_left_alone(text):
    assert pretty(text) == text


def test_indented_json_means_the_same():
    value = {"a": [1, {"b": "c, d: [e]"}, [], None], "é": "\\"}

    assert json.loads(pretty(json.dumps(value))) == value


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0.42, "0.4 ms"),
        (250, "250 ms"),
        (1250, "1.25 s"),
        (200_000, "3 min 20 s"),
        (7_500_000, "2 h 5 min"),
    ],
)
def test_durations_are_short(ms, text):
    assert duration(ms) == text


def test_code_may_be_broken_after_its_underscores_and_stays_text() -> None:
    assert breakable("A_<B>_C") == "A_<wbr>&lt;B&gt;_<wbr>C"
