"""The report in five formats: its rows, what it asks for, and that a reader opens it."""

import csv
import io
import json
from typing import Any
from uuid import uuid4

import pytest
from openpyxl import load_workbook
from policy_notify.report.pdf_pages import write_pdf
from policy_notify.report.rows import Report, ReportHeader, ReportRow
from policy_notify.report.tables import harmless
from pypdf import PdfReader

PATH = "communication_by_notification_report/"
COLUMNS = ["District", "Municipality", "Village", "CHF ID", "Given name", "Last name", "Phone"]


@pytest.fixture
def families(scheme: Any) -> None:
    """Three families: told by the head, by a member, and not at all."""
    scheme.policy(scheme.family(language="sw"))
    second = scheme.family(phone=None, approval=False)
    scheme.person(second, "+255700000002", other_names="=Neema", last_name="Mushi")
    scheme.family(phone=None, approval=None)
    scheme.family(location=uuid4())


def ask(api: Any, scheme: Any, **query: Any) -> Any:
    query = {"regionUuid": scheme.region, **query}
    answer = api.get(PATH, **query)
    assert answer.status_code == 200, answer.get_json()
    return answer


def test_rows_name_places_head_consent_and_the_alternative(
    api: Any, scheme: Any, families: None
) -> None:
    found = ask(api, scheme).get_json()
    assert found["header"] == {
        "region": "R1 Name R1",
        "district": "",
        "officer": "",
        "mode": "All",
    }
    places = {
        "district": "D1 Name D1",
        "municipality": "W1 Name W1",
        "village": "V1 Name V1",
    }
    assert found["count"] == 3
    assert all(row.items() >= places.items() for row in found["data"])
    shown = [
        (
            row["chf_id"],
            row["phone"],
            row["approval"],
            row["language"],
            row["alternative_given_name"],
            row["alternative_last_name"],
            row["alternative_phone"],
        )
        for row in found["data"]
    ]
    assert shown == [
        ("70001", "+255700000001", True, "sw", "-", "-", "-"),
        ("70002", "", False, "en", "=Neema", "Mushi", "+255700000002"),
        ("70004", "", False, "", "-", "-", "-"),
    ]


@pytest.mark.parametrize(
    ("mode", "text", "count"),
    [
        (0, "All", 3),
        (1, "Approval and phone number", 1),
        (2, "Approval only", 0),
        (3, "Phone number only", 1),
        (4, "No approval and phone number", 1),
    ],
)
def test_mode_and_officer_narrow_it(
    api: Any, scheme: Any, families: None, mode: int, text: str, count: int
) -> None:
    found = ask(api, scheme, mode=mode).get_json()
    assert (found["header"]["mode"], found["count"]) == (text, count)
    mine = ask(api, scheme, districtUuid=scheme.district, officerUuid=scheme.officer).get_json()
    assert mine["header"]["district"] == "D1 Name D1"
    assert mine["header"]["officer"] == "O1 Neema Omari"
    assert mine["count"] == 1


def test_csv_opens_in_a_spreadsheet_without_formulas(api: Any, scheme: Any, families: None) -> None:
    answer = ask(api, scheme, format="csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert rows[1] == ["Region", "R1 Name R1"]
    assert rows[6][:7] == COLUMNS
    assert len(rows) == 10
    assert rows[8][-3:] == ["'=Neema", "Mushi", "+255700000002"]
    assert rows[6][-3:] == ["Member Given Names", "Member Last Name", "Member Phone Number"]


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+255 700 000 001", "+255 700 000 001"),
        ("+cmd", "'+cmd"),
        ("@a", "'@a"),
        ("-", "-"),
        ("Asha", "Asha"),
        ("", ""),
    ],
)
def test_cell_that_a_spreadsheet_would_reckon_is_quoted(cell: str, shown: str) -> None:
    assert harmless(cell) == shown


def test_workbook_has_titles_in_view_and_names_as_text(
    api: Any, scheme: Any, families: None
) -> None:
    answer = ask(api, scheme, format="xlsx")
    sheet = load_workbook(io.BytesIO(answer.get_data())).active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert list(rows[6][:7]) == COLUMNS
    assert len(rows) == 10
    assert sheet.freeze_panes == "A8"
    assert sheet.print_title_rows == "$7:$7"
    assert {cell.data_type for row in sheet.iter_rows(min_row=8) for cell in row} <= {
        "s",
        "n",
        "inlineStr",
    }


def test_html_is_one_page_that_escapes_names(api: Any, scheme: Any) -> None:
    scheme.family()
    scheme.person(None, None)
    family = scheme.family(phone=None)
    scheme.person(family, "0754000111", last_name="<script>alert(1)</script>")
    page = ask(api, scheme, format="html").get_data(as_text=True)
    assert page.startswith("<!doctype html>")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert page.count("<tr>") == 3


