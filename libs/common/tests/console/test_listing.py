"""Lists: filters in the address, pages by cursor, everything as CSV."""

import csv
import io
import re
from datetime import UTC, datetime

import pytest
from common.console.csv_export import cell, quoted_writer
from common.console.listing import PAGE_ROWS

LIST = "/admin/esb/numbers/"


@pytest.fixture
def viewer(as_role):
    return as_role("viewer")


def shown(page):
    return [int(number) for number in re.findall(r"<tr><td>(\d+)</td>", page.text)]


def link(page, label):
    found = re.search(rf'<a href="([^"]*)"[^>]*>{label}</a>', page.text)
    return found and LIST + found.group(1).replace("&amp;", "&")


def test_list_goes_on_page_by_page_with_its_filters(viewer):
    page = viewer.get(LIST, query_string={"least": "10"})
    numbers, address = shown(page), link(page, "Older")
    assert len(numbers) == PAGE_ROWS
    assert 'name="least" type="text" value="10"' in page.text

    while address:
        page = viewer.get(address)
        numbers += shown(page)
        address = link(page, "Older")

    assert numbers == list(range(119, 9, -1))
    assert shown(viewer.get(link(page, "Newest")))[0] == 119


def test_field_has_the_attributes_that_its_page_gives_it(viewer):
    assert re.search(r'<input id="least"[^>]* inputmode="numeric"', viewer.get(LIST).text)


def test_everything_is_downloaded_as_csv_with_the_same_filters(viewer):
    answer = viewer.get(link(viewer.get(LIST, query_string={"least": "10"}), "Download as CSV"))

    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="numbers.csv"'
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert rows[0] == ["Number", "Text"]
    assert [int(row[0]) for row in rows[1:]] == list(range(119, 9, -1))
    assert all(line.startswith('"') and line.endswith('"') for line in answer.text[1:].splitlines())
    assert rows[1][1] == "'=119"


def test_filter_that_cannot_be_read_is_shown_with_its_reason(viewer):
    answer = viewer.get(LIST, query_string={"least": "<ten>"})

    assert answer.status_code == 422
    assert "Not a valid integer." in answer.text
    assert 'value="&lt;ten&gt;"' in answer.text
    assert shown(answer) == []


def test_blank_and_unknown_filters_do_not_filter(viewer):
    assert shown(viewer.get(LIST, query_string={"least": " ", "other": "1"}))[0] == 119


def test_empty_list_says_how_to_see_more(viewer):
    page = viewer.get(LIST, query_string={"least": "500"})

    assert "Nothing matches these filters." in page.text
    assert f'<a href="{LIST}">Clear the filters</a>' in page.text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (-1, "-1"),
        ("-1+cmd", "'-1+cmd"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("a=b", "a=b"),
        ("=1", "'=1"),
        ("x;=cmd|' /C calc'!A0", "x;'=cmd|' /C calc'!A0"),
        ("x, +1", "x, '+1"),
        ('x;"=1', "x;\"'=1"),
        ("x\n=1", "x\n'=1"),
        ("x\t-1", "x\t'-1"),
        ("\uff1d1", "'\uff1d1"),
        ("well-known; e-mail, 3-4", "well-known; e-mail, 3-4"),
        (datetime(2026, 11, 22, 15, 29, tzinfo=UTC), "2026-11-22T15:29:00Z"),
    ],
)
def test_no_cell_becomes_a_formula(value, text):
    assert cell(value) == text


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("text", ["x;=cmd|' /C calc'!A0", '";=1', 'a"\t=1', "x,\n@a", "|-1+1;+2"])
def test_no_reader_sees_a_formula_whatever_it_takes_for_a_separator(text, separator):
    buffer = io.StringIO()
    quoted_writer(buffer).writerows([["first", cell(text), "last"], [cell(text), "", cell(text)]])

    rows = csv.reader(io.StringIO(buffer.getvalue()), delimiter=separator)

    cells = [one.lstrip(' "') for row in rows for one in row]
    assert not [one for one in cells if one.startswith(("=", "+", "-", "@"))]
