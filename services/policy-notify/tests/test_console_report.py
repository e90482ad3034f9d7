"""The report in the console: its form, the first rows, the print view, the downloads."""

import re

import pytest

REPORT = "/admin/policy-notification/report/"


def test_form_asks_for_a_place_first(console, scheme):
    page = console("viewer").get(REPORT)

    assert page.status_code == 200
    assert "Choose a region or a district" in page.text
    assert f'<option value="{scheme.district}">D1 Name D1</option>' in page.text


def test_first_rows_are_shown_with_the_ways_to_have_all(console, scheme):
    scheme.family(phone="+255700000042")
    scheme.family(phone=None)

    query = f"?regionUuid={scheme.region}&mode=1"
    page = console("viewer").get(REPORT + query).text

    assert "<td>+255700000042</td>" in page
    assert page.count("<td>D1 Name D1</td>") == 1
    assert "Approval and phone number" in page
    for wanted in ("html", "csv", "xlsx", "pdf", "json"):
        assert f"format={wanted}" in page


#: Nothing has it. The same in every process that collects these tests.
UNKNOWN = "0190a000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("mode=1", "regionUuid or districtUuid is required."),
        ("regionUuid=x", "Not a valid UUID."),
        (f"districtUuid={UNKNOWN}", "No such district"),
        (f"districtUuid={UNKNOWN}&format=csv", "No such district"),
    ],
)
def test_form_that_asks_for_nothing_known_says_why(console, query, reason):
    page = console("viewer").get(f"{REPORT}?{query}")

    assert (page.status_code, page.mimetype) == (422, "text/html")
    assert reason in page.text


@pytest.mark.parametrize(
    ("wanted", "begins"),
    [("csv", "\ufeff".encode()), ("xlsx", b"PK"), ("pdf", b"%PDF"), ("json", b"{")],
)
def test_report_is_downloaded(console, scheme, wanted, begins):
    scheme.family()

    answer = console("viewer").get(f"{REPORT}?districtUuid={scheme.district}&format={wanted}")

    assert answer.data.startswith(begins)
    assert f'.{wanted}"' in answer.headers["Content-Disposition"]


def test_print_view_has_its_style_from_an_address_of_ours(console, scheme):
    scheme.family(phone="+255700000042")
    viewer = console("viewer")

    page = viewer.get(f"{REPORT}?regionUuid={scheme.region}&format=html")

    assert "<td>+255700000042</td>" in page.text
    assert "<style" not in page.text
    style = viewer.get(re.search(r'<link rel="stylesheet" href="([^"]+)"', page.text)[1])
    assert style.mimetype == "text/css"
    assert "@media print" in style.text