def test_pdf_has_page_numbers_and_repeated_headings() -> None:
    row = ReportRow("D1 Name", "W1", "V1", "70001", "Asha", "Mushi", "1", True, "sw", "-", "-", "-")
    report = Report(ReportHeader("R1 Name", "", "", "All"), iter([row] * 120))
    reader = PdfReader(io.BytesIO(b"".join(write_pdf(report))))
    pages = [page.extract_text() for page in reader.pages]
    assert len(pages) > 2
    assert all("CHF ID" in page for page in pages)
    for number, page in enumerate(pages, start=1):
        assert f"Page {number} of" in page
    assert "Communication by notification" in pages[0]
    assert sum(page.count("70001") for page in pages) == 120


def test_pdf_of_names_that_latin_1_lacks_is_made() -> None:
    row = ReportRow("D", "W", "V", "1", "Łukasz" * 20, "王", "1", False, "", "-", "-", "-")
    report = Report(ReportHeader("", "", "", "All"), iter([row]))
    assert b"".join(write_pdf(report)).startswith(b"%PDF")


def test_unknown_uuid_is_not_found_and_an_area_is_required(api: Any, scheme: Any) -> None:
    assert api.get(PATH).status_code == 422
    for query in (
        {"regionUuid": uuid4()},
        {"districtUuid": uuid4()},
        {"districtUuid": scheme.region},
        {"regionUuid": scheme.region, "officerUuid": uuid4()},
    ):
        assert api.get(PATH, **query).status_code == 404


def test_district_of_another_region_is_not_found(api: Any, scheme: Any) -> None:
    other = uuid4()
    scheme.put("locations", uuid=other, code="R2", name="Other", level="R")
    query = {"regionUuid": other, "districtUuid": scheme.district}
    assert api.get(PATH, **query).status_code == 404


def test_places_that_go_round_in_a_circle_are_tolerated(api: Any, scheme: Any) -> None:
    scheme.put(
        "locations", uuid=scheme.region, code="R1", name="x", level="R", parent=scheme.village
    )
    scheme.family()
    assert ask(api, scheme).get_json()["count"] == 1


def test_report_needs_its_own_scope(api_with: Any, scheme: Any) -> None:
    query = {"regionUuid": scheme.region}
    assert api_with("policy:read policy:write").get(PATH, **query).status_code == 403
    assert api_with("policy:report").get(PATH, **query).status_code == 200


def test_many_families_come_in_batches_each_once(
    api: Any, scheme: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from policy_notify.report import rows

    monkeypatch.setattr(rows, "BATCH", 2)
    made = {str(at): scheme.family(phone=None) for at in range(5)}
    found = json.loads(ask(api, scheme).get_data())["data"]
    chf_ids = [row["chf_id"] for row in found]
    assert chf_ids == sorted(chf_ids)
    assert len(set(chf_ids)) == len(made)


def openimis_filters(place: Any, level: int, *more: str, mode: int = 0) -> str:
    """As openIMIS's front end sends them: GraphQL arguments, quotes escaped within quotes."""
    inner = json.dumps({"policyNotification": {"mode": {"id": "mode", "value": mode}}})
    filters = [
        f'parentLocation: "{place}", parentLocationLevel: {level}',
        f"additionalFilter: {json.dumps(inner)}",
        *more,
    ]
    return json.dumps(dict(enumerate(filters)))


def ask_openimis(api: Any, **query: Any) -> Any:
    headers = {"Authorization": f"Bearer {api.token}"}
    path = "/api/policy_notification/communication_by_notification_report/"
    return api.client.get(path, query_string=query, headers=headers)


@pytest.mark.parametrize(
    ("place", "level", "mode", "count"),
    [("region", 0, 0, 3), ("district", 1, 1, 1), ("municipality", 2, 0, 3), ("village", 3, 4, 1)],
)
def test_openimis_address_and_filters_give_the_report(
    api: Any, scheme: Any, families: None, place: str, level: int, mode: int, count: int
) -> None:
    filters = openimis_filters(getattr(scheme, place), level, mode=mode)
    answer = ask_openimis(api, familyFilterJson=filters, format="json")
    assert answer.status_code == 200, answer.get_json()
    assert answer.get_json()["count"] == count
    assert answer.get_json()["header"]["region"] == "R1 Name R1"


def test_openimis_address_gives_pdf_and_says_which_filters_it_does_not_know(
    api: Any, scheme: Any, families: None
) -> None:
    filters = openimis_filters(
        scheme.district, 1, f'officer: "{scheme.officer}"', "nullAsFalsePoverty: false"
    )
    assert ask_openimis(api, familyFilterJson=filters).get_data().startswith(b"%PDF")
    header = ask_openimis(api, familyFilterJson=filters, format="json").get_json()["header"]
    assert header["officer"] == "O1 Neema Omari"
    assert header["mode"] == "All (not applied: nullAsFalsePoverty: false)"


@pytest.mark.parametrize("filters", ["{", "1", '{"0": 1}', '["officer: \\"x\\""]'])
def test_bad_openimis_filters_are_refused_by_name(api: Any, filters: str) -> None:
    answer = ask_openimis(api, familyFilterJson=filters)
    assert answer.status_code == 422
    assert "familyFilterJson" in answer.get_json()["errors"]


def test_openimis_address_needs_the_scope(api_with: Any, scheme: Any) -> None:
    answer = ask_openimis(api_with("policy:read"), regionUuid=scheme.region)
    assert answer.status_code == 403
