"""What OpenHIM says of a channel and what it is called here: the one table. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from proxy.models import USUAL_RETRY_ATTEMPTS
from proxy.openhim.reading import Document, flag, number, text, texts
from proxy.openhim.targets import credentials_of, enabled_routes, endpoint_of
from proxy.schemas.channels import LONGEST_RETRY_PERIOD_S, MOST_RETRIES

USUAL_RETRY_MINUTES = 60


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
    others = [one for one in enabled_routes(channel) if one is not route]
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
