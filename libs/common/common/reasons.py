"""Why input was refused, in the reader's language: what marshmallow, werkzeug and our fields say.

Libraries and fields say it in English, with values in it; the edge finds it again by its pattern.
"""

from collections.abc import Mapping
from typing import Any

from common.texts import N_, Patterns, _

_OF_FIELDS = (
    N_("Missing data for required field."),
    N_("Field may not be null."),
    N_("Unknown field."),
    N_("Invalid value."),
    N_("Invalid type."),
    N_("Invalid input."),
    N_("Invalid input type."),
    N_("Not a valid list."),
    N_("Not a valid mapping type."),
    N_("Not a valid string."),
    N_("Not a valid integer."),
    N_("Not a valid number."),
    N_("Number too large."),
    N_("Special numeric values (nan or infinity) are not permitted."),
    N_("Not a valid boolean."),
    N_("Not a valid UUID."),
    N_("Not a valid datetime."),
    N_("Not a valid aware datetime."),
    N_("Not a valid date."),
    N_("Not a valid time."),
    N_("Not a valid URL."),
    N_("Not a valid email address."),
    N_("String does not match expected pattern."),
    N_("Must be one of: %(choices)s."),
    N_("Must be equal to %(other)s."),
    N_("Must be greater than or equal to %(low)s and less than or equal to %(high)s."),
    N_("Must be greater than or equal to %(low)s."),
    N_("Must be less than or equal to %(high)s."),
    N_("Length must be between %(low)s and %(high)s."),
    N_("Length must be %(equal)s."),
    N_("Shorter than minimum length %(low)s."),
    N_("Longer than maximum length %(high)s."),
)
_OF_OURS = (
    N_("Must be given once."),
    N_("Must not be blank"),
    N_("Must not be blank."),
    N_("Must be one line without control characters."),
    N_("Must not contain numbers that are not finite."),
    N_("Must not contain NUL characters."),
    N_("Must not contain unpaired surrogates."),
    N_("Must be within the years 1 to 9999 in UTC."),
    N_("Must not be longer than %(high)s characters."),
    N_("Nested too deeply."),
    N_("Taken by another record."),
    N_("Unknown cursor."),
    N_("Unknown code: %(code)s"),
)
_OF_REQUESTS = (
    N_("Invalid JSON body."),
    N_("The body must be JSON: Content-Type application/json"),
    N_("The JSON body has a number too long or is nested too deeply"),
    N_("The request body is larger than %(limit)s bytes"),
    N_("The method is not allowed for the requested URL."),
    N_(
        "The requested URL was not found on the server. If you entered the URL manually please "
        "check your spelling and try again."
    ),
)

_PATTERNS = Patterns((*_OF_FIELDS, *_OF_OURS, *_OF_REQUESTS))

#: Kinds of record that a caller may name.
KINDS = (
    N_("active client"),
    N_("actor type"),
    N_("address"),
    N_("alert"),
    N_("alert rule"),
    N_("campaign"),
    N_("channel"),
    N_("client"),
    N_("code"),
    N_("consent"),
    N_("contact group"),
    N_("dead letter"),
    N_("e-mail"),
    N_("event"),
    N_("exchange"),
    N_("family"),
    N_("insuree"),
    N_("key"),
    N_("link"),
    N_("maintenance window"),
    N_("mediator"),
    N_("message"),
    N_("outbox"),
    N_("passkey"),
    N_("payment report"),
    N_("registration"),
    N_("role"),
    N_("route"),
    N_("rule"),
    N_("secret"),
    N_("member of staff"),
    N_("task"),
    N_("template"),
    N_("transaction"),
    N_("transport"),
    N_("version"),
    N_("view"),
    N_("vocabulary"),
    N_("webhook"),
)


def no_such(kind: str) -> str:
    """That a record of this kind is not there, or not for who asks."""
    return _("No such %(kind)s", kind=_(kind))


def reason(text: str) -> str:
    """`text` in the reader's language, as it is where nothing translates it."""
    return _PATTERNS.gettext(text)


def reasons(found: Any) -> Any:
    """The same of all texts of marshmallow's messages, `{"field": ["Reason."]}` at any depth."""
    if isinstance(found, Mapping):
        return {name: reasons(inner) for name, inner in found.items()}
    if isinstance(found, (list, tuple)):
        return [reasons(inner) for inner in found]
    return reason(found) if isinstance(found, str) else found
