"""Texts in three languages: complete, GSM-7, in step with their sources, overridable."""

from gettext import GNUTranslations
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from common.gsm7 import measure
from common.settings import SettingError
from policy_notify.texts.catalogue import CATALOGUES, VARIABLES, Texts
from policy_notify.texts.check import LONG, check_texts

LANGUAGES = ("en", "fr", "sw")


@pytest.mark.parametrize("language", LANGUAGES)
def test_compiled_catalogue_is_that_of_its_source(language: str) -> None:
    source = CATALOGUES / language / "LC_MESSAGES" / "policy_notify.po"
    with source.open("rb") as file:
        wanted = {one.id: one.string for one in read_po(file) if one.id}
    with source.with_suffix(".mo").open("rb") as file:
        compiled = GNUTranslations(file)
    assert {key: compiled.gettext(key) for key in wanted} == wanted, "make texts"


def test_every_text_is_there_in_every_language_and_gsm7() -> None:
    texts = Texts.load(LANGUAGES)
    measured = list(check_texts(texts))
    assert len(measured) == len(LANGUAGES) * len(VARIABLES) == 36
    assert {one.sms.encoding for one in measured} == {"GSM-7"}
    assert {one.sms.segments for one in measured} == {1}


def test_text_of_each_language_differs() -> None:
    texts = Texts.load(LANGUAGES)
    for key in VARIABLES:
        assert len({texts.fill(language, key, LONG) for language in LANGUAGES}) == 3


@pytest.mark.parametrize(
    ("text", "encoding", "segments"),
    [
        ("", "GSM-7", 1),
        ("a" * 160, "GSM-7", 1),
        ("a" * 161, "GSM-7", 2),
        ("a" * 306, "GSM-7", 2),
        ("a" * 307, "GSM-7", 3),
        ("é" * 160, "GSM-7", 1),
        ("€" * 80, "GSM-7", 1),
        ("€" * 81, "GSM-7", 2),
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 3),
        ("ê" + "a" * 69, "UCS-2", 1),
        ("ê" + "a" * 70, "UCS-2", 2),
        ("😀" * 35, "UCS-2", 1),
        ("😀" * 36, "UCS-2", 2),
    ],
)
def test_segments_are_counted_as_networks_do(text: str, encoding: str, segments: int) -> None:
    found = measure(text)
    assert (found.encoding, found.segments) == (encoding, segments)


def test_office_overrides_a_text_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "sw").mkdir()
    (tmp_path / "sw" / "sms_on_renewal.txt").write_text("Habari {Name}!\n")
    texts = Texts.load(LANGUAGES, tmp_path)
    assert texts.fill("sw", "sms_on_renewal", {"Name": "Asha {ProductCode}"}) == (
        "Habari Asha {ProductCode}!"
    )


def test_unknown_placeholder_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "sms_on_renewal.txt").write_text("Dear {Nmae}")
    with pytest.raises(SettingError, match="Nmae"):
        Texts.load(LANGUAGES, tmp_path)


def test_openimis_forms_of_placeholders_are_filled(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    own = {
        "sms_on_expiration": "The policy %(InsuranceID)s expires {ExpiryDate}.",
        "sms_control_number_assigned": "%(ControlNumber)s, %(DateRequest)s %(TimeRequest)s.",
        "sms_paid_and_not_activated": "%(Payment)s on %(DatePayment)s, left %(PaymentLeft)s.",
    }
    for key, text in own.items():
        (tmp_path / "en" / f"{key}.txt").write_text(text)
    texts = Texts.load(LANGUAGES, tmp_path)
    assert texts.fill("en", "sms_on_expiration", LONG) == "The policy 070707070 expires 30/04/2027."
    assert (
        texts.fill("en", "sms_control_number_assigned", LONG) == "991234567890, 01/05/2026 09:30."
    )
    assert texts.fill("en", "sms_paid_and_not_activated", LONG) == (
        "1,250,000 on 02/05/2026, left 10,000."
    )


@pytest.mark.parametrize(
    "form", ["%(Insurance ID)s", "{Expiry_Date}", "%(Name)d", "{}", "{ Name }"]
)
def test_what_was_meant_as_a_placeholder_and_is_none_stops_the_start(
    tmp_path: Path, form: str
) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "sms_on_renewal.txt").write_text(f"Dear {form}")
    with pytest.raises(SettingError, match="en/sms_on_renewal"):
        Texts.load(LANGUAGES, tmp_path)


def test_language_without_texts_stops_the_start() -> None:
    with pytest.raises(SettingError, match="in pt"):
        Texts.load(("en", "pt"))
