"""The proxy's domain errors; the statuses they answer with come from `common.web.problems`.

DomainError (common)
├── NotFound
│   └── UnknownRecord          an id in a URL names nothing
├── Conflict
│   ├── VersionTooOld          a mediator registers with a lower version than it has
│   ├── StillReferenced        other records point at what should be deleted
│   ├── NotEnded               a call's answer is asked for before there is one
│   ├── NotRepeatable          a transaction whose whole body was not kept cannot be rerun
│   │   └── RepeatedAlready    it was rerun, or is a rerun, and was to be taken only if not
│   ├── TaskHasEnded           a rerun task that is completed or cancelled goes on no more
│   └── LastAdministrator      somebody must be able to let others in
├── Invalid
│   └── BadPattern             a path pattern that does not compile or claims a reserved path
└── Forbidden
    └── WrongCredentials       a name and its password, or a client and its secret, do not match

What the gateway rejects on the way to a mediator is a `RejectedCall` (`proxy.gateway.rejections`).
"""

from common.errors import Conflict, Forbidden, Invalid, NotFound
from common.reasons import no_such
from common.texts import _


class UnknownRecord(NotFound):
    """An id in a URL names nothing."""

    def __init__(self, kind: str) -> None:
        super().__init__(no_such(kind))


class VersionTooOld(Conflict):
    """A mediator registers with a lower version than it has."""


class StillReferenced(Conflict):
    """Other records point at what should be deleted."""


class NotEnded(Conflict):
    """A call's answer is asked for before there is one."""

    def __init__(self) -> None:
        super().__init__(_("The call has not ended yet"))


class NotRepeatable(Conflict):
    """A transaction whose whole body was not kept cannot be rerun."""


class RepeatedAlready(NotRepeatable):
    """The call was made again already, or makes another one again itself."""


class TaskHasEnded(Conflict):
    """A rerun task that is completed or cancelled neither pauses nor goes on."""


class LastAdministrator(Conflict):
    """Somebody must be able to let others in."""


class BadPattern(Invalid):
    """A path pattern that does not compile, or that claims a reserved path."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, {"path_pattern": [reason]})


class ReasonMissing(Forbidden):
    """A body of this call's channel is opened for a reason, which must be said."""

    def __init__(self) -> None:
        super().__init__(_("This channel asks why a call's bodies are opened: say so in X-Reason"))


class WrongCredentials(Forbidden):
    """User name and password, or client id and secret, do not belong together."""
