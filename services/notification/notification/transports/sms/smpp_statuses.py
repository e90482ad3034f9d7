"""What an SMSC's answers mean: its statuses, and what came of several numbers together. Pure."""

from collections.abc import Sequence

from msgspec.structs import replace
from smpplib import consts

from notification.transports.base import Outcome, Part, Result

#: Too many at once.
THROTTLED = frozenset({consts.SMPP_ESME_RTHROTTLED, consts.SMPP_ESME_RMSGQFUL})
#: Said of us, our sender or our account, and so of every message.
OUR_TROUBLE = frozenset(
    {
        consts.SMPP_ESME_RINVBNDSTS,
        consts.SMPP_ESME_RINVSRCADR,
        consts.SMPP_ESME_RBINDFAIL,
        consts.SMPP_ESME_RINVPASWD,
        consts.SMPP_ESME_RINVSYSID,
        consts.SMPP_ESME_RINVSERTYP,
        consts.SMPP_ESME_RINVSRCTON,
        consts.SMPP_ESME_RINVSRCNPI,
        consts.SMPP_ESME_RINVSYSTYP,
    }
)
#: Said of the number.
BAD_NUMBER = frozenset(
    {
        consts.SMPP_ESME_RINVDSTADR,
        consts.SMPP_ESME_RINVDSTTON,
        consts.SMPP_ESME_RINVDSTNPI,
    }
)
#: Said of the message: another attempt would say the same.
BAD_MESSAGE = frozenset(
    {
        consts.SMPP_ESME_RINVMSGLEN,
        consts.SMPP_ESME_RINVCMDLEN,
        consts.SMPP_ESME_RINVCMDID,
        consts.SMPP_ESME_RINVESMCLASS,
        consts.SMPP_ESME_RX_P_APPN,
        consts.SMPP_ESME_RX_R_APPN,
        *range(consts.SMPP_ESME_RINVOPTPARSTREAM, consts.SMPP_ESME_RINVOPTPARAMVAL + 1),
    }
)


def outcome_of_status(status: int) -> Outcome:
    """What another status than 0 means: the SMSC has surely not taken the message. Pure."""
    if status in THROTTLED or status in OUR_TROUBLE:
        return Outcome.TRANSPORT_CLOSED
    if status in BAD_NUMBER or status in BAD_MESSAGE:
        return Outcome.REFUSED_FOR_GOOD
    return Outcome.REFUSED_FOR_NOW


def combine(results: Sequence[Result]) -> Result:
    """What came of all numbers of a message together. Pure."""
    first = results[0]
    if len(results) == 1:
        return first
    unknown = next((one for one in results if one.outcome is Outcome.UNKNOWN), None)
    if unknown is not None:
        return unknown
    parts = tuple(
        Part(place, one.provider_message_id, one.outcome is not Outcome.SENT, one.error)
        for place, one in enumerate(results)
    )
    refused = [one for one in results if one.outcome is not Outcome.SENT]
    if not refused:
        return replace(first, parts=parts)
    if len(refused) < len(results):
        return replace(
            refused[0],
            outcome=Outcome.REFUSED_FOR_GOOD,
            error=f"{refused[0].error} ({len(refused)} of {len(results)} numbers)",
            taken_in_part=True,
            parts=parts,
        )
    hopeful = [one for one in refused if one.outcome is not Outcome.REFUSED_FOR_GOOD]
    if not hopeful:
        return replace(first, parts=parts)
    is_closed = all(one.closes_transport for one in refused)
    return replace(hopeful[0], outcome=hopeful[0].outcome if is_closed else Outcome.REFUSED_FOR_NOW)
