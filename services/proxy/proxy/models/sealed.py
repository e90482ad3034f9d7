"""Which columns are sealed at rest; the ORM shows them in clear."""

from common.db.sealed_texts import SealedTexts

from proxy.models.reruns import RerunTask
from proxy.models.sealed_groups import SealedGroup
from proxy.models.shadows import ShadowDifference
from proxy.models.transactions import Rejection, Transaction

#: What stands in the place of a body that is not kept.
NOT_STORED = "<not stored>"
#: Stands in the database for the rest of an address that is sealed. The record masks secrets so,
#: too: the version before makes no call again whose address holds it.
UNSAID = "***"

_KEY = ("correlation_id",)

TRANSACTION_TEXTS = SealedTexts(
    Transaction,
    {"request_body": b"request body ", "response_body": b"response body "},
    _KEY,
    frozenset({NOT_STORED}),
)
REQUEST_HEADS = SealedGroup(
    Transaction,
    "request_head",
    b"request head ",
    {"request_url": UNSAID, "request_headers": {}},
    _KEY,
)
RESPONSE_HEADS = SealedGroup(
    Transaction, "response_head", b"response head ", {"response_headers": None}, _KEY
)
REJECTIONS = SealedGroup(
    Rejection, "sealed", b"rejection ", {"request_path": UNSAID, "nearest": None}, _KEY
)
DIFFERENCES = SealedGroup(
    ShadowDifference, "sealed", b"shadow difference ", {"request_url": UNSAID, "members": []}, _KEY
)
#: A filter that no call meets, and that a worker of the version before leaves to one of this.
UNSAID_FILTER: dict[str, object] = {"channels": [], "sealed": True}
TASK_FILTERS = SealedGroup(
    RerunTask, "sealed_filter", b"rerun task filter ", {"filter": UNSAID_FILTER}, ("id",)
)
SEALED_GROUPS = (REQUEST_HEADS, RESPONSE_HEADS, REJECTIONS, DIFFERENCES, TASK_FILTERS)


def said_of(url: str, literal: str) -> str:
    """What of an address stays in clear: its start where that is `literal`, as in its channel."""
    if not literal or not url.startswith(literal):
        return UNSAID
    return literal if url == literal else literal + UNSAID
