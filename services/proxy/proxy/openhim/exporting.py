"""Our records in OpenHIM's words, without secrets. Pure."""

import re
from typing import Any
from urllib.parse import urlsplit

from proxy.models import Channel, Client, StaffUser
from proxy.openhim.inbound import inbound_document
from proxy.openhim.requests import id_of


def channel_document(channel: Channel) -> dict[str, Any]:
    """A channel with its routes; the host of one that leads to a mediator is not said."""
    return {
        "_id": id_of(channel.id),
        "name": channel.name,
        "description": channel.description,
        "urlPattern": pattern_there(channel.path_pattern),
        **inbound_document(channel.listener, channel.polling),
        "methods": list(channel.methods),
        "allow": list(channel.allow),
        "authType": "public" if channel.is_public else "private",
        "whitelist": list(channel.allowed_addresses),
        "priority": channel.priority,
        "status": "enabled" if channel.is_active else "disabled",
        "requestBody": channel.store_request_body,
        "responseBody": channel.store_response_body,
        "matchContentTypes": list(channel.match_content_types),
        **_content(channel),
        "rewriteUrls": channel.rewrite_urls,
        "isAsynchronousProcess": channel.always_async,
        **_retries(channel),
        **({"timeout": round(channel.timeout_s * 1000)} if channel.timeout_s else {}),
        "routes": [_route(channel), *(_secondary(one) for one in channel.routes)],
    }


def client_document(client: Client) -> dict[str, Any]:
    """A client; what it proves itself with is not told."""
    return {
        "_id": id_of(client.id),
        "clientID": client.client_id,
        "name": client.name,
        "roles": list(client.roles),
    }


def user_document(member: StaffUser) -> dict[str, Any]:
    """A member of staff."""
    return {
        "_id": id_of(member.id),
        "email": member.email or member.username,
        "firstname": member.username,
        "surname": "",
        "groups": [member.role_name],
        "locked": not member.is_active,
    }


def pattern_there(pattern: str) -> str:
    """Our pattern as an expression that OpenHIM looks for in a path."""
    if pattern.startswith("^"):
        return pattern
    literal, star, _ = pattern.partition("*")
    return f"^{re.escape(literal)}" + ("" if star else "$")


def _retries(channel: Channel) -> dict[str, Any]:
    """Seconds here, minutes there."""
    if channel.retry_period_s is None:
        return {"autoRetryEnabled": False}
    return {
        "autoRetryEnabled": True,
        "autoRetryPeriodMinutes": max(1, round(channel.retry_period_s / 60)),
        "autoRetryMaxAttempts": channel.retry_max_attempts,
    }


def _content(channel: Channel) -> dict[str, Any]:
    rule = channel.match_body or {}
    kinds = {"regex": "matchContentRegex", "xpath": "matchContentXpath", "json": "matchContentJson"}
    found = dict.fromkeys(kinds.values())
    if rule:
        found[kinds[rule["kind"]]] = rule["expression"]
    return {**found, "matchContentValue": rule.get("value") or None}


def _route(channel: Channel) -> dict[str, Any]:
    url = urlsplit(channel.mediator.endpoint_url)
    base = url.path.rstrip("/")
    added = f"s/^/{base.replace('/', chr(92) + '/')}/" if base else ""
    return {
        "name": channel.mediator.name,
        "type": "tcp" if url.scheme == "tcp" else "http",
        "status": "enabled",
        "secured": url.scheme == "https",
        "host": url.hostname or "",
        "port": url.port or (443 if url.scheme == "https" else 80),
        "path": channel.rewrite_path,
        "pathTransform": channel.rewrite_expression or added,
        "forwardAuthHeader": channel.forward_authorization,
        "primary": True,
    }


def _secondary(route: dict[str, Any]) -> dict[str, Any]:
    url = urlsplit(route["url"])
    return {
        "name": route["name"],
        "type": "http",
        "status": "enabled" if route["is_active"] else "disabled",
        "secured": url.scheme == "https",
        "host": url.hostname or "",
        "port": url.port or (443 if url.scheme == "https" else 80),
        "path": route["rewrite_path"],
        "pathTransform": route["rewrite_expression"],
        "forwardAuthHeader": route["forward_authorization"],
        "waitPrimaryResponse": route["wait"],
        "statusCodesCheck": route["status_check"],
        "primary": False,
    }
