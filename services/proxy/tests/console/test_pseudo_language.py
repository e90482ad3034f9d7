"""No text of a page is outside the catalogues, whatever module it comes from."""

from typing import Any

import pytest
from flask import Flask
from pseudo_language import speak, untranslated

#: Names, units and formats, which are the same in every language, and what tables begin with.
DATA = {"amina", "channel", "admin", "password", "code", "patients", "process", "proxy-worker"}
DATA |= {"Werkzeug", "http", "https", "tcp"}
#: Acts, members of records and names of scopes are data.
OF_DATA = {"/admin/mediator/audit/", "/admin/mediator/clients/new/"}


@pytest.mark.parametrize("shared_app", ["sqlite"], indirect=True)
def test_every_text_of_every_page_can_be_translated(
    app: Flask, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak(monkeypatch)
    found = untranslated(app, admin)
    assert len(found) > 20
    left = {path: found[path] - DATA for path in found.keys() - OF_DATA}
    assert {path: words for path, words in left.items() if words} == {}
