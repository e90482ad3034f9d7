"""Campaigns in the console: written by one, tried out, approved by another, watched, stopped."""

import io
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

HOME = "/admin/notification/campaigns/"
DRAFT = {
    "name": "Renewals",
    "event_code": "LICENCE_ISSUED",
    "channel": "SMS",
    "priority": "LOW",
    "rate": "60000",
    "only": "district = Kondoa, Chemba",
    "context": "",
}
LIST = (
    b"user_id,actor_type,to_phone,district\n1,TEACHER,0712000001,Kondoa\n2,TEACHER,x,Chemba\n3,,,\n"
)


@pytest.fixture
def amina(console: Any) -> FlaskClient:
    found: FlaskClient = console("operator")
    return found


@pytest.fixture
def juma(app: Flask, browser_of: Any) -> FlaskClient:
    found: FlaskClient = browser_of("juma", "operator")
    return found


@pytest.fixture
def draft(amina: FlaskClient, csrf: dict[str, str], words: None) -> str:
    """The address of a draft of Amina's, with her list."""
    made = amina.post(f"{HOME}new/", data={**DRAFT, **csrf})
    assert made.status_code == 303, made.text
    address: str = made.headers["Location"]
    sent = {"list": (io.BytesIO(LIST), "list.csv"), **csrf}
    assert amina.post(f"{address}people/", data=sent).status_code == 303
    return address


def fingerprint(page: str) -> str:
    found = re.search(r'name="fingerprint" value="([0-9a-f]+)"', page)
    assert found, page
    return found[1]


def test_a_draft_is_tried_out_approved_by_another_and_done(
    amina: FlaskClient, juma: FlaskClient, csrf: dict[str, str], draft: str, campaigns: Any
) -> None:
    page = amina.get(draft).text
    assert "Added: 2, on the list already: 0" in page
    assert "line 4: actor_type: Missing data for required field." in page
    amina.post(f"{draft}dry-run/", data=csrf)
    hers, his = amina.get(draft).text, juma.get(draft).text
    assert "Somebody who has not written it" in hers
    assert "Left out" in hers
    assert 'name="fingerprint"' not in hers
    wanted = {"fingerprint": fingerprint(his), **csrf}

    amina.post(f"{draft}approve/", data=wanted)
    assert "must approve it" in amina.get(draft).text
    assert juma.post(f"{draft}approve/", data=wanted).status_code == 303
    assert "RUNNING" in juma.get(draft).text
    campaigns.work()

    page = amina.get(draft).text
    assert "2 of 2 people" in page
    assert "staff:juma" in page
    people = amina.get(f"{draft}people/").text
    assert "No number in to_phone: not a telephone number" in people
    assert "0712000001" not in people
    assert amina.get(f"{draft}people/?status=LEFT_OUT&format=csv").text.count("\n") == 2


def test_a_running_campaign_is_slowed_paused_resumed_and_stopped(
    amina: FlaskClient, juma: FlaskClient, csrf: dict[str, str], draft: str
) -> None:
    amina.post(f"{draft}dry-run/", data=csrf)
    juma.post(f"{draft}approve/", data={"fingerprint": fingerprint(juma.get(draft).text), **csrf})

    assert amina.post(f"{draft}rate/", data={"rate": "30", **csrf}).status_code == 303
    assert "<dd>30</dd>" in amina.get(draft).text
    amina.post(f"{draft}rate/", data={"rate": "no", **csrf})
    assert "Messages a minute:" in amina.get(draft).text
    for act, status in (("pause", "PAUSED"), ("resume", "RUNNING"), ("stop", "STOPPED")):
        assert amina.post(f"{draft}{act}/", data=csrf).status_code == 303
        assert status in amina.get(draft).text
    amina.post(f"{draft}resume/", data=csrf)
    assert "A campaign that is STOPPED cannot be resumed." in amina.get(draft).text


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("event_code", "NOTHING", "Unknown or inactive event_code."),
        ("only", "Kondoa", "Each line is a column, an equals sign, values with commas."),
        ("rate", "0", "Must be greater than or equal to 1"),
        ("rate", "", "Missing data for required field."),
        ("priority", "CRITICAL", "A campaign is not CRITICAL"),
    ],
)
def test_what_is_wrong_with_a_draft_is_said_at_its_field(
    amina: FlaskClient, csrf: dict[str, str], field: str, typed: str, said: str
) -> None:
    answer = amina.post(f"{HOME}new/", data={**DRAFT, field: typed, **csrf})

    assert answer.status_code == 422
    page = answer.text.replace("&#39;", "'")
    assert said in page
    assert f'id="{field}-error"' in page


ACTS = ("dry-run", "approve", "pause", "resume", "stop", "people", "rate")


def test_a_viewer_sees_and_changes_nothing(console: Any, csrf: dict[str, str], draft: str) -> None:
    viewer = console("viewer")

    assert "Renewals" in viewer.get(HOME).text
    assert "<form method" not in viewer.get(draft).text.split("<main")[1]
    for act in ACTS:
        assert viewer.post(f"{draft}{act}/", data=csrf).status_code == 403
    assert viewer.post(f"{HOME}new/", data={**DRAFT, **csrf}).status_code == 403
    assert viewer.get(f"{HOME}new/").status_code == 403


def test_forms_need_their_token_and_their_origin(
    amina: FlaskClient, csrf: dict[str, str], draft: str, campaigns: Any
) -> None:
    elsewhere = {"Origin": "https://evil.example"}
    for path in (*(f"{draft}{act}/" for act in ACTS), f"{HOME}new/"):
        assert amina.post(path, data=DRAFT).status_code == 403
        assert amina.post(path, data={**DRAFT, **csrf}, headers=elsewhere).status_code == 403
    (only,) = campaigns.writer.get("campaigns/").get_json()["data"]
    assert (only["status"], only["rate"], only["dry_run"]) == ("DRAFT", 60_000, None)
