"""An export of OpenHIM in the console: tried, then taken over, by administrators."""

import io
import json
from typing import Any

from one_database import on_one_database
from openhim_documents import a_channel, an_export
from werkzeug.test import TestResponse

PAGE = "/admin/mediator/openhim/"


def send(browser: Any, content: bytes, **form: Any) -> TestResponse:
    answer: TestResponse = browser.act(PAGE, file=(io.BytesIO(content), "export.json"), **form)
    return answer


@on_one_database()
def test_export_is_tried_and_taken_over(admin: Any, api: Any) -> None:
    document = an_export(Channels=[a_channel(), a_channel(name="<Polls>", type="polling")])
    content = json.dumps(document).encode()

    tried = send(admin, content, act="try")
    assert (tried.status_code, api.get("channels/").get_json()["count"]) == (200, 0)
    assert "What would become of it" in tried.text
    done = send(admin, content, act="take over", account="hands")

    assert "What became of it" in done.text
    assert "&lt;Polls&gt;" in done.text
    assert "is polled on a schedule" in done.text
    assert "hush-hush" not in done.text
    assert api.get("channels/").get_json()["count"] == 1
    assert api.get("mediators/").get_json()["data"][0]["account"] == "hands"
    assert PAGE in admin.get("/admin/mediator/mediators/").text


@on_one_database()
def test_what_is_no_export_is_said(admin: Any) -> None:
    for content in (b"{", b"{}", b"[" * 10_000):
        assert send(admin, content, act="take over").status_code == 422
    assert admin.act(PAGE, act="try").status_code == 422


@on_one_database()
def test_others_import_nothing(signed_in_as: Any, api: Any) -> None:
    operator = signed_in_as("operator")

    assert operator.get(PAGE).status_code == 403
    assert send(operator, json.dumps(an_export()).encode(), act="take over").status_code == 403
    assert api.get("channels/").get_json()["count"] == 0
