"""The relay's pages in the console: the overview, the log, the keys."""

import re
from uuid import uuid4

import pytest
from common.console.staff import PASS_HEADER
from esb_relay.keys.pairs import Encoding

OVERVIEW = "/admin/esb/"
EXCHANGES = f"{OVERVIEW}exchanges/"


def shown(page):
    assert page.status_code == 200
    return re.findall(r'<tr id="exchange-([^"]+)"', page.text)


def exchange_of(answer):
    return answer.get_json()["exchange_id"]


def test_overview_says_what_to_do_before_the_first_exchange(console):
    page = console("viewer").get(OVERVIEW)

    assert page.status_code == 200
    assert "No exchange in the last 24 hours" in page.text


def test_overview_counts_exchanges_by_their_end_and_says_what_went_wrong(console, api):
    api.relay("{}")
    failed = exchange_of(api.relay("{}", code="C!failure"))

    page = console("viewer").get(OVERVIEW).text

    assert '<span class="badge good">succeeded</span>' in page
    assert f'<a href="{EXCHANGES}{failed}/">C!failure</a>:' in page


def test_stranger_is_led_to_the_login_page(app):
    answer = app.test_client().get(OVERVIEW)

    assert answer.headers["Location"] == "/admin/login/?next=/admin/esb/"


# --- exchanges


def test_empty_log_says_what_to_do_and_an_empty_result_how_to_go_on(console):
    viewer = console("viewer")

    assert "No exchange yet" in viewer.get(EXCHANGES).text
    assert "Clear the filters" in viewer.get(f"{EXCHANGES}?status=unknown").text


def test_log_is_filtered_by_the_address_and_shows_the_filter_again(console, api):
    api.relay("{}")
    failed = exchange_of(api.relay("{}", code="C!failure"))

    page = console("viewer").get(f"{EXCHANGES}?status=failed&direction=outgoing&code=")

    assert shown(page) == [failed]
    assert '<option value="failed" selected>' in page.text


def test_filter_that_cannot_be_read_is_named(console):
    page = console("viewer").get(f"{EXCHANGES}?status=lost")

    assert page.status_code == 422
    assert "Must be one of" in page.text


def test_download_holds_what_the_filters_leave(console, api):
    api.relay("{}")
    failed = exchange_of(api.relay("{}", code="C!failure"))

    lines = console("viewer").get(f"{EXCHANGES}?status=failed&format=csv").text.splitlines()

    assert [line.split(",")[0] for line in lines[1:]] == [f'"{failed}"']


def test_exchange_shows_verdict_times_and_digests_but_no_body(console, api):
    answer = api.relay('{"name":"Mwanaidi"}')
    record = api.exchange(answer)

    page = console("viewer").get(f"{EXCHANGES}{exchange_of(answer)}/").text

    assert '<span class="badge good">verified</span> by its raw bytes' in page
    for known in (record["kid"], record["request_digest"], record["answer_digest"]):
        assert known in page
    assert "ESB_STORE_BODIES is off" in page
    assert "Mwanaidi" not in page


def test_exchange_that_failed_says_why(console, api):
    answer = api.relay("{}", code="C!wrong-key")
    record = api.exchange(answer)

    page = console("viewer").get(f"{EXCHANGES}{record['id']}/").text

    assert '<span class="badge bad">not verified</span>' in page
    assert f'<p class="flash bad">{record["error"]}</p>' in page


def test_envelopes_are_shown_where_the_installation_keeps_them(app_with, api_of, issuer):
    app = app_with(store_bodies=True)
    exchange = exchange_of(api_of(app).relay('{"n":1.10}'))

    headers = {PASS_HEADER: issuer.page_pass("viewer")}
    page = app.test_client().get(f"{EXCHANGES}{exchange}/", headers=headers).text

    assert "&#34;apiCode&#34;: &#34;DEMO&#34;" in page


@pytest.mark.parametrize(
    ("caller", "is_linked"), [("kiungo-proxy", True), ("somebody else", False)]
)
def test_exchange_of_the_gateway_leads_to_its_transaction(
    app, api, issuer, console, caller, is_linked
):
    api.token = issuer.token("esb:relay esb:admin", subject=caller)
    record = api.exchange(api.relay("{}"))

    page = console("viewer").get(f"{EXCHANGES}{record['id']}/").text

    link = f'href="/admin/mediator/transactions/{record["correlation_id"]}/"'
    assert (link in page) is is_linked


def test_unknown_exchange_is_a_page_that_says_so(console):
    page = console("viewer").get(f"{EXCHANGES}{uuid4()}/")

    assert (page.status_code, page.mimetype) == (404, "text/html")


# --- keys


def test_keys_are_shown_with_fingerprints_and_public_encodings_only(console, p256, esb_key):
    page = console("viewer").get(f"{OVERVIEW}keys/").text

    for key in (p256.public, esb_key.public):
        assert key.fingerprint in page
        assert key.encoded(Encoding.PEM).decode().strip() in page
        assert key.encoded(Encoding.DER_B64).decode() in page
    assert "secp256r1" in page
    assert "PRIVATE" not in page


def test_key_is_downloaded_as_der(console, p256):
    answer = console("viewer").get(f"{OVERVIEW}keys/{p256.kid}/public.der")

    assert answer.data == p256.public.encoded(Encoding.DER)
    assert console("viewer").get(f"{OVERVIEW}keys/nobody/public.der").status_code == 404


def test_keys_that_cannot_be_read_are_named_by_their_setting(app_with, issuer):
    app = app_with(esb_public_keys="no key")
    headers = {PASS_HEADER: issuer.page_pass("viewer")}

    page = app.test_client().get(f"{OVERVIEW}keys/", headers=headers)

    assert page.status_code == 200
    assert '<p class="flash bad">GOV_ESB_PUBLIC_KEY: ' in page.text
