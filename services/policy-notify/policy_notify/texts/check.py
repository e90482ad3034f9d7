"""Every text with realistic values: is it GSM-7, and how many segments does it take?"""

from collections.abc import Iterator
from dataclasses import dataclass

from common.gsm7 import Sms, measure

from policy_notify.texts.catalogue import VARIABLES, Texts

#: A short and a long set of values as Tanzanian schemes have them.
SHORT = {
    "InsuranceID": "070707070",
    "Name": "Ali Juma",
    "EffectiveDate": "01/05/2026",
    "ExpiryDate": "30/04/2027",
    "ProductCode": "CHF01",
    "ProductName": "CHF",
    "AmountToBePaid": "30,000",
    "ControlNumber": "991234567890",
    "RequestDate": "01/05/2026",
    "ExpectedAmount": "30,000",
    "ReceivedAmount": "30,000",
    "ErrorMessage": "timeout",
    "RequestTime": "09:30",
    "PaymentDate": "02/05/2026",
    "PaymentLeft": "10,000",
    "NumberPolicies": "3",
}
LONG = {
    **SHORT,
    "Name": "Mwanaidi Ramadhani Mwinyijuma Mwakalinga",
    "ProductCode": "CHFIMIS2026",
    "ProductName": "CHF Iliyoboreshwa ya Familia",
    "AmountToBePaid": "1,250,000",
    "ExpectedAmount": "1,250,000",
    "ReceivedAmount": "1,250,000",
    "ErrorMessage": "the insurance number is not known to the gateway",
}


@dataclass(frozen=True)
class MeasuredText:
    """A text with its segments for short values (`shortest`) and for long ones (`sms`)."""

    language: str
    key: str
    shortest: int
    sms: Sms


def check_texts(texts: Texts) -> Iterator[MeasuredText]:
    """All texts of all languages."""
    for language in texts.languages:
        for key in VARIABLES:
            short = measure(texts.fill(language, key, SHORT))
            yield MeasuredText(
                language, key, short.segments, measure(texts.fill(language, key, LONG))
            )
