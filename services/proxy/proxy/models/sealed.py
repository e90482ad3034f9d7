"""Which columns of text are sealed at rest; the ORM shows them in clear."""

from common.db.sealed_texts import SealedTexts

from proxy.models.transactions import Transaction

#: What stands in the place of a body that is not kept.
NOT_STORED = "<not stored>"

TRANSACTION_TEXTS = SealedTexts(
    Transaction,
    {"request_body": b"request body ", "response_body": b"response body "},
    ("correlation_id",),
    frozenset({NOT_STORED}),
)
