"""Channels that mediators suggest are opened with a click, once."""

from typing import Any

from openhim_documents import a_channel, a_mediator, a_route
from proxy.openhim.mediators import fields_of

LIST = "/admin/mediator/mediators/"


def registered(api: Any, **changes: Any) -> dict[str, Any]:
    given = fields_of(a_mediator(**changes))
    made: dict[str, Any] = api.made("mediators", **given)
    return made


def test_suggested_channels_are_opened_once_and_lead_where_their_routes_do(api: Any) -> None:
    elsewhere = a_channel(
        name="Other", urlPattern="^/other$", routes=[a_route(host="other", port="80")]
    )
    bad = a_channel(name="Bad", type="polling")
    made = registered(api, defaultChannelConfig=[a_channel(), elsewhere, bad])

    first = api.post(f"mediators/{made['id']}/channels/").get_json()
    again = api.post(f"mediators/{made['id']}/channels/", {"names": ["Registry"]}).get_json()

    by_name = {one["name"]: one for one in first}
    assert by_name["Bad"]["channel_id"] is None
    assert "schedule" in by_name["Bad"]["notes"][0]
    channels = {one["name"]: one for one in api.get("channels/").get_json()["data"]}
    assert set(channels) == {"Registry", "Other"}
    assert channels["Registry"]["mediator_id"] == made["id"]
    assert channels["Registry"]["id"] == by_name["Registry"]["channel_id"]
    other = api.get(f"mediators/{channels['Other']['mediator_id']}/").get_json()
    assert other["endpoint_url"] == "http://other:80"
    assert again == [
        {
            "name": "Registry",
            "channel_id": None,
            "notes": ["a channel of this name is here already"],
        }
    ]
    assert api.post(f"mediators/{made['id']}/channels/", {"names": ["?"]}).status_code == 422


def test_click_opens_a_channel_and_says_what_is_otherwise(admin: Any, api: Any) -> None:
    made = registered(api, defaultChannelConfig=[a_channel(allow=[])])
    path = f"{LIST}{made['id']}/"
    assert 'value="Registry"' in admin.get(path).text

    answer = admin.act(f"{path}channels/", name="Registry")

    assert answer.status_code == 303
    page = admin.get(path).text
    assert "Registry is open. allows nobody" in page
    assert 'value="Registry"' not in page


def test_reader_opens_nothing(signed_in_as: Any, api: Any) -> None:
    made = registered(api)
    reader = signed_in_as("operator")

    assert reader.act(f"{LIST}{made['id']}/channels/", name="Registry").status_code == 403
    assert api.get("channels/").get_json()["count"] == 0
