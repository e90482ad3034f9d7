"""What differs between two bodies, as people read them; a call as a command of a shell."""

import subprocess
from typing import Any

import pytest
from proxy.models import Transaction
from proxy.record.as_call import curl
from proxy.record.side_by_side import Mark, differs, lines, named

LONG = "[" + ",".join(str(number) for number in range(40)) + "]"


def marks(left: str, right: str) -> list[tuple[str, str | None, str | None]]:
    return [(row.mark.value, row.left, row.right) for row in lines(left, right)]


def test_equal_lines_far_from_a_difference_are_counted() -> None:
    found = marks(LONG, LONG.replace("20", "2000"))

    assert [one for one in found if one[0] == "changed"] == [("changed", "  20,", "  2000,")]
    assert ("skipped", "18 lines are the same", "18 lines are the same") in found
    assert len(found) == 1 + 2 * 3 + 2
    assert found[2] == ("same", "  18,", "  18,") or found[3] == ("same", "  19,", "  19,")


@pytest.mark.parametrize(
    ("left", "right"),
    [('{"a":1}', '{\n "a": 1\n}'), ("<a><b/></a>", "<a>\n<b/>\n</a>"), ("", ""), (LONG, LONG)],
)
def test_same_body_otherwise_indented_does_not_differ(left: str, right: str) -> None:
    assert not differs(lines(left, right))


def test_message_of_hl7_differs_by_its_segment() -> None:
    left = "MSH|^~\\&|LAB\rPID|1||17\rOBX|1"

    found = marks(left, left.replace("||17", "||18"))

    assert [one for one in found if one[0] == "changed"] == [("changed", "PID|1||17", "PID|1||18")]


def test_values_are_compared_by_their_names() -> None:
    rows = named({"a": 1, "b": ["x", "y"], "c": None}, {"b": ["x", "y"], "a": 2, "d": 0})

    found = [(row.name, row.mark, row.left, row.right) for row in rows]
    assert found == [
        ("a", Mark.CHANGED, "1", "2"),
        ("b", Mark.SAME, "x, y", "x, y"),
        ("c", Mark.SAME, None, None),
        ("d", Mark.RIGHT, None, "0"),
    ]


def a_call(**changes: Any) -> Transaction:
    values = {"request_method": "POST", "request_url": "/x", "request_headers": {}}
    whole = {"request_body": "", "request_body_whole": True}
    return Transaction(**{**values, **whole, **changes})


@pytest.mark.parametrize("text", ["it's", '$HOME `id` \\ "', "a\nb", "@file", "*"])
def test_shell_takes_every_text_as_it_is(text: str) -> None:
    command = curl(
        a_call(
            request_url="/x?q=a%20b&token=***&z='",
            request_headers={"X-Text": text.replace("\n", " "), "Authorization": "***"},
            request_body=text,
        ),
        "http://hub",
    )

    said = command.replace("curl -ig", "printf '%s\\0'", 1)
    environ = {"TOKEN": "t k", "AUTHORIZATION": "Bearer x"}
    made = subprocess.run(["/bin/sh", "-c", said], env=environ, capture_output=True, check=True)

    assert made.stdout.decode().split("\0")[:-1] == [
        *("-X", "POST", "http://hub/x?q=a%20b&token=t k&z='"),
        *("-H", f"X-Text: {text.replace(chr(10), ' ')}", "-H", "Authorization: Bearer x"),
        *("--data-raw", text),
    ]
