"""Texts in the reader's language: which one it is, and how values come into them."""

import pytest
from babel.support import Translations
from common import texts
from common.texts import COOKIE, Patterns, gettext, language, ngettext, speaking
from flask import Flask
from markupsafe import Markup


@pytest.fixture
def few_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    swahili = Translations()
    swahili._catalog = {"Save %(name)s": "Hifadhi %(name)s", "<b>": "<i>"}
    empty = Translations()
    empty._catalog = {}
    monkeypatch.setattr(texts, "_catalogue", lambda code: swahili if code == "sw" else empty)
    return


@pytest.mark.parametrize(
    ("cookie", "accepted", "expected"),
    [
        (None, None, "en"),
        (None, "sw, en;q=0.5", "sw"),
        (None, "fr-CA, fr;q=0.9", "fr"),
        (None, "de, pt;q=0.5", "en"),
        (None, "en-GB, sw;q=0.1", "en"),
        ("sw", "fr", "sw"),
        ("xx", "fr", "fr"),
    ],
)
def test_language_is_chosen_by_cookie_then_by_the_browser(
    cookie: str | None, accepted: str | None, expected: str
) -> None:
    headers = {
        **({"Cookie": f"{COOKIE}={cookie}"} if cookie else {}),
        **({"Accept-Language": accepted} if accepted else {}),
    }
    with Flask(__name__).test_request_context(headers=headers):
        assert language() == expected


@pytest.mark.usefixtures("few_texts")
def test_values_fill_a_text_in_the_language_that_is_spoken() -> None:
    assert gettext("Save %(name)s", name="A&B") == "Save A&B"
    with speaking("sw"):
        assert gettext("Save %(name)s", name="A&B") == "Hifadhi A&B"
        assert gettext("100 %") == "100 %"
    with speaking("tlh"):
        assert language() == "en"
    assert ngettext("%(count)s call", "%(count)s calls", 2) == "2 calls"


@pytest.mark.usefixtures("few_texts")
def test_a_text_with_markup_is_markup_and_the_rest_of_it_is_escaped() -> None:
    with speaking("sw"):
        found = gettext("Save %(name)s", name=Markup("<b>x</b>"))
        assert found == Markup("Hifadhi <b>x</b>")
        assert isinstance(found, Markup)
        assert gettext("<b>%(at)s %(name)s", at=Markup("<i>"), name="<") == Markup(
            "&lt;b&gt;<i> &lt;"
        )


@pytest.mark.usefixtures("few_texts")
def test_values_of_a_pattern_stay_as_they_are_unless_they_are_texts_themselves() -> None:
    said, messages = "Save <b>; Save Save <b>", ["Save %(name)s"]
    with speaking("sw"):
        assert Patterns(messages).gettext("Save <b>") == "Hifadhi <b>"
        nested = Patterns(messages, nested=True)
        assert nested.gettext("Save <b>") == "Hifadhi <i>"
        assert nested.gettext("other; Save Save x") == "other; Hifadhi Hifadhi x"
    assert Patterns(messages).gettext(said) == said
