"""A channel of OpenHIM as a channel here. Pure.

`MEMBERS` is the one table of what OpenHIM says and what it is called here. A field in `NOT_YET` is
one that channels here do not have: the report names it. Where a channel would take more calls, or
send them elsewhere, without it, the channel comes over switched off.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from common.importing.report import LeftOut

from proxy.models import USUAL_RETRY_ATTEMPTS, ChannelType
from proxy.openhim import inbound
from proxy.openhim.reading import flag, listed, number, port_of, text, texts
from proxy.registry.patterns import is_expression
from proxy.schemas.channels import LONGEST_RETRY_PERIOD_S, MOST_RETRIES
from proxy.schemas.fields import METHODS

Document = Mapping[str, Any]

#: Fields that channels here do not have yet.
NOT_YET: frozenset[str] = frozenset()
#: What a channel has of its routes, besides where it leads.
OF_ROUTES = frozenset({"rewrite_path", "rewrite_expression", "forward_authorization", "routes"})
#: Types of routes whose host is written to without HTTP.
_OVER_TCP = frozenset({"tcp", "mllp"})
#: After every channel that has a priority, as OpenHIM orders them.
LAST_PRIORITY = 1000
SMALLEST_TIMEOUT_S = 0.001
USUAL_RETRY_MINUTES = 60
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")


@dataclass(frozen=True)
class Target:
    """Where a route leads."""

    url: str
    name: str
    credentials: dict[str, str] | None = field(default=None, repr=False)


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


@dataclass(frozen=True)
class Member:
    """`ours` is set to `value(channel, primary route)`, where channels here have it: if empty, too.

    `narrows`: without it the channel would take other calls, or send them elsewhere.
    """

    theirs: str
    ours: str
    value: Callable[[Document, Document], Any]
    narrows: bool = False


def _public(channel: Document, _route: Document) -> bool:
    return text(channel, "authType") == "public"


def _addresses(channel: Document, _route: Document) -> list[str]:
    return texts(channel, "whitelist")


def _path(_channel: Document, route: Document) -> str:
    return text(route, "path")


def _transform(_channel: Document, route: Document) -> str:
    """A fixed path wins over an expression, as it does there."""
    return "" if text(route, "path") else text(route, "pathTransform")


def _content_types(channel: Document, _route: Document) -> list[str]:
    return texts(channel, "matchContentTypes")


def _body(channel: Document, _route: Document) -> dict[str, str] | None:
    value = text(channel, "matchContentValue")
    if found := text(channel, "matchContentRegex"):
        return {"kind": "regex", "expression": found, "value": ""}
    for member, kind in (("matchContentXpath", "xpath"), ("matchContentJson", "json")):
        if found := text(channel, member):
            return {"kind": kind, "expression": found, "value": value}
    return None


def _rewriting(channel: Document, _route: Document) -> bool:
    """Of rules of its own there are none here (see `_not_here`)."""
    return flag(channel, "rewriteUrls") and flag(channel, "addAutoRewriteRules", default=True)


def _secondary(channel: Document, route: Document) -> list[dict[str, Any]]:
    others = [one for one in _enabled(channel) if one is not route]
    return [
        {
            "name": text(one, "name"),
            "url": endpoint_of(one),
            "wait": flag(one, "waitPrimaryResponse"),
            "status_check": text(one, "statusCodesCheck"),
            "rewrite_path": text(one, "path"),
            "rewrite_expression": "" if text(one, "path") else text(one, "pathTransform"),
            "forward_authorization": flag(one, "forwardAuthHeader"),
            "credentials": credentials_of(one),
        }
        for one in others
    ]


def _asynchronous(channel: Document, _route: Document) -> bool:
    return flag(channel, "isAsynchronousProcess")


def _forwarding(_channel: Document, route: Document) -> bool:
    return flag(route, "forwardAuthHeader")


def _retry_period(channel: Document, _route: Document) -> int | None:
    """Minutes there, seconds here."""
    if not flag(channel, "autoRetryEnabled"):
        return None
    minutes = number(channel, "autoRetryPeriodMinutes") or USUAL_RETRY_MINUTES
    return round(min(max(minutes * 60, 1), LONGEST_RETRY_PERIOD_S))


def _retries(channel: Document, _route: Document) -> int:
    """As often as it may be where nothing is said: there it goes on for ever."""
    if not flag(channel, "autoRetryEnabled"):
        return USUAL_RETRY_ATTEMPTS
    return round(min(max(number(channel, "autoRetryMaxAttempts") or MOST_RETRIES, 1), MOST_RETRIES))


MEMBERS = (
    Member("authType public (calls without credentials)", "is_public", _public),
    Member("whitelist (addresses)", "allowed_addresses", _addresses, narrows=True),
    Member("the route's path", "rewrite_path", _path, narrows=True),
    Member("the route's pathTransform", "rewrite_expression", _transform, narrows=True),
    Member("matchContentTypes", "match_content_types", _content_types, narrows=True),
    Member("content matching", "match_body", _body, narrows=True),
    Member("rewriteUrls (addresses in answers)", "rewrite_urls", _rewriting),
    Member("secondary routes", "routes", _secondary),
    Member("isAsynchronousProcess", "always_async", _asynchronous),
    Member("forwardAuthHeader", "forward_authorization", _forwarding),
    Member("autoRetryEnabled (automatic retries)", "retry_period_s", _retry_period),
    Member("autoRetryMaxAttempts", "retry_max_attempts", _retries),
)


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


def primary_route(channel: Document) -> Document:
    """The route whose answer the caller gets: the one that says so, else the first.

    Raises LeftOut.
    """
    routes = _enabled(channel)
    if not routes:
        raise LeftOut("has no route that is enabled")
    return next((one for one in routes if flag(one, "primary")), routes[0])


def endpoint_of(route: Document) -> str:
    """The URL of a route's or an endpoint's host, without its path. Raises LeftOut."""
    kind = text(route, "type") or "http"
    if kind not in {"http", *_OVER_TCP}:
        raise LeftOut(f"leads to a route of type {kind[:20]}")
    is_secure = flag(route, "secured")
    scheme = "tcp" if kind in _OVER_TCP else "https" if is_secure else "http"
    host = text(route, "host")
    if not _HOST.fullmatch(host):
        raise LeftOut("has a route whose host is none" if host else "has a route without a host")
    shown = f"[{host}]" if ":" in host else host
    port = port_of(route)
    if scheme == "tcp" and (is_secure or port is None):
        raise LeftOut("leads to a port over TCP that is not said, or over TLS")
    return f"{scheme}://{shown}:{port or (443 if is_secure else 80)}"


def credentials_of(route: Document) -> dict[str, str] | None:
    """What a route shows to its host, with both a user and a password; None: nothing."""
    user, password = text(route, "username"), text(route, "password")
    return {"kind": "basic", "name": user, "secret": password} if user and password else None


def pattern_here(pattern: str) -> str:
    """OpenHIM's pattern is always an expression, that is looked for anywhere in the path."""
    if is_expression(pattern) and "|" not in pattern:
        return pattern
    return f"^.*(?:{pattern})"


def _enabled(channel: Document) -> list[Document]:
    routes = [one for one in listed(channel, "routes") if isinstance(one, dict)]
    return [one for one in routes if text(one, "status") in {"", "enabled"}]


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
