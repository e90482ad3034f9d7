"""A text as the fields of `submit_sm`: one PDU, or one for each segment. Pure.

Source: SMPP 3.4, 4.4 and 5.2; 3GPP TS 23.040, 9.2.3.24.1 (concatenated short messages).
"""

import enum
from collections.abc import Sequence
from typing import Any

from common.gsm7 import split
from smpplib import consts


class LongTexts(enum.StrEnum):
    """How a text of several segments travels."""

    UDH = "udh"  # each segment says in its own header which of how many it is
    SAR = "sar"  # optional parameters of the PDU say so
    PAYLOAD = "payload"  # whole, in `message_payload`; the SMSC cuts it


def long_texts(text: str) -> LongTexts:
    """One of `udh`, `sar` and `payload`. Raises ValueError."""
    if text.lower() not in set(LongTexts):
        raise ValueError("expected udh, sar or payload")
    return LongTexts(text.lower())


def source_of(sender: str) -> dict[str, Any]:
    """A sender id: a name, a number with a plus sign, or a short code. Raises ValueError."""
    if not sender.isascii() or not sender.isprintable() or len(sender) > 20:
        raise ValueError("expected at most 20 ASCII characters")
    digits = sender.removeprefix("+")
    if sender.startswith("+") and digits.isdigit():
        return _address("source_addr", digits, consts.SMPP_TON_INTL, consts.SMPP_NPI_ISDN)
    is_name = bool(sender) and not sender.isdigit()
    ton = consts.SMPP_TON_ALNUM if is_name else consts.SMPP_TON_UNK
    return _address("source_addr", sender, ton, consts.SMPP_NPI_UNK)


def _address(name: str, address: str, ton: int, npi: int) -> dict[str, Any]:
    prefix = "dest_addr" if name == "destination_addr" else name
    return {name: address, f"{prefix}_ton": ton, f"{prefix}_npi": npi}


def submits(text: str, digits: str, mode: LongTexts, reference: int) -> Sequence[dict[str, Any]]:
    """The PDUs' fields; only the last one asks for a receipt, which then speaks for all.

    `digits`: an international number; `reference` is the same in all segments of a message.
    """
    encoding, octets = split(text)
    coding = consts.SMPP_ENCODING_DEFAULT if encoding == "GSM-7" else consts.SMPP_ENCODING_ISO10646
    to = _address("destination_addr", digits, consts.SMPP_TON_INTL, consts.SMPP_NPI_ISDN)
    pdus = [{**to, "data_coding": coding, **part} for part in _parts(octets, mode, reference)]
    pdus[-1]["registered_delivery"] = consts.SMPP_SMSC_DELIVERY_RECEIPT_BOTH
    return pdus


def _parts(octets: Sequence[bytes], mode: LongTexts, reference: int) -> list[dict[str, Any]]:
    total = len(octets)
    if total == 1:
        return [{"short_message": octets[0]}]
    if mode is LongTexts.PAYLOAD:
        return [{"message_payload": b"".join(octets)}]
    if mode is LongTexts.SAR:
        return [
            {
                "short_message": part,
                "sar_msg_ref_num": reference % 0x1_0000,
                "sar_total_segments": total,
                "sar_segment_seqnum": number,
            }
            for number, part in enumerate(octets, start=1)
        ]
    head = bytes([5, 0, 3, reference % 0x100, total])
    return [
        {"short_message": head + bytes([number]) + part, "esm_class": consts.SMPP_GSMFEAT_UDHI}
        for number, part in enumerate(octets, start=1)
    ]
