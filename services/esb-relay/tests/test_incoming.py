"""What received `data` says."""

import pytest
from esb_relay.errors import MalformedEnvelope
from esb_relay.wire.envelope import Envelope
from esb_relay.wire.incoming import read_answer, read_call
from esb_relay.wire.terms import Format


def _json(data: str) -> Envelope:
    return Envelope(Format.JSON, data, "")


def _xml(data: str) -> Envelope:
    return Envelope(Format.XML, f"<data>{data}</data>", "")


def test_json_answer() -> None:
    answer = read_answer(
        _json(
            '{"success":true, "requestId":"R1", "message":"h\\u00e9", "esbBody":{ "n" : 1.10 },'
            '"errors":[ "a" ],"validationErrors":null}'
        )
    )
    assert answer.success
    assert (answer.request_id, answer.message) == ("R1", "hé")
    assert answer.esb_body == '{ "n" : 1.10 }'
    assert (answer.errors, answer.validation_errors) == ('[ "a" ]', "null")


def test_xml_answer() -> None:
    answer = read_answer(
        _xml(
            "<success> true </success><requestId>R1</requestId><message>a &lt; b</message>"
            "<esbBody>\n<n>1.10</n></esbBody><errors>a</errors><errors>b</errors>"
        )
    )
    assert answer.success
    assert (answer.request_id, answer.message) == ("R1", "a < b")
    assert answer.esb_body == "<esbBody>\n<n>1.10</n></esbBody>"
    assert (answer.errors, answer.validation_errors) == (
        "<errors>a</errors><errors>b</errors>",
        None,
    )


def test_absent_members_are_none_and_null_is_a_body() -> None:
    answer = read_answer(_json('{"success":false}'))
    assert (answer.success, answer.request_id, answer.message, answer.esb_body) == (
        False,
        None,
        None,
        None,
    )
    assert read_answer(_json('{"success":false,"esbBody":null}')).esb_body == "null"
    assert read_answer(_xml("<success>false</success><esbBody/>")).esb_body == "<esbBody/>"


@pytest.mark.parametrize("spelled", ["true", '"true"', '"TRUE"'])
def test_success_may_be_a_string(spelled: str) -> None:
    assert read_answer(_json(f'{{"success":{spelled}}}')).success


def test_numeric_request_id_keeps_its_digits() -> None:
    answer = read_answer(_json('{"success":true,"requestId":19900101141210000123}'))
    assert answer.request_id == "19900101141210000123"


@pytest.mark.parametrize(
    "data",
    [
        "{}",
        '{"success":null}',
        '{"success":1}',
        '{"success":{"a":true}}',
        '{"success":true,"success":false}',
        '{"success":true,"esbBody":1,"esbBody":2}',
        '{"success":true,"requestId":"\\u0000"}',
        '{"success":true,"message":"\\ud800"}',
    ],
)
def test_json_answer_without_a_clear_meaning_is_refused(data: str) -> None:
    with pytest.raises(MalformedEnvelope):
        read_answer(_json(data))


@pytest.mark.parametrize(
    "data",
    [
        "",
        "<success></success>",
        "<success>true</success><success>false</success>",
        "<success>true</success><esbBody/><message/><esbBody/>",
    ],
)
def test_xml_answer_without_a_clear_meaning_is_refused(data: str) -> None:
    with pytest.raises(MalformedEnvelope):
        read_answer(_xml(data))


def test_call_of_the_bus() -> None:
    call = read_call(_json('{"esbBody":{"a":1e21},"requestId":"R1","apiCode":"C1"}'))
    assert (call.api_code, call.request_id, call.esb_body) == ("C1", "R1", '{"a":1e21}')
    assert (call.push_code, call.user_id) == (None, None)


def test_push_call_in_xml() -> None:
    call = read_call(_xml("<pushCode>P1</pushCode><esbBody>1</esbBody><esbBody>2</esbBody>"))
    assert (call.push_code, call.api_code, call.request_id) == ("P1", None, None)
    assert call.esb_body == "<esbBody>1</esbBody><esbBody>2</esbBody>"


def test_bodies_stay_out_of_reprs() -> None:
    answer = read_answer(_json('{"success":true,"esbBody":"siri"}'))
    assert "siri" not in repr(answer)
