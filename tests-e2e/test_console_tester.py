"""The integration tester in a browser: calls through nginx, by grant or typed secret."""

import subprocess

import pytest
from browsers import staff_page
from console import staff_of
from playwright.sync_api import expect
from systems import MOSTLY_EMBEDDED

TESTER = "/admin/mediator/tester/"
ECHO = "Demo echo"

pytestmark = pytest.mark.parametrize("hub", MOSTLY_EMBEDDED, indirect=True)


@pytest.fixture
def watched(hub, window):
    """The tester, reached by its short address, set to the demonstration's channel and client."""
    member = staff_of(hub, "operator")
    with staff_page(hub, window, member) as watched:
        page = watched.page
        page.goto(f"{hub.url}/tester/")
        page.wait_for_url(f"{hub.url}{TESTER}")
        page.get_by_label("Channel").select_option(ECHO)
        expect(page.get_by_label("Path")).to_have_value("/demo/")
        page.get_by_label("Client", exact=True).select_option(hub.stack.demo_client_id)
        watched.username = member[1]
        yield watched


def send(page):
    """Send what is filled in; where its outcome is shown."""
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("button", name="Send")).to_be_enabled(timeout=30_000)
    return page.locator("#outcome")


def test_call_by_grant_is_shown_with_its_answer_and_who_made_it(hub, watched):
    page = watched.page
    page.get_by_label("Method").select_option("POST")
    page.get_by_label("Path").fill("/demo/a b")
    page.get_by_label("Query").fill("n=1")
    page.get_by_label("Content type").fill("application/json")
    page.get_by_label("More headers").fill("X-Hello: wor:ld\n\nAccept: application/json")
    page.get_by_label("Body", exact=True).fill('{"amount": 1.10, "nin": 12345678901234567890}')

    expect(send(page)).to_contain_text("200 OK in ")
    body = page.locator("#answer-body")
    expect(body).to_contain_text('\n  "path": "/demo/a%20b"')
    expect(body).to_contain_text('"nin": 12345678901234567890')
    expect(body).to_contain_text('"X-Hello": "wor:ld"')
    expect(page.locator("#answer-headers")).to_contain_text("x-correlation-id")

    page.get_by_role("link", name="The transaction").click()
    expect(page.get_by_text("Made in the tester by")).to_be_visible()
    expect(page.locator("#summary")).to_contain_text(watched.username)
    expect(page.locator("#content")).to_contain_text("X-Client-Secret")
    assert "grant_" not in page.content()
    assert watched.problems == []
    assert watched.asked_elsewhere(hub.url) == set()


def test_asynchronous_call_is_followed_to_its_end(watched):
    page = watched.page
    page.get_by_label("Path").fill("/demo/later")
    page.get_by_label("Asynchronous").check()

    expect(send(page)).to_contain_text("202 Accepted in ")

    expect(page.locator("#record .badge")).to_have_text("successful", timeout=30_000)
    expect(page.locator("#later-body")).to_contain_text('"path": "/demo/later"')
    assert watched.problems == []


def test_refused_call_shows_its_problem_and_what_was_near(watched):
    page = watched.page
    page.get_by_label("Path").fill("/demonstration")

    expect(send(page)).to_contain_text("404 ")

    expect(page.locator("#answer-body")).to_contain_text("No active channel for this path")
    expect(page.locator("#record")).to_contain_text("refused", timeout=15_000)
    expect(page.locator("#record")).to_contain_text(ECHO)


def test_typed_secret_is_sent_to_the_channel_only(hub, watched):
    page = watched.page
    secret = hub.credentials["X-Client-Secret"]
    sent = []
    page.on("request", lambda request: sent.append(request))
    page.get_by_label("The client's secret").fill(secret)
    page.get_by_label("Path").fill("/demo/typed")

    expect(send(page)).to_contain_text("200 OK in ")
    expect(page.get_by_role("link", name="The transaction")).to_be_visible()

    knowing = [one for one in sent if secret in str(one.all_headers()) + str(one.post_data)]
    assert [one.url for one in knowing] == [f"{hub.url}/demo/typed"]
    assert not any(one.url.endswith("/grant/") for one in sent)
    assert not any(secret in one.url for one in sent)
    assert secret not in page.content()

    page.get_by_label("The client's secret").fill("wrong")
    expect(send(page)).to_contain_text("403 ")
    expect(page.locator("#answer-body")).to_contain_text("Invalid client credentials")


def test_curl_makes_the_same_call(hub, watched):
    page = watched.page
    page.get_by_label("Method").select_option("PUT")
    page.get_by_label("Path").fill("/demo/it's [1]")
    page.get_by_label("More headers").fill("X-Quoted: it's $HOME")
    page.get_by_label("Body", exact=True).fill('@{"name":\n "O\'Neill `id` $HOME"}')
    page.get_by_label("Content type").fill("text/plain")
    shown = page.locator("#curl").inner_text()
    assert "$CLIENT_SECRET" in shown

    environ = {"CLIENT_SECRET": hub.credentials["X-Client-Secret"], "PATH": "/usr/bin:/bin"}
    made = subprocess.run(
        ["/bin/sh", "-c", shown], env=environ, capture_output=True, text=True, timeout=30
    )

    assert made.stdout.startswith("HTTP/1.1 200 OK"), made.stdout + made.stderr
    expect(send(page)).to_contain_text("200 OK in ")
    theirs, ours = (hub.transaction(one) for one in correlation_ids(made.stdout, page))
    for column in ("request_method", "request_url", "request_body"):
        assert theirs[column] == ours[column]
    for name in ("Content-Type", "X-Quoted"):
        assert theirs["request_headers"][name] == ours["request_headers"][name]


def correlation_ids(answer: str, page) -> tuple[str, str]:
    """Of curl's answer, and of the page's call."""
    lines = dict(line.split(": ", 1) for line in answer.splitlines() if line.startswith("X-Cor"))
    link = page.get_by_role("link", name="The transaction").get_attribute("href")
    return lines["X-Correlation-Id"], link.rstrip("/").rpartition("/")[2]


def test_what_cannot_be_sent_is_explained(watched):
    page = watched.page
    page.get_by_label("More headers").fill("X-Client-Secret: typed in the wrong place")

    expect(send(page)).to_contain_text("is set by the client and the secret")
    expect(page.locator("#curl")).not_to_contain_text("wrong place")
