"""Each row of the protocol's case table that is about the text of an envelope."""

import json
import time

import pytest
from esb_relay.errors import MalformedEnvelope
from esb_relay.wire.envelope import read_envelope, seal
from esb_relay.wire.terms import Format, Root

DATA = '{"success":true,"esbBody":{"n":1.10}}'


@pytest.mark.parametrize(
    "text",
    [
        f'{{"data":{DATA},"signature":"c2ln"}}',
        f'{{"signature":"c2ln","data":{DATA}}}',
        f'\ufeff{{"data":{DATA},"signature":"c2ln"}}',
        f' \r\n{{\n  "data" :\t{DATA} ,\n  "signature" : "c2ln"\n}}\n',
        f'{{"extra":[1,{{"data":2}}],"data":{DATA},"signature":"c2ln","more":null}}',
        f'{{"note":"}},\\"signature\\":\\"x\\"","signature":"c2ln","data":{DATA}}}',
        f'{{"d\\u0061ta":{DATA},"signature":"c2\\u006cn"}}',
    ],
    ids=["usual", "signature_first", "bom", "pretty", "more_members", "decoy", "escaped_names"],
)
def test_json_data_is_found_as_written(text: str) -> None:
    envelope = read_envelope(text.encode())
    assert (envelope.format, envelope.data, envelope.signature) == (Format.JSON, DATA, "c2ln")


XML_DATA = "<data><success>true</success><esbBody><data>1</data></esbBody></data>"


@pytest.mark.parametrize(
    "text",
    [
        f"<esbresponse>{XML_DATA}<signature>c2ln</signature></esbresponse>",
        f"<esbrequest><signature>c2ln</signature>{XML_DATA}</esbrequest>",
        f"\ufeff<?xml version='1.0' encoding='utf-8'?>\n<esbresponse>\n {XML_DATA}\n"
        "<x/><signature>c2ln</signature>\n</esbresponse>\n",
        f"\n<esbresponse>{XML_DATA}<signature>c2&#108;n</signature></esbresponse>",
    ],
    ids=["usual", "signature_first", "bom_and_pretty", "leading_space"],
)
def test_xml_data_is_found_as_written(text: str) -> None:
    envelope = read_envelope(text.encode())
    assert (envelope.format, envelope.data, envelope.signature) == (Format.XML, XML_DATA, "c2ln")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "nothing"),
        (b"\xef\xbb\xbf \n", "nothing"),
        (b"\xff\xfe{\x00", "UTF-8"),
        (b'{"data":{"a":"\xc0\xaf"},"signature":"x"}', "UTF-8"),
        (b'{"data":{"a":"\xed\xa0\x80"},"signature":"x"}', "UTF-8"),
        (b"<html><body>Bad Gateway</body></html>", "root"),
        (b"<!doctype html><p>login", "DOCTYPE"),
        (b"Service Unavailable", "not JSON"),
        (b"null", "not JSON"),
        (b"[]", "not JSON"),
        (b"{}", "`data` is missing"),
        (b'{"data":{"success":true', "not JSON"),
        (b'{"data":{"success":true}}', "not signed"),
        (b'{"data":{},"signature":null}', "not signed"),
        (b'{"data":{},"signature":12}', "not signed"),
        (b'{"data":{},"signature":{}}', "not signed"),
        (b'{"data":"{}","signature":"x"}', "not an object"),
        (b'{"data":[],"signature":"x"}', "not an object"),
        (b'{"data":{},"data":{},"signature":"x"}', "twice"),
        (b'{"data":{},"d\\u0061ta":{},"signature":"x"}', "twice"),
        (b'{"data":{},"signature":"x","signature":"x"}', "twice"),
        (b'{"data":{},"signature":"x"} {"data":{}}', "after the end"),
        (b"<esbresponse><data></data></esbresponse>", "0 <signature>"),
        (b"<esbresponse><signature>x</signature></esbresponse>", "0 <data>"),
        (b"<esbresponse><data/><data/><signature>x</signature></esbresponse>", "2 <data>"),
        (b"<esbresponse><data/><signature/><signature/></esbresponse>", "2 <signature>"),
        (b"<esbresponse><!-- <data></data> --><data/></esbresponse>", "comment"),
        (b"<!DOCTYPE x><esbresponse><data/><signature/></esbresponse>", "DOCTYPE"),
        (b"<esbresponse><data>&x;</data><signature>x</signature></esbresponse>", "entity"),
        (b"<esbresponse><data></data><signature><a/></signature></esbresponse>", "elements"),
        (b"<data><data/><signature>x</signature></data>", "root"),
    ],
)
def test_what_is_no_envelope_is_refused_with_a_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(MalformedEnvelope) as refused:
        read_envelope(raw)
    assert reason in str(refused.value)


WHOLE = seal(DATA, "c2ln", Format.JSON, Root.REQUEST)


@pytest.mark.parametrize("length", range(0, len(WHOLE), 3))
def test_truncated_envelope_is_refused(length: int) -> None:
    with pytest.raises(MalformedEnvelope):
        read_envelope(WHOLE[:length])


def test_sealed_envelope_is_compact_with_data_first() -> None:
    assert seal("{}", "c2ln", Format.JSON, Root.REQUEST) == b'{"data":{},"signature":"c2ln"}'
    xml = b"<esbrequest><data></data><signature>c2ln</signature></esbrequest>"
    assert seal("<data></data>", "c2ln", Format.XML, Root.REQUEST) == xml
    assert json.loads(seal(DATA, "c2ln", Format.JSON, Root.RESPONSE))["signature"] == "c2ln"


def test_reprs_show_neither_data_nor_signature() -> None:
    shown = repr(read_envelope(seal(DATA, "c2ln", Format.JSON, Root.REQUEST)))
    assert "esbBody" not in shown
    assert "c2ln" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "{" * 1_000_000,
        '{"a":' * 200_000,
        '{"a":"' + '\\"' * 500_000,
        '{"' * 300_000,
        " " * 1_000_000,
        '{"data":' + "9" * 1_000_000,
        '{"data":{},"signature":"x","a":' + "[" * 500_000,
    ],
    ids=range(7),
)
def test_hostile_text_is_refused_quickly(text: str) -> None:
    began = time.process_time()
    with pytest.raises(MalformedEnvelope):
        read_envelope(text.encode())
    assert time.process_time() - began < 3
