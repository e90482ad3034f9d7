"""Where values stand in bodies: JSON, XML, and HL7 version 2."""

import pytest
from proxy.registry.body_paths import values_at

FHIR = b"""{"identifier": [{"value": "P-17"}, {"system": "urn:x"}, {"value": 17.10}],
 "entry": {"a": {"id": "x"}, "b": {"id": "y"}}, "ids": ["1", true, null]}"""
XML = b"""<p:patients xmlns:p="urn:p"><p:patient id="1"><id>A1</id></p:patient>
<p:patient id="2"><id>B<b>2</b></id></p:patient></p:patients>"""
HL7 = (
    b"\x0bMSH|^~\\&|LAB|X|HIS|Y|20260101||ORU^R01|42|P|2.5\r"
    b"PID|1||P-17^^^HOSP&1.2.3&ISO~NIN9^^^GOV||Juma^Asha\rPID|2||P-18^^^HOSP\r\x1c\r"
)


@pytest.mark.parametrize(
    ("kind", "path", "body", "expected"),
    [
        ("json", "/identifier/*/value", FHIR, ["P-17", "17.10"]),
        ("json", "$.identifier[*].value", FHIR, ["P-17", "17.10"]),
        ("json", "/entry/*/id", FHIR, ["x", "y"]),
        ("json", "/ids/*", FHIR, ["1", "true"]),
        ("json", "/ids", FHIR, []),
        ("json", "/a", b'{"a": ', []),
        ("json", "/a/*", b"[" * 100_000, []),
        ("xpath", "/patients/patient/@id", XML, ["1", "2"]),
        ("xpath", "//id", XML, ["A1", "B2"]),
        ("xpath", "//id/text()", XML, ["A1", "B"]),
        ("xpath", "//id", b"<a>", []),
        ("hl7", "PID-3.1", HL7, ["P-17", "NIN9", "P-18"]),
        ("hl7", "PID-3.4.2", HL7, ["1.2.3"]),
        ("hl7", "PID-5", HL7, ["Juma^Asha"]),
        ("hl7", "MSH-10", HL7, ["42"]),
        ("hl7", "MSH-1", HL7, []),
        ("hl7", "PID-30", HL7, []),
        ("hl7", "PID-2.1", b"MSH!*~\\&!LAB\rPID!1!A*B\r", ["A"]),
        ("hl7", "PID-2.1", b"MSH|\rPID|1|\xe9^B", ["é"]),
        ("hl7", "PID-3.1", b"{}", []),
        ("hl7", "PID-3.1", b"", []),
    ],
)
def test_values_are_found_in_their_order(
    kind: str, path: str, body: bytes, expected: list[str]
) -> None:
    assert list(values_at(kind, path)(body)) == expected


@pytest.mark.parametrize(
    ("kind", "path"), [("hl7", "PID"), ("hl7", "PID-0"), ("hl7", "pid-3"), ("xpath", "id[last()]")]
)
def test_path_that_is_none_is_rejected(kind: str, path: str) -> None:
    with pytest.raises(ValueError, match=r"like|is \[1\]"):
        values_at(kind, path)
