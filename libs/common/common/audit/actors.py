"""Who acts now: the staff of a page, the client of a token, or the command that was typed."""

from collections.abc import Collection
from ipaddress import ip_address

import click
from flask import g, has_request_context, request

from common.audit.chain import Actor


def current_actor(jobs: Collection[str]) -> Actor | None:
    """Whoever acts; None where the system does its own work, such as the commands `jobs`."""
    if has_request_context():
        return known_actor()
    context = click.get_current_context(silent=True)
    if context is None:
        return None
    names = _names(context)
    return None if not names or names[0] in jobs else Actor("command", " ".join(names))


def is_within_job(jobs: Collection[str]) -> bool:
    """Whether the system does its own work, in one of the commands `jobs`."""
    context = None if has_request_context() else click.get_current_context(silent=True)
    return context is not None and current_actor(jobs) is None


def known_actor() -> Actor | None:
    """Whoever sends the current request, once that was found out."""
    staff, identity = g.get("staff"), g.get("identity")
    if staff is not None:
        return Actor("staff", staff.name)
    return Actor("client", identity.subject) if identity is not None else None


def _names(context: click.Context) -> list[str]:
    """`dead-letters replay`: the command's names below the program's own."""
    names: list[str] = []
    while context.parent is not None:
        names.insert(0, context.info_name or "")
        context = context.parent
    return names


def forwarded_address() -> str:
    """Where the request comes from as nginx, which alone reaches a service, says."""
    for text in (request.headers.get("X-Real-IP", ""), request.remote_addr or ""):
        try:
            return str(ip_address(text.strip()))
        except ValueError:
            continue
    return ""
