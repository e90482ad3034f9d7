"""The OpenAPI pages in a real browser, without any other host.

The browser looks at one shape: nginx serves the same files in both.
"""

import pytest
import requests
from browsers import Watched
from openapi_spec_validator import validate

SERVICES = ["proxy", "esb-relay", "notification", "policy-notify"]
WHOLE = "/api/docs/openapi.json"
CHOSEN = "/api/docs/notification/openapi.json"

in_one_shape = pytest.mark.parametrize("hub", ["embedded"], indirect=True)


@in_one_shape
@pytest.mark.parametrize("service", SERVICES)
def test_a_services_page_renders_its_operations_offline(hub, browser, service):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    watched = Watched(page)
    page.goto(f"{hub.url}/api/docs/{service}/swagger/")
    page.wait_for_selector(".opblock-summary", timeout=20_000)
    assert page.locator(".opblock-summary").count() > 10
    assert watched.problems == []
    assert watched.asked_elsewhere(hub.url) == set()
    page.close()


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_document_is_valid(hub, service):
    document = requests.get(f"{hub.url}/api/docs/{service}/openapi.json", timeout=10).json()
    assert document["openapi"].startswith("3.")
    validate(document)


@in_one_shape
def test_the_index_links_every_service(hub, browser):
    page = browser.new_page()
    page.goto(f"{hub.url}/api/docs/")
    for service in SERVICES:
        assert page.locator(f"a[href='/api/docs/{service}/swagger/']").count() == 1
    assert page.locator("a[href='/api/docs/swagger/']").count() == 1
    page.close()


@in_one_shape
def test_one_page_shows_all_services_or_the_chosen_one(hub, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    watched = Watched(page)
    page.goto(f"{hub.url}/api/docs/swagger/")
    page.wait_for_selector(".opblock-summary", timeout=20_000)
    of_all = page.locator(".opblock-summary").count()

    page.select_option("#document", CHOSEN)
    page.wait_for_url(f"**/api/docs/swagger/?document=*{CHOSEN.rpartition('/')[2]}")
    page.wait_for_selector(".opblock-summary", timeout=20_000)
    assert page.locator("#document").input_value() == CHOSEN
    assert 10 < page.locator(".opblock-summary").count() < of_all
    assert watched.problems == []
    assert watched.asked_elsewhere(hub.url) == set()
    page.close()


def test_the_whole_document_is_what_the_services_say(hub):
    whole = requests.get(f"{hub.url}{WHOLE}", timeout=10).json()
    validate(whole)
    said = [
        requests.get(f"{hub.url}/api/docs/{service}/openapi.json", timeout=10).json()["paths"]
        for service in SERVICES
    ]
    assert set(whole["paths"]) == {path for paths in said for path in paths}
