"""A channel of OpenHIM as a channel here. Pure.

What its members are called here is in `channel_members.py`. A field in `NOT_YET` is one that
channels here do not have: the report names it. Where a channel would take more calls, or send them
elsewhere, without it, the channel comes over switched off.
"""

import re
from dataclasses import dataclass
from typing import Any

from common.importing.report import LeftOut

from proxy.models import ChannelType
from proxy.openhim import inbound
from proxy.openhim.channel_members import MEMBERS, Member
from proxy.openhim.reading import Document, flag, listed, number, text, texts
from proxy.openhim.targets import Target, credentials_of, endpoint_of, primary_route
from proxy.registry.patterns import is_expression
from proxy.schemas.fields import METHODS

#: Fields that channels here do not have yet.
NOT_YET: frozenset[str] = frozenset()
#: What a channel has of its routes, besides where it leads.
OF_ROUTES = frozenset({"rewrite_path", "rewrite_expression", "forward_authorization", "routes"})
#: After every channel that has a priority, as OpenHIM orders them.
LAST_PRIORITY = 1000
SMALLEST_TIMEOUT_S = 0.001


@dataclass(frozen=True)
class Translated:
    """A channel's `fields` as `ChannelIn` reads them, all but `mediator_id`, and what is said.

    `differs`: what is otherwise here; `lacks`: what does not come over (yet).
    """

    fields: dict[str, Any]
    target: Target
    differs: list[str]
    lacks: list[str]

    @property
    def notes(self) -> list[str]:
        """Everything that is said."""
        return [*self.differs, *self.lacks]


def translated(channel: Document, not_yet: frozenset[str] = NOT_YET) -> Translated:
    """The channel as it would be here. Raises LeftOut when it cannot be."""
    route = primary_route(channel)
    name = text(channel, "name")
    _check_kind(channel)
    differs: list[str] = []
    lacks: list[str] = []
    is_inbound = text(channel, "type") in inbound.KINDS
    fields = {
        "name": name,
        "description": text(channel, "description")[:2000],
        **({} if is_inbound else _called(channel, differs)),
        "priority": _priority(channel, differs),
        "is_active": text(channel, "status") in {"", "enabled"},
        "store_request_body": flag(channel, "requestBody", default=True),
        "store_response_body": flag(channel, "responseBody", default=True),
        **_timeout(channel, route),
    }
    _allow(channel, fields, differs, is_inbound=is_inbound)
    for member in MEMBERS:
        _set(member, member.value(channel, route), fields, lacks, not_yet)
    fields |= {"listener": None, "polling": None}
    if is_inbound:
        fields |= inbound.inbound_of(channel, route, differs)
    lacks += _not_here(channel, route)
    target = _target(route, differs)
    if target.url.startswith("tcp:"):
        fields["channel_type"] = ChannelType.TCP.value
    return Translated(fields, target, differs, lacks)


def pattern_here(pattern: str) -> str:
    """OpenHIM's pattern is always an expression, that is looked for anywhere in the path."""
    if is_expression(pattern) and "|" not in pattern:
        return pattern
    return f"^.*(?:{pattern})"


def _check_kind(channel: Document) -> None:
    kind = text(channel, "type") or "http"
    if kind not in {"http", *inbound.KINDS}:
        raise LeftOut(f"is of type {kind[:20]}, which is not known here")
    if text(channel, "status") == "deleted":
        raise LeftOut("is deleted there")


def _called(channel: Document, differs: list[str]) -> dict[str, Any]:
    return {"path_pattern": _pattern(channel, differs), "methods": _methods(channel, differs)}


def _pattern(channel: Document, differs: list[str]) -> str:
    pattern = text(channel, "urlPattern")
    if not pattern:
        raise LeftOut("has no urlPattern")
    here = pattern_here(pattern)
    if here != pattern:
        differs.append(f"pattern {pattern!r} is {here!r} here")
    return here


def _methods(channel: Document, differs: list[str]) -> list[str]:
    methods = [one.upper() for one in texts(channel, "methods")]
    unknown = [one for one in methods if one not in METHODS]
    if unknown:
        differs.append(f"without the methods {', '.join(sorted(unknown))[:60]}")
    known = [one for one in methods if one in METHODS]
    if unknown and not known:
        raise LeftOut("takes none of the methods that are known here")
    return known


def _priority(channel: Document, differs: list[str]) -> int:
    found = number(channel, "priority")
    if found is None:
        differs.append(f"without a priority there, {LAST_PRIORITY} here: after those that have one")
        return LAST_PRIORITY
    return max(1, int(found))


def _timeout(channel: Document, route: Document) -> dict[str, float | None]:
    """Milliseconds there, seconds here."""
    found = number(route, "timeout") or number(channel, "timeout")
    return {"timeout_s": max(found / 1000, SMALLEST_TIMEOUT_S) if found and found > 0 else None}


def _allow(
    channel: Document, fields: dict[str, Any], differs: list[str], *, is_inbound: bool
) -> None:
    """An empty list is nobody there, and everybody who has credentials here; who sends messages to
    a port is not asked."""
    if is_inbound or text(channel, "authType") == "public":
        fields["allow"] = []
        return
    fields["allow"] = texts(channel, "allow")
    if not fields["allow"]:
        fields["is_active"] = False
        differs.append("allows nobody: switched off here, where an empty list is every client")


def _set(
    member: Member,
    value: Any,
    fields: dict[str, Any],
    lacks: list[str],
    not_yet: frozenset[str],
) -> None:
    if member.ours not in not_yet:
        fields[member.ours] = value
        return
    if not value:
        return
    consequence = ""
    if member.narrows:
        fields["is_active"] = False
        consequence = "; switched off here"
    lacks.append(f"{member.theirs} does not come over yet{consequence}")


def _target(route: Document, differs: list[str]) -> Target:
    if text(route, "username") and not text(route, "password"):
        differs.append("the route's user has no password: the hub shows none of them")
    return Target(endpoint_of(route), text(route, "name"), credentials_of(route))


_SAID_OF_FLAGS = {
    "autoRetryEnabled": "retries by themselves: here only of what was surely not sent, or whose"
    " method is idempotent",
}
_SAID_OF_LISTS = {
    "alerts": "alerts do not come over",
    "txViewAcl": "who may see its calls (txViewAcl): here that is a role of staff",
    "txViewFullAcl": "who may see its bodies (txViewFullAcl): here that is a role of staff",
    "txRerunAcl": "who may rerun its calls (txRerunAcl): here that is a role of staff",
    "properties": "properties do not come over",
}


def _not_here(channel: Document, route: Document) -> list[str]:
    """What has no counterpart."""
    found = [said for name, said in _SAID_OF_FLAGS.items() if flag(channel, name)]
    found += [said for name, said in _SAID_OF_LISTS.items() if listed(channel, name)]
    if flag(channel, "rewriteUrls") and listed(channel, "rewriteUrlsConfig"):
        found.append("rewriteUrlsConfig: rules of its own for answers do not come over")
    if number(channel, "maxBodyAgeDays"):
        found.append("maxBodyAgeDays: TRANSACTION_RETENTION_DAYS counts for all channels")
    if route.get("cert"):
        found.append(
            "the route's own certificate authority is none here: give it to the mediator"
            " (ca_certificates)"
        )
    if _has_look_around(text(channel, "urlPattern")):
        found.append("look-around in patterns is not known here")
    return found


def _has_look_around(pattern: str) -> bool:
    return re.search(r"\(\?<?[=!]", pattern) is not None
