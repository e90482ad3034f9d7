"""The report as an office opens it: in a browser, on paper, and in a spreadsheet; through nginx."""

import csv
import io
import shutil
import subprocess
import uuid
from typing import Any

import pytest
from browsers import Watched
from openpyxl import load_workbook
from policy_scheme import PREFIX, Scheme
from pypdf import PdfReader

PATH = "communication_by_notification_report/"
FAMILIES = 120
#: What a browser makes of the bytes is the same in both.
in_one_shape = pytest.mark.parametrize("hub", ["embedded"], indirect=True)
LIBREOFFICE = shutil.which("libreoffice") or shutil.which("soffice")


@pytest.fixture
def scheme(hub) -> Scheme:
    """A scheme of many families; the first head's name and number tempt a spreadsheet."""
    scheme = Scheme(hub).found()
    families = [str(uuid.uuid4()) for _ in range(FAMILIES)]
    heads = [str(uuid.uuid4()) for _ in families]
    people: list[dict[str, Any]] = [
        {"uuid": head, "chf_id": f"0700{at:05d}", "last_name": "Mushi", "other_names": "Asha"}
        for at, head in enumerate(heads)
    ]
    people[0] |= {"last_name": "=1+1", "phone": "+255741000001"}
    scheme.put("insurees", *people)
    pairs = zip(families, heads, strict=True)
    kept = {"location": scheme.village}
    scheme.put("families", *({"uuid": family, "head": head, **kept} for family, head in pairs))
    return scheme


def report(scheme: Scheme, name: str) -> bytes:
    answer = scheme.ask("GET", PATH, params={"regionUuid": scheme.region, "format": name})
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.fixture
def browser_page(hub, scheme, browser):
    """Opens a format of the report in Chromium, as somebody with a token."""
    headers = {"Authorization": f"Bearer {hub.token}"}
    with browser.new_context(extra_http_headers=headers) as context:

        def open_(name: str) -> Watched:
            watched = Watched(context.new_page())
            query = f"regionUuid={scheme.region}&format={name}"
            watched.page.goto(f"{hub.url}{PREFIX}/{PATH}?{query}")
            return watched

        yield open_


@in_one_shape
def test_html_opens_in_a_browser_and_prints_with_headings_on_every_page(hub, browser_page):
    watched = browser_page("html")
    page = watched.page
    assert page.title() == "Communication by notification"
    assert page.locator("tbody tr").count() == FAMILIES
    assert page.locator("tbody tr").first.locator("td").nth(5).inner_text() == "=1+1"
    borders = page.locator("thead th").first.evaluate("one => getComputedStyle(one).borderBottom")
    assert borders.startswith("2px")  # its own style was let through
    assert watched.problems == []
    assert watched.asked_elsewhere(hub.url) == set()

    printed = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages
    texts = [one.extract_text() for one in printed]
    assert len(texts) > 1
    assert all(one.mediabox.width > one.mediabox.height for one in printed)
    assert all("CHF ID" in text for text in texts)
    assert sum(text.count("0700") for text in texts) == FAMILIES


@in_one_shape
def test_pdf_opens_in_a_browser_with_all_its_pages(scheme, browser_page):
    pages = PdfReader(io.BytesIO(report(scheme, "pdf"))).pages
    for number, page in enumerate(pages, start=1):
        assert f"Page {number} of" in page.extract_text()
        assert "CHF ID" in page.extract_text()

    page = browser_page("pdf").page

    viewer = page.wait_for_event("frameattached") if len(page.frames) < 2 else page.frames[1]
    viewer.locator("#pagelength").wait_for()
    assert viewer.locator("#pagelength").inner_text() == str(len(pages))


def test_workbook_is_read_again_with_every_cell_as_text(scheme):
    sheet = load_workbook(io.BytesIO(report(scheme, "xlsx"))).active
    rows = list(sheet.iter_rows(min_row=8, values_only=True))
    assert [row[3] for row in rows] == [f"0700{at:05d}" for at in range(FAMILIES)]
    assert (rows[0][5], rows[0][6]) == ("=1+1", "+255741000001")
    assert {cell.data_type for cell in sheet[8]} <= {"s", "inlineStr"}


@pytest.mark.skipif(LIBREOFFICE is None, reason="LibreOffice is not installed")
def test_spreadsheet_program_opens_both_files_without_reckoning(scheme, tmp_path):
    names = ("xlsx", "csv")
    for name in names:
        (tmp_path / f"{name}-report.{name}").write_bytes(report(scheme, name))
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    files = [str(tmp_path / f"{name}-report.{name}") for name in names]
    convert = ["--headless", "--convert-to", "fods", "--outdir", str(tmp_path), *files]
    subprocess.run([LIBREOFFICE, profile, *convert], check=True)
    for name in names:
        opened = (tmp_path / f"{name}-report.fods").read_text(encoding="utf-8")
        assert "=1+1" in opened
        assert "of:=" not in opened


def test_csv_has_every_family_under_its_heading(scheme):
    rows = list(csv.reader(io.StringIO(report(scheme, "csv").decode("utf-8-sig"))))
    assert rows[6][3] == "CHF ID"
    assert [row[3] for row in rows[7:]] == [f"0700{at:05d}" for at in range(FAMILIES)]
    assert rows[7][5] == "'=1+1"
