"""The workbench: an operator signs a body and verifies an envelope; no key leaves it."""

import html
import re

import pytest
from esb_relay.demo.messages import Seal
from esb_relay.wire.envelope import read_envelope
from esb_relay.wire.signature import verify

WORKBENCH = "/admin/esb/workbench/"


def signed(page):
    found = re.search(r'<pre id="signed"[^>]*>(.*?)</pre>', page.text, re.DOTALL)
    return html.unescape(found[1]) if found else None


def verdict(page):
    return " ".join(re.search(r'id="said">(.*?)</div>', page.text, re.DOTALL)[1].split())


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ({"body": '{"n": 1.10}'}, '{"apiCode":"A1","esbBody":{"n":1.1}}'),
        ({"mode": "push"}, '{"pushCode":"A1"}'),
        (
            {"mode": "nida", "user_id": "U1", "body": "{}"},
            '{"apiCode":"A1","userId":"U1","esbBody":{"Payload":{}}}',
        ),
        (
            {"format": "xml", "body": "<esbBody>\r\n<n>1</n></esbBody>"},
            "<data><apiCode>A1</apiCode><esbBody><n>1</n></esbBody></data>",
        ),
    ],
)
def test_operator_signs_a_body_as_it_would_be_sent(console, csrf, p256, form, data):
    page = console("operator").post(
        f"{WORKBENCH}sign/", data={"code": "A1", "user_id": "", **form, **csrf}
    )

    assert page.status_code == 200
    envelope = read_envelope(signed(page).encode())
    assert envelope.data == data
    verify(envelope, [p256.public])


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({"code": ""}, "Must not be blank"),
        ({"mode": "nida"}, "A nida request is about somebody."),
        ({"body": "{"}, "the body is refused"),
        ({"body": '{"a":1,"a":2}'}, "repeats a member"),
        ({"format": "xml", "body": "<a></b>"}, "not XML"),
    ],
)
def test_body_that_cannot_be_signed_is_shown_again_with_the_reason(console, csrf, form, reason):
    form = {"code": "A1", "body": "{}", **form}

    page = console("operator").post(f"{WORKBENCH}sign/", data={**form, **csrf})

    assert page.status_code == 422
    assert reason in page.text
    assert signed(page) is None
    assert f"{form['body']}</textarea>" in html.unescape(page.text)


def test_envelope_of_the_bus_is_valid_though_the_browser_sends_other_line_ends(
    console, csrf, esb_key
):
    envelope = Seal(esb_key).envelope('{"success": true,\n "esbBody": 1}').decode()

    page = console("operator").post(
        f"{WORKBENCH}verify/",
        data={"key": "esb", "envelope": envelope.replace("\n", "\r\n"), **csrf},
    )

    assert page.status_code == 200
    assert f"Key {esb_key.kid} vouches for its raw bytes." in verdict(page)


def test_envelope_that_was_altered_is_not_valid_and_says_why(console, csrf, esb_key):
    envelope = Seal(esb_key).envelope('{"success":true}').decode().replace("true", "false")

    page = console("operator").post(
        f"{WORKBENCH}verify/", data={"key": "esb", "envelope": envelope, **csrf}
    )

    assert '<span class="badge bad">not valid</span>' in verdict(page)
    assert f"not signed by {esb_key.kid} in any known spelling" in verdict(page)


@pytest.mark.parametrize(
    ("form", "reason"),
    [({"envelope": ""}, "Paste an envelope."), ({"key": "x"}, "no key is called x")],
)
def test_form_that_names_nothing_to_verify_is_refused(console, csrf, form, reason):
    form = {"key": "own", "envelope": "{}", **form}

    page = console("operator").post(f"{WORKBENCH}verify/", data={**form, **csrf})

    assert page.status_code == 422
    assert reason in page.text


@pytest.mark.parametrize("act", ["sign/", "verify/"])
@pytest.mark.parametrize(("role", "with_token"), [("viewer", True), ("operator", False)])
def test_workbench_needs_an_operator_and_the_forms_token(console, csrf, act, role, with_token):
    form = {"code": "A1", "envelope": "{}", **(csrf if with_token else {})}

    assert console(role).post(f"{WORKBENCH}{act}", data=form).status_code == 403


def test_private_key_is_in_no_page(console, csrf, p256):
    operator = console("operator")
    secret = "".join(p256.pem().decode().splitlines()[1:-1])
    form = {"code": "A1", "key": "own", "envelope": "{}", **csrf}

    seen = [operator.get(f"/admin/esb/{path}").text for path in ("", "keys/", "workbench/")]
    seen += [operator.post(f"{WORKBENCH}{act}", data=form).text for act in ("sign/", "verify/")]

    assert not any(secret[:40] in page or "PRIVATE KEY" in page for page in seen)


def test_workbench_is_not_for_viewers(console):
    assert console("viewer").get(WORKBENCH).status_code == 403
    assert console("operator").get(WORKBENCH).status_code == 200
