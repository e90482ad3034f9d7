"""The OpenAPI pages in a real browser, without any other host."""

import shutil

import pytest
import requests
from openapi_spec_validator import validate

CHROMIUM = shutil.which("chromium")
SERVICES = ["proxy"]


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield opened
        opened.close()


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_page_renders_its_operations_offline(hub, browser, service, tmp_path):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    asked, problems = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: message.type == "error" and problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{hub.url}/api/docs/{service}/swagger/")
    page.wait_for_selector(".opblock-summary", timeout=20_000)
    assert page.locator(".opblock-summary").count() > 20
    assert problems == []
    assert {url for url in asked if not url.startswith((hub.url, "data:"))} == set()
    page.screenshot(path=tmp_path / f"{service}.png", full_page=True)
    page.close()


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_document_is_valid(hub, service):
    document = requests.get(f"{hub.url}/api/docs/{service}/openapi.json", timeout=10).json()
    assert document["openapi"].startswith("3.")
    validate(document)


def test_the_index_links_every_service(hub, browser):
    page = browser.new_page()
    page.goto(f"{hub.url}/api/docs/")
    for service in SERVICES:
        assert page.locator(f"a[href='/api/docs/{service}/swagger/']").count() == 1
    page.close()
