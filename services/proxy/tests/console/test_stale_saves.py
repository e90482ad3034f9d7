"""A form over a record that somebody else has saved meanwhile: 409, both texts, and a choice."""

import html
import re
from typing import Any

import pytest

BASE = "/admin/mediator"


def form_on(page: str) -> dict[str, Any]:
    """What the page's form would send as it stands."""
    (form,) = re.findall(r'<form method="post" class="card">(.*?)</form>', page, re.DOTALL)
    sent: dict[str, Any] = {
        name: html.unescape(value)
        for name, value in re.findall(
            r'<input (?![^>]*type="checkbox")[^>]*name="(\w+)"[^>]*value="([^"]*)"', form
        )
    }
    for name, options in re.findall(r'(?s)<select [^>]*name="(\w+)".*?>(.*?)</select>', form):
        chosen = re.search(r'value="([^"]*)" selected', options)
        sent[name] = (chosen or re.search(r'value="([^"]*)"', options))[1]  # type: ignore[index]
    for name, text in re.findall(r'(?s)<textarea [^>]*name="(\w+)"[^>]*>\n(.*?)</textarea>', form):
        sent[name] = html.unescape(text)
    for box in re.findall(r'<input [^>]*type="checkbox"[^>]*checked[^>]*>', form):
        name, value = (re.search(f'{one}="([^"]*)"', box)[1] for one in ("name", "value"))  # type: ignore[index]
        sent.setdefault(name, []).append(value)
    sent.pop("csrf_token")
    return sent


@pytest.fixture(params=["channels", "clients", "mediators", "registrations", "staff"])
def edited(request: Any, api: Any, channel: dict[str, Any]) -> tuple[str, str, str, str]:
    """API path, page, field of the form and of the API: of one record of each kind."""
    noun = request.param
    if noun == "channels":
        return f"channels/{channel['id']}/", f"channels/{channel['id']}/edit/", "description", noun
    if noun == "mediators":
        mediator = channel["mediator_id"]
        return f"mediators/{mediator}/", f"mediators/{mediator}/edit/", "name", noun
    made, page, field = {
        "clients": lambda: (api.made("clients", **api.a_client()), "edit/", "name"),
        "registrations": lambda: (
            api.made("registrations", organization="NHIF", api_code="A"), "", "api_code",
        ),
        "staff": lambda: (
            api.made("staff", username="neema", password="long enough, and new", role="viewer"),
            "", "email",
        ),
    }[noun]()  # fmt: skip
    return f"{noun}/{made['id']}/", f"{noun}/{made['id']}/{page}", field, noun


def test_stale_save_is_shown_beside_theirs_and_may_be_saved_over_it(
    admin: Any, api: Any, edited: Any
) -> None:
    record, page, field, _ = edited
    path = f"{BASE}/{page}"
    mine = {**form_on(admin.get(path).text), field: "mine@x"}
    assert api.patch(record, {field: "theirs@x"}).status_code == 200

    stale = admin.act(path, **mine)

    assert stale.status_code == 409, re.findall(r'wrong-text" id="(.*?)</p>', stale.text)
    assert re.search(r"<td>mine@x</td><td>theirs@x</td>", stale.text)
    assert re.findall(r'<tr><th scope="row">(.*?)</th>', stale.text) == [field.replace("_", " ")]
    assert api.get(record).get_json()["data"][field] == "theirs@x"

    over = admin.act(path, **form_on(stale.text))
    assert over.status_code == 303
    assert api.get(record).get_json()["data"][field] == "mine@x"


def test_password_that_was_typed_is_not_shown_beside(admin: Any, api: Any) -> None:
    made = api.made("staff", username="neema", password="long enough, and new", role="viewer")
    path = f"{BASE}/staff/{made['id']}/"
    mine = {**form_on(admin.get(path).text), "password": "another long password"}
    api.patch(f"staff/{made['id']}/", {"email": "a@example.org"})

    stale = admin.act(path, **mine)

    assert stale.status_code == 409
    assert "another long password" not in stale.text
