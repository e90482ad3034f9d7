"""No text of a page is outside the catalogues, whatever module it comes from."""

from typing import Any

import pytest
from flask import Flask
from pseudo_language import speak, untranslated

#: Names, units and formats, which are the same in every language, and what tables begin with.
DATA = {"amina", "channel", "GovESB", "http", "json", "proxy", "xml"}


def test_every_text_of_every_page_can_be_translated(
    app: Flask, console: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak(monkeypatch)
    found = untranslated(app, console("admin"))
    assert len(found) > 3
    left = {path: words - DATA for path, words in found.items()}
    assert {path: words for path, words in left.items() if words} == {}
