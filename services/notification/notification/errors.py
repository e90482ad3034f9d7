"""This service's domain errors; the statuses they answer with come from `common.problems`.

DomainError (common)
├── NotFound
│   ├── UnknownEvent           an event code that is not in the catalogue, or not active
│   └── UnknownRecord          an id or code in a URL names nothing
├── Invalid
│   └── UnknownCode            a field names a code that is not in its vocabulary
├── Conflict
│   ├── MessageStatusForbids   a message stands where this cannot be done to it
│   └── WordsForgotten         a message is too old: its words and addresses are gone
├── Unavailable
│   └── ReceiptTooEarly        the message of a receipt may not have its provider's id yet
"""

from common.errors import Conflict, Invalid, NotFound, Unavailable


class UnknownEvent(NotFound):
    """An event code that is not in the catalogue, or not active."""

    def __init__(self) -> None:
        super().__init__("Unknown or inactive event_code")


class UnknownRecord(NotFound):
    """An id or code names nothing."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"No such {kind}")


class UnknownCode(Invalid):
    """A field names a code that is not in its vocabulary."""

    def __init__(self, field: str, code: str) -> None:
        reason = f"Unknown code: {code}"
        super().__init__(f"{field}: {reason}", {field: [reason]})


class MessageStatusForbids(Conflict):
    """A message stands where this cannot be done to it."""

    def __init__(self, act: str, status: str) -> None:
        super().__init__(f"A message that is {status} cannot be {act} now")


class WordsForgotten(Conflict):
    """A message is too old: its words and addresses are gone."""

    def __init__(self) -> None:
        super().__init__("The message's words and addresses are forgotten")


class ReceiptTooEarly(Unavailable):
    """The message of a receipt may not have its provider's id yet."""

    def __init__(self) -> None:
        super().__init__("A message may still be on its way; send the receipt again later")
