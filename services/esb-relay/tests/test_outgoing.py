"""The text of `data` for everything that is sent."""

import pytest
from esb_relay.errors import UnsendableBody
from esb_relay.wire.outgoing import failure_data, request_data, success_data
from esb_relay.wire.terms import Format, Mode

JSON, XML = Format.JSON, Format.XML
NIDA = '{"apiCode":"C1","userId":"U"'
NIDA_XML = "<apiCode>C1</apiCode><userId>U</userId>"


@pytest.mark.parametrize(
    ("mode", "body", "data"),
    [
        (Mode.NORMAL, '{ "a":1 }', '{"apiCode":"C1","esbBody":{"a":1}}'),
        (Mode.NORMAL, None, '{"apiCode":"C1"}'),
        (Mode.NORMAL, "null", '{"apiCode":"C1","esbBody":null}'),
        (Mode.PUSH, '{"a":1}', '{"pushCode":"C1","esbBody":{"a":1}}'),
        (Mode.NIDA, '{"a":1}', '{"apiCode":"C1","userId":"U","esbBody":{"Payload":{"a":1}}}'),
        (Mode.NIDA, '{"Payload" :{"a":1}}', f'{NIDA},"esbBody":{{"Payload":{{"a":1}}}}}}'),
        (
            Mode.NIDA,
            '{"Payload":1,"b":2}',
            f'{NIDA},"esbBody":{{"Payload":{{"Payload":1,"b":2}}}}}}',
        ),
        (Mode.NIDA, "null", '{"apiCode":"C1","userId":"U","esbBody":{"Payload":null}}'),
        (Mode.NIDA, None, '{"apiCode":"C1","userId":"U"}'),
    ],
)
def test_json_request(mode: Mode, body: str | None, data: str) -> None:
    assert request_data(mode, "C1", body, JSON, user_id="U") == data


@pytest.mark.parametrize(
    ("mode", "body", "data"),
    [
        (Mode.NORMAL, "<a>1</a>", "<apiCode>C1</apiCode><esbBody><a>1</a></esbBody>"),
        (Mode.NORMAL, None, "<apiCode>C1</apiCode>"),
        (Mode.PUSH, "<a/>", "<pushCode>C1</pushCode><esbBody><a></a></esbBody>"),
        (Mode.NIDA, "<a>1</a>", f"{NIDA_XML}<esbBody><Payload><a>1</a></Payload></esbBody>"),
        (Mode.NIDA, "<Payload>1</Payload>", f"{NIDA_XML}<esbBody><Payload>1</Payload></esbBody>"),
        (
            Mode.NIDA,
            "<esbBody>1</esbBody><esbBody>2</esbBody>",
            f"{NIDA_XML}<esbBody><Payload>1</Payload><Payload>2</Payload></esbBody>",
        ),
    ],
)
def test_xml_request(mode: Mode, body: str | None, data: str) -> None:
    assert request_data(mode, "C1", body, XML, user_id="U") == f"<data>{data}</data>"


def test_answers_in_json() -> None:
    assert success_data('{"a":1.10}', JSON) == '{"success":true,"esbBody":{"a":1.1}}'
    assert success_data(None, JSON) == '{"success":true}'
    assert failure_data('no "A"', None, JSON) == '{"success":false,"message":"no \\"A\\""}'
    assert failure_data("no", "[]", JSON) == '{"success":false,"message":"no","esbBody":[]}'


def test_late_answers_end_with_the_request_id() -> None:
    assert success_data("1", JSON, "R1") == '{"success":true,"esbBody":1,"requestId":"R1"}'
    assert failure_data("no", None, JSON, "R1") == (
        '{"success":false,"message":"no","requestId":"R1"}'
    )
    assert success_data("<a>1</a>", XML, "R1") == (
        "<data><success>true</success><esbBody><a>1</a></esbBody><requestId>R1</requestId></data>"
    )


def test_answers_in_xml() -> None:
    assert failure_data("a < b & c", "<a/>", XML) == (
        "<data><success>false</success><message>a &lt; b &amp; c</message>"
        "<esbBody><a></a></esbBody></data>"
    )


def test_awkward_body_is_spelled_for_both_kinds_of_receivers(awkward_body: tuple[str, str]) -> None:
    written, arrives = awkward_body
    sent = request_data(Mode.NORMAL, "C1", written, JSON)
    assert sent == f'{{"apiCode":"C1","esbBody":{arrives}}}'


@pytest.mark.parametrize(
    ("body", "format_", "reason"),
    [
        ("", JSON, "not JSON"),
        ("{'a':1}", JSON, "not JSON"),
        ("1 2", JSON, "after the end"),
        ('{"a":1},"signature":"x"', JSON, "after the end"),
        ('{"a":{"b":1,"b":2}}', JSON, "repeats"),
        ('{"a":1,"\\u0061":2}', JSON, "repeats"),
        ("<a>", XML, "refused"),
        ("<a/><b/><a/>", XML, "adjacent"),
    ],
)
def test_body_that_no_envelope_can_carry_is_refused(
    body: str, format_: Format, reason: str
) -> None:
    with pytest.raises(UnsendableBody, match=reason):
        request_data(Mode.NORMAL, "C1", body, format_)


@pytest.mark.parametrize(
    ("mode", "code", "user_id"),
    [(Mode.NORMAL, "", None), (Mode.NIDA, "C1", None), (Mode.NIDA, "C1", "")],
)
def test_request_lacking_code_or_user_is_refused(
    mode: Mode, code: str, user_id: str | None
) -> None:
    with pytest.raises(UnsendableBody, match="needs"):
        request_data(mode, code, "1", JSON, user_id)


@pytest.mark.parametrize("format_", list(Format))
def test_code_with_half_a_character_is_refused(format_: Format) -> None:
    with pytest.raises(UnsendableBody):
        request_data(Mode.NORMAL, "C\ud800", None, format_)


def test_code_cannot_smuggle_members() -> None:
    assert request_data(Mode.NORMAL, 'C","x":"', None, JSON) == '{"apiCode":"C\\",\\"x\\":\\""}'
    assert request_data(Mode.NORMAL, "</apiCode>", None, XML) == (
        "<data><apiCode>&lt;/apiCode></apiCode></data>"
    )
