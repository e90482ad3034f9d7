"""Which columns are sealed at rest; the ORM shows them in clear."""

from common.db.sealed_texts import SealedTexts
from common.resealing import SealedColumn

from esb_relay.models.async_answers import AsyncAnswer
from esb_relay.models.callbacks import InboundRequest
from esb_relay.models.events import OutboxEvent
from esb_relay.models.exchanges import Exchange

EXCHANGE_TEXTS = SealedTexts(
    Exchange,
    {
        "request_body": b"exchange request ",
        "answer_body": b"exchange answer ",
        "error": b"exchange error ",
    },
    ("id",),
)
#: By the bus's id: their own is not known before they are written.
ANSWER_TEXTS = SealedTexts(
    AsyncAnswer,
    {
        "message": b"late answer message ",
        "body": b"late answer body ",
        "last_error": b"late answer error ",
    },
    ("request_id",),
)
INBOUND_TEXTS = SealedTexts(
    InboundRequest,
    {"body": b"inbound body ", "answer": b"inbound answer "},
    ("route", "request_id"),
)
EVENT_TEXTS = SealedTexts(OutboxEvent, {"body": b"outgoing event "}, ("event_id",))


def sealed_columns() -> list[SealedColumn]:
    """What `reseal` looks at. A token of the bus is fetched again where its key is gone."""
    texts = (EXCHANGE_TEXTS, ANSWER_TEXTS, INBOUND_TEXTS, EVENT_TEXTS)
    return [column for one in texts for column in one.columns()]
